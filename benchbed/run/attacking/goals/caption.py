"""Captions: broken where the clip's own CIDEr-D has fallen, or where the caption is the one that the attacker wants.

A clip is right when its caption scores above a threshold against its references, and broken when that has fallen to
half of what it was. CIDEr-D has the weights of all references of the run, and is divided by ten, the score of a perfect
caption, so that it lies in 0…1. With the goal `force` a clip is right as long as its caption is another than the wanted
one (`exact`), or further from it than a share of its distance when clean (`target_rouge_l`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from benchbed.adapter.contract import Adapter
from benchbed.attack.losses import caption as losses
from benchbed.errors import ConfigError
from benchbed.metrics.captions.cider import SCALE
from benchbed.metrics.captions.single import Weights, rouge
from benchbed.metrics.captions.tokens import tokenise
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import torch

#: Goal → rule → score above which a clip is right when clean, the default rule first.
RULES: dict[str, dict[str, float]] = {
    "loss": {"cider_d": 0.05, "rouge_l": 0.3},
    "force": {"exact": 0.0, "target_rouge_l": 0.0},
}


class CaptionGoal(ScoredTask):
    """Clips with a sentence each."""

    output = "caption"

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        self.wanted = tokenise(condition.target_text or "")
        self.teller: losses.Teller | None = None
        self._weights: Weights | None = None

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "caption", labels, where)
        asked, rules = condition.success, RULES[aim.goal]
        rule = known_rule(asked.rule, next(iter(rules)), rules, f"captions with the goal '{aim.goal}'", where)
        if condition.space == "features":
            raise ConfigError(
                "an attack on features needs a model that answers at once; a captioner says one word after another",
                where=where,
                hint="space: waveform",
            )
        require_known_options(rule, asked.options, (), where)
        if aim.goal == "force" and not tokenise(condition.target_text or ""):
            raise ConfigError("the caption to force has no word", where=where, hint="target_text: a dog barks")
        above = rules[rule] if asked.clean_above is None else asked.clean_above
        success = SettledSuccess(rule=rule, fraction=asked.fraction, clean_above=above, options={})
        return {"goal": aim.goal, "success": success}

    def taught(self, adapter: Adapter, truths: Sequence[object]) -> CaptionGoal:
        missing = losses.opened(adapter)
        if missing:
            raise ConfigError(
                f"{adapter.card.name} cannot be attacked: it has no {missing[0]}",
                hint="attacks on captions ask a model how likely it finds a sentence: derive it from "
                "benchbed.adapter.captioner.Captioner, or leave the attack conditions out",
            )
        twin = copy.copy(self)
        twin.teller = teller = cast("losses.Teller", adapter)
        force = self.losses.goal == "force"
        every = cast("Sequence[tuple[str, ...]]", truths)
        texts = [(str(self.condition.target_text),) if force else truth for truth in every]
        twin.losses = losses.taught(self.losses, teller, texts)
        return twin

    @classmethod
    def blank(cls, reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return np.full(len(raw), None, dtype=object)

    @staticmethod
    def joined(draws: Sequence[np.ndarray]) -> np.ndarray:
        # Sentences have no mean: the first draw stands for all, and the share of draws decides.
        return draws[0]

    def answers(self, scores: torch.Tensor, samples: Sequence[AttackedClip]) -> np.ndarray:
        made = np.empty(len(scores), dtype=object)
        assert self.teller is not None
        # Most points on the way of an attack get the caption of the clean clip, or begin like it.
        made[:] = self.teller.texts(scores, [str(sample.clean) for sample in samples])
        return made

    def truth(self, references: np.ndarray, row: int, seconds: float) -> tuple[str, ...]:
        texts: tuple[str, ...] = references[row]
        return texts

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        return np.arange(len(truths), dtype=np.int64)[:, None]

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        return np.array([self._score(str(text), _texts(sample)) for text, sample in zip(answers, samples)])

    def _score(self, text: str, truth: Sequence[str]) -> float:
        said = tokenise(text)
        if self.rule == "exact":
            return float(said != self.wanted)
        if self.rule == "target_rouge_l":
            return 1.0 - rouge(said, [self.wanted])
        references = [tokenise(reference) for reference in truth]
        return rouge(said, references) if self.rule == "rouge_l" else self.weights.cider_d(said, references) / SCALE

    @property
    def weights(self) -> Weights:
        """Weights of n-grams among all references of the run."""
        if self._weights is None:
            every = [clip for split in self.job.clips for clip in self.job.references[split]]
            self._weights = Weights([[tokenise(text) for text in clip] for clip in every])
        return self._weights

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        """Words of the clean caption that stand in a reference and are gone, and words that are new and in none."""
        known = {word for reference in _texts(sample) for word in tokenise(reference)}
        before, now = set(tokenise(str(sample.clean))), set(tokenise(str(after)))
        return len((before & known) - now), len(now - before - known)

    def spared(self, sample: AttackedClip) -> str | None:
        if self.losses.goal == "force" and tokenise(str(sample.clean)) == self.wanted:
            return "nothing to force: the clean caption is the wanted one"
        return None

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return np.zeros(0)

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        return False

    def chance(self, references: np.ndarray) -> float:
        """Share of clips that another clip's caption is right about."""
        if self.losses.goal == "force":
            return 0.0
        said = [references[(row + 1) % len(references)][0] for row in range(len(references))]
        return float(np.mean([self._score(text, truth) > self.above for text, truth in zip(said, references)]))


def _texts(sample: AttackedClip) -> tuple[str, ...]:
    return cast("tuple[str, ...]", sample.truth)


TASK = CaptionGoal
