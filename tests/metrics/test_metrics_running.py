"""Weighted draws against recordings that are really drawn again, with and without stretches that are skipped."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.metrics import running
from benchbed.metrics.contract import Family
from benchbed.metrics.families import psds, sed_auc, sed_best, tagging
from benchbed.metrics.running import Columns, Running, Stretches, bounded, stretches
from benchbed.metrics.sed.examples import random_corpus

LABELS = ("c0", "c1", "c2")
FREE = {"dtc": 0.5, "gtc": 0.4, "cttc": 0.2, "alpha_ct": 1.0, "alpha_st": 0.3, "max_efpr": 900.0}

FAMILIES: dict[str, Family] = {
    "psds": psds.family(LABELS),
    "psds_free": psds.family(LABELS, scenarios={"free": FREE}, ct_mean="C", classes="all"),
    "psds_points": psds.family(LABELS, thresholds=40),
    "psds_independent": psds.family(LABELS, median_frames=(3, 7), independent=True),
    "best_collar": sed_best.family(LABELS, onset_collar=0.5, offset_collar=0.5),
    "best_intersection": sed_best.family(LABELS, criterion="intersection"),
    "best_segment": sed_best.family(LABELS, criterion="segment", median_frames=3),
    "segment_ranks": sed_auc.family(LABELS),
    "tags": tagging.family(LABELS),
}


def clips(name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(11)
    if name != "tags":
        return random_corpus(generator, count, 3)
    target = (generator.random((count, 3)) < 0.4).astype(float)
    return np.round(generator.random((count, 3)), 1), target


@pytest.fixture(params=["all points", "skipping", "skipping without products"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes at which everything happens that large corpora make happen, or nothing."""
    monkeypatch.setattr(running, "WORTH", 10**12 if request.param == "all points" else 0)
    monkeypatch.setattr(running, "FEW", 0)
    if request.param == "skipping without products":
        monkeypatch.setattr(running, "DENSE", 0)
    if request.param != "all points":
        monkeypatch.setattr(running, "FAR", 3)
        monkeypatch.setattr(running, "BLOCK", 300)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", FAMILIES)
def test_a_draw_equals_recordings_that_are_drawn_again(name: str) -> None:
    family, count = FAMILIES[name], 12
    scores, target = clips(name, count)
    generator = np.random.default_rng(5)
    weights = np.stack([generator.multinomial(count, np.full(count, 1 / count)) for _ in range(5)]).astype(np.uint8)
    # Three recordings make one row, as those of one group do.
    row = np.arange(count) // 3
    grouped = weights[:, ::3]
    for rows, draws in ((np.arange(count), weights), (row, grouped)):
        sample = family.sample(scores, target, rows, draws.shape[1])
        assert sample is not None
        values, each = sample.scores(draws)
        for draw, copies in enumerate(draws[:, rows]):
            again = np.repeat(np.arange(count), copies)
            if not len(again):
                continue
            one = family.sample(scores[again], target[again], np.zeros(len(again), int), 1)
            assert one is not None
            expected, expected_each = one.scores(np.ones((1, 1)))
            for found, wanted in ((values, expected), (each, expected_each)):
                for key, value in wanted.items():
                    if key == "best_threshold":
                        # Where nothing is hit at any threshold, one is as good as another.
                        value = np.where(expected_each["best_f1"] > 0, value, each[key][draw])
                    np.testing.assert_allclose(found[key][draw], value[0], atol=1e-9, rtol=0, err_msg=key)


@given(st.integers(0, 10**6), st.integers(0, 40))
def test_running_sums_equal_sums_and_stay_within_their_bounds(seed: int, items: int) -> None:
    generator = np.random.default_rng(seed)
    column, amount = generator.integers(0, 4, items), generator.integers(-2, 3, items)
    weights = generator.integers(0, 4, (4, 3)).astype(float)
    made = Running(column, amount)
    # Two columns more that only the sums know.
    places = generator.integers(0, items + 1, 9)
    expected = np.array(
        [[sum(weights[c, d] * a for c, a in zip(column[:n], amount[:n])) for n in places] for d in range(3)]
    )
    np.testing.assert_allclose(made.sums(weights, places), expected, atol=1e-12)
    places = np.sort(places)
    found = made.sums(weights, places)
    edges = np.array([0, 2, 3, 9])
    least, most, last = (part @ weights for part in bounded(made, places, edges, 4))
    for copies in (weights.astype(np.uint8), weights):
        np.testing.assert_array_equal(made.counts(Columns(copies.T), places), found.T)
    for i, (start, stop) in enumerate(pairwise(edges)):
        inside = found[:, start:stop]
        assert (least[i][:, None] <= inside).all() and (inside <= most[i][:, None]).all()
        np.testing.assert_array_equal(last[i], found[:, min(stop, 8)])


