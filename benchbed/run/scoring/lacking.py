"""How many clips a figure should stand on, where some failed or a condition could not be applied to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.slices import Column
from benchbed.results import record

if TYPE_CHECKING:
    import pandas as pd


def applied(table: pd.DataFrame, rows: np.ndarray, kind: str) -> np.ndarray:
    """Which rows of a cell its figures are made of.

    What a corruption could not be applied to is heard clean, and says nothing about the corruption; where it could be
    applied to nothing, no row is left. An attack whose budget allows no change leaves a clip as it is.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions.
    rows : np.ndarray [shape=(row,), int]
        Those of the cell.
    kind : str
        Kind of its condition.

    Returns
    -------
    np.ndarray [shape=(row,), bool]
    """
    if kind not in ("corruption", "device"):
        return np.ones(len(rows), bool)
    return table["skipped"].iloc[rows].isna().to_numpy()


@dataclass(frozen=True)
class Lacking:
    """Clips that the figures of a cell lack.

    Attributes
    ----------
    missing : int
        Of all clips.
    by_group : mapping of str to int
        Slice or set of slices, such as `device=s4` → its clips that are missing.
    left_out : collection of str
        Metrics that are about some of the clips by themselves, which are not told.
    """

    missing: int
    by_group: Mapping[str, int]
    left_out: Collection[str] = ()

    @classmethod
    def of(cls, columns: Sequence[Column], position: np.ndarray, clips: int, left_out: Collection[str] = ()) -> Lacking:
        """From the metadata of all clips of a split, and the places of those that were scored.

        Examples
        --------
        >>> device = Column("device", np.array(["a", "b", "b", "b"]), {"unseen": ("b",)})
        >>> found = Lacking.of([device], np.array([0, 0, 2, 2]), 4)
        >>> found.missing, found.by_group["device=a"], found.by_group["devices=unseen"]
        (2, 0, 2)
        """
        gone = np.ones(clips, bool)
        gone[position] = False
        held: dict[str, int] = {}
        if gone.any():
            for column in columns:
                held |= {f"{column.name}={v}": int((gone & (column.values == v)).sum()) for v in column.levels()}
                held |= {
                    f"{column.plural}={name}": int((gone & np.isin(column.values, values)).sum())
                    for name, values in column.sets.items()
                }
        return cls(int(gone.sum()), held, left_out)

    def told(self, group: str | None, figures: Mapping[str, record.Value]) -> dict[str, record.Value]:
        """The figures of all clips, or of a group, with the number of clips that they should stand on."""
        missing = self.missing if group is None else self.by_group.get(group, 0)
        return {
            name: value.model_copy(update={"of": value.n + missing}) if missing and name not in self.left_out else value
            for name, value in figures.items()
        }
