"""Rank correlations of a board against scipy, orders counted by hand, and how often their intervals hold the truth."""

from __future__ import annotations

from itertools import permutations
from math import asin, pi

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.stats.association import association, correlations_in_orders

tied = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=9)


@settings(max_examples=60, deadline=None)
@given(tied)
def test_values_equal_scipy_with_ties(pairs: list[tuple[int, int]]) -> None:
    x, y = zip(*pairs, strict=True)
    found = {kind: association(x, y, kind) for kind in ("spearman", "kendall")}
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert all(each.value is None and "same figure" in each.reason for each in found.values())
        return
    assert found["spearman"].value == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found["kendall"].value == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("kind", ["spearman", "kendall"])
def test_the_chance_of_an_order_equals_scipy_s_exact_tests(kind: str) -> None:
    for n in (4, 5):
        x, y = np.random.default_rng(n).normal(size=(2, n))
        if kind == "kendall":
            expected = scipy.stats.kendalltau(x, y, method="exact").pvalue
        else:
            orders = [scipy.stats.spearmanr(x, order).statistic for order in permutations(y)]
            expected = np.mean(np.abs(orders) >= abs(scipy.stats.spearmanr(x, y).statistic) - 1e-12)
        assert association(x, y, kind).chance == pytest.approx(expected, abs=1e-12)


def test_orders_that_are_drawn_are_close_to_the_exact_chance() -> None:
    x, y = np.random.default_rng(4).normal(size=(2, 12))
    exact = scipy.stats.kendalltau(x, y, method="exact").pvalue
    found = association(x, y, "kendall").chance
    assert found == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 9999) ** 0.5)
    assert found == association(x, y, "kendall").chance


def test_directions_speak_of_good_and_not_of_large() -> None:
    accuracy, loss = [0.9, 0.8, 0.5, 0.4], [0.1, 0.3, 0.6, 0.8]
    assert association(accuracy, loss).value == -1
    assert association(accuracy, loss, directions=("higher", "lower")).value == 1


def test_models_in_perfect_agreement_leave_the_interval_open() -> None:
    five = association(range(5), range(5))
    assert five.value == five.high == 1
    # By hand: atanh(1 - 6/120) = 1.8318, sqrt((1 + 1/2)/2) = 0.8660, tanh(1.8318 - 1.95996 * 0.8660) = 0.1336.
    assert five.low == pytest.approx(0.1336, abs=1e-4)
    assert five.chance == pytest.approx(2 / 120)
    assert association(range(5), range(5)[::-1]).low == -1


@pytest.mark.parametrize(("kind", "fewest"), [("spearman", 4), ("kendall", 5)])
def test_too_few_models_have_a_value_and_the_reason_for_no_interval(kind: str, fewest: int) -> None:
    few, enough = (association(range(n), range(n), kind) for n in (fewest - 1, fewest))
    assert (few.value, few.low, few.high) == (1, None, None)
    assert f"needs {fewest}" in few.reason
    assert enough.low is not None
    assert association([0.5], [0.5], kind).value is None


def test_ties_widen_the_interval() -> None:
    found = association([1, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 6], "kendall")
    # One pair of fifteen ties: tau-b = 14 / sqrt(14 * 15), step 2/30 and variance .437/2 by the share that does not.
    untied, value = (14 / 15) ** 0.5, 14 / (14 * 15) ** 0.5
    low = np.tanh(np.arctanh(value - 2 / 30 / untied) - 1.959964 * (0.437 / 2) ** 0.5 / untied)
    assert (found.value, found.low, found.high) == pytest.approx((value, low, 1), abs=1e-6)
    assert found.low < np.tanh(np.arctanh(value - 2 / 30) - 1.959964 * (0.437 / 2) ** 0.5)


@pytest.mark.parametrize("ties", [False, True])
def test_intervals_over_models_hold_the_truth(ties: bool) -> None:
    generator = np.random.default_rng(5)
    for n, rho, rounds in ((5, 0.5, 200), (6, 0.8, 200), (10, 0.0, 60)):
        truth = {"spearman": 6 / pi * asin(rho / 2), "kendall": 2 / pi * asin(rho)}
        if ties:
            big = _pairs(generator, rho, 20000, ties)
            truth = {"spearman": scipy.stats.spearmanr(*big)[0], "kendall": scipy.stats.kendalltau(*big)[0]}
        for kind, value in truth.items():
            ends = [association(*_pairs(generator, rho, n, ties), kind) for _ in range(rounds)]
            held = [end.low <= value <= end.high for end in ends if end.low is not None]
            # 0.94 less three standard errors of the rounds counted.
            assert np.mean(held) >= 0.94 - 3 * (0.94 * 0.06 / len(held)) ** 0.5, (kind, n, rho)


