"""A split with what its cells share beyond answers: recording groups, bootstrap, metadata columns."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.cell import group_codes
from benchbed.metrics.slices import Column
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.split import Split
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.model import Slice, Suite


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

    def content(self, columns: list[str]) -> np.ndarray:
        """Number of what columns name: the moment that each clip recorded, or what it decides with."""
        return self.table.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()

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
