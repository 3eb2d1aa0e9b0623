"""Long recordings are heard in windows, and what is said about them stands at the right time."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.frames import OUTPUT
from benchbed.run.computing.windows import InWindows, to_windows

RATE = 1000
LABELS = ("a", "b")


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
    hearing, reading = InWindows(model.card, batch_size), OUTPUT.read(model.card, LABELS)
    made = hearing.given(waveform, RATE)
    raw = hearing.ask(model, reading, made.waveform[None], {})
    [answer] = reading.answers(raw, [hearing.heard(made.waveform.shape[1], waveform.shape[1] / RATE)])
    return answer.scores


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
        (np.zeros((1, 30, 2), np.float32), "30 frames of 0.1 s are 3 s, for 1 s of audio"),
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
        OUTPUT.read(card(frame_seconds=None), LABELS)


def test_a_buffer_that_a_model_answers_in_again_is_copied_for_every_window():
    class Buffered(Ramp):
        buffer = np.empty((8, 10, 2), np.float32)

        def predict(self, batch):
            given = super().predict(batch)
            self.buffer[: len(given)] = given
            return self.buffer[: len(given)]

    assert np.array_equal(heard(ramp(4.7), Buffered(card())), heard(ramp(4.7), Ramp(card())))
