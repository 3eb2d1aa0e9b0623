"""Hearing long recordings in windows.

A model with a fixed input hears a recording in consecutive windows, or overlapping ones, the last one padded. What it
says about each is put together by the reading of its output.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchbed import audio
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.whole import ModelInput
from benchbed.types import Batch


@dataclass(frozen=True)
class InWindows:
    """How a model hears recordings window by window.

    Attributes
    ----------
    card : Card
        The model's card.
    batch_size : int
        Windows per call.
    overlapping : tuple of float, optional
        Length (of a model without one) and hop in seconds of overlapping windows.
    """

    card: Card
    batch_size: int
    overlapping: tuple[float, float] | None = None

    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """A recording as the model gets it."""
        return to_windows(waveform, sample_rate, self.card, self.overlapping)

    def heard(self, samples: int, seconds: float) -> Heard:
        """How a recording of `seconds` was heard that gave an input of so many samples."""
        if self.overlapping is None:
            return Heard(seconds, samples, _lengths(self.card, None, samples)[0] / self.card.sample_rate)
        length, hop = self.overlapping
        return Heard(seconds, samples, self.card.clip_seconds or length, hop)

    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about recordings of one length `[recording, window, …]`.

        Parameters
        ----------
        waveforms : np.ndarray [shape=(recording, channel, sample), float32]
            As `given` makes them.
        side : mapping
            Side information, one value per recording.
        lent : bool
            The waveforms are needed afterwards; windows are copies of them in any case.

        Raises
        ------
        AdapterError
            The outputs have another shape than the card says.
        """
        count, _, samples = waveforms.shape
        window, hop = _lengths(self.card, self.overlapping, samples)
        windows = (samples - window) // hop + 1
        # [window of a recording, …] without copies, of which overlapping windows would need many.
        pieces = np.lib.stride_tricks.sliding_window_view(waveforms, window, axis=2)[:, :, ::hop].swapaxes(1, 2)
        outputs = []
        for start in range(0, count * windows, self.batch_size):
            places = [divmod(i, windows) for i in range(start, min(start + self.batch_size, count * windows))]
            part = np.stack([pieces[place] for place in places])
            rows = [row for row, _ in places]
            beside = {name: tuple(values[row] for row in rows) for name, values in side.items()}
            lengths = np.full(len(part), window, dtype=np.int64)
            raw = ask(adapter, Batch(part, lengths, self.card.sample_rate, beside))  # of a copy of the waveforms
            outputs.append(reading.check(raw, len(part), Heard(window / self.card.sample_rate, window)))
        answers = np.concatenate(outputs)
        return answers.reshape(count, windows, *answers.shape[1:])

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        return max(1, self.batch_size // max(1, samples // _lengths(self.card, None, samples)[0]))


def to_windows(
    waveform: np.ndarray, sample_rate: int, card: Card, windows: tuple[float, float] | None = None
) -> ModelInput:
    """Bring a recording to the channels and rate of the card, and to a whole number of its windows; never cropped.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
    sample_rate : int
        Its rate in Hz.
    card : Card
        The model's card.
    windows : tuple of float, optional
        Length (of a model without one) and hop in seconds of overlapping windows.
    """
    remixed, resampled = waveform.shape[0] != card.channels, sample_rate != card.sample_rate
    if remixed:
        waveform = audio.to_channels(waveform, card.channels)
    if resampled:
        waveform = audio.resample(waveform, sample_rate, card.sample_rate)
    have = waveform.shape[1]
    want = max(have, math.ceil(card.min_seconds * card.sample_rate))
    if windows is not None:
        window, hop = _lengths(card, windows, want)
        want = window + hop * max(0, math.ceil((have - 2 - window) / hop))
    elif card.clip_seconds is not None:
        window = round(card.clip_seconds * card.sample_rate)
        # Resampling may leave a sample or two beyond the last window; they are no window of their own.
        want = max(1, math.ceil((have - 2) / window)) * window
    if want != have:
        waveform = audio.fit(waveform, want, card.pad, "start")
    return ModelInput(waveform, want > have, False, resampled, remixed)


def _lengths(card: Card, overlapping: tuple[float, float] | None, samples: int) -> tuple[int, int]:
    """Window and hop in samples: the model's own windows one after another, or overlapping ones."""
    own = None if card.clip_seconds is None else round(card.clip_seconds * card.sample_rate)
    if overlapping is None:
        return (own or samples,) * 2
    seconds, hop = overlapping
    window = own or round(seconds * card.sample_rate)
    return window, min(round(hop * card.sample_rate), window)
