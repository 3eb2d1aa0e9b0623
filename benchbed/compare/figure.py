"""One question about a run: which clips, under which condition, and how their parts become one number.

A figure is a weighted sum of metric values over parts. That covers all clips, one device, a named set pooled, the mean
over devices, the gap between seen and unseen devices, and one class.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from types import MappingProxyType

import numpy as np

from benchbed.checkpoints import last_step
from benchbed.errors import CannotMeasure, did_you_mean
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.slices import Column
from benchbed.results.conditions import spoken
from benchbed.results.statistics import CellStatistics, Statistics

#: A metadata column: its name, its values, and named sets of them.
_Levels = tuple[str, tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]


@dataclass(frozen=True)
class CellPart:
    """Some clips of a cell: all, or those with one of the values of a metadata column."""

    column: str | None = None
    values: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Figure:
    """A question about a run.

    Attributes
    ----------
    condition : str
        Cell without task and split, e.g. `clean` or `white_noise@3`.
    group : str or None
        As in the record: `device=s4`, `devices=unseen`, `devices_mean=unseen`, `devices_gap=seen-unseen`, `class=tram`.
    split : str or None
        One split; all of them together by default.
    """

    condition: str
    group: str | None = None
    split: str | None = None

    def __str__(self) -> str:
        return self.within({})

    def within(self, settings: Mapping[str, str]) -> str:
        """The figure in words, with what the severity of its condition is in its unit, where `settings` know it.

        Examples
        --------
        >>> Figure("white_noise@3", "device=s4").within({"white_noise@3": "10 dB SNR"})
        'white_noise, 10 dB SNR · device=s4'
        """
        condition = spoken(self.condition, settings)
        where = condition if self.split is None else f"{self.split}/{condition}"
        return f"{where} · {self.group}" if self.group else where


@dataclass(frozen=True)
class Recipe:
    """How a figure is made: parts and their weights, the class if it is about one, and whether it is a gap."""

    parts: tuple[CellPart, ...] = (CellPart(),)
    weights: tuple[float, ...] = (1.0,)
    label: str | None = None
    gap: bool = False


def cells_of(statistics: Statistics, figure: Figure) -> dict[str, CellStatistics]:
    """Split → cell of a figure.

    Raises
    ------
    CannotMeasure
        The run has no such condition; the message names the nearest.
    """
    found = {
        cell.split: cell
        for key, cell in statistics.cells.items()
        if key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split)
    }
    if figure.split is None:
        # Of a sequence of checkpoints a figure of the run is one of its last step.
        final = set(last_step(found))
        found = {split: cell for split, cell in found.items() if split in final}
    if not found:
        known = conditions(statistics)
        hint = did_you_mean(figure.condition, known) or f"there are: {', '.join(known)}"
        raise CannotMeasure(f"there is no condition '{figure}' in the run", hint=hint)
    return found


def conditions(statistics: Statistics) -> list[str]:
    """Conditions of a run, in its order."""
    return list(dict.fromkeys(key.split("/", 2)[2] for key in statistics.cells))


def matching(statistics: Statistics, pattern: str) -> list[str]:
    """Conditions that match a pattern (`*`, `?`), in the order of the run.

    Attacks on features, whose budgets are in units of each model's own front end, are matched only by a pattern that
    says `features`.
    """
    known = [c for c in conditions(statistics) if "features" in pattern or "@features-" not in c]
    return [c for c in known if c == pattern or fnmatchcase(c, pattern)]


def recipe(statistics: Statistics, figure: Figure) -> Recipe:
    """How to make a figure.

    Raises
    ------
    CannotMeasure
        No such group, or one that has no paired comparison (a worst value, a spread).
    """
    name = figure.group
    if name is None:
        return Recipe()
    known = recipes(statistics)
    if name in known:
        return known[name]
    if any(f"_{kind}=" in name for kind in ("worst", "std", "cell_std")):
        raise CannotMeasure(
            f"{name} is a choice or a spread and has no paired comparison",
            hint="compare the single values, e.g. device=s4",
        )
    hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
    raise CannotMeasure(f"there is no group '{name}' in the run", hint=hint)


def recipes(statistics: Statistics) -> Mapping[str, Recipe]:
    """Every group that a run can be asked about."""
    columns = tuple(
        (name, tuple(levels.values), tuple((group, tuple(members)) for group, members in levels.sets.items()))
        for held in statistics.columns.values()
        for name, levels in held.items()
    )
    return _recipes(columns, tuple(statistics.labels))


# Runs of a board have the same columns and classes, and each is asked about for every pair that it stands in.
@functools.lru_cache(maxsize=16)
def _recipes(columns: tuple[_Levels, ...], labels: tuple[str, ...]) -> Mapping[str, Recipe]:
    found: dict[str, Recipe] = {}
    for name, values, sets in columns:
        plural = Column(name, np.array([])).plural
        for value in values:
            found[f"{name}={value}"] = Recipe((CellPart(name, frozenset([value])),))
        for group, members in {"all": values, **dict(sets)}.items():
            singles = tuple(CellPart(name, frozenset([m])) for m in members)
            found[f"{plural}_mean={group}"] = Recipe(singles, (1 / len(singles),) * len(singles))
            if group != "all":
                found[f"{plural}={group}"] = Recipe((CellPart(name, frozenset(members)),))
        if {"seen", "unseen"} <= dict(sets).keys():
            found[f"{plural}_gap=seen-unseen"] = _gap(found[f"{plural}=seen"], found[f"{plural}=unseen"])
            found[f"{plural}_mean_gap=seen-unseen"] = _gap(found[f"{plural}_mean=seen"], found[f"{plural}_mean=unseen"])
    found |= {f"class={label}": Recipe(label=label) for label in labels}
    return MappingProxyType(found)


def _gap(seen: Recipe, unseen: Recipe) -> Recipe:
    return Recipe(seen.parts + unseen.parts, seen.weights + tuple(-w for w in unseen.weights), gap=True)


def infos(family: Family, made: Recipe) -> Mapping[str, MetricInfo]:
    """Metrics that a figure can be asked in."""
    return family.class_metrics if made.label is not None else family.metrics


def direction(info: MetricInfo, made: Recipe) -> str:
    """Which way is better; a gap is better when it is smaller."""
    return "lower" if made.gap else info.direction


def sums_by_group(
    statistics: Statistics, cell: CellStatistics, made: Recipe, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Statistics of each recording group in each part, and clips.

    Parameters
    ----------
    keep : np.ndarray [shape=(group,), bool]
        Groups to use; the others count as empty.

    Returns
    -------
    sums : np.ndarray [shape=(group, part, statistic)]
    clips : np.ndarray [shape=(group, part)]
    """
    groups, parts = len(statistics.groups[cell.split]), len(made.parts)
    sums, clips = np.zeros((groups, parts, cell.rows.shape[1])), np.zeros((groups, parts), np.int64)
    for index, part in enumerate(made.parts):
        chosen = keep[cell.group]
        if part.column is not None:
            levels = statistics.columns[cell.split][part.column].values
            codes = [i for i, value in enumerate(levels) if value in part.values]
            chosen = chosen & np.isin(cell.codes[part.column], codes)
        np.add.at(sums[:, index], cell.group[chosen], cell.rows[chosen])
        np.add.at(clips[:, index], cell.group[chosen], cell.clips[chosen])
    return sums, clips


