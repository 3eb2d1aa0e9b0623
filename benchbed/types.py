"""Small value types that more than one room shares. Only numpy is imported here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

#: What a model gives back for a clip.
OutputKind = Literal["scene", "tags", "frames", "tracks", "caption", "embedding"]

#: Which way a number gets better; ranking, worst case, gate and chart all read this one field.
Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Batch:
    """What an adapter sees: audio, and nothing that would let it cheat.

    Attributes
    ----------
    waveforms : np.ndarray [shape=(clip, channel, sample), float32]
        Audio in −1…1 at the card's sample rate. Clips shorter than the longest are zero-padded at the end.
    lengths : np.ndarray [shape=(clip,), int64]
        True length of each clip in samples, before that padding.
    sample_rate : int
        Samples per second; always the card's.
    side : Mapping[str, tuple]
        Side information that the card asked for and the suite allows, one value per clip, e.g. the recording device
        in DCASE 2025 Task 1. Empty in the common case.

    Examples
    --------
    >>> Batch(np.zeros((2, 1, 8), np.float32), np.array([8, 8]), 16000).waveforms.shape
    (2, 1, 8)
    """

    waveforms: np.ndarray
    lengths: np.ndarray
    sample_rate: int
    side: Mapping[str, tuple] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.waveforms)


@dataclass(frozen=True)
class FrameScores:
    """What a model says about one recording over time: independent probabilities of every class in every frame.

    Arrays of clips hold one of these per clip (`dtype=object`), because recordings differ in length.

    Attributes
    ----------
    values : np.ndarray [shape=(frame, class), float32 or float64]
        Probabilities in the order of the dataset's labels.
    frame_seconds : float
        Frame `i` lasts from `i` to `i + 1` times this.
    seconds : float
        Length of the recording; frames beyond it do not exist, and the last one may be cut by it.

    Examples
    --------
    >>> FrameScores(np.zeros((5, 2), np.float32), 0.5, 2.4).edges.tolist()
    [0, 500000, 1000000, 1500000, 2000000, 2400000]
    """

    values: np.ndarray
    frame_seconds: float
    seconds: float

    @property
    def edges(self) -> np.ndarray:
        """Begin of every frame and end of the last one, in whole microseconds [shape=(frame + 1,), int64]."""
        return np.minimum(microseconds(np.arange(len(self.values) + 1) * self.frame_seconds), self.length)

    @property
    def length(self) -> int:
        """Length of the recording in whole microseconds."""
        return int(microseconds(np.array(self.seconds)))


@dataclass(frozen=True)
class Events:
    """Timed events of one recording, in whole microseconds: a reference, or a system that gives no scores.

    A recording without events is one of these with empty arrays, never a missing one.

    Attributes
    ----------
    onset, offset : np.ndarray [shape=(event,), int64]
        Begin and end, `0 <= onset < offset <= length`.
    label : np.ndarray [shape=(event,), int64]
        Class number in the order of the dataset's labels; events of one class do not overlap, unless they have a
        confidence.
    length : int
        Length of the recording.
    confidence : np.ndarray [shape=(event,), float64], optional
        Share of annotators who heard it, for soft labels; absent where every event is certain.

    Examples
    --------
    >>> len(Events(np.array([0]), np.array([1_000_000]), np.array([2]), 10_000_000))
    1
    """

    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray
    length: int
    confidence: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.onset)


def microseconds(seconds: np.ndarray) -> np.ndarray:
    """Times in whole microseconds, which two programs can compare without rounding.

    Examples
    --------
    >>> microseconds(np.array([0.1 + 0.2])).tolist()
    [300000]
    """
    return np.rint(np.asarray(seconds, np.float64) * 1e6).astype(np.int64)
