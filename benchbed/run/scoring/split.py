"""Answers and references of cells, in the order of their split, whatever the order of the files."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.contract import Output
from benchbed.predictions.store import Predictions
from benchbed.run.job.job import Job

if TYPE_CHECKING:
    import pandas as pd


#: Columns of classes that a condition put into a clip, and of those of which it left nothing.
CHANGED = ("event_added", "event_removed")


@dataclass(frozen=True)
class Answered:
    """Rows of a cell as metric families take them.

    Attributes
    ----------
    rows : np.ndarray [shape=(row,), int]
        Rows of the predictions.
    position : np.ndarray [shape=(row,), int]
        The clip of each, as a row of the split's table.
    draw : np.ndarray [shape=(row,), int]
        Its random draw.
    answers, references : np.ndarray [shape=(row, …)]
        What the model said, and what is right.
    """

    rows: np.ndarray
    position: np.ndarray
    draw: np.ndarray
    answers: np.ndarray
    references: np.ndarray


class Split:
    """Clips and references of one split of a job."""

    def __init__(self, job: Job, split: str) -> None:
        self.output = job.output
        self.table: pd.DataFrame = job.clips[split]
        self.references = job.references[split]
        self.labels = job.labels
        self._place = {clip: i for i, clip in enumerate(self.table["clip_id"])}
        #: Of the table of predictions that was asked about last: it, as long as anybody else holds it, and the position
        #: of each of its rows.
        self._known: tuple[weakref.ref[pd.DataFrame], np.ndarray] | None = None

    def position(self, predictions: Predictions, rows: np.ndarray) -> np.ndarray:
        """The clip of each row of predictions, as a row of the split's table."""
        table = predictions.table
        if self._known is None or self._known[0]() is not table:
            names = table["clip_id"].astype("category").cat
            # Clips of other splits are asked about nowhere here.
            place = np.array([self._place.get(name, -1) for name in names.categories], np.int32)
            self._known = (
                weakref.ref(table),
                place[names.codes.to_numpy()] if len(place) else np.zeros(len(table), np.int32),
            )
        found = self._known[1][rows].astype(np.int64)
        if (found < 0).any():
            raise KeyError(f"{table['clip_id'].iloc[rows[int(np.argmin(found))]]} is no clip of this split")
        return found

    def answered(self, predictions: Predictions, rows: np.ndarray) -> Answered:
        """Answers and references of some rows of predictions, by clip in the split's order and then by draw."""
        position, draw = self.position(predictions, rows), predictions.table["draw"].iloc[rows].to_numpy()
        order = np.lexsort((draw, position))
        rows, position, draw = rows[order], position[order], draw[order]
        references = self.output.take(self.references, position)
        if any(name in predictions.table for name in CHANGED):
            part = predictions.table.iloc[rows]
            added, removed = (_words(part[name]) if name in part else [""] * len(part) for name in CHANGED)
            references = self.output.changed(references, added, removed, self.labels)
        return Answered(rows, position, draw, *answers_of(self.output, predictions, rows, references))


def _words(column: pd.Series) -> list[str]:
    return [str(word) for word in column.astype(object).fillna("")]


def answers_of(
    output: Output, predictions: Predictions, rows: np.ndarray, references: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Answers of some rows of predictions, and their references as metric families take them.

    Parameters
    ----------
    rows : np.ndarray [shape=(row,), int]
        Rows of the predictions.
    references : np.ndarray [shape=(row, …)]
        Those of the rows' clips.
    """
    placed = None if predictions.references is None else predictions.references[rows]
    return output.take(predictions.scores, rows), output.truth(references, placed)


def rows_of_cells(table: pd.DataFrame, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Rows of predictions of each cell."""
    cells = table["cell"].astype("category").cat
    codes = cells.codes.to_numpy()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(cells.categories) + 1))
    by_cell = {str(key): order[edges[i] : edges[i + 1]] for i, key in enumerate(cells.categories)}
    return {key: by_cell.get(key, np.array([], dtype=np.int64)) for key in keys}