def evaluate(
    family: Family, made: Recipe, folds: list[np.ndarray], join: str, names: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Values of a figure from summed statistics.

    Parameters
    ----------
    folds : list of np.ndarray [shape=(…, part, statistic)]
        Sums of each split.
    join : str
        `mean` over splits, or `pooled`.
    names : collection of str, optional
        Metrics that are wanted; all by default.

    Returns
    -------
    dict of str to np.ndarray [shape=(…,)]
    """
    if join == "pooled":
        folds = [np.sum(folds, axis=0)]
    # A group that lies in one split alone, such as a data set that is a split of its own, is compared there.
    folds = [sums for sums in folds if sums.any()] or folds
    each = [_weighted(family, made, sums, names) for sums in folds]
    return {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}


def counted(family: Family, made: Recipe, names: Collection[str], folds: list[np.ndarray]) -> np.ndarray | None:
    """Statistics that a figure follows from in these metrics, where all of them are whole numbers; else None.

    Parameters
    ----------
    folds : list of np.ndarray [shape=(…, statistic)]
        Sums of each split. A clip that counts several times is shared out among its draws, and then they are no whole
        numbers.
    """
    columns = None if made.label is not None else family.needed(names)
    if columns is None:
        return None
    chosen = [sums[..., columns] for sums in folds]
    return columns if all((sums >= 0).all() and (sums == np.rint(sums)).all() for sums in chosen) else None


def evaluate_counts(
    family: Family, made: Recipe, folds: list[np.ndarray], join: str, names: Collection[str]
) -> dict[str, np.ndarray]:
    """`evaluate` of sums of the columns that are `counted` alone, whose draws come last; the same to the bit.

    Parameters
    ----------
    folds : list of np.ndarray [shape=(part, counted, draw)]
        Sums of each split.
    join : str
        `mean` over splits, or `pooled`.
    names : collection of str
        As they were given to `counted`.

    Returns
    -------
    dict of str to np.ndarray [shape=(draw,)]
    """
    if join == "pooled":
        folds = [np.sum(folds, axis=0)]
    folds = [sums for sums in folds if sums.any()] or folds
    signs = _signs(family, made)
    each = []
    for sums in folds:
        parts = family.values_of_counts(sums, names)
        each.append({name: signs[name] * _over_parts(values.T, made) for name, values in parts.items()})
    return {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}


def _weighted(family: Family, made: Recipe, sums: np.ndarray, names: Collection[str] | None) -> dict[str, np.ndarray]:
    signs = _signs(family, made)
    return {
        name: signs[name] * _over_parts(values, made) for name, values in _metric(family, made, sums, names).items()
    }


def _signs(family: Family, made: Recipe) -> dict[str, float]:
    """A gap says what unseen values cost, whichever way the metric points."""
    known = infos(family, made)
    return {name: -1.0 if made.gap and info.direction == "lower" else 1.0 for name, info in known.items()}


def _over_parts(values: np.ndarray, made: Recipe) -> np.ndarray:
    """Parts `[..., part]` as their weights have it."""
    # In one order of memory, on which the last bit depends.
    return np.ascontiguousarray(values) @ np.asarray(made.weights)


def _metric(family: Family, made: Recipe, sums: np.ndarray, names: Collection[str] | None) -> dict[str, np.ndarray]:
    if made.label is None:
        return family.values(sums) if names is None else family.some_values(sums, names)
    index, found = family.labels.index(made.label), family.per_class(sums)
    return {name: values[..., index] for name, values in found.items() if names is None or name in names}
