"""The predictions of a run, read a condition at a time: what all of them weigh is never in memory at once.

Opening looks into every file once, for what its header says, how many rows it has and how precise its numbers are.
Rows are read when cells are asked for, and given with the types that they would have beside all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import DataError
from benchbed.predictions.store import Predictions, UnitFacts, read_facts, read_units

#: Rows that are kept for whoever asks for the same cells, or their neighbours, next.
KEPT = 50_000


@dataclass(frozen=True)
class _UnitFile:
    """A unit file and where its rows lie among those of all files."""

    path: Path
    facts: UnitFacts
    start: int


class PredictionsByCell:
    """Stored predictions of a run, by cell.

    Parameters
    ----------
    paths : iterable of Path
        Unit files, in the order of the run.
    cells : mapping of Path to sequence of str, optional
        Keys of the cells that each file holds; looked up in the files by default.

    Attributes
    ----------
    kind : str
        Output kind.
    labels : tuple of str
        Class names in the order of the scores.

    Raises
    ------
    DamagedError
        A file is not as it was written.
    DataError
        The files disagree about the classes or the kind of output, or there are none.
    """

    def __init__(self, paths: Iterable[Path], cells: Mapping[Path, Sequence[str]] | None = None) -> None:
        self.labels: tuple[str, ...] = ()
        self.kind = ""
        self._files: list[_UnitFile] = []
        self._of: dict[str, list[_UnitFile]] = {}
        self._read: dict[tuple[Path, ...], Predictions] = {}
        types: dict[str, set[str]] = {}
        start = 0
        for path in paths:
            facts = read_facts(path, cells=cells is None)
            if self._files and facts.labels != self.labels:
                raise DataError("the prediction files disagree about the classes", where=str(path))
            if self._files and facts.kind != self.kind:
                raise DataError("the prediction files hold different kinds of output", where=str(path))
            self.labels, self.kind = facts.labels, facts.kind
            one = _UnitFile(path, facts, start)
            self._files.append(one)
            start += facts.rows
            for key in dict.fromkeys(facts.cells if cells is None else cells[path]):
                self._of.setdefault(key, []).append(one)
            for name, kind in facts.precision.items():
                types.setdefault(name, set()).add(kind)
        if not self._files:
            raise DataError("there are no predictions to read")
        self._length = start
        self._double = frozenset(name for name, kinds in types.items() if len(kinds) > 1)

    def __len__(self) -> int:
        return self._length

    @property
    def failures(self) -> list[dict[str, str]]:
        """Clips without a prediction, in the order of the files."""
        return [failure for one in self._files for failure in one.facts.failures]

    @property
    def info(self) -> list[dict[str, Any]]:
        """What each unit noted about how it was made."""
        return [one.facts.info for one in self._files]

    def paths(self, keys: Iterable[str]) -> list[Path]:
        """Files that hold any of some cells, in the order of the run."""
        return [one.path for one in self._holding(keys)]

    def of(self, *keys: str) -> Predictions:
        """The predictions of all files that hold any of some cells, which may hold more cells besides.

        Raises
        ------
        DamagedError
            A file is not as it was written.
        """
        paths = tuple(self.paths(keys))
        if (known := self._read.pop(paths, None)) is None:
            # What is let go makes room for what is read, which is not there beside it.
            self._let_go(self.rows(*keys))
            if not paths:
                known = _without_rows(read_units([self._files[0].path], self._double))
            else:
                known = read_units(paths, self._double)
        self._read[paths] = known
        return known

    def _let_go(self, coming: int) -> None:
        """Forget what was read longest ago, as far as it is too much beside rows that are read next."""
        while self._read and coming + sum(len(one.scores) for one in self._read.values()) > KEPT:
            self._read.pop(next(iter(self._read)))

    def part(self, *keys: str) -> PredictionsByCell:
        """The files that hold any of some cells, as what is read of the run by somebody else: rows keep their types
        and places."""
        one = PredictionsByCell.__new__(PredictionsByCell)
        one.labels, one.kind, one._double, one._length = self.labels, self.kind, self._double, self._length
        one._of = {key: self._of.get(key, []) for key in keys}
        starts = {file.start for files in one._of.values() for file in files}
        one._files = [file for file in self._files if file.start in starts]
        one._read = {}
        return one

    def rows(self, *keys: str) -> int:
        """Rows of the files that hold any of some cells."""
        return sum(one.facts.rows for one in self._holding(keys))

    def order(self, *keys: str) -> np.ndarray:
        """Where each row of `of` lies among the rows of all files [shape=(row,), int64]."""
        ranges = [np.arange(one.start, one.start + one.facts.rows) for one in self._holding(keys)]
        return np.concatenate(ranges) if ranges else np.zeros(0, np.int64)

    def _holding(self, keys: Iterable[str]) -> list[_UnitFile]:
        held = {one.start: one for key in keys for one in self._of.get(key, ()) if one.facts.rows}
        # Files without rows lie where the next one does, and say nothing.
        return [held[start] for start in sorted(held)]


def _without_rows(predictions: Predictions) -> Predictions:
    none = np.zeros(0, np.int64)
    references = None if predictions.references is None else predictions.references[none]
    table, scores = predictions.table.iloc[none], predictions.scores[none]
    return Predictions(predictions.labels, table, scores, [], predictions.kind, references)
