"""Answers and references of clean clips in one form for every task: who is right, and how much credit each class gets.

Of one class for each clip, the credit goes to the class that was named. Of several tags, and of seconds of recordings
with timed events, every class is credited with the rank of the item among all items, so that thresholds play no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed import rng
from benchbed.outputs import output_of
from benchbed.outputs.frames.recording import Events
from benchbed.predictions.store import Predictions

#: Seconds of recordings that are looked at; more would cost time and tell nothing more.
MOST = 20_000


@dataclass(frozen=True)
class Seen:
    """Items that a model answered, clean.

    Attributes
    ----------
    labels : tuple of str
        Classes, in the order of all columns.
    scores : np.ndarray [shape=(item, class), float64]
        What the model said.
    present : np.ndarray [shape=(item, class), bool]
        What is there.
    group : np.ndarray [shape=(item,), int64]
        Number of the recording that an item belongs to.
    split : np.ndarray [shape=(item,), object]
        Split of each item.
    single : bool
        Every item is of exactly one class.
    """

    labels: tuple[str, ...]
    scores: np.ndarray
    present: np.ndarray
    group: np.ndarray
    split: np.ndarray
    single: bool

    @property
    def groups(self) -> int:
        """Recordings."""
        return len(np.unique(self.group))

    @property
    def credit(self) -> np.ndarray:
        """What each class gets for each item, in 0…1 [shape=(item, class)]."""
        if self.single:
            return np.eye(self.scores.shape[1])[self.scores.argmax(1)]
        return _ranks(self.scores)

    @property
    def right(self) -> np.ndarray:
        """Whether the class that was named is there [shape=(item,), bool]; of items with one class."""
        return self.present[np.arange(len(self.scores)), self.scores.argmax(1)]

    def of(self, split: str) -> Seen:
        """The items of one split."""
        mine = self.split == split
        return Seen(self.labels, self.scores[mine], self.present[mine], self.group[mine], self.split[mine], self.single)


def seen(predictions: Predictions, keys: Sequence[str]) -> Seen:
    """The items of some cells, first draws only.

    Parameters
    ----------
    predictions : Predictions
        Of a run.
    keys : sequence of str
        Keys of its clean cells.
    """
    table = predictions.table
    rows = np.flatnonzero(table["cell"].isin(list(keys)).to_numpy() & (table["draw"].to_numpy() == 0))
    split = table["cell"].iloc[rows].astype(str).str.split("/").str[1].to_numpy(object)
    group = np.unique(table["group"].iloc[rows].astype(str).to_numpy(), return_inverse=True)[1]
    if predictions.references is None and not output_of(predictions.kind).class_scores:
        # Answers that are no scores of classes, as captions, rank no classes.
        nothing = np.zeros((0, len(predictions.labels)))
        return Seen(predictions.labels, nothing, nothing.astype(bool), group[:0], split[:0], False)
    if predictions.references is None:
        scores = np.asarray(predictions.scores[rows], np.float64)
        present, single = _present(table["label"].iloc[rows].tolist(), predictions.labels)
        return Seen(predictions.labels, scores, present, group, split, single)
    return _by_seconds(predictions, rows, group, split)


def _present(given: Sequence[str | tuple[str, ...]], labels: Sequence[str]) -> tuple[np.ndarray, bool]:
    number = {label: index for index, label in enumerate(labels)}
    present = np.zeros((len(given), len(labels)), bool)
    single = True
    for row, label in enumerate(given):
        single &= isinstance(label, str)
        names = (label,) if isinstance(label, str) else tuple(label)
        present[row, [number[name] for name in names if name in number]] = True
    return present, single


def _by_seconds(predictions: Predictions, rows: np.ndarray, group: np.ndarray, split: np.ndarray) -> Seen:
    """Recordings with timed events, as items of one second."""
    scores, present, owner = [], [], []
    for position, row in enumerate(rows.tolist()):
        answer, truth = predictions.scores[row], predictions.references[row]  # type: ignore[index]
        made = _seconds(answer, truth, len(predictions.labels))
        if made is not None:
            scores.append(made[0])
            present.append(made[1])
            owner += [position] * len(made[0])
    classes = len(predictions.labels)
    found = np.concatenate(scores) if scores else np.zeros((0, classes))
    there = np.concatenate(present) if present else np.zeros((0, classes), bool)
    of = np.array(owner, np.int64)
    if len(of) > MOST:
        kept = np.sort(rng.stream("doubts", "seconds").choice(len(of), MOST, replace=False))
        found, there, of = found[kept], there[kept], of[kept]
    return Seen(predictions.labels, found, there, group[of], split[of], False)


def _seconds(answer: object, truth: object, classes: int) -> tuple[np.ndarray, np.ndarray] | None:
    values, edges = getattr(answer, "values", getattr(answer, "scores", None)), getattr(answer, "edges", None)
    if values is None or edges is None or len(values) == 0 or not isinstance(truth, Events):
        return None  # lists of events are decisions, and have no ranks
    second = (np.asarray(edges)[:-1] // 1_000_000).astype(np.int64)
    count = int(second.max()) + 1
    sums, frames = np.zeros((count, classes)), np.bincount(second, minlength=count)
    np.add.at(sums, second, np.asarray(values, np.float64))
    there = np.zeros((count, classes), bool)
    confidence = truth.confidence
    for event, (onset, offset, label) in enumerate(zip(truth.onset, truth.offset, truth.label)):
        if confidence is None or confidence[event] > 0.5:
            first, last = int(onset) // 1_000_000, -(-int(offset) // 1_000_000)
            there[first : min(last, count), int(label)] = True
    heard = frames > 0
    return sums[heard] / frames[heard, None], there[heard]


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Rank of each item among all, for each class by itself, in 0…1; equal scores share a rank."""
    # As scipy.stats has it, which takes a second to import.
    count, below = len(scores), np.empty(scores.shape)
    for given, found in zip(np.ascontiguousarray(scores.T), below.T):
        ordered = np.sort(given)
        found[:] = np.searchsorted(ordered, given, "left") + np.searchsorted(ordered, given, "right")
    return below / 2 / max(count, 1)
