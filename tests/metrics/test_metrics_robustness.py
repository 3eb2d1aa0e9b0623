"""Robustness formulas by hand, and their vectorisation over replicates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure
from benchbed.metrics.robustness import (
    area_under_severity,
    breakdown_severity,
    corruption_error,
    flip_rate,
    half_loss_level,
    retention,
)


def test_area_by_hand_with_gaps_between_severities() -> None:
    # 0→1: 0.85, 1→3: 2 · 0.7, 3→5: 2 · 0.4; over 5.
    found = area_under_severity(np.array(0.9), np.array([0.8, 0.6, 0.2]), [1, 3, 5])
    assert float(found) == pytest.approx((0.85 + 1.4 + 0.8) / 5)
    assert float(area_under_severity(np.array(0.4), np.full(5, 0.4), range(1, 6))) == pytest.approx(0.4)
    for severities in ([2, 1, 3], [0, 1, 2], [1, 2]):
        with pytest.raises(CannotMeasure):
            area_under_severity(np.array(0.9), np.array([0.8, 0.6, 0.2]), severities)


def test_retention_works_for_scores_and_for_losses() -> None:
    assert float(retention(np.array(0.5), np.array(0.9), 0.1)) == pytest.approx(0.5)
    # Log loss of ten classes: chance 2.3026; from 1.0 to 2.0 leaves (2.3026 − 2) / (2.3026 − 1).
    assert float(retention(np.array(2.0), np.array(1.0), np.log(10), "lower")) == pytest.approx(
        0.3026 / 1.3026, abs=1e-4
    )


@pytest.mark.parametrize(("clean", "direction"), [(0.109, "higher"), (0.05, "higher"), (0.12, "lower")])
def test_a_model_no_better_than_chance_has_nothing_to_retain(clean: float, direction: str) -> None:
    assert np.isnan(retention(np.array(0.1), np.array(clean), 0.1, direction))


def test_breakdown_is_the_first_severity_below_half_or_none() -> None:
    kept = np.array([[0.9, 0.4, 0.9, np.nan], [0.4, 0.6, 0.6, 0.2], [0.6, 0.4, 0.5, 0.1]])
    assert breakdown_severity(kept, [1, 3, 5]).tolist()[:3] == [3.0, 1.0, np.inf]
    assert np.isnan(breakdown_severity(kept, [1, 3, 5])[3])


def test_half_loss_level_by_hand_in_any_order_and_at_both_ends() -> None:
    # Clean 0.9, chance 0.1: half is 0.5. Between 10 dB (0.6) and 5 dB (0.4) it is crossed half-way.
    clean, curve = np.array(0.9), {20: 0.8, 10: 0.6, 5: 0.4, 0: 0.2}
    for order in itertools.islice(itertools.permutations(curve), 8):
        found = half_loss_level(order, np.array([curve[level] for level in order]), clean, 0.1)
        assert float(found) == pytest.approx(7.5)
    assert half_loss_level([20, 10], np.array([0.3, 0.2]), clean, 0.1) == np.inf
    assert half_loss_level([20, 10], np.array([0.8, 0.7]), clean, 0.1) == -np.inf
    assert half_loss_level([20], np.array([0.8]), clean, 0.1) == -np.inf
    assert np.isnan(half_loss_level([20, 10], np.array([0.8, 0.2]), np.array(0.1), 0.1))
    with pytest.raises(CannotMeasure):
        half_loss_level([10, 10], np.array([0.8, 0.7]), clean, 0.1)


def test_half_loss_level_takes_the_first_crossing_of_a_curve_that_comes_back() -> None:
    found = half_loss_level([30, 20, 10, 0], np.array([0.6, 0.4, 0.7, 0.1]), np.array(0.9), 0.1)
    assert float(found) == pytest.approx(25)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=2, max_size=6))
def test_flip_rate_equals_counting_pairs(outputs: list[list[int]]) -> None:
    table = np.array(outputs)
    pairs = list(itertools.combinations(range(len(table)), 2))
    expected = np.mean([table[a] != table[b] for a, b in pairs], axis=0)
    np.testing.assert_allclose(flip_rate(table), expected, atol=1e-12)


def test_flip_rate_needs_two_draws() -> None:
    with pytest.raises(CannotMeasure):
        flip_rate(np.zeros((1, 5), int))


def test_mce_and_relative_mce_by_hand() -> None:
    errors = {"white": np.array([0.2, 0.4]), "mp3": np.array([0.1, 0.1])}
    reference = {"white": [0.4, 0.8], "mp3": [0.2, 0.3]}
    assert float(corruption_error(errors, reference).value) == pytest.approx((0.5 + 0.4) / 2)
    relative = corruption_error(errors, reference, clean=np.array(0.1), reference_clean=0.2)
    # white (0.1 + 0.3) / (0.2 + 0.6); mp3 (0 + 0) / (0 + 0.1)
    assert float(relative.value) == pytest.approx((0.5 + 0.0) / 2)


def test_a_near_zero_denominator_is_left_out_and_named() -> None:
    errors = {"white": np.array([0.2, 0.4]), "polarity": np.array([0.0, 0.001])}
    found = corruption_error(errors, {"white": [0.4, 0.8], "polarity": [0.004, 0.005]})
    assert (float(found.value), found.omitted) == (pytest.approx(0.5), ("polarity",))
    nothing = corruption_error(errors, {"white": [0.0, 0.0], "polarity": [0.0, 0.0]})
    assert np.isnan(nothing.value) and nothing.omitted == ("white", "polarity")


@pytest.mark.parametrize("reference", [{}, {"white": [0.5]}])
def test_a_reference_that_does_not_fit_is_refused(reference: dict) -> None:
    with pytest.raises(CannotMeasure):
        corruption_error({"white": np.array([0.2, 0.4])}, reference)


def test_relative_mce_needs_both_clean_errors() -> None:
    with pytest.raises(CannotMeasure):
        corruption_error({"white": np.array([0.2])}, {"white": [0.4]}, clean=np.array(0.1))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_replicates_go_through_every_formula_one_by_one(seed: int) -> None:
    generator = np.random.default_rng(seed)
    clean, scores = generator.uniform(0.5, 1, 6), generator.uniform(0, 1, (4, 6))
    severities, levels = [1, 2, 3, 5], [25, 15, 5, -5]
    kept = retention(scores, clean, 0.1)
    together = [
        area_under_severity(clean, scores, severities),
        breakdown_severity(kept, severities),
        half_loss_level(levels, scores, clean, 0.1),
        corruption_error({"x": scores}, {"x": [0.5] * 4}).value,
    ]
    for i in range(6):
        alone = [
            area_under_severity(clean[i], scores[:, i], severities),
            breakdown_severity(kept[:, i], severities),
            half_loss_level(levels, scores[:, i], clean[i], 0.1),
            corruption_error({"x": scores[:, i]}, {"x": [0.5] * 4}).value,
        ]
        for many, one in zip(together, alone):
            np.testing.assert_allclose(many[i], one, rtol=1e-12)