@pytest.mark.parametrize("most", [0, 17, 18, 255])
@pytest.mark.parametrize("draws", [1, 4, 7])
def test_copies_that_are_added_up_in_pairs_equal_sums(most: int, draws: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "PACKED", 1)
    generator = np.random.default_rng(draws)
    column = generator.integers(0, 30, 200)
    copies = generator.integers(0, most + 1, (draws, 40)).astype(np.uint8)
    copies[:, column[:20]] = most
    # Stretches of none, one, fifteen, sixteen and many items.
    edges = np.array([0, 0, 1, 16, 32, 32, 140, 200])
    expected = [[int(copies[d, column[a:b]].sum(dtype=int)) for d in range(draws)] for a, b in pairwise(edges)]
    assert Stretches(column, edges).sums(Columns(copies)).tolist() == expected
    assert Stretches(column[:0], edges[:3] * 0).sums(Columns(copies)).tolist() == [[0] * draws] * 2


@pytest.mark.parametrize("each", [1.0, 80_001.0, 3.0**28])
def test_products_of_counts_are_exact(each: float) -> None:
    # The second sum is odd and above 2²⁴, where single precision has even numbers only.
    table, copies = np.array([[each, 0, 0], [each, each, each]]), np.array([[1, 3, 255], [0, 0, 0]], np.uint8)
    expected = [[each, 0.0], [259 * each, 0.0]]
    made = Columns(copies).product(table)
    assert made.tolist() == expected
    assert made.dtype == (np.float32 if each == 1 else np.float64)
    assert Columns(copies).product(-table).tolist() == [[-a, -b] for a, b in expected]


def test_stretches_cover_all_points_once() -> None:
    for points, rows in ((0, 10), (1, 10), (70, 10), (10_000, 50), (10_000, 10**7)):
        edges = stretches(points, rows)
        assert edges[0] == 0 and edges[-1] == points and (np.diff(edges) > 0).all()


def test_points_are_left_out_only_beyond_the_end_of_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "WORTH", 0)
    monkeypatch.setattr(running, "FEW", 0)
    scores, target = clips("psds", 30)
    sample = psds.family(LABELS).sample(scores, target, np.arange(30), 30)
    weights = np.random.default_rng(2).integers(0, 3, (30, 4)).astype(float)
    exposure = sample._exposure
    hours = exposure.hours @ weights
    left_out = 0
    for name in ("psds1", "psds2"):
        for curve in sample._curves[name][0]:
            chosen = curve.reached(Columns(weights.T), 100.0 * hours)
            alone = curve._false.sums(weights / hours, curve._at[1]) if name == "psds1" else None
            left = np.setdiff1d(np.arange(len(curve.thresholds)), chosen)
            left_out += len(left)
            if alone is not None:
                assert (alone[:, left] > 100.0).all()
    assert left_out > 0


def test_memory_does_not_grow_with_the_number_of_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "BLOCK", 40_000)
    monkeypatch.setattr(running, "WORTH", 0)
    scores, target = clips("psds", 40)
    for name in ("psds", "best_collar", "segment_ranks"):
        sample = FAMILIES[name].sample(scores, target, np.arange(40), 40)
        assert sample is not None
        peaks = []
        for draws in (300, 900):
            weights = np.random.default_rng(1).integers(0, 3, (draws, 40)).astype(np.uint8)
            sample.scores(weights)
            tracemalloc.start()
            sample.scores(weights)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        # The answers themselves are three classes of at most four figures each.
        assert peaks[1] < 1.2 * peaks[0] + 600 * 16 * 8 * 2, f"{name}: {peaks}"
