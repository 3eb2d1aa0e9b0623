"""What a perturbation is worth in decibels of white noise: closed forms, bounds, and the same answer twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.isotonic import isotonic_regression

from benchbed.errors import CannotMeasure
from benchbed.metrics.worth import WITHIN, NoiseCurve, falling, worth
from benchbed.stats.bootstrap import Bootstrap

LEVELS = (20.0, 15.0, 10.0, 5.0, 0.0)
CERTAIN, CLIPS = Bootstrap(400, draws=50), 400
#: Draws that nearly agree: an interval of hardly any width.
DRAWN = np.concatenate([[0.0], 1e-6 * np.cos(np.arange(50))])


def curve(scores, direction="higher", clips=CLIPS):
    spread = np.asarray(scores, float)[:, None].repeat(51, 1)
    return NoiseCurve(LEVELS, spread, direction, "dB SNR", "accuracy", clips=clips)


def valued(noise, score):
    return worth(noise, float(score) + DRAWN, CLIPS, CERTAIN)


@pytest.mark.parametrize(("mean", "width"), [(10.0, 6.0), (8.0, 5.0), (12.0, 8.0)])
def test_a_psychometric_curve_is_read_where_it_was_not_measured(mean, width):
    """A cumulative normal, from one tenth (guessing) to nine tenths (lapses), at levels five decibels apart."""

    def score(snr):
        return 0.1 + 0.8 * norm.cdf((np.asarray(snr) - mean) / width)

    noise = curve(score(LEVELS))
    for level in (2.5, 4.0, 7.5, 11.0, 12.5, 16.0):
        assert valued(noise, score(level)).value == pytest.approx(level, abs=0.2)
    # An error that rises is the same curve upside down.
    wrong = curve(1 - score(LEVELS), "lower")
    assert valued(wrong, 1 - score(12.5)).value == pytest.approx(valued(noise, score(12.5)).value)


def test_a_score_without_bounds_is_read_on_its_own_scale():
    """A log loss that rises with a straight line in decibels is read on that line."""
    noise = curve([0.5, 1.0, 1.5, 2.0, 2.5], "lower", clips=0)
    assert valued(noise, 1.25).value == pytest.approx(12.5) and valued(noise, 2.4).value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("score", "reason"), [(0.95, "no more than white noise at 20 dB"), (0.1, "more than white noise at 0 dB")]
)
def test_beyond_the_curve_there_is_no_number(score, reason):
    found = valued(curve([0.9, 0.8, 0.6, 0.4, 0.2]), score)
    assert found.value is None and found.reason == f"beyond the curve: it costs {reason}"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=7))
def test_a_curve_that_rises_with_noise_is_pooled_as_isotonic_regression_pools(scores):
    found = falling(np.array(scores)[:, None].repeat(2, 1))
    assert found[:, 0] == pytest.approx(isotonic_regression(np.array(scores), increasing=False), abs=1e-9)
    assert (np.diff(found, axis=0) <= 1e-9).all()


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_what_costs_more_is_worth_no_higher_snr(scores, one, other):
    low, high = (valued(curve(scores), each).value for each in sorted((one, other)))
    assert low is None or high is None or low <= high + 1e-9


def test_every_level_of_a_falling_curve_is_worth_itself():
    scores = [0.9, 0.8, 0.6, 0.4, 0.2]
    for level, score in zip(LEVELS[1:-1], scores[1:-1]):
        assert valued(curve(scores), score).value == level


def test_one_level_is_no_curve():
    one = NoiseCurve((10.0,), np.array([[0.5]]), "higher", "dB SNR", "accuracy")
    with pytest.raises(CannotMeasure, match="two levels or more"):
        worth(one, np.array([0.4]), 10, None)


def test_a_curve_that_does_not_fall_is_none():
    """A model that gets nothing right, and one that noise does not trouble: no score of theirs says anything."""
    for level in (0.0, 0.8):
        found = valued(curve([level] * 5), level)
        assert found.value is None and found.reason == "white noise from 20 to 0 dB costs the model nothing: no curve"


def test_levels_too_far_apart_for_a_steep_curve_give_no_number():
    """All that is known of a model that stands at 20 dB and has fallen at 10 is that it falls in between."""
    scores = np.array([[0.95], [0.95], [0.05], [0.05]]).repeat(51, 1)
    noise = NoiseCurve((30.0, 20.0, 10.0, 0.0), scores, "higher", "dB SNR", "accuracy", clips=CLIPS)
    found = valued(noise, 0.8)
    assert found.value is None and found.reason.startswith("between 10 and 20 dB, where the curve in noise falls too")


def test_without_an_interval_nobody_can_say_how_certain_a_number_is():
    found = worth(curve([0.9, 0.8, 0.6, 0.4, 0.2]), np.array([0.5]), CLIPS, None)
    assert found.value is None and found.reason.startswith("about 7.5 dB, and how certain that is nobody can say")


def column(hits, boot):
    return np.concatenate([[hits.mean()], boot.replicates(hits[:, None])[:, 0] / len(hits)])


def flags(snr, clips, stream):
    """Which clips a model gets right whose clips each have a threshold, normal around 10 dB, and some luck."""
    threshold = np.random.default_rng(0).normal(10, 6, clips)
    return (snr + stream.normal(0, 1.5, clips) > threshold).astype(float)


def of_noise(clips, stream, boot):
    levels = (30.0, 25.0, *LEVELS, -5.0)
    scores = np.stack([column(flags(level, clips, stream), boot) for level in levels])
    return NoiseCurve(levels, scores, "higher", "dB SNR", "accuracy", clips=clips)


def test_noise_measured_again_is_worth_its_own_level_within_a_decibel():
    """Test and retest: other draws of white noise, looked up on the curve of a first measurement."""
    clips, boot = 400, Bootstrap(400, draws=200)
    first, second = np.random.default_rng(1), np.random.default_rng(2)
    noise, numbers = of_noise(clips, first, boot), 0
    for level in (15.0, 12.5, 10.0, 7.5, 5.0):
        found = worth(noise, column(flags(level, clips, second), boot), clips, boot)
        if found.value is None:
            assert found.reason.startswith("not certain to 1 dB: between ")
            continue
        numbers += 1
        assert abs(found.value - level) < 1.0
        assert max(found.high - found.value, found.value - found.low) <= WITHIN
    assert numbers >= 3


def test_few_clips_give_no_number_but_say_between_what():
    clips, boot = 60, Bootstrap(60, draws=200)
    stream = np.random.default_rng(1)
    found = worth(of_noise(clips, stream, boot), column(flags(10.0, clips, stream), boot), clips, boot)
    assert found.value is None and found.reason.startswith("not certain to 1 dB: between ")
    assert found.reason.endswith("more clips or more draws of both narrow it")
