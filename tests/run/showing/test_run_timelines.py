"""Timelines of recordings: errors by hand on both ways of judging, the choice of recordings, and long or odd ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.metrics.families import psds, sed_event, sed_segment
from benchbed.metrics.joint import Joint
from benchbed.metrics.sed.examples import random_corpus
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores
from benchbed.run.showing import timelines
from benchbed.run.showing.timelines import cell_timelines, judge_of

LABELS = ("dog", "rain", "speech")


def events(length: float, *rows: tuple[float, float, int]) -> Events:
    onset, offset, label = (np.array(part) for part in zip(*rows)) if rows else (np.zeros(0),) * 3
    times = [np.rint(part * SECOND).astype(np.int64) for part in (onset, offset)]
    return Events(*times, label.astype(np.int64), round(length * SECOND))


def corpus(*recordings: Events | FrameScores) -> np.ndarray:
    made = np.empty(len(recordings), object)
    made[:] = recordings
    return made


def told(judge, output, target, names=None):
    scores, reference = corpus(*output), corpus(*target)
    return cell_timelines(judge, scores, reference, names or [f"r{i}" for i in range(len(scores))], "frames/test/clean")


def test_by_collars_an_event_is_right_or_wrong_as_a_whole():
    output = events(9, (1.1, 2.1, 0), (7, 8, 0), (5.0, 6.3, 1))
    target = events(9, (1, 2, 0), (5, 6, 0), (5.0, 6.0, 1))
    made = told(sed_event.family(LABELS), [output], [target])
    (one,) = made.timelines
    assert (made.per, made.recordings, one.why, one.f1) == ("event", 1, "worst", pytest.approx(2 / 6))
    dog, rain = one.tracks
    assert [(e.onset, e.offset, e.lost) for e in dog.reference] == [(1, 2, []), (5, 6, [(5, 6)])]
    assert [(e.onset, e.offset, e.lost) for e in dog.output] == [(1.1, 2.1, []), (7, 8, [(7, 8)])]
    # 0.3 s late is more than the collar of 0.2 s and a fifth of the event.
    assert rain.output[0].lost == [(5, 6.3)] and rain.reference[0].lost == [(5, 6)]
    assert [(t.label, t.missed, t.false) for t in one.tracks] == [("dog", 1, 1), ("rain", 1, 1)]
    assert [t.threshold for t in one.tracks] == [None, None] and not dog.scores


def test_on_segments_the_parts_of_an_event_are_wrong_where_the_other_side_is_silent():
    output = events(4, (1.0, 1.9, 0), (3.5, 3.75, 1))
    target = events(4, (0.5, 3.2, 0))
    (one,) = told(sed_segment.family(LABELS, resolution=1.0), [output], [target]).timelines
    dog, rain = one.tracks
    # The reference is on in segments 0 to 3, the output in segment 1 only: 1 of 4 found, 1 false.
    assert one.f1 == pytest.approx(2 / (4 + 2))
    assert dog.reference[0].lost == [(0.5, 1.0), (2.0, 3.2)] and dog.output[0].lost == []
    assert rain.output[0].lost == [(3.5, 3.75)]
    assert [(t.missed, t.false) for t in one.tracks] == [(1.7, 0), (0, 0.25)]


@given(st.integers(0, 2**32 - 1))
def test_what_is_marked_is_what_the_metrics_count(seed):
    scores, target = random_corpus(np.random.default_rng(seed), 1, 3)
    for judge in (sed_event.family(LABELS), sed_segment.family(LABELS), sed_segment.family(LABELS, resolution=0.7)):
        sums = judge.statistics(scores, target)[0]
        hit, there, said = (sums[3 * i : 3 * i + 3] for i in range(3))
        step = judge.grid.resolution * SECOND if judge.output == "frames" and hasattr(judge, "grid") else None
        for side, total in zip(judge.judged(scores, target), (there, said)):
            wrong = np.zeros(3)
            if step is None:
                for label, lost in zip(side.label, side.wrong):
                    wrong[label] += bool(lost)
            else:
                marked = {
                    (int(label), segment)
                    for label, lost in zip(side.label, side.wrong)
                    for on, off in lost
                    for segment in range(math.floor(on / step + 1e-9), math.ceil(off / step - 1e-9))
                }
                for label, _ in marked:
                    wrong[label] += 1
            np.testing.assert_array_equal(wrong, total - hit)


def test_the_worst_and_the_most_usual_recordings_are_chosen():
    # Of ten recordings with ten events each, i are found and nothing is false: F1 = 2i / (10 + i).
    whole = [(float(i), i + 0.5, 0) for i in range(10)]
    target = [events(10, *whole) for _ in range(10)]
    output = [events(10, *whole[:found]) for found in range(10)]
    # One that is silent and was left alone has no F1, and one without a mistake is none of the worst.
    target += [events(10), events(10, *whole)]
    output += [events(10), events(10, *whole)]
    made = told(sed_event.family(LABELS), output, target)
    assert made.recordings == 11
    # F1 of 0, 1, … 9 and 10 found: the median is that of 5 found.
    assert made.median_f1 == pytest.approx(10 / 15, abs=1e-6)
    assert [(one.why, one.clip_id) for one in made.timelines] == [
        ("worst", "r0"),
        ("worst", "r1"),
        ("worst", "r2"),
        ("worst", "r3"),
        ("typical", "r5"),
        ("typical", "r6"),
        ("typical", "r4"),
    ]


def test_of_equal_recordings_the_one_with_more_events_is_worse_and_names_break_ties():
    lone, three = events(5, (1, 2, 0)), events(5, (1, 2, 0), (2.5, 3, 1), (4, 5, 2))
    target = [lone, three, lone]
    made = told(sed_event.family(LABELS), [events(5)] * 3, target, ["b", "c", "a"])
    assert [one.clip_id for one in made.timelines] == ["c", "a", "b"]


def test_a_detector_without_a_mistake_has_no_worst_recordings():
    target = [events(5, (1, 2, 0))] * 2
    assert [one.why for one in told(sed_event.family(LABELS), target, target).timelines] == ["typical"] * 2


def test_the_order_of_recordings_does_not_matter():
    scores, target = random_corpus(np.random.default_rng(3), 30, 3)
    names = [f"r{i:02d}" for i in range(30)]
    turned = np.random.default_rng(1).permutation(30)
    judge = sed_event.family(LABELS)
    straight = cell_timelines(judge, scores, target, names, "k")
    assert straight == cell_timelines(judge, scores[turned], target[turned], [names[i] for i in turned], "k")


def test_the_median_filter_and_the_thresholds_of_the_suite_are_used():
    # One frame of 0.1 s above the threshold is noise to a filter of three frames.
    scores = np.array([[0.1], [0.9], [0.1], [0.7], [0.7], [0.7], [0.1], [0.1], [0.1], [0.1]])
    frames = FrameScores(scores, np.arange(11) * 100_000)
    target = events(1, (0.3, 0.6, 0))
    low = sed_event.family(("dog",), threshold=[0.6], median_frames=3)
    assert told(low, [frames], [target]).timelines[0].f1 == 1
    raw = told(sed_event.family(("dog",), threshold=0.6), [frames], [target]).timelines[0]
    (track,) = raw.tracks
    assert [(e.onset, e.offset, bool(e.lost)) for e in track.output] == [(0.1, 0.2, True), (0.3, 0.6, False)]
    assert (track.missed, track.false, track.threshold) == (0, 1, 0.6)
    # A hundred parts of ten milliseconds, ten to a frame.
    assert track.scores == [round(100 * value) for value in np.repeat(scores[:, 0], 10)]


def test_of_a_long_recording_the_part_with_the_most_errors_is_shown():
    wrong = [(200.0 + 5 * i, 201.0 + 5 * i, 0) for i in range(10)]
    target = events(400, (3, 4, 1), (50, 51, 0), *wrong)
    (one,) = told(sed_event.family(LABELS), [events(400, (3, 4, 1))], [target]).timelines
    assert (one.seconds, one.start, one.stop) == (400, 200, 320)
    assert [track.label for track in one.tracks] == ["dog"] and len(one.tracks[0].reference) == 10


def test_a_flood_of_events_is_cut_short():
    many = [(i / 100, i / 100 + 0.004, 0) for i in range(1000)]
    (one,) = told(sed_event.family(LABELS), [events(10, *many)], [events(10, (9, 10, 1))]).timelines
    assert one.stop == pytest.approx(3.0) and len(one.tracks[0].output) == timelines.MOST_EVENTS
    assert one.seconds == 10


def test_of_many_classes_those_with_the_most_events_are_shown():
    labels = tuple(f"c{i:02d}" for i in range(30))
    rows = [(0.2 * k, 0.2 * k + 0.1, label) for label in range(30) for k in range(1 + label % 5)]
    (one,) = told(sed_event.family(labels), [events(10, *rows)], [events(10)]).timelines
    assert len(one.tracks) == timelines.MOST_TRACKS and one.left_out == 30 - timelines.MOST_TRACKS
    counts = [len(track.output) for track in one.tracks]
    assert min(counts) == 3 and counts.count(5) == counts.count(4) == 6
    assert [track.label for track in one.tracks] == sorted(track.label for track in one.tracks)


def test_events_beyond_the_window_are_cut_at_it():
    (one,) = told(sed_event.family(LABELS), [events(300, (110, 280, 0))], [events(300, (0, 250, 0))]).timelines
    (track,) = one.tracks
    assert (one.start, one.stop) == (0, 120)
    assert [(e.onset, e.offset, e.lost) for e in track.reference] == [(0, 120, [(0, 120)])]
    assert [(e.onset, e.offset, e.lost) for e in track.output] == [(110, 120, [(110, 120)])]


def test_nothing_anywhere_gives_no_timelines():
    made = told(sed_event.family(LABELS), [events(5)] * 3, [events(5)] * 3)
    assert (made.recordings, made.median_f1, made.timelines) == (0, None, [])
    assert told(sed_event.family(LABELS), [], []).timelines == []


def test_the_metrics_that_judge_are_the_suite_s_own_or_the_usual_collars():
    segment, collars = sed_segment.family(LABELS), sed_event.family(LABELS, threshold=0.3)
    joint = Joint(psds.family(LABELS), {"segment": segment, "event": collars})
    assert judge_of(joint, {}) == (segment, "segment_")
    judge, prefix = judge_of(psds.family(LABELS), {"threshold": [0.1, 0.2, 0.3], "median_seconds": 0.5})
    assert prefix == "" and judge.decision.thresholds == (0.1, 0.2, 0.3)
    assert judge.metrics["micro_f1"].rule.endswith("optimal:thresholds-per-class:median-0.5-s")
