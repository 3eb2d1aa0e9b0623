"""Windows, frames and moving references, each against times worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.adapter.contract import Adapter, Card
from benchbed.errors import AdapterError
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.run.computing.windows import Timed, hear, moved, on_grid, placed, timed_references, to_windows

RATE = 1000


def card(**changes) -> Card:
    facts = {
        "name": "t",
        "family": "other",
        "output": "frames",
        "labels": ("a", "b"),
        "sample_rate": RATE,
        "scores": "probabilities",
        "frame_seconds": 0.1,
        "clip_seconds": 1.0,
    }
    return Card(**{**facts, **changes})


class Ramp(Adapter):
    """Answers in frame k of a window with the mean of the window's samples 100·k to 100·k + 99."""

    def __init__(self, made: Card, short: int = 0) -> None:
        self.card, self.short = made, short

    def predict(self, batch):
        clips, _, samples = batch.waveforms.shape
        if self.card.output == "tags":
            mean = batch.waveforms.mean((1, 2))
            return np.stack([mean, 1 - mean], -1)
        frames = batch.waveforms[:, 0, : samples // 100 * 100].reshape(clips, -1, 100).mean(2)
        frames = frames[:, : frames.shape[1] - self.short]
        return np.stack([frames, 1 - frames], -1)


def heard(waveform: np.ndarray, model: Adapter, batch_size: int = 2) -> np.ndarray:
    made = to_windows(waveform, RATE, model.card)
    outputs = hear(model, model.card, made.waveform[None], {}, batch_size)
    window = made.waveform.shape[1] / outputs.shape[1] / RATE
    hop = model.card.clip_seconds if model.card.output == "tags" else 0.1
    return on_grid(outputs[0], hop, window, waveform.shape[1] / RATE)


def ramp(seconds: float) -> np.ndarray:
    """A waveform whose mean over the tenth of a second k is k / 100."""
    return np.repeat(np.arange(round(seconds * 10)) / 100, 100).astype(np.float32)[None]


@pytest.mark.parametrize("seconds", [1.0, 3.0, 4.7])
def test_a_long_recording_is_heard_in_windows_and_put_together(seconds):
    frames = heard(ramp(seconds), Ramp(card()))
    assert np.allclose(frames[:, 0], np.arange(round(seconds * 10)) / 100, atol=1e-6)


def test_windows_short_of_a_frame_do_not_drift():
    # Nine frames of 0.1 s for each window of 1 s: the last one of a window is repeated, the next window starts on time.
    frames = heard(ramp(3.0), Ramp(card(), short=1))[:, 0]
    assert frames[:10] == pytest.approx(np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 8]) / 100, abs=1e-6)
    assert frames[20] == pytest.approx(0.20, abs=1e-6)


def test_a_tagger_of_windows_gives_one_frame_each():
    frames = heard(ramp(2.5), Ramp(card(output="tags", frame_seconds=None)))
    # Means of 0…0.09 and 0.10…0.19; the last window is half silence.
    assert frames[:, 0] == pytest.approx([0.045, 0.145, 0.11], abs=1e-6)


def test_a_model_of_any_length_hears_the_whole():
    frames = heard(ramp(2.5), Ramp(card(clip_seconds=None)))
    assert np.allclose(frames[:, 0], np.arange(25) / 100, atol=1e-6)


def test_windows_are_padded_and_never_cropped():
    made = to_windows(ramp(2.5), RATE, card())
    assert made.waveform.shape == (1, 3000) and made.padded and not made.cropped
    assert not to_windows(ramp(2.0), RATE, card()).padded
    half = to_windows(ramp(2.0), RATE, card(sample_rate=500))
    assert half.resampled and half.waveform.shape == (1, 1000), "a sample left by resampling makes no further window"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (np.zeros((1, 30, 2), np.float32), "3 s in all, for 1 s of audio"),
        (np.zeros((1, 10, 3), np.float32), "expected float"),
        (np.zeros((1, 10), np.float32), "expected float"),
        (np.zeros((1, 10, 2), np.int64), "int64"),
    ],
)
def test_outputs_that_do_not_fit_the_card_are_refused(answer, words):
    class Wrong(Ramp):
        def predict(self, batch):
            return answer

    with pytest.raises(AdapterError, match=words):
        heard(ramp(1.0), Wrong(card()))


def test_a_card_without_a_hop_is_refused():
    with pytest.raises(AdapterError, match="frame_seconds"):
        hear(Ramp(card(frame_seconds=None)), card(frame_seconds=None), ramp(1.0)[None], {}, 1)


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


def test_references_are_cut_at_the_end_and_merged_within_a_class():
    made = placed(events((1, 2, 0), (1.5, 3, 0), (1.5, 3, 1), (9, 12, 1), (11, 12, 0), (3, 4, 0)), 10.0)
    found = sorted(zip(made.label.tolist(), made.onset.tolist(), made.offset.tolist()))
    assert found == [
        (0, 1_000_000, 3_000_000),
        (0, 3_000_000, 4_000_000),
        (1, 1_500_000, 3_000_000),
        (1, 9_000_000, 10_000_000),
    ]
    assert made.length == 10_000_000


def test_soft_references_keep_their_parts():
    made = placed(Timed(np.array([[0.0, 1], [1, 2]]), np.array([0, 0]), np.array([0.4, 0.8])), 5.0)
    assert made.confidence.tolist() == [0.4, 0.8] and len(made) == 2


def test_a_circular_shift_moves_references_with_the_sound():
    shift = resolve("time_shift", [500.0], {})
    waveform = np.zeros((1, 2 * RATE), np.float32)
    waveform[0, 1700:1900] = 1.0  # an event from 1.7 to 1.9 s
    state = shift.prepare(waveform, RATE, np.random.default_rng(0), Context())
    heard_there = np.flatnonzero(shift.apply(state, 500.0).waveform[0] > 0.5)
    made = placed(moved(events((1.7, 1.9, 0)), shift, state, 500.0, 2.0), 2.0)
    assert made.onset.tolist() == [heard_there[0] * 1000]
    assert made.offset.tolist() == [(heard_there[-1] + 1) * 1000]


def test_noise_moves_nothing():
    noise = resolve("white_noise", [20], {})
    reference = events((0.5, 1.0, 1))
    assert moved(reference, noise, None, 20, 2.0) is reference


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
    found = timed_references(table, ("a", "b"))
    assert found["x"].label.tolist() == [1, 0] and found["x"].confidence.tolist() == [1.0, 0.7]
    assert set(found) == {"x", "y"} and timed_references(None, ("a",)) == {}


def test_a_buffer_that_a_model_answers_in_again_is_copied_for_every_window():
    class Buffered(Ramp):
        buffer = np.empty((8, 10, 2), np.float32)

        def predict(self, batch):
            given = super().predict(batch)
            self.buffer[: len(given)] = given
            return self.buffer[: len(given)]

    assert np.array_equal(heard(ramp(4.7), Buffered(card())), heard(ramp(4.7), Ramp(card())))