def _pairs(generator: np.random.Generator, rho: float, n: int, ties: bool) -> np.ndarray:
    x, noise = generator.normal(size=(2, n))
    both = np.stack([x, rho * x + (1 - rho * rho) ** 0.5 * noise])
    return np.round(1.5 * both) if ties else both


def test_an_interval_over_clips_holds_models_fixed() -> None:
    generator = np.random.default_rng(6)
    x, y = np.array([0.9, 0.7, 0.5, 0.3]), np.array([0.8, 0.6, 0.4, 0.2])
    quiet = [each[:, None] + generator.normal(0, 0.01, (4, 400)) for each in (x, y)]
    loud = [each[:, None] + generator.normal(0, 0.3, (4, 400)) for each in (x, y)]
    sure, unsure = (association(x, y, draws=tuple(each)) for each in (quiet, loud))
    assert (sure.low, sure.high) == (1, 1)
    assert unsure.low < 0.5
    assert "the 4 models fixed" in sure.method
    expected = [scipy.stats.spearmanr(a, b).statistic for a, b in zip(loud[0].T, loud[1].T, strict=True)]
    assert unsure.low == pytest.approx(np.quantile(expected, 0.025, method="inverted_cdf"), abs=1e-12)


def test_draws_in_which_all_models_tie_are_counted_and_said() -> None:
    x = np.array([0.2, 0.4, 0.6])
    draws = np.repeat(x[:, None], 100, axis=1)
    flat = draws.copy()
    flat[:, :50] = 0.5
    found = association(x, x, draws=(draws, flat))
    assert (found.low, found.reason) == (None, "the order is defined in 50 of 100 draws only")


def test_wrong_input_is_one_clear_error() -> None:
    with pytest.raises(CannotMeasure, match="1 of 2 values to rank are undefined"):
        association([0.5, float("nan")], [0.1, 0.2])
    with pytest.raises(ConfigError, match="2 figures against 3"):
        association([0.5, 0.6], [0.1, 0.2, 0.3])
    with pytest.raises(ConfigError, match="one figure per model"):
        association([[0.5, 0.6]], [0.1, 0.2])
    with pytest.raises(ConfigError, match="unknown rank correlation 'pearson'"):
        association([0.5, 0.6], [0.1, 0.2], "pearson")
    with pytest.raises(ConfigError, match=r"both must be \[model, draw\]"):
        association([0.5, 0.6], [0.1, 0.2], draws=(np.zeros((2, 30)), np.zeros((3, 30))))


def test_infinite_figures_have_a_place_in_the_order() -> None:
    assert association([1, 2, float("inf")], [1, 2, float("inf")], "kendall").value == 1


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", ["spearman", "kendall"])
def test_chance_orders_correlate_as_scipy_says(kind: str, ties: bool) -> None:
    drawn = np.random.default_rng(4)
    x, y = drawn.normal(size=(2, 30))
    if ties:
        x, y = np.round(x), np.round(y, 1)
    orders = drawn.permuted(np.tile(np.arange(30), (40, 1)), axis=1)
    reference = scipy.stats.spearmanr if kind == "spearman" else scipy.stats.kendalltau
    expected = [reference(x, y[order]).statistic for order in orders]
    assert correlations_in_orders(x, y, orders, kind) == pytest.approx(expected, abs=1e-12)


def test_what_chance_gives_is_left_out_where_nobody_asks() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 12))
    asked, left = association(x, y, "kendall"), association(x, y, "kendall", chanced=False)
    assert asked.chance is not None and left.chance is None
    assert (left.value, left.low, left.high, left.method) == (asked.value, asked.low, asked.high, asked.method)


def test_orders_are_drawn_anew_for_another_number_of_models() -> None:
    generator = np.random.default_rng(5)
    pairs = [generator.normal(size=(2, n)) for n in (12, 15)]
    first = [association(x, y).chance for x, y in pairs]
    assert first == [association(x, y).chance for x, y in pairs]
    assert first[::-1] == [association(x, y).chance for x, y in pairs[::-1]]
