"""A number per clip: broken where what is counted has moved far from the count.

The score of a clip is its closeness, count / (count + |error|), with one in the place of a count of zero: 1 where the
answer is right, one half where the error is as large as the count. By default a clip is right above one half, and
broken when its closeness has fallen to half of what it was. Errors over all clips are in the attacked cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.contract import Heard, Reading
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import NEAR, ROUNDING, AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import torch

#: Rule → score above which a clip is right when clean.
RULES = {"closeness": 0.5}


class CountGoal(ScoredTask):
    """Clips with a number of their own."""

    output = "count"

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "count", labels, where)
        asked = condition.success
        rule = known_rule(asked.rule, "closeness", RULES, "counts", where)
        require_known_options(rule, asked.options, (), where)
        above = RULES[rule] if asked.clean_above is None else asked.clean_above
        success: SettledSuccess = {"rule": rule, "fraction": asked.fraction, "clean_above": above, "options": {}}
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> float:
        return float(references[row])

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        return np.array([[_number(truth)] for truth in truths], np.float32)

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        truth = np.array([_number(sample.truth) for sample in samples])
        return closeness(np.asarray(answers, np.float64).reshape(len(truth)), truth)

    def answers(self, scores: torch.Tensor, samples: Sequence[AttackedClip]) -> np.ndarray:
        made: np.ndarray = scores.detach().double().cpu().numpy()
        return made

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        """Whole objects that are no longer counted, and that are counted anew."""
        moved = round(float(after[0]) - float(sample.clean[0]))
        return max(-moved, 0), max(moved, 0)

    def spared(self, sample: AttackedClip) -> str | None:
        return None

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return np.zeros(0)

    def distance(self, sample: AttackedClip) -> float:
        return 1.0

    def chance(self, references: np.ndarray) -> float:
        """Share of clips that the median count is right about."""
        middle = np.full(len(references), np.median(references) if len(references) else 0.0)
        return float((closeness(middle, np.asarray(references, np.float64)) > self.above).mean())

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        step = NEAR * max(_number(sample.truth), 1.0)
        moved = np.stack([answer + step, answer - step])
        held = self.scores(moved, [sample] * 2, hop) > self.limit(sample) + ROUNDING
        return bool(held.any() and not held.all())

    @staticmethod
    def shape(reading: Reading, heard: Heard) -> tuple[int, ...]:
        return (1,)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return np.asarray(raw, np.float64)


def closeness(counted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Count over count and error `[clip]`, in 0…1.

    Examples
    --------
    >>> closeness(np.array([10.0, 20.0, 0.0, 3.0]), np.array([10.0, 10.0, 10.0, 0.0])).round(2).tolist()
    [1.0, 0.5, 0.5, 0.25]
    """
    scale = np.maximum(truth, 1.0)
    near: np.ndarray = scale / (scale + np.abs(counted - truth))
    return near


def _number(truth: object) -> float:
    assert isinstance(truth, float)
    return truth


TASK = CountGoal
