"""Time stretching and pitch shifting, by what audiomentations works with."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchbed.rng import preserved_global_state


def stretched(waveform: np.ndarray, sample_rate: int, speed: float) -> np.ndarray:
    """Change the speed, not the pitch, and keep the length (Signalsmith stretch, which keeps its own delay out).

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int
    speed : float
        Above 1 is faster.

    Examples
    --------
    >>> stretched(np.zeros((2, 16000), np.float32), 16000, 1.25).shape
    (2, 16000)
    """
    from audiomentations import TimeStretch

    return direct(TimeStretch(min_rate=speed, max_rate=speed, p=1.0), waveform, sample_rate)


def pitched(waveform: np.ndarray, sample_rate: int, semitones: float) -> np.ndarray:
    """Change the pitch, not the speed (Signalsmith stretch, which keeps its own delay out).

    Parameters
    ----------
    waveform : np.ndarray [shape=(channel, sample)]
    sample_rate : int
    semitones : float
        Above 0 is higher.
    """
    from audiomentations import PitchShift

    return direct(PitchShift(min_semitones=semitones, max_semitones=semitones, p=1.0), waveform, sample_rate)


def direct(transform: Any, waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """What a transform makes of a waveform, without a trace in the global random state."""
    with preserved_global_state():
        out = transform(np.ascontiguousarray(waveform, dtype=np.float32), sample_rate)
    return np.ascontiguousarray(out, dtype=np.float32)
