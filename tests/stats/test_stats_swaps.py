"""Swaps of two models within recordings against scipy's permutation test, and tails against intervals."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.rng import stream
from benchbed.stats import swaps
from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.paired import permutation_test
from benchbed.stats.swaps import Swaps, bootstrap_critical, bootstrap_tail, detectable, swap_models


def mean(sums):
    return {"mean": sums[0][..., 0] / sums[0][..., 1]}


def cases(groups, shift, seed):
    generator = stream("test-swaps", seed)
    a, b = generator.normal(shift, 1, groups), generator.normal(0, 1, groups)
    return [[np.stack([x, np.ones(groups)], axis=1)] for x in (a, b)]


def test_exact_swaps_agree_with_scipy():
    scipy_stats = pytest.importorskip("scipy.stats")
    a, b = cases(9, 0.8, 1)
    found = swap_models(a, b, mean, draws=2000)
    assert found.exact
    differences = (a[0] - b[0])[:, 0]
    for side in ("two-sided", "less", "greater"):
        oracle = scipy_stats.permutation_test(
            (differences,), np.mean, permutation_type="samples", alternative=side, n_resamples=np.inf
        )
        assert found.p("mean", side) == pytest.approx(oracle.pvalue), side


def test_two_sided_agrees_with_the_other_implementation():
    a, b = cases(8, 0.5, 2)
    assert swap_models(a, b, mean, draws=300).p("mean") == permutation_test(a[0], b[0], lambda s: s[..., 0] / s[..., 1])


def test_splits_are_swapped_independently():
    """Two splits of two recordings: 2⁴ swaps, not 2²."""
    one = [np.array([[1.0, 1], [1, 1]])] * 2
    none = [np.array([[0.0, 1], [0, 1]])] * 2
    found = swap_models(one, none, lambda s: {"mean": np.mean([x[..., 0] / x[..., 1] for x in s], axis=0)}, draws=99)
    assert len(found.swapped["mean"]) == 16 and found.p("mean", "greater") == 1 / 16


def test_the_normal_tail_is_no_smaller_than_the_exact_one():
    """Twenty recordings that all agree: exact two-sided p is 2 · 2⁻²⁰; the tail must not claim more."""
    a, b = [np.stack([np.ones(20), np.ones(20)], axis=1)], [np.stack([np.zeros(20), np.ones(20)], axis=1)]
    p = swap_models(a, b, mean, draws=999).p("mean")
    assert 2 * 2.0**-20 <= p < 1e-4


def test_undefined_values_are_cautious():
    a, b = cases(30, 3.0, 3)

    def fragile(sums):
        value = mean(sums)["mean"]
        return {"mean": np.where(value > 2.5, value, np.nan)}

    found = swap_models(a, b, fragile, draws=199)
    assert found.p("mean") is None or found.p("mean") > 0.5
    with pytest.raises(CannotMeasure, match="different shapes"):
        swap_models(a, [b[0][:5]], mean)


@pytest.mark.parametrize("groups", [5, 12, 40, 200])
def test_the_tail_inverts_the_interval(groups):
    """The one-sided p at the upper end of a 95 % interval is 2.5 %."""
    generator = stream("test-tail", groups)
    drawn = np.sort(generator.normal(0, 1, 20000))
    boot = Bootstrap(groups, draws=len(drawn))
    found = boot.interval(drawn)
    assert bootstrap_tail(drawn, found.high, groups, "less") == pytest.approx(0.025, rel=0.1)
    assert bootstrap_tail(drawn, found.low, groups, "greater") == pytest.approx(0.025, rel=0.1)


def test_the_tail_inverts_the_centred_interval_of_few_degrees_of_freedom():
    """The same with draws that are biased by half of their spread, and with 12 degrees of freedom of 60 groups."""
    drawn = np.sort(stream("test-tail-centred").normal(0.5, 1, 20000))
    found = Bootstrap(60, draws=len(drawn)).interval(drawn, value=0.0, freedom=12.0)
    # t(12) = 2.179 of the spread on either side of the value; what is not taken off as bias is 2/√20000 of it.
    assert (found.low, found.high) == pytest.approx((-2.198, 2.198), abs=0.06)
    told = {"value": 0.0, "freedom": 12.0}
    assert bootstrap_tail(drawn, found.high, 60, "less", **told) == pytest.approx(0.025, rel=0.05)
    assert bootstrap_tail(drawn, found.low, 60, "greater", **told) == pytest.approx(0.025, rel=0.05)


@pytest.mark.parametrize("step", [0.0, 0.1])
def test_the_critical_value_of_a_bootstrap_is_where_its_test_turns(step):
    """Moved until the test turns, on either side and by steps of a tenth as a count of clips makes them."""
    drawn = stream("test-critical").normal(0, 0.4, 20_000)
    drawn = np.round(drawn / step) * step if step else drawn
    critical = bootstrap_critical(drawn, 0.0, 30)
    turns = []
    for sign, side in ((1, "greater"), (-1, "less")):
        sizes = np.arange(6, 12) * step if step else np.linspace(0.7, 0.95, 500)
        called = [bootstrap_tail(drawn + sign * u, 0.0, 30, side, value=sign * u) < 0.025 for u in sizes]
        first = called.index(True)
        turns.append((sizes[first - 1] + sizes[first]) / 2)
    assert critical == pytest.approx(np.mean(turns), abs=2e-3)
    assert bootstrap_critical(drawn[:200], 0.0, 30) is None
    assert bootstrap_critical(np.append(drawn, np.inf), 0.0, 30) is None


def test_draws_in_which_nothing_differs_stay_at_the_bound():
    """Of 100 draws 30 show no difference: they never count for one, wherever the others are moved."""
    drawn = np.r_[np.zeros(30), np.linspace(-2, -1, 70)]
    assert bootstrap_tail(drawn, 0.0, 50, "less", value=-3.0) > 0.3


def test_fewer_degrees_of_freedom_need_a_larger_effect():
    """(2.262 + 0.883) · √(50/49) standard errors with 9 degrees of freedom (Student's table)."""
    assert detectable(1.0, 50, freedom=9) == pytest.approx((2.262 + 0.883) * np.sqrt(50 / 49), abs=2e-3)
    assert detectable(1.0, 50) < detectable(1.0, 50, freedom=9)


def test_the_critical_value_of_swaps_is_where_the_p_value_is_alpha():
    """A data set moved to just below and just above it is called in neither and both of the swap tests."""
    groups = 60
    a, b = cases(groups, 0.0, 3)
    critical = swap_models(a, b, mean, draws=9999).critical("mean", groups)
    # Student's t of the same sixty differences is the swap test's limit.
    differences = (a[0] - b[0])[:, 0]
    assert critical == pytest.approx(2.001 * differences.std(ddof=1) / np.sqrt(groups), rel=0.03)
    moved = []
    for share in (0.96, 1.04):
        a[0][:, 0] += share * critical - (a[0] - b[0])[:, 0].mean()
        found = swap_models(a, b, mean, draws=9999)
        moved.append(found.p("mean"))
        # The seen difference widens its own swaps, and is taken out again.
        assert found.critical("mean", groups) == pytest.approx(critical, rel=0.03)
    assert moved[0] > 0.05 > moved[1]


def test_a_size_from_which_swaps_call_a_difference_needs_swaps_that_can_call_one():
    a, b = cases(5, 1.0, 1)
    found = swap_models(a, b, mean)
    assert found.critical("mean", 5) is None and found.critical("mean", 5, alpha=0.1) > 0
    assert swap_models(a, a, mean).critical("mean", 5, alpha=0.1) == 0.0
    unknown = Swaps({"d": 0.1}, {"d": np.r_[np.full(90, 0.1), np.full(10, np.nan)]}, False)
    assert unknown.critical("d", 50) is None and unknown.critical("d", 50, alpha=0.2) == pytest.approx(0.1, rel=0.05)
    assert Swaps({"d": np.nan}, {"d": np.ones(100)}, False).critical("d", 50) is None


@pytest.mark.filterwarnings("error")
def test_infinite_draws_are_counted_without_a_warning():
    """Of 100 swaps 3 are +∞, 2 −∞ and 1 undefined; none of them has a spread to read a tail off."""
    drawn = np.r_[np.linspace(-0.5, 0.5, 94), np.full(3, np.inf), np.full(2, -np.inf), np.nan]
    found = Swaps({"d": 1.0}, {"d": drawn}, False)
    assert [found.p("d", side) for side in ("two-sided", "greater", "less")] == [7 / 101, 5 / 101, 98 / 101]
    assert Swaps({"d": np.inf}, {"d": drawn}, False).p("d") is None

    def either(sums):
        return {"d": np.where(sums[0][..., 0] > 8, np.inf, sums[0][..., 0])}

    made = swap_models([np.full((9, 1), 1.0)], [np.full((9, 1), 1.2)], either)
    assert made.p("d") is None and np.isnan(made.swapped["d"]).all()


def test_tails_of_degenerate_draws():
    assert bootstrap_tail(np.full(100, np.nan), 0.0, 10, "less") is None
    assert bootstrap_tail(np.zeros(100), 0.0, 10, "less") == 1.0
    assert bootstrap_tail(np.arange(100.0), 0.0, 1, "less") is None
    assert bootstrap_tail(np.full(100, -1.0), 0.0, 10, "less") < 0.05


@pytest.mark.parametrize("groups", [6, 40])
@pytest.mark.parametrize("kept", [0, swaps.SMALL])
def test_swaps_of_counts_are_those_of_all_statistics(monkeypatch, groups, kept):
    """A statistic that is no whole number makes a group differ, and is in no metric."""
    monkeypatch.setattr(swaps, "SMALL", kept)
    monkeypatch.setattr(swaps, "BLOCK", 500)
    generator = stream("test-counts", groups)
    sides = [[np.c_[generator.random(groups), generator.integers(0, 3, (groups, 2)), np.ones(groups)]] for _ in "ab"]
    sides[0][0][:2, 1:] = sides[1][0][:2, 1:]

    def of(counts):
        return {"mean": (counts[0] - counts[1]) / counts[2]}

    whole = swap_models(*sides, lambda s: of(np.moveaxis(s[0], -1, 0)[1:]), draws=250, name="counts")
    alone = swap_models(*sides, lambda s: of(s[0]), draws=250, name="counts", counted=np.array([1, 2, 3]))
    assert whole.exact == alone.exact == (groups == 6)
    assert whole.seen == alone.seen and (whole.swapped["mean"] == alone.swapped["mean"]).all()
