"""Small value types that more than one room shares. Only numpy is imported here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

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


class Queries(Sequence[str]):
    """The texts that every clip of a split is asked about, shared by all of its rows.

    Written out it is a digest: what is named by all that it depends on need not repeat thousands of sentences.

    Parameters
    ----------
    texts : sequence of str
        In the order of the columns of answers.

    Examples
    --------
    >>> made = Queries(["a dog barks", "rain"])
    >>> len(made), made[1], str(made) == str(Queries(["a dog barks", "rain"])), made == Queries(["rain"])
    (2, 'rain', True, False)
    """

    __slots__ = ("_digest", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        content = "\0".join(self.texts).encode("utf-8", "surrogatepass")
        self._digest = hashlib.blake2b(content, digest_size=12).hexdigest()

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.texts[index]

    def __len__(self) -> int:
        return len(self.texts)

    def __str__(self) -> str:
        return f"{len(self.texts)} queries {self._digest}"

    __repr__ = __str__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queries) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)
