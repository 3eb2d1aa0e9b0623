"""Which events of a recording are right and which are wrong, for whoever draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

#: A part of an event, from and to, in microseconds.
Span = tuple[int, int]


@dataclass(frozen=True)
class JudgedEvents:
    """Events of one side of one recording, and the parts of each that are wrong.

    Attributes
    ----------
    onset, offset : np.ndarray [shape=(event,), int64]
        Microseconds.
    label : np.ndarray [shape=(event,), int64]
        Class numbers.
    wrong : list of list of tuple of int
        For each event its parts that the other side does not have.
    duration : int
        Length of the recording in microseconds; −1 where it is not stated.

    Examples
    --------
    >>> at = np.array([0, 5])
    >>> JudgedEvents(at, at + 2, np.array([1, 1]), [[], [(5, 7)]]).counts(3).tolist()
    [0, 2, 0]
    """

    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray
    wrong: list[list[Span]]
    duration: int = -1

    def __len__(self) -> int:
        return len(self.onset)

    def counts(self, classes: int) -> np.ndarray:
        """Events of each class `[class]`."""
        return np.bincount(self.label, minlength=classes)


class EventJudge(Protocol):
    """Metrics that say of single events whether they are right."""

    per: Literal["event", "segment"]
    """Whether an event is wrong as a whole, or in parts of it."""
    labels: tuple[str, ...]

    @property
    def f1_rule(self) -> str:
        """The rule of the F1 over all classes."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of all classes, or of each."""

    def decides_as(self, post_processing: object) -> bool:
        """Whether scores become events by this post-processing."""

    def filtered(self, scores: np.ndarray) -> tuple[EventJudge, np.ndarray]:
        """Filtered scores `[recording]`, and the same metrics without the filter, to decide more than once."""

    def f1(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """F1 over all classes of each recording `[recording]`; NaN where nothing is and nothing was said."""

    def numbers(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reference events and detected events of each recording, `[recording]`."""

    def judged(self, scores: np.ndarray, target: np.ndarray) -> tuple[JudgedEvents, JudgedEvents]:
        """Reference and detected events of one recording `[1]`, each with what of it is wrong."""
