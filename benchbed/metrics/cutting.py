"""How clips are cut into rows by recording and metadata, which is the same for all cells of the same clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchbed.metrics.slices import Column
from benchbed.stats.bootstrap import Bootstrap

#: Copies of rows in all draws that are kept for the next cell, at most: 8 MB.
KEPT = 8_000_000


@dataclass(frozen=True)
class RowSet:
    """Some of the rows.

    Attributes
    ----------
    rows : np.ndarray [shape=(row,), int]
        Their numbers, rising.
    clips : int
        Clips they hold.
    members : frozenset of int
        Recording groups they hold.
    """

    rows: np.ndarray
    clips: int
    members: frozenset[int]


def together(parts: Sequence[RowSet]) -> RowSet:
    """All rows of several parts that share none.

    Examples
    --------
    >>> both = together([RowSet(np.array([2]), 1, frozenset({0})), RowSet(np.array([1]), 3, frozenset({0, 1}))])
    >>> both.rows.tolist(), both.clips
    ([1, 2], 4)
    """
    rows = np.sort(np.concatenate([np.zeros(0, np.int64), *(part.rows for part in parts)]))
    return RowSet(rows, sum(part.clips for part in parts), frozenset[int]().union(*(part.members for part in parts)))


class Cutting:
    """Clips summed into rows, one per recording group and combination of column values.

    Parameters
    ----------
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group.
    columns : sequence of Column
        Metadata to cut by.

    Attributes
    ----------
    row : np.ndarray [shape=(clip,), int]
        Row of each clip.
    group_of, clips_of : np.ndarray [shape=(row,), int]
        Recording group and number of clips of each row.
    levels : list of tuple of str
        Values of each column.
    code_of : list of np.ndarray [shape=(row,), int]
        Number of each row's value in each column; −1 where it is empty.

    Examples
    --------
    >>> cut = Cutting(np.array([0, 0, 1]), [Column("device", np.array(["a", "b", "b"]))])
    >>> cut.row.tolist(), [part.rows.tolist() for part in cut.parts(0)]
    ([0, 1, 2], [[0], [1, 2]])
    """

    def __init__(self, group: np.ndarray, columns: Sequence[Column] = ()) -> None:
        self.levels = [column.levels() for column in columns]
        # Code −1 is an empty value; codes are shifted by one inside the combined key.
        codes = [_codes(column.values, levels) for column, levels in zip(columns, self.levels)]
        key = np.asarray(group, np.int64)
        for code, levels in zip(codes, self.levels):
            # Renumbering keeps the key small whatever the number of columns.
            _, key = np.unique(key * (len(levels) + 1) + code + 1, return_inverse=True)
        _, first, row = np.unique(key, return_index=True, return_inverse=True)
        self.row = row.reshape(-1)
        self.group_of = np.asarray(group, np.int64)[first]
        self.code_of = [code[first] for code in codes]
        self.clips_of = np.bincount(self.row, minlength=len(first))
        self._parts: dict[int, list[RowSet]] = {}
        self._copies: dict[tuple[Bootstrap, int], list[np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self.group_of)

    @cached_property
    def whole(self) -> RowSet:
        """All rows."""
        return self.part(np.ones(len(self), bool))

    def part(self, chosen: np.ndarray) -> RowSet:
        """The chosen rows, `[row]` bool."""
        rows = np.flatnonzero(chosen)
        return RowSet(rows, int(self.clips_of[rows].sum()), frozenset(self.group_of[rows].tolist()))

    def parts(self, column: int) -> list[RowSet]:
        """The rows of each value of a column."""
        if column not in self._parts:
            code = self.code_of[column]
            self._parts[column] = [self.part(code == i) for i in range(len(self.levels[column]))]
        return self._parts[column]

    def drawn_counts(self, counts: np.ndarray, column: int, boot: Bootstrap) -> np.ndarray:
        """Sums of counts over the rows of each value of a column in every draw, `[value, statistic, draw]`.

        Parameters
        ----------
        counts : np.ndarray [shape=(row, statistic)]
            Whole numbers, none negative.
        column : int
            Number of the column.
        boot : Bootstrap
            The draws.
        """
        return drawn_counts(
            counts, self.group_of, [part.rows for part in self.parts(column)], boot, self._kept(column, boot)
        )

    def _kept(self, column: int, boot: Bootstrap) -> list[np.ndarray] | None:
        if len(self) * boot.draws > KEPT:
            return None
        if (boot, column) not in self._copies:
            self._copies[boot, column] = copies(boot, [self.group_of[part.rows] for part in self.parts(column)])
        return self._copies[boot, column]


def copies(boot: Bootstrap, groups: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Copies of several choices of groups in every draw, `[group, draw]` uint8 each."""
    every = np.concatenate(list(boot.weights())).T
    return [every[chosen] for chosen in groups]


def drawn_counts(
    counts: np.ndarray,
    group: np.ndarray,
    parts: Sequence[np.ndarray],
    boot: Bootstrap,
    kept: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Sums of counts over several choices of rows in every draw, `[choice, statistic, draw]`.

    Parameters
    ----------
    counts : np.ndarray [shape=(row, statistic)]
        Whole numbers, none negative.
    group : np.ndarray [shape=(row,), int]
        Recording group of each row.
    parts : sequence of np.ndarray of int
        Rows of each choice.
    boot : Bootstrap
        The draws.
    kept : sequence of np.ndarray [shape=(row of the choice, draw), uint8], optional
        `copies` of the rows of each choice.
    """
    if kept is None or not boot.exact(counts):
        drawn = boot.replicates_of_parts(counts, group, parts, counts=True)
        return np.ascontiguousarray(np.swapaxes(drawn, 1, 2))
    made, thin = np.empty((len(parts), counts.shape[1], boot.draws)), counts.T.astype(np.float32)
    for place, rows, weights in zip(made, parts, kept):
        place[:] = thin[:, rows] @ weights.astype(np.float32)
    return made


def _codes(values: np.ndarray, levels: Sequence[str]) -> np.ndarray:
    found, inverse = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place.get(str(value), -1) for value in found], np.int64)[inverse.reshape(-1)]
