"""Several runs as one side of a comparison: the seeds of one model, or the models of one family.

Models are not clips: five convolutional networks on 3,000 clips are five draws of a network, not 15,000 draws of
anything. The mean over the members of each side is compared, and its variance is that of the recordings (bootstrap with
shared weights, members fixed) plus that of the members (their sample variance over their number), with
Satterthwaite's degrees of freedom. The second part holds some noise of the recordings too, which errs on the side of
caution. A side with one member has no spread, so the answer is then about that model and not about its family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.drawing import (
    drawn_metrics,
    draws_differ,
    like_stored,
    meaning,
    meanings,
    recorded,
    replicates,
    stored_score,
)
from benchbed.compare.figure import Figure, direction, recipe
from benchbed.compare.pairing import incomplete_cells, scored_alike
from benchbed.compare.runs import OpenRun, require_comparable
from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.stats.bootstrap import DEFINED


@dataclass(frozen=True)
class Side:
    """Runs that stand for one thing.

    Attributes
    ----------
    name : str
        Name in tables.
    runs : tuple of OpenRun
        Its members.
    kind : str
        `model`, `seeds` or `family`.
    """

    name: str
    runs: tuple[OpenRun, ...]
    kind: str = "model"


@dataclass(frozen=True)
class Spread:
    """Difference of two groups of numbers.

    Attributes
    ----------
    value : float
        Difference of the means.
    low, high : float
        Its interval.
    p : float
        Two-sided p-value.
    freedom : float
        Degrees of freedom.
    error : float
        Standard error.
    """

    value: float
    low: float
    high: float
    p: float
    freedom: float
    error: float


@dataclass(frozen=True)
class Mixed:
    """Difference of two sides in one figure.

    Attributes
    ----------
    figure, metric, info, direction
        As in `Contrast`.
    values_a, values_b : tuple of float
        The figure of every member.
    spread : Spread or None
        Difference of the means; None where it cannot be tested.
    error_recordings, error_members : float or None
        Standard errors of the two parts.
    groups : int
        Recordings.
    method : str
        How the interval was made.
    incomplete : str or None
        Which cells lost clips.
    reason : str or None
        What the answer does not cover, or why there is none.
    mde : float or None
        Smallest true difference that the test would find with the stated power.
    effect : float or None
        Difference in standard deviations between the models of a side (Cohen's d, pooled); it needs two on each.
    """

    figure: Figure
    metric: str
    info: MetricInfo
    direction: str
    values_a: tuple[float, ...]
    values_b: tuple[float, ...]
    spread: Spread | None
    error_recordings: float | None
    error_members: float | None
    groups: int
    method: str
    incomplete: str | None = None
    reason: str | None = None
    mde: float | None = None
    effect: float | None = None

    @property
    def gain(self) -> float | None:
        """How much better side a is, positive whichever way the metric points."""
        if self.spread is None:
            return None
        return self.spread.value if self.direction == "higher" else -self.spread.value


def welch(
    mean_a: float, std_a: float, n_a: int, mean_b: float, std_b: float, n_b: int, *, level: float = 0.95
) -> Spread:
    """Welch's test from the mean and sample standard deviation of two groups of runs, as papers print them.

    Raises
    ------
    CannotMeasure
        Fewer than two runs on a side.

    Examples
    --------
    >>> found = welch(15.04, 0.71, 5, 14.58, 0.64, 5)  # visual alone against with audio, five runs each
    >>> round(found.p, 2), found.low < 0 < found.high
    (0.31, True)
    """
    if min(n_a, n_b) < 2:
        raise CannotMeasure(f"{n_a} and {n_b} runs: a spread needs two on each side")
    return spread_of(mean_a - mean_b, [(std_a**2 / n_a, n_a - 1), (std_b**2 / n_b, n_b - 1)], level)


@dataclass(frozen=True)
class Members:
    """One figure of every member of two sides, in draws that all of them share.

    Attributes
    ----------
    info : MetricInfo
        What the metric means.
    direction : str
        Which way is better.
    a, b : tuple of float
        The figure of each member; NaN where it is undefined.
    drawn_a, drawn_b : np.ndarray [shape=(member, draw)]
        Its replicates.
    groups : int
        Recordings behind it.
    incomplete : str or None
        Which cells lost clips.
    """

    info: MetricInfo
    direction: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    drawn_a: np.ndarray
    drawn_b: np.ndarray
    groups: int
    incomplete: str | None


def members(
    a: Sequence[OpenRun],
    b: Sequence[OpenRun],
    figure: Figure,
    metric: str,
    procedure: Procedure,
    against: Figure | None = None,
) -> Members:
    """One figure of several runs on either side; a metric with a colon is a figure over cells.

    `against` is the figure of b where it is another one than a's.

    Raises
    ------
    CannotMeasure
        Members without this figure, that have not scored the same clips, or that kept other draws of it.
    """
    everyone = [(run, figure) for run in a] + [(run, against or figure) for run in b]
    first = everyone[0][0]
    groups = sum(len(names) for names in first.sums.groups.values())
    over_cells = ":" in metric and figure.group is None
    if over_cells:
        alike = [scored_alike(first, run) for run, _ in everyone]
        figures = [stored_score(run, metric)[:2] for run, _ in everyone]
        info, kept = meaning(metric, first.result.scores[metric]), True
        better: str = info.direction
        cells = [(run, Figure(key.split("/", 2)[2])) for run, _ in everyone for key in run.sums.cells]
    else:
        formula, known = recipe(first.sums, figure), meanings(first, figure)
        if metric not in known:
            raise CannotMeasure(f"there is no metric '{metric}' for {figure}")
        info, better = known[metric], direction(known[metric], formula)
        kept = any(metric in drawn_metrics(run, asked) for run, asked in everyone)
        alike = [_same_clips(first, run, asked) for run, asked in everyone]
        figures = [
            like_stored(run, asked, metric, procedure) if kept else _summed(run, asked, metric, procedure)
            for run, asked in everyone
        ]
        cells = everyone
    for (run, _), why in zip(everyone, alike):
        if why is None and kept:
            why = draws_differ(first, run)
        if why is not None:
            raise CannotMeasure(
                f"{run.name} against {first.name}: {why}", hint="several models are compared on complete runs only"
            )
    values = [value for value, _ in figures]
    drawn = np.stack([replicates for _, replicates in figures])
    return Members(
        info,
        better,
        tuple(values[: len(a)]),
        tuple(values[len(a) :]),
        drawn[: len(a)],
        drawn[len(a) :],
        groups,
        incomplete_cells(*cells),
    )


def _summed(run: OpenRun, figure: Figure, metric: str, procedure: Procedure) -> tuple[float, np.ndarray]:
    points, drawn = replicates(run, figure, procedure)
    if metric not in drawn:
        raise CannotMeasure(
            f"{run.name} has no sums of {metric}", hint="run the suite again, or set the baseline again"
        )
    return points[metric], drawn[metric]


def mixed(a: Side, b: Side, figure: Figure, metric: str, procedure: Procedure) -> Mixed:
    """Compare the means of two sides in one figure.

    Raises
    ------
    CannotMeasure
        Members that were not measured alike, or without this figure.
    """
    everyone = [*a.runs, *b.runs]
    for run in everyone[1:]:
        require_comparable(everyone[0], run)
    try:
        outcome = members(a.runs, b.runs, figure, metric, procedure)
    except CannotMeasure as error:
        over_cells = ":" in metric and figure.group is None
        values = [
            tuple(
                _or_nan(run.result.scores[metric].value if over_cells else recorded(run, figure, metric))
                for run in side.runs
            )
            for side in (a, b)
        ]
        if np.isfinite(values[0] + values[1]).all() and not over_cells:
            raise
        # One figure without a value is no reason to refuse the table.
        first = everyone[0]
        info = meaning(metric, first.result.scores[metric]) if over_cells else meanings(first, figure)[metric]
        return Mixed(
            figure, metric, info, info.direction, values[0], values[1], None, None, None, 0, "", None, error.what
        )
    values = [outcome.a, outcome.b]
    empty = Mixed(
        figure,
        metric,
        outcome.info,
        outcome.direction,
        outcome.a,
        outcome.b,
        None,
        None,
        None,
        outcome.groups,
        "",
        outcome.incomplete,
    )
    if not np.isfinite([*outcome.a, *outcome.b]).all():
        return replace(empty, reason=f"{metric} is undefined for a member")
    recordings = variance(outcome.drawn_a.mean(axis=0), outcome.drawn_b.mean(axis=0))
    if recordings is None:
        return replace(empty, reason=f"{metric} is undefined in more than a tenth of the draws")
    parts = [(recordings, groups_freedom(outcome.groups))]
    alone = [side.name for side, figures in zip((a, b), values) if len(figures) < 2]
    parts += [
        (float(np.var(figures, ddof=1)) / len(figures), len(figures) - 1) for figures in values if len(figures) > 1
    ]
    still = recordings == 0 and all(part == 0 for part, _ in parts)
    if still and np.mean(outcome.a) == np.mean(outcome.b):
        same = spread_of(0.0, parts, procedure.level)
        return replace(empty, spread=same, error_recordings=0.0, error_members=0.0, reason="no difference in any draw")
    if still:
        return replace(empty, error_recordings=0.0, error_members=0.0, reason="no spread over recordings or members")
    spread = spread_of(float(np.mean(outcome.a) - np.mean(outcome.b)), parts, procedure.level)
    reason = f"{', '.join(alone)}: one model, so the answer is about it and not about models like it" if alone else None
    method = (
        f"t with {spread.freedom:.1f} degrees of freedom; {outcome.groups} recordings, {len(outcome.a)} against "
        f"{len(outcome.b)} models"
    )
    among = sum(part for part, _ in parts[1:]) ** 0.5 if len(parts) > 1 else None
    return replace(
        empty,
        spread=spread,
        error_recordings=recordings**0.5,
        error_members=among,
        method=method,
        reason=reason,
        mde=found_by(spread, procedure.alpha, procedure.power),
        effect=cohen(outcome.a, outcome.b),
    )


def found_by(spread: Spread, alpha: float, power: float) -> float:
    """Smallest true difference that the two-sided t-test behind a difference of means finds with the given power.

    Examples
    --------
    >>> round(found_by(Spread(0.0, -0.02, 0.02, 1.0, 1e9, 0.01), 0.05, 0.8), 4)  # (1.960 + 0.842) · 0.01
    0.028
    """
    from scipy.special import stdtrit

    return float(stdtrit(spread.freedom, 1 - alpha / 2) + stdtrit(spread.freedom, power)) * spread.error


def cohen(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Difference of two groups' means in pooled sample standard deviations; None below two a group or without spread.

    Examples
    --------
    >>> cohen([3.0, 5.0], [1.0, 3.0]) == 2 / 2**0.5, cohen([1.0], [2.0, 3.0])
    (True, None)
    """
    if min(len(a), len(b)) < 2:
        return None
    squares = sum(float(((np.asarray(side) - np.mean(side)) ** 2).sum()) for side in (a, b))
    pooled = (squares / (len(a) + len(b) - 2)) ** 0.5
    return float(np.mean(a) - np.mean(b)) / pooled if pooled else None


def variance(a: np.ndarray, b: np.ndarray | float = 0.0) -> float | None:
    """Variance of a − b over draws; None where more than a tenth of them has no value.

    Examples
    --------
    >>> variance(np.array([1.0, 2.0, 3.0]), 1.0), variance(np.array([1.0, np.inf]))
    (1.0, None)
    """
    with np.errstate(invalid="ignore"):
        drawn = np.asarray(a - b)
    defined = drawn[np.isfinite(drawn)]
    return float(defined.var(ddof=1)) if len(defined) > 1 and len(defined) >= DEFINED * len(drawn) else None


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def groups_freedom(groups: int) -> int:
    """Degrees of freedom of a variance over recordings; a single recording has none, which counts as one."""
    return max(groups - 1, 1)


def spread_of(value: float, parts: Sequence[tuple[float, float]], level: float) -> Spread:
    """Difference of two means from the variances of its parts and their degrees of freedom (Satterthwaite 1946)."""
    from scipy.special import stdtr, stdtrit

    total = sum(part for part, _ in parts)
    if total == 0:
        return Spread(value, value, value, 1.0 if value == 0 else 0.0, float("inf"), 0.0)
    freedom = total**2 / sum(part**2 / df for part, df in parts if part > 0)
    error = total**0.5
    reach = float(stdtrit(freedom, (1 + level) / 2)) * error
    return Spread(value, value - reach, value + reach, 2 * float(stdtr(freedom, -abs(value) / error)), freedom, error)


def _same_clips(first: OpenRun, run: OpenRun, figure: Figure) -> str | None:
    for key, cell in first.sums.cells.items():
        if key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split):
            other = run.sums.cells.get(key)
            if other is None or not np.array_equal(cell.marks, other.marks):
                return f"they have not scored the same clips of {key}"
    return None
