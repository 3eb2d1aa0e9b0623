"""What a perturbation is worth in decibels of white noise: closed forms, bounds, and the same answer twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure
from benchbed.metrics.worth import NoiseCurve, noise_level, worth
from benchbed.stats.bootstrap import Bootstrap

LEVELS = (20.0, 15.0, 10.0, 5.0, 0.0)


def curve(scores, direction="higher"):
    return NoiseCurve(LEVELS, np.asarray(scores, float).reshape(5, -1), direction, "dB SNR", "accuracy")


def test_between_two_levels_it_is_a_straight_line_in_decibels():
    falling = curve([0.9, 0.8, 0.6, 0.4, 0.2])
    assert worth(falling, np.array([0.7]), 100, None).value == pytest.approx(12.5)
    assert worth(falling, np.array([0.25]), 100, None).value == pytest.approx(1.25)
    # An error that rises is the same curve upside down.
    assert worth(curve([0.1, 0.2, 0.4, 0.6, 0.8], "lower"), np.array([0.3]), 100, None).value == pytest.approx(12.5)


@pytest.mark.parametrize(
    ("score", "reason"), [(0.95, "no more than white noise at 20 dB"), (0.1, "more than white noise at 0 dB")]
)
def test_beyond_the_curve_there_is_no_number(score, reason):
    found = worth(curve([0.9, 0.8, 0.6, 0.4, 0.2]), np.array([score]), 100, None)
    assert found.value is None and found.reason == f"beyond the curve: it costs {reason}"


def test_a_curve_that_rises_with_noise_is_held_where_it_was():
    found = noise_level(LEVELS, np.array([0.9, 0.5, 0.7, 0.4, 0.2]), np.array(0.6), "higher")
    assert float(found) == pytest.approx(16.25)  # on the first way down, not at 10 dB again


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_what_costs_more_is_worth_no_higher_snr(scores, one, other):
    low, high = sorted((one, other))
    found = noise_level(LEVELS, np.array(scores)[:, None].repeat(2, 1), np.array([low, high]), "higher")
    assert found[0] <= found[1]


def test_every_level_of_a_falling_curve_is_worth_itself():
    falling = np.array([0.9, 0.8, 0.6, 0.4, 0.2])
    for level, score in zip(LEVELS[1:], falling[1:]):
        assert float(noise_level(LEVELS, falling, np.array(score), "higher")) == level


def test_one_level_is_no_curve():
    with pytest.raises(CannotMeasure, match="two levels or more"):
        noise_level([10.0], np.array([0.5]), np.array(0.4), "higher")


def flags(snr, clips, stream):
    """Which clips a model gets right whose clips each have a threshold, normal around 10 dB, and some luck."""
    threshold = np.random.default_rng(0).normal(10, 4, clips)
    return (snr + stream.normal(0, 1.5, clips) > threshold).astype(float)


def test_noise_measured_again_is_worth_its_own_level_within_a_decibel():
    """Test and retest: other draws of white noise at 12.5 and 7.5 dB, looked up on the curve of a first measurement."""
    clips, boot = 1000, Bootstrap(1000, draws=200)
    first, second = np.random.default_rng(1), np.random.default_rng(2)

    def column(hits):
        return np.concatenate([[hits.mean()], boot.replicates(hits[:, None])[:, 0] / clips])

    noise = NoiseCurve(
        LEVELS, np.stack([column(flags(level, clips, first)) for level in LEVELS]), "higher", "dB SNR", "accuracy"
    )
    for level in (15.0, 12.5, 10.0, 7.5, 5.0):
        found = worth(noise, column(flags(level, clips, second)), clips, boot)
        assert abs(found.value - level) < 1.0
        assert found.low is not None and found.high is not None and found.low - 0.5 <= level <= found.high + 0.5
