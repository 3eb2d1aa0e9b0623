"""Clips of a gallery: broken where the captions that a clip answers have fallen back among all captions.

That is the other direction of retrieval, audio to text, which follows from the clip's own answer alone; where a clip
stands for a text depends on all others, and is in the figures of the attacked cell. By default a clip is right when one
of its captions is among the first ten, and broken when its reciprocal rank has fallen to half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb

import numpy as np

from benchbed.metrics.retrieval.ranks import ranks
from benchbed.outputs.contract import Heard, Reading
from benchbed.outputs.similarity import ComparedAnswers, vectors
from benchbed.outputs.similarity.wanted import WantedQueries
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import NEAR, ROUNDING, AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.suite.conditions import AttackCondition

#: Rule → score above which a clip is right when clean: between the tenth rank and the eleventh.
RULES = {"reciprocal_rank": 0.095, "recall_at_1": 0.0, "recall_at_10": 0.0}
#: Places of a list that are looked at for what is lost and what is new.
LIST = 10


class SimilarityGoal(ScoredTask):
    """Clips with the queries that they answer."""

    output = "similarity"

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "similarity", labels, where)
        asked = condition.success
        rule = known_rule(asked.rule, "reciprocal_rank", RULES, "retrieval", where)
        require_known_options(rule, asked.options, (), where)
        above = RULES[rule] if asked.clean_above is None else asked.clean_above
        success: SettledSuccess = {"rule": rule, "fraction": asked.fraction, "clean_above": above, "options": {}}
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> WantedQueries:
        wanted: WantedQueries = references[row]
        return wanted

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        wanted = [_wanted(truth) for truth in truths]
        answered = np.zeros((len(wanted), len(wanted[0].queries)), np.float32)
        for row, one in enumerate(wanted):
            answered[row, one.relevant] = 1
        return answered

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        first = np.array([_first(answer, _wanted(sample.truth)) for answer, sample in zip(answers, samples)])
        if self.rule == "reciprocal_rank":
            return 1 / first  # 0 where nothing is answered
        return (first <= (1 if self.rule == "recall_at_1" else LIST)).astype(np.float64)

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        own = set(_wanted(sample.truth).relevant.tolist())
        was, now = (set(np.argsort(-answer, kind="stable")[:LIST].tolist()) for answer in (sample.clean, after))
        return len((was - now) & own), len((now - was) - own)

    def spared(self, sample: AttackedClip) -> str | None:
        if not len(_wanted(sample.truth).relevant):
            return "nothing to lower: the clip answers no query"
        return None

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return self.target([sample.truth], None)[0]

    def chance(self, references: np.ndarray) -> float:
        places = 1 if self.rule == "recall_at_1" else LIST
        found = []
        for wanted in references:
            every, own = len(wanted.queries), len(wanted.relevant)
            free = comb(every - own, min(places, every)) / comb(every, min(places, every))
            found.append(1 - free)
        return float(np.mean(found)) if found else 0.0

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        active = self.towards(sample, hop) > 0.5
        moved = [answer + NEAR * self.scale * np.where(active, shift, -shift) for shift in (1.0, -1.0)]
        held = self.scores(np.stack(moved), [sample] * len(moved), hop) > self.limit(sample) + ROUNDING
        return bool(held.any() and not held.all())

    @staticmethod
    def shape(reading: Reading, heard: Heard) -> tuple[int, ...]:
        assert isinstance(reading, ComparedAnswers) and reading.width is not None
        return (reading.width,)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return np.asarray(raw, np.float64)

    @staticmethod
    def stored(reading: Reading, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        return vectors(answers)


def _first(answer: np.ndarray, wanted: WantedQueries) -> float:
    """Rank of the first query that a clip answers; ∞ for a clip that answers none."""
    if not len(wanted.relevant):
        return float("inf")
    return float(ranks(answer, wanted.relevant)[0])


def _wanted(truth: object) -> WantedQueries:
    assert isinstance(truth, WantedQueries)
    return truth


TASK = SimilarityGoal
