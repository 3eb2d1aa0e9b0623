"""Attacks on embeddings: what counts as broken, and that the clean answer is what they turn away from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.attack.losses.embedding import LOSSES, margin
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.run.attacking.goals import settle
from benchbed.run.attacking.goals.embedding import EmbeddingGoal
from benchbed.suite.conditions import AttackCondition


class Sample:
    def __init__(self, truth) -> None:
        self.truth, self.clean, self.score = truth, np.zeros(0), 1.0
        self.right, self.spared = False, None


def goal() -> EmbeddingGoal:
    condition = AttackCondition(attack="displacement", budgets=[20])
    made = EmbeddingGoal.__new__(EmbeddingGoal)
    made.condition, made.above, made.fraction, made.worse_by = condition, 0.0, 0.5, None
    return made


def test_half_the_cosine_is_broken_unless_another_share_is_asked_for():
    settled = settle("embedding", AttackCondition(attack="displacement", budgets=[20]), ())
    assert settled["goal"] == "turn" and settled["success"]["rule"] == "cosine_to_clean"
    assert settled["success"]["fraction"] == 0.5
    asked = AttackCondition(attack="pgd", budgets=[20], success={"fraction": 0.9})
    assert settle("embedding", asked, ())["success"]["fraction"] == 0.9
    with pytest.raises(ConfigError, match="rule"):
        settle("embedding", AttackCondition(attack="pgd", budgets=[20], success={"rule": "clip_ap"}), ())


def test_the_clean_answer_is_the_reference():
    made = goal()
    sample = Sample(made.truth(np.zeros(1), 0, 1.0))
    with pytest.raises(CannotMeasure, match="begins with the clean one"):
        made.target([sample.truth], None)
    made.read(sample, np.array([3.0, 4.0]), None)
    assert sample.right and sample.score == pytest.approx(1.0) and sample.spared is None
    assert made.target([sample.truth], None).tolist() == [[3.0, 4.0]]
    turned = made.scores(np.array([[-4.0, 3.0], [6.0, 8.0]]), [sample, sample], None)
    assert turned == pytest.approx([0.0, 1.0])
    verdict = made.verdict(sample, [np.array([-4.0, 3.0])], np.array([-4.0, 3.0]), None)
    assert not verdict.correct and verdict.margin == pytest.approx(-0.5)


def test_an_embedding_of_nothing_is_spared():
    made = goal()
    sample = Sample(made.truth(np.zeros(1), 0, 1.0))
    made.read(sample, np.zeros(2), None)
    assert not sample.right and "zero" in str(sample.spared)


def test_losses_grow_as_the_embedding_turns():
    clean = torch.tensor([[1.0, 0.0]])
    points = [torch.tensor([[1.0, slope]]) for slope in (0.0, 1.0, 3.0)]
    for loss in LOSSES.values():
        values = [float(loss(point, clean)) for point in points]
        assert values == sorted(values) and values[0] == pytest.approx(0.0)
    assert float(margin(points[0], clean)) == pytest.approx(0.5)
