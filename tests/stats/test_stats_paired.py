"""Paired tests against scipy, enumeration by hand and their false-alarm rate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.paired import holm, mcnemar, minimum_detectable_effect, paired_difference, permutation_test


def mean(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def grouped(generator: np.random.Generator, groups: int, better: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    luck = np.clip(generator.beta(4, 4, groups), 0, 1 - better)
    clips = np.full(groups, 8.0)
    a, b = generator.binomial(8, luck + better), generator.binomial(8, luck)
    return np.column_stack([a, clips]), np.column_stack([b, clips])


@pytest.mark.parametrize(("only_a", "only_b"), [(9, 1), (3, 3), (0, 5), (12, 30), (0, 0)])
def test_mcnemar_equals_the_exact_binomial_test(only_a: int, only_b: int) -> None:
    from scipy.stats import binomtest

    right_a = np.array([True] * only_a + [False] * only_b + [True] * 7)
    right_b = np.array([False] * only_a + [True] * only_b + [True] * 7)
    found = mcnemar(right_a, right_b)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found.p == pytest.approx(expected)
    assert (found.only_a, found.only_b) == (only_a, only_b)


def test_mcnemar_refuses_clips_of_one_recording() -> None:
    with pytest.raises(CannotMeasure, match="4 clips of 2 recordings"):
        mcnemar(np.ones(4, bool), np.zeros(4, bool), np.array([0, 0, 1, 1]))
    assert mcnemar(np.ones(4, bool), np.zeros(4, bool), np.arange(4)).only_a == 4


def test_small_permutation_tests_enumerate_every_swap() -> None:
    generator = np.random.default_rng(0)
    a, b = grouped(generator, 8)
    seen = abs(mean(a.sum(axis=0)) - mean(b.sum(axis=0)))
    extreme = 0
    for swap in itertools.product((False, True), repeat=8):
        s = np.array(swap)[:, None]
        difference = mean(np.where(s, b, a).sum(axis=0)) - mean(np.where(s, a, b).sum(axis=0))
        extreme += abs(difference) >= seen - 1e-12
    assert permutation_test(a, b, mean) == pytest.approx(extreme / 256)


def test_large_permutation_tests_approach_scipy() -> None:
    from scipy.stats import permutation_test as oracle

    a, b = grouped(np.random.default_rng(1), 40, 0.03)
    expected = oracle(
        (a[:, 0], b[:, 0]),
        lambda x, y, axis: x.mean(axis) - y.mean(axis),
        permutation_type="samples",
        n_resamples=9999,
        vectorized=True,
        rng=0,
    ).pvalue
    assert permutation_test(a, b, mean) == pytest.approx(expected, abs=0.02)


def test_equal_models_are_never_told_apart() -> None:
    a, _ = grouped(np.random.default_rng(2), 30)
    assert permutation_test(a, a, mean) == 1.0
    bootstrap = Bootstrap(30, 200, "same")
    drawn = mean(bootstrap.replicates(a))
    found = paired_difference(0.5, 0.5, drawn, drawn, bootstrap)
    assert (found.p, found.error) == (1.0, 0.0)
    assert found.interval.reason == "every draw gives the same value"


def test_pairing_is_narrower_than_two_separate_intervals() -> None:
    a, b = grouped(np.random.default_rng(3), 100, 0.02)
    bootstrap = Bootstrap(100, 1000, "pairing")
    drawn_a, drawn_b = mean(bootstrap.replicates(a)), mean(bootstrap.replicates(b))
    paired = paired_difference(0.5, 0.5, drawn_a, drawn_b, bootstrap)
    apart = np.hypot(drawn_a.std(), drawn_b.std())
    assert paired.error < 0.8 * apart


def test_false_alarms_stay_near_five_in_a_hundred_and_a_real_difference_is_found() -> None:
    generator, alarms, alarms_permuted, found = np.random.default_rng(4), 0, 0, 0
    for number in range(300):
        bootstrap = Bootstrap(40, 400, f"alarm {number}")
        a, b = grouped(generator, 40)
        difference = paired_difference(
            float(mean(a.sum(axis=0))),
            float(mean(b.sum(axis=0))),
            mean(bootstrap.replicates(a)),
            mean(bootstrap.replicates(b)),
            bootstrap,
        )
        alarms += difference.p <= 0.05
        alarms_permuted += permutation_test(a, b, mean, draws=399, name=str(number)) <= 0.05
        a, b = grouped(generator, 40, 0.15)
        found += permutation_test(a, b, mean, draws=399, name=str(number)) <= 0.05
    assert alarms <= 30  # expected 15, standard deviation 3.8; the bootstrap runs slightly high at 40 groups
    assert alarms_permuted <= 27
    assert found >= 285


def test_holm_by_hand_and_with_a_test_that_could_not_be_made() -> None:
    # Sorted .005 .01 .03 .04 times 4 3 2 1 = .02 .03 .06 .04, then made monotone.
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "none": None})
    assert found == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02, "none": None})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


def test_the_minimum_detectable_effect_is_found_with_the_stated_power() -> None:
    effect = minimum_detectable_effect(0.02, alpha=0.05, power=0.8)
    noise = np.random.default_rng(5).standard_normal(100_000) * 0.02
    assert np.mean(np.abs(effect + noise) > 1.959964 * 0.02) == pytest.approx(0.8, abs=0.01)


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(CannotMeasure):
        mcnemar(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(CannotMeasure):
        permutation_test(np.ones((3, 2)), np.ones((4, 2)), mean)
    with pytest.raises(CannotMeasure):
        paired_difference(1, 1, np.ones(100), np.ones(200), Bootstrap(3, 100))
    with pytest.raises(CannotMeasure, match="undefined"), np.errstate(invalid="ignore"):
        permutation_test(np.zeros((3, 2)), np.zeros((3, 2)), mean)
