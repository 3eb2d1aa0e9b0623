"""Which events are right, and deciding more than once on scores that were filtered once."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.families import psds, sed_event, sed_segment
from benchbed.metrics.sed.judging import unfiltered
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores


def corpus(*recordings):
    made = np.empty(len(recordings), object)
    made[:] = recordings
    return made


def test_scores_filtered_once_decide_as_the_family_with_its_filter():
    column = np.array([0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9, 0.1], np.float32)
    frames = FrameScores(np.stack([column, 1 - column], 1), np.arange(9) * SECOND)
    truth = Events(np.array([0]), np.array([4 * SECOND]), np.array([0]), 8 * SECOND)
    family = sed_event.family(("dog", "rain"), median_frames=3)
    plain, filtered = unfiltered(family, corpus(frames))
    # By hand, the ends repeated or reflected: the median of three takes out the lone frames 1 and 6.
    assert (filtered[0].scores[1:7, 0] > 0.5).tolist() == [True, True, True, False, False, False]
    assert plain.decision.median is None and family.decision.median is not None
    mine, theirs = family.statistics(corpus(frames), corpus(truth)), plain.statistics(filtered, corpus(truth))
    assert np.array_equal(mine, theirs)


def test_events_are_judged_one_by_one_where_they_are_decided():
    assert psds.family(("dog",)).judge is None
    at = np.array([SECOND])
    said, there = (Events(at + late, at + SECOND + late, np.array([0]), 4 * SECOND) for late in (SECOND // 2, 0))
    events, segments = sed_event.family(("dog",)).judge, sed_segment.family(("dog",), resolution=0.5).judge
    assert (events.per, segments.per) == ("event", "segment")
    missed, false = events.judged(corpus(said), corpus(there))
    assert missed.wrong == [[(SECOND, 2 * SECOND)]] and false.wrong == [[(3 * SECOND // 2, 5 * SECOND // 2)]]
    missed, false = segments.judged(corpus(said), corpus(there))
    assert missed.wrong == [[(SECOND, 3 * SECOND // 2)]] and false.wrong == [[(2 * SECOND, 5 * SECOND // 2)]]
    assert float(events.f1(corpus(said), corpus(there))[0]) == 0.0
    assert float(segments.f1(corpus(said), corpus(there))[0]) == 0.5
