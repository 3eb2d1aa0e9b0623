"""Folds: mean and spread over folds, pooled clips, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.metrics.families.classification import family
from benchbed.metrics.folds import Fold, score_folds
from benchbed.stats.bootstrap import Bootstrap

METRICS = family(("a", "b", "c"))


def fold(number: int, clips: int, draws: int = 300) -> Fold:
    generator = np.random.default_rng(number)
    target, group = generator.integers(0, 3, clips), np.arange(clips) // 2
    scores = generator.dirichlet(np.ones(3), clips)
    scores[np.arange(clips), target] += number / 3
    scores /= scores.sum(axis=1, keepdims=True)
    return Fold(scores, target, group, Bootstrap(int(group.max()) + 1, draws, f"fold{number}"))


def right(made: Fold) -> np.ndarray:
    return made.scores.argmax(axis=1) == made.target


def test_mean_std_and_pooled_by_hand() -> None:
    folds = [fold(0, 40), fold(1, 60), fold(2, 100)]
    found = score_folds(METRICS, folds)
    each = [right(f).mean() for f in folds]
    assert found.mean["accuracy"].value == pytest.approx(np.mean(each))
    assert found.std["accuracy"].value == pytest.approx(np.std(each, ddof=1))
    assert found.pooled["accuracy"].value == pytest.approx(np.concatenate([right(f) for f in folds]).mean())
    assert found.mean["accuracy"].value != pytest.approx(found.pooled["accuracy"].value)
    assert found.mean["accuracy"].info.rule == "accuracy:argmax-first|mean-over-3-folds"
    assert found.pooled["accuracy"].info.rule == "accuracy:argmax-first|pooled-folds"
    assert {n.n for n in found.mean.values()} == {200}


def test_the_interval_of_the_mean_has_the_width_of_independent_folds() -> None:
    folds = [fold(0, 200), fold(1, 200)]
    found = score_folds(METRICS, folds).mean["accuracy"]
    variances = []
    for f in folds:
        per_group = right(f).reshape(-1, 2).mean(axis=1)
        variances.append(per_group.var(ddof=1) / len(per_group))
    error = np.sqrt(sum(variances)) / 2
    assert (found.high - found.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.15)


def test_one_fold_has_no_spread() -> None:
    found = score_folds(METRICS, [fold(0, 40)])
    assert found.std["accuracy"].value is None
    assert found.std["accuracy"].reason == "one fold has no spread"


def test_folds_that_share_draws_are_refused() -> None:
    with pytest.raises(CannotMeasure, match="share their bootstrap draws"):
        score_folds(METRICS, [fold(1, 40), fold(1, 40)])
    with pytest.raises(CannotMeasure, match="different numbers of draws"):
        score_folds(METRICS, [fold(1, 40), fold(2, 40, draws=100)])
    with pytest.raises(CannotMeasure, match="no folds"):
        score_folds(METRICS, [])


def test_without_draws_there_are_values_and_no_intervals() -> None:
    found = score_folds(METRICS, [fold(0, 40, draws=0), fold(1, 60, draws=0)])
    assert found.mean["accuracy"].value is not None
    assert found.mean["accuracy"].reason == "intervals are turned off"
