"""Figures of clean audio without some of the clips (`drop` of a suite)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import Family, LabelledTable
from benchbed.metrics.dropping import figures_without
from benchbed.metrics.number import Number
from benchbed.suite.drop import Drop

#: Columns of the table: of a metric's values in the re-draws.
COLUMNS = ("mean", "standard deviation", "lowest", "highest")


def dropped(
    drop: Drop,
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    names: Sequence[str],
    whole: str,
    seed: int,
    level: float,
) -> tuple[dict[str, Number], dict[str, LabelledTable]]:
    """What some metrics of a cell are without some of its clips.

    Parameters
    ----------
    drop : Drop
    family : Family
        The metrics, told of the cell's clips.
    scores, target : np.ndarray [shape=(clip, …)]
        Answers and references.
    group : np.ndarray [shape=(clip,), int]
        Recording of each clip.
    names : sequence of str
        Metrics.
    whole : str
        What clips are left out of, e.g. the hash of the data set and the split.
    seed : int
        Of the run.
    level : float
        Share of the re-draws between the ends that are reported.

    Returns
    -------
    dict of str to Number
        `map_without_12`: the mean over re-draws without 12 % of the clips, between the ends of their middle.
    dict of str to LabelledTable
        `drop_map`: a row for each share.
    """
    unit = np.arange(len(scores)) if drop.unit == "clip" else np.unique(group, return_inverse=True)[1].reshape(-1)
    units = int(unit.max()) + 1
    by_share = figures_without(
        family, scores, target, unit, units, drop.fractions, drop.draws, names, f"{whole}/{drop.unit}", seed
    )
    numbers: dict[str, Number] = {}
    rows: dict[str, list[list[float]]] = {name: [] for name in names}
    for fraction, figures in by_share.items():
        for name in names:
            info, values = family.metrics[name], np.asarray(figures[name], float)
            defined = values[np.isfinite(values)]
            share = f"{100 * fraction:g} %"
            about = replace(
                info,
                title=f"{info.title} without {share} of the {drop.unit}s",
                rule=f"{info.rule}|mean-over-{drop.draws}-redraws-without-{fraction:g}-of-{drop.unit}s",
                scope=f"mean over {drop.draws} re-draws",
            )
            left = len(scores) - round(fraction * len(scores))
            key = f"{name}_without_{100 * fraction:g}"
            if len(defined) < len(values):
                reason = f"undefined in {len(values) - len(defined)} of {len(values)} re-draws"
                numbers[key] = Number(None, None, None, left, about, reason=reason)
                rows[name].append([float("nan")] * len(COLUMNS))
                continue
            low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
            method = f"middle {100 * level:g} % of {drop.draws} re-draws without {share} of the {drop.unit}s"
            numbers[key] = Number(float(values.mean()), float(low), float(high), left, about, method)
            rows[name].append([values.mean(), values.std(ddof=1), values.min(), values.max()])
    shares = tuple(f"{100 * fraction:g} %" for fraction in by_share)
    tables = {
        f"drop_{name}": LabelledTable(
            shares, COLUMNS, np.array(rows[name]), f"{drop.unit}s left out", "over re-draws", family.metrics[name].unit
        )
        for name in names
    }
    return numbers, tables
