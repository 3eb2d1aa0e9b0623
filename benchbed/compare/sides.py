"""Several runs as one side of a comparison: the seeds of one model, or the models of one family.

Models are not clips: five convolutional networks on 3,000 clips are five draws of a network, not 15,000 draws of
anything. The mean over the members of each side is compared, and its variance is that of the recordings (bootstrap with
shared weights, members fixed) plus that of the members (their sample variance over their number), with
Satterthwaite's degrees of freedom. The second part holds some noise of the recordings too, which errs on the side of
caution. A side with one member has no spread, so the answer is then about that model and not about its family.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.compare.contrast import Procedure, incomplete_cells, replicates
from benchbed.compare.figure import Figure, direction, infos, recipe
from benchbed.compare.runs import Run, require_comparable
from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo

#: Options that make another draw of the same model.
SEED_OPTIONS = ("seed",)


@dataclass(frozen=True)
class Side:
    """Runs that stand for one thing.

    Attributes
    ----------
    name : str
        Name in tables.
    runs : tuple of Run
        Its members.
    kind : str
        `model`, `seeds` or `family`.
    """

    name: str
    runs: tuple[Run, ...]
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
    reason : str or None
        What the answer does not cover, or why there is none.
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


def seeds(runs: Sequence[Run], options: Sequence[str] = SEED_OPTIONS) -> list[Side]:
    """Runs that differ in a seed option only as one side each, in the order of their first member."""
    found: dict[tuple, list[Run]] = {}
    for run in runs:
        model = run.result.model
        rest = {k: v for k, v in model.options.items() if k not in options}
        # A checkpoint per seed is named after it.
        rest = {k: re.sub(r"seed[-_=]?\d+", "seed", str(v)) for k, v in rest.items()}
        found.setdefault((model.adapter_hash, _stem(model.name, options), repr(sorted(rest.items()))), []).append(run)
    return [
        Side(
            members[0].name if len(members) == 1 else key[1], tuple(members), "model" if len(members) == 1 else "seeds"
        )
        for key, members in found.items()
    ]


def families(runs: Sequence[Run]) -> list[Side]:
    """One side per model family."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.result.model.family, []).append(run)
    return [Side(name, tuple(members), "family") for name, members in found.items()]


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
    made = recipe(everyone[0].sums, figure)
    info = infos(everyone[0].family, made).get(metric)
    if info is None:
        raise CannotMeasure(f"there is no metric '{metric}' for {figure}")
    _same_clips(everyone, figure)
    held = [[replicates(run, figure, procedure) for run in side.runs] for side in (a, b)]
    values = [[points[metric] for points, _ in side] for side in held]
    groups = sum(len(names) for names in everyone[0].sums.groups.values())
    better = direction(info, made)
    incomplete = incomplete_cells(*((run, figure) for run in everyone))
    names = tuple(values[0]), tuple(values[1])
    empty = Mixed(figure, metric, info, better, *names, None, None, None, groups, "", incomplete)
    if not np.isfinite([*values[0], *values[1]]).all():
        return replace(empty, reason=f"{metric} is undefined for a member")
    drawn = [np.mean([reps[metric] for _, reps in side], axis=0) for side in held]
    recordings = float(np.nanvar(drawn[0] - drawn[1], ddof=1))
    parts = [(recordings, groups - 1)]
    alone = [side.name for side, found in zip((a, b), values) if len(found) < 2]
    parts += [(float(np.var(found, ddof=1)) / len(found), len(found) - 1) for found in values if len(found) > 1]
    if recordings == 0 and all(part == 0 for part, _ in parts):
        return replace(empty, error_recordings=0.0, error_members=0.0, reason="no spread over recordings or members")
    spread = spread_of(float(np.mean(values[0]) - np.mean(values[1])), parts, procedure.level)
    reason = f"{', '.join(alone)}: one model, so the answer is about it and not about models like it" if alone else None
    method = (f"t with {spread.freedom:.1f} degrees of freedom; {groups} recordings, {len(values[0])} against "
              f"{len(values[1])} models")  # fmt: skip
    members = sum(part for part, _ in parts[1:]) ** 0.5 if len(parts) > 1 else None
    return replace(empty, spread=spread, error_recordings=recordings**0.5, error_members=members, method=method,
                   reason=reason)  # fmt: skip


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


def _same_clips(runs: Sequence[Run], figure: Figure) -> None:
    for key, cell in runs[0].sums.cells.items():
        if key.split("/", 2)[2] != figure.condition:
            continue
        for run in runs[1:]:
            other = run.sums.cells.get(key)
            if other is None or not np.array_equal(cell.marks, other.marks):
                raise CannotMeasure(f"{run.name} has not scored the same clips of {key} as {runs[0].name}",
                                    hint="several models are compared on complete runs only")  # fmt: skip


def _stem(name: str, options: Sequence[str]) -> str:
    for option in options:
        name = re.sub(rf"(?<=[\[,]){re.escape(option)}=[^,\]]*,?", "", name)
    return name.replace("[]", "").replace(",]", "]")
