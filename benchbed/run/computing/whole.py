"""From a row of the clip table to audio, and from audio to what the model wants; every change is noted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed import audio
from benchbed.card import Card
from benchbed.data.dataset import ClipRow
from benchbed.errors import AudioError
from benchbed.packages import unusable


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
    PackageError
        What reads or resamples it cannot be imported.
    """
    inside = Path(row["path"])  # taken apart once, which takes as long as all the rest of a short clip's look-up
    # The root is the user's own word and may lead anywhere; a path of the index stays below it.
    if ".." in inside.parts or inside.is_absolute():
        raise AudioError("the path leaves the dataset's folder", where=row["clip_id"])
    path = root / inside
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
        if (broken := unusable(error)) is not None:  # but no clip's fault
            raise broken from error
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

    def told(self) -> ModelInput:
        """What it took, without the waveform.

        Examples
        --------
        >>> ModelInput(np.ones((1, 8), np.float32), True, False, False, False).told().waveform.shape
        (1, 0)
        """
        return _told(self.padded, self.cropped, self.resampled, self.remixed, self.unheard)


_SILENCE = np.zeros((1, 0), np.float32)


@lru_cache(maxsize=256)
def _told(padded: bool, cropped: bool, resampled: bool, remixed: bool, unheard: float) -> ModelInput:
    """Nearly all clips of a run share one."""
    return ModelInput(_SILENCE, padded, cropped, resampled, remixed, unheard)


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
