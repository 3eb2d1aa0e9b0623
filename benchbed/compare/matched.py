"""Who is more robust, given how good each is on clean audio.

A model that starts higher has more to lose, so drops are not comparable as they are. Two figures are given, both paired
by recording: the difference in retention above chance, and the difference at matched clean score. The latter takes what
a perturbation does to a model's log odds, and asks where that would put it if it had started where the other did; it is
the effective robustness of Taori et al. (2020, NeurIPS 33) with the trend fixed to equal loss of log odds, because two
models are too few to fit one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.drawing import draw, drawn_metrics, draws_differ, like_stored, points
from benchbed.compare.figure import Figure, Recipe, conditions
from benchbed.compare.pairing import pair, scored_alike
from benchbed.compare.runs import OpenRun
from benchbed.compare.sides import groups_freedom, spread_of, variance
from benchbed.errors import CannotMeasure
from benchbed.stats.bootstrap import Bootstrap


@dataclass(frozen=True)
class Robustness:
    """Difference in robustness of two models, a − b.

    Attributes
    ----------
    name : str
        Corruption, or `all corruptions`.
    retention : tuple of (float, float or None, float or None) or None
        Difference in retention above chance with its interval.
    matched : tuple of (float, float or None, float or None) or None
        Difference in the metric, had both started at b's clean score.
    reason : str or None
        Why a figure is missing.
    note : str or None
        Recordings that were left out of both models because one of them lost clips of theirs.
    """

    name: str
    retention: tuple[float, float | None, float | None] | None
    matched: tuple[float, float | None, float | None] | None
    reason: str | None = None
    note: str | None = None


def robustness(
    a: OpenRun, b: OpenRun, metric: str, procedure: Procedure, known: Mapping[str, Contrast] | None = None
) -> list[Robustness]:
    """Compare two runs under each corruption, and over all of them, at matched clean score.

    Severities of a corruption are averaged first, then corruptions of a family, then families, as in the record.
    Recordings of which one model lost clips are left out of both: what a model lost would else raise its figure.
    `known` holds differences in this metric that were drawn before, by condition: nothing is drawn twice.

    Raises
    ------
    CannotMeasure
        The metric is no score in 0…1 with a known chance value, or there is no clean condition.
    """
    asked = _asked((a, b), metric)
    if asked is None or isinstance(asked, Robustness):
        return [] if asked is None else [asked]
    columns = _Columns(metric, procedure, asked.kept, (a, b), known or {})
    clean = [columns(run, "clean") for run in (a, b)]
    found = []
    for name, scores in asked.scores(lambda key: np.stack([columns(run, key) for run in (a, b)])):
        made = _above(clean, list(scores), asked.chance)
        if isinstance(made, str):
            found.append(Robustness(name, None, None, made))
            continue
        boot = Bootstrap(_recordings(a), draws=len(clean[0]) - 1, level=procedure.level, seed=procedure.seed)
        retention, matched = (_interval(column, boot) for column in made)
        found.append(Robustness(name, retention, matched, note=columns.left_out(["clean", *asked.conditions(name)])))
    return found


def robustness_of_sides(
    a: Sequence[OpenRun], b: Sequence[OpenRun], metric: str, procedure: Procedure
) -> list[Robustness]:
    """Compare the means of two groups of runs (seeds, families) under each corruption, and over all of them.

    The figures are those of `robustness`, of the mean score of each side's members. Their variance is that of the
    recordings, members fixed, plus that of leaving out one member after the other, as in `benchbed.compare.sides`.

    Raises
    ------
    CannotMeasure
        The metric is no score in 0…1 with a known chance value, or there is no clean condition.
    """
    asked = _asked((*a, *b), metric)
    if asked is None or isinstance(asked, Robustness):
        return [] if asked is None else [asked]
    columns = _Columns(metric, procedure, asked.kept, (a[0], b[0]), {})

    def table(key: str) -> np.ndarray:
        return np.stack([columns(run, key) for run in (*a, *b)])

    clean = table("clean")
    return [
        _of_sides(name, clean, scores, len(a), asked.chance, _recordings(a[0]), procedure.level)
        for name, scores in asked.scores(table)
    ]


def _of_sides(
    name: str, clean: np.ndarray, scores: np.ndarray, size: int, chance: float, groups: int, level: float
) -> Robustness:
    """Both figures of the means of the first `size` members and of the rest."""
    first, rest = np.arange(size), np.arange(size, len(clean))

    def figures(one: np.ndarray, other: np.ndarray) -> list[np.ndarray] | str:
        start, kept = ([table[rows].mean(axis=0) for rows in (one, other)] for table in (clean, scores))
        return _above(start, kept, chance)

    whole = figures(first, rest)
    if isinstance(whole, str):
        return Robustness(name, None, None, whole)
    out = [
        [figures(np.delete(first, i), rest) for i in range(len(first))] if len(first) > 1 else [],
        [figures(first, np.delete(rest, i)) for i in range(len(rest))] if len(rest) > 1 else [],
    ]
    if any(isinstance(columns, str) for side in out for columns in side):
        return Robustness(name, None, None, "without one of the models a clean score is not better than chance by 0.01")
    bounds: list[tuple[float, float | None, float | None]] = []
    for which, column in enumerate(whole):
        recordings = variance(column[1:])
        if recordings is None:
            bounds.append((float(column[0]), None, None))
            continue
        parts = [(recordings, float(groups_freedom(groups)))]
        for side in out:
            left = np.array([columns[which][0] for columns in side])
            if len(left):
                parts.append((float((len(left) - 1) / len(left) * ((left - left.mean()) ** 2).sum()), len(left) - 1))
        spread = spread_of(float(column[0]), parts, level)
        bounds.append((spread.value, spread.low, spread.high))
    return Robustness(name, bounds[0], bounds[1])


@dataclass(frozen=True)
class _Asked:
    """What all runs have in common: families of corruptions, their corruptions, and the conditions of each."""

    groups: Mapping[str, Mapping[str, Sequence[str]]]
    chance: float
    kept: bool

    def conditions(self, name: str) -> list[str]:
        """Conditions behind a row."""
        every = [(corruption, keys) for held in self.groups.values() for corruption, keys in held.items()]
        return [key for corruption, keys in every if name in ("all corruptions", corruption) for key in keys]

    def scores(self, table: Callable[[str], np.ndarray]) -> list[tuple[str, np.ndarray]]:
        """Means over severities of each corruption, and over all of them first."""
        found: list[tuple[str, np.ndarray]] = []
        families = []
        for held in self.groups.values():
            means = [np.mean([table(key) for key in keys], axis=0) for keys in held.values()]
            found += zip(held, means)
            families.append(np.mean(means, axis=0))
        return [("all corruptions", np.mean(families, axis=0)), *found]


def _asked(runs: Sequence[OpenRun], metric: str) -> _Asked | Robustness | None:
    """Which conditions are compared; None where there are none, a row with a reason where they cannot be."""
    first = runs[0]
    info = first.family.metrics.get(metric)
    if info is None:
        raise CannotMeasure(f"there is no metric '{metric}'")
    groups: dict[str, dict[str, list[str]]] = {}
    of_first = {cell.key.split("/", 2)[2]: cell.condition for cell in first.result.cells}
    shared = [c for c in conditions(first.sums) if all(c in conditions(run.sums) for run in runs[1:])]
    for key in shared:
        condition = of_first[key]
        if condition.severity is not None and all(_measured(run, key, metric) for run in runs):
            groups.setdefault(condition.group or "other", {}).setdefault(condition.name, []).append(key)
    if "clean" not in shared or not groups:
        return None
    if info.direction != "higher" or info.low != 0.0 or info.high != 1.0 or info.chance is None:
        return Robustness("all corruptions", None, None, f"{metric} is no score in 0…1 with a known chance value")
    used = ["clean", *(key for members in groups.values() for keys in members.values() for key in keys)]
    kept = any(metric in drawn_metrics(run, Figure(key)) for run in runs for key in used)
    if kept or len(runs) > 2:
        for run in runs[1:]:
            why = (draws_differ(first, run) if kept else None) or scored_alike(first, run, used)
            if why is not None:
                return Robustness("all corruptions", None, None, why)
    return _Asked(groups, info.chance, kept)


def _recordings(run: OpenRun) -> int:
    return sum(len(names) for names in run.sums.groups.values())


def _measured(run: OpenRun, condition: str, metric: str) -> bool:
    cells = [c for c in run.result.cells if c.key.split("/", 2)[2] == condition]
    return all(c.metrics[metric].value is not None for c in cells)


@dataclass(frozen=True)
class _Columns:
    """A metric under a condition: its value, then its replicates; those that were kept where a figure has no other."""

    metric: str
    procedure: Procedure
    kept: bool
    sides: tuple[OpenRun, OpenRun]
    known: Mapping[str, Contrast]
    dropped: dict[str, int] = field(default_factory=dict)

    def left_out(self, conditions: Sequence[str]) -> str | None:
        """Recordings that some conditions left out of both models, in words."""
        gone = {key: count for key in conditions if (count := self.dropped.get(key, 0))}
        listed = ", ".join(f"{count} of {key}" for key, count in gone.items())
        return f"recordings left out of both, because a model lost clips of theirs: {listed}" if gone else None

    def __call__(self, run: OpenRun, condition: str) -> np.ndarray:
        if self.kept:
            value, column = like_stored(run, Figure(condition), self.metric, self.procedure)
            return np.concatenate([[value], column])
        first = run is self.sides[0]
        found = self.known.get(condition)
        if found is not None:
            point, column_of = (found.a, found.drawn_a) if first else (found.b, found.drawn_b)
            if point is not None and column_of is not None:
                self.dropped[condition] = found.dropped
                return np.append(point, column_of)
        made, other = Recipe(), self.sides[1 if first else 0]
        paired = pair(run, other, Figure(condition), made)
        self.dropped[condition] = paired.dropped
        drawn = draw(run, made, paired.a, paired, self.procedure, [self.metric])[self.metric]
        return np.concatenate([[points(run, made, paired.a)[self.metric]], drawn])


def _above(clean: Sequence[np.ndarray], scores: Sequence[np.ndarray], chance: float) -> list[np.ndarray] | str:
    """Difference in retention and at matched clean score, value first and then replicates, or why there is none."""
    above = [column - chance for column in clean]
    if min(column[0] for column in above) < 0.01:
        return "a clean score is not better than chance by 0.01"
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = [(score - chance) / column for score, column in zip(scores, above)]
    shift = [_logit(score) - _logit(column) for score, column in zip(scores, clean)]
    start = _logit(clean[1])
    matched = 1 / (1 + np.exp(-(start + shift[0]))) - 1 / (1 + np.exp(-(start + shift[1])))
    return [kept[0] - kept[1], matched]


def _interval(column: np.ndarray, boot: Bootstrap) -> tuple[float, float | None, float | None]:
    found = boot.interval(column[1:], value=float(column[0]))
    return float(column[0]), found.low, found.high


def _logit(score: np.ndarray) -> np.ndarray:
    # A score of 0 or 1 is no closer to its end than a thousandth, so that one clip does not decide.
    clipped = np.clip(score, 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped))
