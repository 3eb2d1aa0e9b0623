"""A split with what its cells share beyond answers: recording groups, bootstrap, metadata columns."""

from __future__ import annotations

import weakref
from functools import cached_property

import numpy as np

from benchbed.metrics.cell import group_codes
from benchbed.metrics.cutting import Cutting
from benchbed.metrics.matched import Matching
from benchbed.metrics.slices import Column
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.split import Answered, Split
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.model import Slice, Suite


class Seated:
    """Clips of a cell, and how they are cut and matched.

    Parameters
    ----------
    split : GroupedSplit
        Their split.
    answered : Answered
        Rows of the cell.
    """

    def __init__(self, split: GroupedSplit, answered: Answered) -> None:
        self._position, self._draw = answered.position, answered.draw
        self.group = split.codes[answered.position]
        self.columns = [Column(c.name, c.values[answered.position], c.sets) for c in split.columns]
        self._matchings: dict[tuple[str, str, tuple[str, ...], int], Matching] = {}
        #: It holds this in turn, and the two would outlive what was scored.
        self._split = weakref.ref(split)

    def holds(self, answered: Answered) -> bool:
        """Whether a cell holds these clips, in the same draws."""
        return np.array_equal(self._position, answered.position) and np.array_equal(self._draw, answered.draw)

    @cached_property
    def cutting(self) -> Cutting:
        """The clips by recording and metadata."""
        return Cutting(self.group, self.columns)

    def matching(self, column: Column, reference: str, content: list[str], draws: int) -> Matching:
        """Values of a column on the content that they share.

        Parameters
        ----------
        column : Column
        reference : str
            The value that others are held against.
        content : list of str
            Columns that name what was recorded.
        draws : int
            Random draws of each clip: those of one clip are moments of their own.
        """
        key = column.name, reference, tuple(content), draws
        if key not in self._matchings:
            split = self._split()
            assert split is not None
            moment = split.content(content)[self._position] * draws + self._draw
            self._matchings[key] = Matching(self.group, column.values, moment, reference)
        return self._matchings[key]


class GroupedSplit(Split):
    """Group numbers, bootstrap and metadata columns of the clips of one split."""

    def __init__(self, grounds: Grounds, split: str) -> None:
        super().__init__(grounds.job, split)
        suite = grounds.loaded.suite
        self.codes, self.groups = group_codes(self.table["group"].astype(str).to_numpy())
        self.bootstrap = Bootstrap(
            len(self.groups),
            draws=suite.statistics.draws,
            name=f"{grounds.index_hash}/{split}",
            seed=grounds.seed,
            level=suite.statistics.level,
        )
        self.columns = [self._column(grounds, suite, part, split) for part in suite.slices]
        self._content: dict[tuple[str, ...], np.ndarray] = {}
        self._seated: Seated | None = None

    def content(self, columns: list[str]) -> np.ndarray:
        """Number of what columns name: the moment that each clip recorded, or what it decides with."""
        named = tuple(columns)
        if named not in self._content:
            self._content[named] = self.table.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
        return self._content[named]

    def seated(self, answered: Answered) -> Seated:
        """What follows from which clips a cell holds: nearly all cells of a run hold the same."""
        if self._seated is None or not self._seated.holds(answered):
            self._seated = Seated(self, answered)
        return self._seated

    def _column(self, grounds: Grounds, suite: Suite, part: Slice, split: str) -> Column:
        values = self.table[part.column].fillna("").astype(str).to_numpy()
        sets = {name: tuple(members) for name, members in part.sets.items()}
        train = suite.data.train_split
        if part.seen_unseen and train is not None:
            trained = grounds.dataset.select(train.replace("{split}", split))
            seen = set(trained[part.column].dropna().astype(str))
            here = sorted(set(values) - {""})
            sets = {
                "seen": tuple(v for v in here if v in seen),
                "unseen": tuple(v for v in here if v not in seen),
                **sets,
            }
            sets = {name: members for name, members in sets.items() if members}
        return Column(part.column, values, sets)
