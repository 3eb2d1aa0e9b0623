"""Scores that need not be looked at where more than so many false alarms do not count.

No recording has less than no false alarms, so that what some of them have at a threshold is a bound for all. Once it is
beyond what counts there and at every lower threshold, no score down there matters in the recordings that follow. Below
all of its scores a whole recording is detected, which is a false alarm as well, unless references fill it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.steps import beyond
from benchbed.outputs.frames.recording import FrameScores

if TYPE_CHECKING:
    from benchbed.metrics.sed.flat import FlatEvents

#: By how much there must be more recordings than at the last time for it to pay to look again.
MORE = 1.5


class Floors:
    """The lowest scores of each class that matter, as they are known so far.

    Parameters
    ----------
    frames : sequence of FrameScores
        Scores of each recording.
    reference : FlatEvents
        Reference events without overlaps in a class.
    classes : int
        Number of classes.
    most : sequence of float
        For each way of counting false alarms, those of a class beyond which no threshold counts.

    Attributes
    ----------
    values : np.ndarray [shape=(class,)]
        Lower scores do not matter.
    """

    def __init__(
        self, frames: Sequence[FrameScores], reference: FlatEvents, classes: int, most: Sequence[float]
    ) -> None:
        self.values = np.full(classes, -np.inf)
        self._most, self._seen = most, 0
        shape = len(frames), classes
        place = reference.clip * classes + reference.label
        #: Microseconds of reference events `[clip, class]` and of recordings, and lowest scores `[clip, class]`.
        filled = np.bincount(place, reference.offset - reference.onset, shape[0] * shape[1])
        self.filled = filled.astype(np.int64).reshape(shape)
        self.lasting = np.array([int(item.edges[-1] - item.edges[0]) for item in frames], np.int64)
        self._least = np.array([item.scores.min(axis=0, initial=np.inf) for item in frames]).reshape(shape)

    def raised(
        self, seen: int, false: Sequence[Sequence[tuple[np.ndarray, ...]]], filled: Sequence[np.ndarray]
    ) -> None:
        """Raise them by the false alarms of so many recordings.

        Parameters
        ----------
        seen : int
            Recordings that were looked at.
        false : sequence of sequence of tuple of np.ndarray
            For each way of counting, the changes of false alarms by block: score, recording, class, kind, amount.
        filled : sequence of np.ndarray [shape=(clip, class), bool]
            For each way of counting, whether a detection of the whole recording may be none.
        """
        if seen < MORE * self._seen or seen == len(self._least):
            return
        self._seen = seen
        found = []
        for blocks, whole, most in zip(false, filled, self._most):
            score, label, amount = (np.concatenate([block[i] for block in blocks]) for i in (0, 2, 4))
            for c in range(len(self.values)):
                floor, rest = self.values[c], self._least[seen:, c]
                rest = rest[~whole[seen:, c] & np.isfinite(rest) & (rest >= floor)]
                mine = (label == c) & (score >= floor)
                changes = np.concatenate([score[mine], rest]), np.concatenate([amount[mine], np.ones(len(rest))])
                found.append(beyond(*changes, most))
        least = np.min(np.reshape(found, (len(self._most), -1)), axis=0)
        np.maximum(self.values, least, out=self.values)
