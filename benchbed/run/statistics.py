"""The sums behind a run's figures, collected for comparisons and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.slices import Column
from benchbed.results.statistics import CellStatistics, Levels, Statistics, marks


@dataclass(frozen=True)
class Rows:
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
    """

    split: str
    scores: np.ndarray
    target: np.ndarray
    group: np.ndarray
    clip_ids: Sequence[str]
    columns: Sequence[Column]


def sum_cell(family: Family, rows: Rows, groups: int) -> CellStatistics:
    """Sum one cell by recording group and metadata.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> two = Rows("test", np.eye(2), np.array([0, 0]), np.array([0, 0]), ["x", "y"], [Column("device", np.array(["a", "b"]))])
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
    )


def collect(
    suite: Any,
    labels: Sequence[str],
    index_hash: str,
    seed: int,
    groups: Mapping[str, Sequence[str]],
    columns: Mapping[str, Sequence[Column]],
    cells: Mapping[str, CellStatistics],
) -> Statistics:
    """Statistics of a whole run."""
    return Statistics(
        suite.metrics.family,
        suite.metrics.options,
        tuple(labels),
        index_hash,
        seed,
        {split: tuple(names) for split, names in groups.items()},
        {
            split: {c.name: Levels(c.levels(), {k: tuple(v) for k, v in c.sets.items()}) for c in held}
            for split, held in columns.items()
        },
        dict(cells),
    )
