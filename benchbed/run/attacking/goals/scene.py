"""One class per clip: broken where another class is the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchbed.attack.losses import scene
from benchbed.errors import ConfigError
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import AttackedClip, Settled, Task, Verdict
from benchbed.run.job.job import Job
from benchbed.suite.conditions import AttackCondition

#: A margin of probabilities below this share of the model's usual one may turn by rounding.
BOUNDARY = 1e-3


class SceneGoal(Task):
    """Clips with one class each; success is a wrong answer, and no other rule is known."""

    output = "scene"
    scored = False

    def __init__(self, job: Job, condition: AttackCondition, facts: Settled) -> None:
        super().__init__(job, condition, facts)
        self.losses = scene

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        if condition.success.model_fields_set:
            raise ConfigError(
                "an attack on scenes succeeds where the answer is wrong",
                where=where,
                hint="leave `success` out; it is for tags and frames",
            )
        aim_of(condition, "scene", labels, where)
        return {}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> int:
        return int(references[row])

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        return np.array(truths, dtype=np.int64)

    def read(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> None:
        sample.clean = answer
        sample.right = int(answer.argmax()) == sample.truth

    def distance(self, sample: AttackedClip) -> float:
        largest = np.sort(sample.clean)[::-1]
        return float(largest[0] - largest[1]) if len(largest) > 1 else 1.0

    def verdict(
        self, sample: AttackedClip, draws: Sequence[np.ndarray], mean: np.ndarray, hop: float | None
    ) -> Verdict:
        share = float(np.mean([int(answer.argmax()) == sample.truth for answer in draws]))
        assert isinstance(sample.truth, int)
        margin = float(mean[sample.truth] - np.delete(mean, sample.truth).max())
        correct = share >= 0.5 if len(draws) > 1 else int(mean.argmax()) == sample.truth
        return Verdict(correct, share, margin, abs(margin) < BOUNDARY * self.scale)

    def chance(self, references: np.ndarray) -> float:
        return 1 / len(self.job.labels)


TASK = SceneGoal
