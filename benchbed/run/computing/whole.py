"""From a row of the clip table to audio, and from audio to what the model wants; every change is noted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed import audio
from benchbed.adapter.asking import ask
from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.data.dataset import ClipRow
from benchbed.errors import AudioError
from benchbed.outputs.contract import Heard, Reading
from benchbed.run.computing.joined import Forward
from benchbed.types import Batch


@dataclass(frozen=True)
class Clip:
    """One decoded clip at the rate at which perturbations act.

    Attributes
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
    sample_rate : int
    resampled : bool
        The file had another rate than `sample_rate`.
    silent : bool
        Every sample is zero.
    peak : float
        Largest absolute sample; full scale is 1.
    """

    waveform: np.ndarray
    sample_rate: int
    resampled: bool
    silent: bool
    peak: float = 0.0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.waveform.shape[1] / self.sample_rate

    @classmethod
    def unheard(cls, seconds: float) -> Clip:
        """A clip of a length that is known and of audio that nobody asks for; to the microsecond, without memory.

        Examples
        --------
        >>> Clip.unheard(3600.0).seconds
        3600.0
        """
        rate = 1_000_000
        return cls(np.broadcast_to(np.float32(0), (1, round(seconds * rate))), rate, False, False)


def decode(root: Path, row: ClipRow, sample_rate: int | None) -> Clip:
    """Read one clip of the table.

    Parameters
    ----------
    root : Path
        Folder of the dataset.
    row : mapping
        With `clip_id`, `path`, `onset` and `duration` in seconds (NaN: to the end of the file).
    sample_rate : int or None
        Convert to this rate; None keeps the file's.

    Raises
    ------
    AudioError
        The file cannot be used; the message names the clip.
    """
    path = root / row["path"]
    # The root is the user's own word and may lead anywhere; a path of the index stays below it.
    if ".." in Path(row["path"]).parts or Path(row["path"]).is_absolute():
        raise AudioError("the path leaves the dataset's folder", where=row["clip_id"])
    duration = None if math.isnan(row["duration"]) else float(row["duration"])
    try:
        waveform, rate = audio.read(path, float(row["onset"]), duration)
        resampled = sample_rate is not None and rate != sample_rate
        if resampled:
            assert sample_rate is not None
            waveform, rate = audio.resample(waveform, rate, sample_rate), sample_rate
    except AudioError:
        raise
    except Exception as error:  # one clip that nothing can be done with is a failed clip, not the end of a run
        raise AudioError(f"cannot be decoded ({type(error).__name__}: {error})", where=str(path)) from error
    peak = max(float(waveform.max()), -float(waveform.min()))
    return Clip(waveform, rate, resampled, peak == 0.0, peak)


@dataclass(frozen=True)
class ModelInput:
    """A waveform as the model wants it, and what that took."""

    waveform: np.ndarray
    padded: bool
    cropped: bool
    resampled: bool
    remixed: bool
    unheard: float = 0.0
    """Share of the clip that was cropped away."""


def to_model(waveform: np.ndarray, sample_rate: int, card: Card) -> ModelInput:
    """Bring a waveform to the channels, rate and length of the card.

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
    sample_rate : int
        Its rate in Hz.
    card : Card
        The model's card.
    """
    remixed = waveform.shape[0] != card.channels
    if remixed:
        waveform = audio.to_channels(waveform, card.channels)
    resampled = sample_rate != card.sample_rate
    if resampled:
        waveform = audio.resample(waveform, sample_rate, card.sample_rate)
    have = waveform.shape[1]
    want = have
    if card.clip_seconds is not None:
        want = round(card.clip_seconds * card.sample_rate)
    elif have < card.min_seconds * card.sample_rate:
        want = math.ceil(card.min_seconds * card.sample_rate)
    if want != have:
        waveform = audio.fit(waveform, want, card.pad, card.crop)
    return ModelInput(waveform, want > have, want < have, resampled, remixed, max(0.0, 1 - want / max(have, 1)))


@dataclass(frozen=True)
class Whole:
    """How a model hears a whole clip at once.

    Attributes
    ----------
    card : Card
        The model's card.
    batch_size : int
        Clips per call.
    """

    card: Card
    batch_size: int

    def given(self, waveform: np.ndarray, sample_rate: int) -> ModelInput:
        """A clip as the model gets it."""
        return to_model(waveform, sample_rate, self.card)

    def heard(self, samples: int, seconds: float) -> Heard:
        """How a clip of `seconds` was heard that gave an input of so many samples."""
        return Heard(seconds, samples)

    def ask(
        self,
        adapter: Adapter,
        reading: Reading,
        waveforms: np.ndarray,
        side: Mapping[str, tuple],
        *,
        lent: bool = False,
    ) -> np.ndarray:
        """What the model says about clips of one length `[clip, …]`.

        Parameters
        ----------
        waveforms : np.ndarray [shape=(clip, channel, sample), float32]
            As `given` makes them.
        side : mapping
            Side information, one value per clip.
        lent : bool
            The waveforms are needed afterwards.

        Raises
        ------
        AdapterError
            The outputs have another shape than the card says.
        """
        samples = waveforms.shape[2]
        lengths = np.full(len(waveforms), samples, dtype=np.int64)
        reading.asked(side)
        raw = ask(adapter, Batch(waveforms, lengths, self.card.sample_rate, side), lent=lent)
        return reading.check(raw, len(waveforms), Heard(samples / self.card.sample_rate, samples))

    def inputs(self, samples: int) -> int:
        """Inputs of so many samples that are heard at once."""
        return self.batch_size

    def through(self, forward: Forward) -> Forward:
        """A model's differentiable path over inputs, as it is."""
        return forward

    def describe(self) -> str:
        """How clips reach the model, for the record."""
        if self.card.clip_seconds is None:
            return "whole clips of any length"
        return f"whole clips, brought to {self.card.clip_seconds:g} s (crop: {self.card.crop}, pad: {self.card.pad})"
