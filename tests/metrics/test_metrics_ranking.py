"""Weighted ranks against scikit-learn, which takes weights as well."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from benchbed.metrics import running
from benchbed.metrics.ranking import Ranking, curves


@given(st.integers(0, 10**6), st.integers(2, 60), st.sampled_from([1, 3, 12]))
def test_weighted_ranks_equal_scikit_learn(seed: int, items: int, decimals: int) -> None:
    generator = np.random.default_rng(seed)
    scores = np.round(generator.random(items), decimals)
    positive = generator.random(items) < 0.4
    weights = generator.integers(0, 4, (3, items))
    curve = Ranking(scores, positive, np.arange(items)).curve(weights)
    for draw, weight in enumerate(weights):
        # scikit-learn adds a false point at zero weight, so items of weight zero are left out there.
        held = weight > 0
        ones, zeros = weight[positive].sum(), weight[~positive].sum()
        if ones:
            expected = average_precision_score(positive[held], scores[held], sample_weight=weight[held])
            assert curve.average_precision()[draw] == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(curve.average_precision()[draw])
        if not (ones and zeros):
            assert np.isnan(curve.auc()[draw])
            continue
        expected = roc_auc_score(positive[held], scores[held], sample_weight=weight[held])
        assert curve.auc()[draw] == pytest.approx(expected, abs=1e-12)
        for limit in (0.1, 0.55):
            expected = roc_auc_score(positive[held], scores[held], sample_weight=weight[held], max_fpr=limit)
            assert curve.partial_auc(limit, "mcclish")[draw] == pytest.approx(expected, abs=1e-12)


def test_partial_areas_by_hand() -> None:
    # Scores 4…1: positive, negative, positive, negative. ROC (0, ½), (½, ½), (½, 1), (1, 1).
    once, positive = np.array([[1]]), np.array([True, False, True, False])
    curve = Ranking(np.array([4.0, 3, 2, 1]), positive, np.zeros(4, int)).curve(once)
    assert curve.partial_auc(0.75, "staircase")[0] == pytest.approx((0.5 * 0.5 + 0.25) / 0.75)
    # All four share one score: the staircase has nothing before the end, straight lines give the diagonal.
    tied = Ranking(np.ones(4), positive, np.zeros(4, int)).curve(once)
    assert tied.partial_auc(0.5, "staircase")[0] == 0
    assert tied.partial_auc(0.5, "raw")[0] == pytest.approx(0.125 / 0.5)
    assert tied.partial_auc(0.5, "mcclish")[0] == pytest.approx(0.5)


def test_best_f1_tries_every_threshold() -> None:
    generator = np.random.default_rng(3)
    scores, positive = np.round(generator.random(50), 1), generator.random(50) < 0.3
    ranking = Ranking(scores, positive, np.arange(50))
    best, step = ranking.curve(np.ones((1, 50))).best_f1()
    found = {t: 2 * (positive & (scores >= t)).sum() / ((scores >= t).sum() + positive.sum()) for t in set(scores)}
    assert best[0] == pytest.approx(max(found.values()))
    assert found[ranking.thresholds[step[0]]] == pytest.approx(best[0])


def test_no_items_are_undefined() -> None:
    curve = Ranking(np.zeros(0), np.zeros(0, bool), np.zeros(0, int)).curve(np.ones((2, 1)))
    for value in (curve.average_precision(), curve.auc(), curve.partial_auc(0.1, "staircase"), curve.best_f1()[0]):
        assert np.isnan(value).all()


@pytest.mark.parametrize("decimals", [1, 9])
@pytest.mark.parametrize("most", [3, 250])
def test_copies_of_every_size_give_what_weights_give(decimals: int, most: int) -> None:
    # 250 copies of 600 items do not fit into 16 bits.
    generator = np.random.default_rng(decimals)
    scores, positive = np.round(generator.random(600), decimals), generator.random(600) < 0.2
    copies = generator.integers(0, most + 1, (7, 300), dtype=np.uint8)
    copies[0], copies[1, :150] = most, 0
    ranking = Ranking(scores, positive, np.arange(600) % 300)
    drawn, weighted = ranking.curve(copies), ranking.curve(copies.astype(np.float64))
    for name in ("gain", "found", "false_above", "false_here", "positives", "negatives"):
        assert np.array_equal(getattr(drawn, name), getattr(weighted, name))
    total = copies[:, np.arange(600) % 300].astype(np.int64)
    assert np.array_equal(drawn.positives, total[:, positive].sum(axis=1))
    assert np.array_equal(drawn.negatives, total[:, ~positive].sum(axis=1))


def test_the_equal_error_rate_is_found_at_the_first_step_beyond() -> None:
    generator = np.random.default_rng(8)
    scores, positive = np.round(generator.random(80), 2), generator.random(80) < 0.4
    curve = Ranking(scores, positive, np.arange(80)).curve(generator.integers(0, 3, (50, 80), dtype=np.uint8))
    rates = curve.false_here / curve.negatives[:, None] + curve.found / curve.positives[:, None]
    assert np.array_equal(curve._first_beyond(), np.argmax(rates >= 1 - 1e-12, axis=1))


def test_a_draw_has_the_same_value_to_the_bit_however_many_are_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    scores, positive = np.round(generator.random(3000), 3), generator.random(3000) < 0.3
    copies = generator.integers(0, 4, (29, 3000), dtype=np.uint8)
    ranking = Ranking(scores, positive, np.arange(3000))
    whole = ranking.curve(copies)
    monkeypatch.setattr(running, "BLOCK", 7 * 3000)
    made = list(curves([ranking], copies))
    assert len(made) > 1
    for block, _, part in made:
        assert np.array_equal(part.average_precision(), whole.average_precision()[block])
        assert np.array_equal(part.auc(), whole.auc()[block])
