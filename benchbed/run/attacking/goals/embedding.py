"""Embeddings: broken where one has turned away from where it was when clean, to half its cosine by default.

Whoever attacks an encoder does not know what it is used for, so nothing but its own clean answer says what is right:
every clip is right when clean, and a model that never moves cannot be broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from benchbed.attack.losses.embedding import TURNED
from benchbed.errors import CannotMeasure
from benchbed.metrics.neighbours.ranked import unit
from benchbed.outputs.contract import Heard, Reading
from benchbed.outputs.embedding import EmbeddedClips
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goal import NEAR, AttackedClip, ScoredTask, Settled, SettledSuccess
from benchbed.run.attacking.success_rule import known_rule, require_known_options
from benchbed.suite.conditions import AttackCondition

#: Rule → score above which a clip is right when clean.
RULES = {"cosine_to_clean": 0.0}


@dataclass(eq=False)
class CleanEmbedding:
    """Where the embedding of a clip was before anything was done to it; empty until the model has said it."""

    value: np.ndarray = field(default_factory=lambda: np.zeros(0))


class EmbeddingGoal(ScoredTask):
    """Clips with their own clean embeddings as references."""

    output = "embedding"

    @classmethod
    def settle(
        cls,
        condition: AttackCondition,
        labels: Sequence[str],
        declared: Mapping[str, Mapping[str, object]],
        where: str | None,
    ) -> Settled:
        aim = aim_of(condition, "embedding", (), where)
        asked = condition.success
        rule = known_rule(asked.rule, "cosine_to_clean", RULES, "embedding", where)
        require_known_options(rule, asked.options, (), where)
        above = RULES[rule] if asked.clean_above is None else asked.clean_above
        fraction = asked.fraction if "fraction" in asked.model_fields_set else TURNED
        success: SettledSuccess = {"rule": rule, "fraction": fraction, "clean_above": above, "options": {}}
        return {"goal": aim.goal, "success": success}

    def truth(self, references: np.ndarray, row: int, seconds: float) -> CleanEmbedding:
        return CleanEmbedding()

    def read(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> None:
        _known(sample.truth).value = np.asarray(answer, np.float64)
        super().read(sample, answer, hop)

    def target(self, truths: Sequence[object], moments: np.ndarray | None) -> np.ndarray:
        clean = [_known(truth).value for truth in truths]
        if not all(value.size for value in clean):
            raise CannotMeasure("an attack on an embedding begins with the clean one, which was not asked")
        return np.stack(clean).astype(np.float32)

    def scores(self, answers: np.ndarray, samples: Sequence[AttackedClip], hop: float | None) -> np.ndarray:
        clean = unit(np.stack([_known(sample.truth).value for sample in samples]))
        cosines: np.ndarray = (unit(np.asarray(answers, np.float64)) * clean).sum(1)
        return cosines

    def answers(self, scores: torch.Tensor, samples: Sequence[AttackedClip]) -> np.ndarray:
        return scores.detach().double().cpu().numpy()

    def flips(self, sample: AttackedClip, after: np.ndarray, hop: float | None) -> tuple[int, int]:
        return 0, 0

    def spared(self, sample: AttackedClip) -> str | None:
        return None if np.linalg.norm(sample.clean) > 0 else "nothing to turn: the clean embedding is zero"

    def towards(self, sample: AttackedClip, hop: float | None) -> np.ndarray:
        return np.asarray(sample.clean, np.float64)

    def chance(self, references: np.ndarray) -> float:
        return 0.0

    def _near(self, sample: AttackedClip, answer: np.ndarray, hop: float | None) -> bool:
        (score,) = self.scores(answer[None], [sample], hop)
        return bool(abs(score - self.limit(sample)) < NEAR)

    @staticmethod
    def shape(reading: Reading, heard: Heard) -> tuple[int, ...]:
        assert isinstance(reading, EmbeddedClips) and reading.width is not None
        return (reading.width,)

    @staticmethod
    def dense(reading: Reading, raw: np.ndarray, heard: Heard) -> np.ndarray:
        return np.asarray(raw, np.float64)

    @staticmethod
    def stored(reading: Reading, answers: np.ndarray, seconds: Sequence[float]) -> np.ndarray:
        return answers


def _known(truth: object) -> CleanEmbedding:
    assert isinstance(truth, CleanEmbedding)
    return truth


TASK = EmbeddingGoal
