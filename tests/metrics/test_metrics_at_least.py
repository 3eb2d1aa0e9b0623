"""Thresholds meet scores in one type: every exact tie of 0.01 … 0.99 is "at least", whatever the scores are made of."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchbed.metrics.at_least import at_least, in_type_of
from benchbed.metrics.cell import score_cell
from benchbed.metrics.clip_scores import label_f1
from benchbed.metrics.families import psds, sed_tagging, tagging
from benchbed.metrics.sed.decision import Decision
from benchbed.metrics.sed.flat import flatten
from benchbed.metrics.sed.segment_scores import segments
from benchbed.outputs.frames.grid import laid_over
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores

HUNDREDTHS = [i / 100 for i in range(1, 100)]
#: float32, float64, and float32 numbers that came through something that computes in float64.
KINDS = {
    "float32": lambda value: np.float32(value),
    "float64": lambda value: np.float64(value),
    "float32 as float64": lambda value: np.float64(np.float32(value)),
}


def test_the_fault_was_there_24_times():
    below = [t for t in HUNDREDTHS if float(np.float32(t)) < t]
    assert len(below) > 20 and 0.7 in below, "these scores of a network are a little less than they print as"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threshold", HUNDREDTHS)
def test_a_tie_is_at_least_its_threshold_everywhere(kind, threshold):
    score = KINDS[kind](threshold)
    beside = np.array([threshold - 1e-6, score, threshold + 1e-6], score.dtype)
    assert at_least(beside, threshold).tolist() == [False, True, True]
    one, there = np.array([[score]]), np.array([[1.0]])
    made = tagging.family(("dog",), threshold=threshold)
    assert score_cell(made, one, there, np.zeros(1, int)).metrics["micro_f1"].value == 1.0
    assert label_f1(made, one, there)[0] == 1.0
    frames = FrameScores(np.full((7, 1), score), np.arange(8) * SECOND // 7)
    assert len(Decision((threshold,)).events([frames], 1)[0]) == 1
    for pool in ("max", "mean", "linear", "exponential"):
        weak = sed_tagging.family(("dog",), pool=pool, threshold=threshold)
        box = np.empty(1, object)
        box[0] = frames
        target = np.empty(1, object)
        target[0] = np.ones(1)
        assert score_cell(weak, box, target, np.zeros(1, int)).metrics["micro_f1"].value == 1.0, pool


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threshold", HUNDREDTHS)
def test_means_of_equal_scores_are_that_score(kind, threshold):
    score = KINDS[kind](threshold)
    clip = FrameScores(np.full((13, 1), score), np.round(np.linspace(0, 2.6 * SECOND, 14)).astype(np.int64))
    assert (laid_over([clip] * 3, [0.0, 1.0, 1.9], 4.4, 1).scores == score).all()
    nothing = np.empty(1, object)
    nothing[0] = Events(*[np.zeros(0, np.int64)] * 3, 2_600_000)
    assert (segments([clip], flatten(nothing, 1), 1, 0.7, "mean").scores == score).all()


@pytest.mark.parametrize("kind", KINDS)
def test_listed_thresholds_of_psds_meet_scores_in_one_type(kind):
    """psds_eval takes a list of thresholds; one event found by a score that equals the only threshold is found."""
    for threshold in (0.07, 0.7, 0.83):
        outputs, target = np.empty(1, object), np.empty(1, object)
        outputs[0] = FrameScores(np.array([[KINDS[kind](threshold)], [0.0]]), np.array([0, SECOND, 2 * SECOND]))
        target[0] = Events(np.array([0]), np.array([SECOND]), np.array([0]), 2 * SECOND)
        made = psds.family(("dog",), scenarios=("psds1",), thresholds=[threshold])
        assert score_cell(made, outputs, target, np.zeros(1, int)).metrics["psds1"].value == 1.0


@given(st.lists(st.sampled_from(HUNDREDTHS), min_size=2, max_size=12), st.sampled_from(HUNDREDTHS))
def test_float32_scores_decide_as_numpy_decides_in_float32(values, threshold):
    scores = np.array(values, np.float32)[:, None]
    expected = scores >= np.float32(threshold)
    assert (at_least(scores, threshold) == expected).all()
    assert (at_least(scores.astype(float), threshold) == expected).all()
    target = np.array([i % 2 for i in range(len(values))])[:, None]
    made = tagging.family(("dog",), threshold=threshold)
    value = score_cell(made, scores, target, np.arange(len(scores))).metrics["micro_f1"].value
    assert value == pytest.approx(f1_score(target[:, 0], expected[:, 0]), abs=1e-12)


def test_scores_of_text_are_compared_to_their_last_digit():
    assert at_least(np.array([0.69999999, 0.7, 0.70000001]), 0.7).tolist() == [False, True, True]
    assert in_type_of(np.array([0.69999999, 0.7]), [0.7])[0] == 0.7
