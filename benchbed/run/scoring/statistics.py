"""The sums behind a run's figures, and draws of those that no sum gives, collected for comparisons and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.number import Number
from benchbed.metrics.slices import Column
from benchbed.results.draws import Drawn, drawn
from benchbed.results.statistics import CellStatistics, Further, Levels, Statistics, marks


@dataclass(frozen=True)
class CellRows:
    """The clips of one cell, as they were scored.

    Attributes
    ----------
    split : str
        Their split.
    scores, target : np.ndarray
        What the model gave, and the references.
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group.
    clip_ids : sequence of str
        Id of each clip.
    columns : sequence of Column
        Metadata that results are cut by.
    drawn : Drawn
        Figures that no sum gives, in every draw.
    summed : Drawn
        Figures of all clips that sums give as well.
    """

    split: str
    scores: np.ndarray
    target: np.ndarray
    group: np.ndarray
    clip_ids: Sequence[str]
    columns: Sequence[Column]
    drawn: Drawn = field(default_factory=Drawn)
    summed: Drawn = field(default_factory=Drawn)

    def none(self) -> CellRows:
        """The cell without any clip."""
        columns = [Column(c.name, c.values[:0], c.sets) for c in self.columns]
        return CellRows(self.split, self.scores[:0], self.target[:0], self.group[:0], [], columns)


def summed_draws(family: Family, metrics: Mapping[str, Number]) -> Drawn:
    """Draws of the figures of all clips that sums give as well."""
    named = {("", n): number for n, number in metrics.items() if n in family.metrics and n not in family.ranked}
    return drawn({name: (n.value, n.drawn) for name, n in named.items() if n.drawn is not None})


def cell_draws(family: Family, metrics: Mapping[str, Number], groups: Mapping[str, Mapping[str, Number]]) -> Drawn:
    """Draws of a cell's figures that its sums cannot give: ranks, areas over thresholds, and what attacks add.

    Parameters
    ----------
    metrics : mapping of str to Number
        Figures of all clips.
    groups : mapping of str to mapping of str to Number
        Figures of slices and classes; the choice of a worst one is left out, because two models choose differently.
    """
    named: dict[tuple[str, str], Number] = {
        ("", name): number for name, number in metrics.items() if name in family.ranked or name not in family.metrics
    }
    for group, figures in groups.items():
        if not group.partition("=")[0].endswith("_worst"):
            named |= {(group, name): number for name, number in figures.items() if name in family.ranked}
    return drawn({name: (n.value, n.drawn) for name, n in named.items() if n.drawn is not None})


def sum_cell(family: Family, rows: CellRows, groups: int) -> CellStatistics:
    """Sum one cell by recording group and metadata.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> two = CellRows("test", np.eye(2), np.array([0, 0]), np.array([0, 0]), ["x", "y"], [Column("device", np.array(["a", "b"]))])
    >>> sum_cell(family(("bus", "tram")), two, 1).codes["device"].tolist()
    [0, 1]
    """  # noqa: E501
    codes = {}
    key = np.asarray(rows.group, np.int64)
    for column in rows.columns:
        levels = {value: i for i, value in enumerate(column.levels())}
        values, inverse = np.unique(np.asarray(column.values, dtype=str), return_inverse=True)
        code = np.array([levels.get(str(value), -1) for value in values], np.int64)[inverse.reshape(-1)]
        codes[column.name] = code
        _, key = np.unique(key.reshape(-1) * (len(levels) + 1) + code + 1, return_inverse=True)
    _, first, row = np.unique(key.reshape(-1), return_index=True, return_inverse=True)
    row = row.reshape(-1)
    sums = family.grouped(rows.scores, rows.target, row, len(first))
    return CellStatistics(
        rows.split,
        sums.astype(np.float32).astype(np.float64),
        np.asarray(rows.group, np.int64)[first],
        {name: code[first] for name, code in codes.items()},
        np.bincount(row, minlength=len(first)),
        marks(rows.clip_ids, rows.group, groups),
        rows.drawn,
        rows.summed,
    )


def collect(
    families: Sequence[Further],
    labels: Sequence[str],
    index_hash: str,
    seed: int,
    groups: Mapping[str, Sequence[str]],
    columns: Mapping[str, Sequence[Column]],
    cells: Mapping[str, CellStatistics],
    *,
    family: Family | None = None,
    draws: int = 0,
    scores: Mapping[str, Number] | None = None,
) -> Statistics:
    """Statistics of a whole run.

    Parameters
    ----------
    families : sequence of Further
        Metric families with their options as they were used, the main one first.
    family : Family, optional
        What made the sums; needed for the widths where there are several families.
    draws : int
        Bootstrap draws of the run.
    scores : mapping of str to Number, optional
        Figures over cells; those with a colon in their name are kept draw by draw.
    """
    held = {("", name): (n.value, n.drawn) for name, n in (scores or {}).items() if ":" in name and n.drawn is not None}
    width = next((cell.rows.shape[1] for cell in cells.values()), 0)
    return Statistics(
        families[0].family,
        families[0].options,
        tuple(labels),
        index_hash,
        seed,
        {split: tuple(names) for split, names in groups.items()},
        {
            split: {c.name: Levels(c.levels(), {k: tuple(v) for k, v in c.sets.items()}) for c in held}
            for split, held in columns.items()
        },
        cells,
        tuple(families[1:]),
        tuple(family.widths if family is not None else ()) or (width,),
        draws,
        drawn(held),
    )
