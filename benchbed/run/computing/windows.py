"""Hearing long recordings in windows.

A model with a fixed input hears a recording in consecutive windows, or overlapping ones, the last one padded. What it
says about each is put together by the reading of its output, or joined where one answer for the whole is wanted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed import audio
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.adapter.room import make_room, most_inputs, out_of_memory
from benchbed.card import Card
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.joined import Forward, joined, joined_tensor
from benchbed.run.computing.ways import Hearing
from benchbed.run.computing.whole import ModelInput, to_model
from benchbed.types import Batch

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class InWindows(Hearing):
    """How a model hears recordings window by window; the twin of a reading cuts the windows of attacked ones.

    Attributes
    ----------
    overlapping : tuple of float, optional
        Length (of a model without one) and hop in seconds of overlapping windows.
    """

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
        """What the model says about recordings of one length `[recording, window, …]`."""
        lengths = _lengths(self.card, self.overlapping, waveforms.shape[2])
        return asked(adapter, reading, self.card, waveforms, side, lengths, self.batch_size)

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        return max(1, self.batch_size // max(1, samples // _lengths(self.card, None, samples)[0]))

    def describe(self) -> str:
        """How recordings reach the model, for the record."""
        if self.overlapping is not None:
            length, hop = self.card.clip_seconds or self.overlapping[0], self.overlapping[1]
            return f"windows of {length:g} s every {hop:g} s, averaged on segments of a second"
        if self.card.clip_seconds is None:
            return "whole recordings of any length"
        return f"windows of {self.card.clip_seconds:g} s one after another, the last one padded"


@dataclass(frozen=True)
class Joined(Hearing):
    """How a model of short clips hears a longer one for one answer: in windows whose answers are joined.

    Attributes
    ----------
    seconds, hop : float
        Length of a window, for a model that has none of its own, and from the start of one to the next.
    how : str
        `mean` or `max` of probabilities over windows.
    said_by : str
        Who asked for it, for the record.
    """

    seconds: float
    hop: float
    how: str
    said_by: str

    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """A clip as the model gets it; one that is not longer than a window is heard whole."""
        if waveform.shape[1] / sample_rate <= self._window / self.card.sample_rate:
            return to_model(waveform, sample_rate, self.card)
        return to_windows(waveform, sample_rate, self.card, (self.seconds, self.hop))

    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about clips of one length `[clip, …]`, joined over their windows."""
        lengths = self._lengths(waveforms.shape[2])
        answers = asked(adapter, reading, self.card, waveforms, side, lengths, self.batch_size)
        return joined(answers, self.card, self.how)

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        window, hop = self._lengths(samples)
        return max(1, self.batch_size // ((samples - window) // hop + 1))

    def through(self, forward: Forward) -> Forward:
        """A model's differentiable path over windows as one over clips."""

        def over_clips(points: torch.Tensor) -> torch.Tensor:
            window, hop = self._lengths(points.shape[2])
            pieces = points.unfold(2, window, hop).transpose(1, 2)
            answers = forward(pieces.reshape(-1, points.shape[1], window))
            return joined_tensor(answers.reshape(len(points), -1, *answers.shape[1:]), self.card, self.how)

        return over_clips

    def describe(self) -> str:
        """How clips reach the model, for the record."""
        length = self._window / self.card.sample_rate
        return f"windows of {length:g} s every {self.hop:g} s, {self.how} of their probabilities (from {self.said_by})"

    @property
    def _window(self) -> int:
        return round((self.card.clip_seconds or self.seconds) * self.card.sample_rate)

    def _lengths(self, samples: int) -> tuple[int, int]:
        window, hop = _lengths(self.card, (self.seconds, self.hop), samples)
        return min(window, samples), max(1, hop)


def asked(
    adapter: Adapter,
    reading: Reading,
    card: Card,
    waveforms: np.ndarray,
    side: Mapping[str, tuple],
    lengths: tuple[int, int],
    batch_size: int,
) -> np.ndarray:
    """What a model says about the windows of recordings of one length `[recording, window, …]`.

    Parameters
    ----------
    waveforms : np.ndarray [shape=(recording, channel, sample), float32]
    side : mapping
        Side information, one value per recording.
    lengths : tuple of int
        Of a window and from one to the next, in samples.
    batch_size : int
        Windows per call.
    """
    count, _, samples = waveforms.shape
    window, hop = lengths
    windows = (samples - window) // hop + 1
    # [window of a recording, …] without copies, of which overlapping windows would need many.
    pieces = np.lib.stride_tricks.sliding_window_view(waveforms, window, axis=2)[:, :, ::hop].swapaxes(1, 2)
    outputs: list[np.ndarray] = []
    start = 0
    while start < count * windows:
        size = min(batch_size, most_inputs(adapter) or batch_size, count * windows - start)
        places = [divmod(i, windows) for i in range(start, start + size)]
        part = np.stack([pieces[place] for place in places])
        rows = [row for row, _ in places]
        beside = {name: tuple(values[row] for row in rows) for name, values in side.items()}
        whole = np.full(len(part), window, dtype=np.int64)
        reading.asked(beside)
        try:
            raw = ask(adapter, Batch(part, whole, card.sample_rate, beside))  # of a copy of the waveforms
        except Exception as error:
            if size == 1 or not out_of_memory(error):
                raise
            make_room(adapter, size)
            continue
        outputs.append(reading.check(raw, len(part), Heard(window / card.sample_rate, window)))
        start += size
    answers = np.concatenate(outputs)
    return answers.reshape(count, windows, *answers.shape[1:])


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
