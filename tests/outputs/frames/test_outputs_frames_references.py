"""References in time: cut, merged and moved with the sounds, and one grid of frames over each recording."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.outputs.frames import OUTPUT
from benchbed.outputs.frames.grid import on_grid
from benchbed.outputs.frames.references import NOTHING, Timed, moved, placed, timed_references
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.run.computing.moves import applied

RATE = 1000


@settings(max_examples=50, deadline=None)
@given(st.floats(0.05, 20), st.floats(0.01, 1.0), st.floats(0.5, 10))
def test_the_grid_covers_the_recording_once(seconds, hop, window):
    windows = max(1, int(np.ceil(seconds / window)))
    outputs = np.arange(windows * max(1, round(window / hop)), dtype=float).reshape(windows, -1, 1)
    frames = on_grid(outputs, hop, window, seconds)
    assert (len(frames) - 1) * hop < seconds + 1e-5 <= len(frames) * hop + 2e-5
    assert (np.diff(frames[:, 0]) >= 0).all()


def events(*rows: tuple[float, float, int]) -> Timed:
    table = np.array(rows, float).reshape(-1, 3)
    return Timed(table[:, :2], table[:, 2].astype(int))


def test_references_are_cut_at_the_end_and_stay_as_many_as_they_are():
    given = events((1, 2, 0), (1.5, 3, 0), (1.5, 3, 1), (9, 12, 1), (11, 12, 0), (3, 4, 0))
    made = placed(given, 10.0)
    assert sorted(zip(made.onset.tolist(), made.offset.tolist(), made.label.tolist())) == [
        (1_000_000, 2_000_000, 0),
        (1_500_000, 3_000_000, 0),
        (1_500_000, 3_000_000, 1),
        (3_000_000, 4_000_000, 0),
        (9_000_000, 10_000_000, 1),
    ]
    # What a perturbation makes of a reference without overlaps is joined where it overlaps.
    made = placed(given, 10.0, join=True)
    found = sorted(zip(made.label.tolist(), made.onset.tolist(), made.offset.tolist()))
    assert found == [
        (0, 1_000_000, 3_000_000),
        (0, 3_000_000, 4_000_000),
        (1, 1_500_000, 3_000_000),
        (1, 9_000_000, 10_000_000),
    ]
    assert made.duration == 10_000_000


def test_soft_references_keep_their_parts():
    made = placed(Timed(np.array([[0.0, 1], [1, 2]]), np.array([0, 0]), np.array([0.4, 0.8])), 5.0)
    assert made.confidence.tolist() == [0.4, 0.8] and len(made) == 2


def test_a_circular_shift_moves_references_with_the_sound():
    shift = resolve("time_shift", [500.0], {})
    waveform = np.zeros((1, 2 * RATE), np.float32)
    waveform[0, 1700:1900] = 1.0  # an event from 1.7 to 1.9 s
    state = shift.prepare(waveform, RATE, np.random.default_rng(0), Context())
    heard_there = np.flatnonzero(shift.apply(state, 500.0).waveform[0] > 0.5)
    made = placed(moved(events((1.7, 1.9, 0)), applied(OUTPUT, shift, state, 500.0), 2.0), 2.0)
    assert made.onset.tolist() == [heard_there[0] * 1000]
    assert made.offset.tolist() == [(heard_there[-1] + 1) * 1000]


def test_noise_moves_nothing():
    noise = resolve("white_noise", [20], {})
    reference = events((0.5, 1.0, 1))
    assert moved(reference, applied(OUTPUT, noise, None, 20), 2.0) is reference


def test_events_of_a_dataset_by_clip():
    table = pd.DataFrame(
        {
            "clip_id": ["x", "y", "x"],
            "onset": [0.0, 1, 2],
            "offset": [1.0, 2, 3],
            "label": ["b", "a", "a"],
            "confidence": [1.0, 0.5, 0.7],
        }
    )
    clips = pd.DataFrame({"clip_id": ["y", "z", "x"]})
    y, z, x = timed_references(clips, table, ("a", "b"))
    assert x.label.tolist() == [1, 0] and x.confidence.tolist() == [1.0, 0.7]
    assert y.label.tolist() == [0] and z is NOTHING
    assert timed_references(clips, None, ("a",)).tolist() == [NOTHING] * 3


def test_a_recording_with_tags_alone_is_coarse_and_judged_by_its_tags():
    clips = pd.DataFrame({"clip_id": ["x", "y"], "label": [("b",), ("a",)], "weak": [True, False]})
    table = pd.DataFrame({"clip_id": ["y"], "onset": [0.5], "offset": [1.0], "label": ["a"]})
    references = OUTPUT.references(clips, table, ("a", "b"))
    assert OUTPUT.coarse(references).tolist() == [True, False]
    lying = np.empty(2, object)
    lying[:] = [OUTPUT.placed(references, row, 2.0, None) for row in range(2)]
    weak, strong = OUTPUT.truth(references, lying)
    assert weak.tolist() == [0.0, 1.0] and strong.onset.tolist() == [500_000]
