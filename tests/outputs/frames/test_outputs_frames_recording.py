"""Repairs of odd lists of events, frame scores and median filters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import median_filter

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.sed.decision import Decision, Median, decision
from benchbed.outputs.frames.recording import (
    SECOND,
    Events,
    FrameScores,
    OddEvents,
    Repairs,
    frame_scores,
    merge,
    recordings,
)


def rows(*events: tuple[str, float, float, str]) -> dict[str, list]:
    return (
        dict(zip(("clip_id", "onset", "offset", "label"), map(list, zip(*events))))
        if events
        else {"clip_id": [], "onset": [], "offset": [], "label": []}
    )


@pytest.mark.parametrize(
    ("event", "policy", "message"),
    [
        (("a", 1, 1, "dog"), OddEvents(), "1…1 s does not end after it starts"),
        (("a", 2, 1, "dog"), OddEvents(), "2…1 s does not end after it starts"),
        (("a", 0, 1, "cat"), OddEvents(), "events of unknown class 'cat'"),
        (("a", 0, 11, "dog"), OddEvents(outside="error"), "0…11 s leaves its recording"),
        (("a", -1, 1, "dog"), OddEvents(outside="error"), "-1…1 s leaves its recording"),
        (("a", float("nan"), 1, "dog"), OddEvents(), "1 times are not finite"),
        (("b", 0, 1, "dog"), OddEvents(), "events of 1 recordings that are not scored, e.g. 'b'"),
    ],
)
def test_an_odd_event_is_one_clear_error(event: tuple, policy: OddEvents, message: str) -> None:
    with pytest.raises(CannotMeasure, match=message.replace("…", ".")) as caught:
        recordings(["a"], rows(event), ["dog"], [10.0], policy)
    assert event[0] == "b" or caught.value.where == "a"


def test_odd_events_are_repaired_and_counted() -> None:
    table = rows(
        ("a", -1, 2, "dog"),
        ("a", 1, 3, "dog"),
        ("a", 9, 12, "dog"),
        ("a", 11, 12, "dog"),
        ("a", 5, 5, "dog"),
        ("a", 0, 1, "cat"),
        ("b", 0, 0, ""),
    )
    made, repairs = recordings(["a", "b", "c"], table, ["dog"], [10.0] * 3, OddEvents("drop", "drop"))
    assert made[0].onset.tolist() == [0, 9 * SECOND] and made[0].offset.tolist() == [3 * SECOND, 10 * SECOND]
    assert repairs == Repairs(merged=1, clipped=2, dropped=2, unknown=1, empty=2)
    assert [len(events) for events in made] == [2, 0, 0] and made[2].duration == 10 * SECOND
    assert len(repairs.sentences()) == 5


def test_events_of_no_length_can_be_kept_as_sed_eval_does() -> None:
    made, repairs = recordings(
        ["a"], rows(("a", 5, 5, "dog"), ("a", 6, 5, "dog")), ["dog"], policy=OddEvents(length="keep")
    )
    assert made[0].onset.tolist() == [5 * SECOND] and repairs.dropped == 1


def test_overlaps_are_merged_kept_or_refused() -> None:
    table = rows(("a", 0, 2, "dog"), ("a", 1, 3, "dog"), ("a", 3, 4, "dog"), ("a", 0, 9, "cat"))
    for overlap, left in (("merge", 3), ("keep", 4)):
        made, repairs = recordings(["a"], table, ["dog", "cat"], policy=OddEvents(overlap=overlap))
        assert len(made[0]) == left and repairs.merged == (overlap == "merge")
    with pytest.raises(CannotMeasure, match="1 events overlap"):
        recordings(["a"], table, ["dog", "cat"], policy=OddEvents(overlap="error"))


def test_missing_answers_are_an_error_or_counted_as_empty() -> None:
    table = rows(("a", 0, 1, "dog"))
    with pytest.raises(CannotMeasure, match=r"no answer for 1 recordings, e\.g\. 'c'"):
        recordings(["a", "b", "c"], table, ["dog"], answered=["b"])
    made, repairs = recordings(["a", "b", "c"], table, ["dog"], answered=["b"], policy=OddEvents(missing="empty"))
    assert repairs.missing == 1 and repairs.empty == 2 and len(made[2]) == 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10), st.integers(0, 2)), max_size=12))
def test_merging_covers_the_same_time_without_overlaps(found: list[tuple[int, int, int]]) -> None:
    onset, length, label = (np.array([f[i] for f in found], np.int64) for i in range(3))
    merged = merge(Events(onset, onset + length, label))
    cover = np.zeros((2, 3, 60), int)
    for side, events in enumerate((Events(onset, onset + length, label), merged)):
        for on, off, c in zip(events.onset, events.offset, events.label):
            cover[side, c, on:off] += 1
    np.testing.assert_array_equal(cover[0] > 0, cover[1] > 0)
    assert cover[1].max(initial=0) <= 1


def test_frame_scores_are_checked() -> None:
    with pytest.raises(CannotMeasure, match="scores of 1 frames are not finite"):
        frame_scores(np.array([[0.1], [np.nan]]), 0.1)
    with pytest.raises(CannotMeasure, match="frame borders do not rise"):
        FrameScores(np.zeros((2, 1)), np.array([0, 5, 5]))
    with pytest.raises(CannotMeasure, match="frame borders for scores"):
        FrameScores(np.zeros((2, 1)), np.array([0, 5]))
    assert len(frame_scores(np.zeros((5, 1)), 0.1, duration=0.3)) == 3


def test_filtering_scores_equals_filtering_decisions() -> None:
    generator = np.random.default_rng(0)
    frames = frame_scores(generator.random((60, 2)), 0.02)
    found = Decision((0.5,), Median((7,))).events([frames], 2)[0]
    active = median_filter((frames.scores >= 0.5).astype(int), size=(7, 1))
    expected = np.zeros((62, 2), int)
    expected[1:-1] = active
    turns = [np.flatnonzero(np.diff(expected[:, c])) for c in range(2)]
    assert found.onset.tolist() == [20_000 * t for turn in turns for t in turn[::2]]
    assert found.offset.tolist() == [20_000 * t for turn in turns for t in turn[1::2]]


def test_median_lengths_in_seconds_become_odd_frames_per_class() -> None:
    frames = frame_scores(np.random.default_rng(1).random((40, 2)), 0.064)
    made = Median((0.45, 0.064), seconds=True).apply(frames).scores
    np.testing.assert_array_equal(made[:, 0], median_filter(frames.scores[:, 0], size=7))
    np.testing.assert_array_equal(made[:, 1], frames.scores[:, 1])
    with pytest.raises(ConfigError, match="odd number"):
        decision(0.5, median_frames=4)
    with pytest.raises(ConfigError, match="not both"):
        decision(0.5, median_frames=3, median_seconds=0.3)
    with pytest.raises(CannotMeasure, match="3 median filters for 2 classes"):
        Median((3, 3, 3)).apply(frames)
