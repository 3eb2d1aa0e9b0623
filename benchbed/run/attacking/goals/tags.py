"""Several classes per clip: broken where the clip's average precision, or its label set, has fallen.

Average precision is of the clip's own labels among all classes. By default a clip is right when that is above one half,
which for a clip with one label means that it stands first, and broken when it has fallen to half of what it was.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics import FAMILIES, clip_scores
from benchbed.metrics.families import tagging
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition

#: Rule → score above which a clip is right when clean.
RULES = {"clip_ap": 0.5, "label_f1": 0.0, "label_set": 0.0, "class_decision": 0.0}

#: Scores of clips from their answers and references.
Score = Callable[[tagging.Tagging, np.ndarray, np.ndarray], np.ndarray]


class TagsGoal(ScoredTask):
    """Clips with any number of classes."""

    output = "tags"

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        self.family: tagging.Tagging = FAMILIES.get("tagging").family(job.labels, **self.options)
        if self.rule == "class_decision":
            self.number = list(job.labels).index(str(condition.target_class))
            self.score: Score = clip_scores.class_decision(self.number)
        else:
            self.score = {
                "clip_ap": clip_scores.clip_ap,
                "label_f1": clip_scores.label_f1,
                "label_set": clip_scores.label_set,
            }[self.rule]

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "tags", labels, where)
        asked = condition.success
        rule = known_rule(asked.rule, "class_decision" if aim.goal == "class" else "clip_ap", RULES, "tags", where)
        if rule == "class_decision" and aim.goal != "class":
            raise ConfigError(
                "the rule class_decision is about the class of the goal 'class'",
                where=where,
                hint="goal: class, target_class: NAME",
            )
        known = inspect.signature(tagging.family).parameters
        options = {k: v for k, v in {**declared.get("tagging", {}), **asked.options}.items() if k in known}
        fixed = "threshold" not in options and "fixed" in declared
        options.setdefault("threshold", 0.5)
        require_known_options(rule, asked.options, known, where)
        above = RULES[rule] if asked.clean_above is None else asked.clean_above
        success: SettledSuccess = {"rule": rule, "fraction": asked.fraction, "clean_above": above, "options": options}
        if fixed:
            success["thresholds"] = str(declared["fixed"]["thresholds"])
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> np.ndarray:
        present: np.ndarray = references[row]
        return present

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        return np.stack([_present(truth) for truth in truths]).astype(np.float32)

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        return self.score(self.family, answers, np.stack([_present(sample.truth) for sample in samples]))

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        truth = _present(sample.truth)[None]
        missed, inserted = clip_scores.tag_flips(self.family, sample.clean[None], after[None], truth)[0]
        return int(missed), int(inserted)

    def spared(self, sample: AttackedClip) -> str | None:
        present = _present(sample.truth)
        if self.losses.goal == "hide" and not present.any():
            return "nothing to hide: the clip has no label"
        if self.losses.goal == "insert" and present.all():
            return "nothing to insert: the clip has every label"
        if self.rule == "clip_ap" and present.all():
            return "nothing to rank: the clip has every label"
        return None

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return _present(sample.truth)

    def chance(self, references: np.ndarray) -> float:
        present = references
        if self.rule == "class_decision":
            share = float(present[:, self.number].mean())
            return max(share, 1 - share)
        counts = [int(count) for count in present.sum(axis=1)]
        # To say nothing is right about clips without labels.
        known = {0: 1.0}
        for n in set(counts) - {0}:
            known[n] = clip_scores.chance_of_ap(n, present.shape[1], self.above) if self.rule == "clip_ap" else 0.0
        return float(np.mean([known[n] for n in counts]))


def _present(truth: object) -> np.ndarray:
    assert isinstance(truth, np.ndarray)
    return truth


TASK = TagsGoal
