"""A figure of one run in the draws that all runs on the same clips share.

Figures that are functions of sums are drawn anew, as often as is asked for. Those that are not (ranks, areas over all
thresholds, curves over conditions) were drawn when the run was scored, when the clips were at hand, and are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.figure import Figure, Recipe, cells_of, counted, evaluate, evaluate_counts, infos, recipe
from benchbed.compare.pairing import Paired, pair
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import OpenRun
from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.results.record import Value
from benchbed.results.statistics import AGAIN
from benchbed.stats.bootstrap import Bootstrap


def join(run: OpenRun, made: Recipe) -> str:
    """How the splits of a figure become one: `mean` or `pooled`."""
    # A class has a handful of clips in each fold, and draws without any of them: its folds are pooled.
    return "pooled" if made.label is not None else run.folds


def points(
    run: OpenRun, made: Recipe, folds: list[np.ndarray], names: Collection[str] | None = None
) -> dict[str, float]:
    """Values of a figure from sums `[group, part, statistic]` of each split; all metrics, or `names`."""
    values = evaluate(run.family, made, [sums.sum(axis=0) for sums in folds], join(run, made), names)
    return {name: float(value) for name, value in values.items()}


def draw(
    run: OpenRun,
    made: Recipe,
    folds: list[np.ndarray],
    paired: Paired,
    how: Procedure,
    names: Collection[str] | None = None,
) -> dict[str, np.ndarray]:
    """Values of a figure in every draw, from sums `[group, part, statistic]` of each split; all metrics, or `names`."""
    drawn = []
    sources = boots(run, paired.splits, how.draws, how.seed)
    if names is not None and (columns := counted(run.family, made, names, folds)) is not None:
        for boot, sums in zip(sources, folds):
            counts = sums[:, :, columns]
            whole = boot.replicates_of_counts(counts.reshape(len(counts), -1))
            drawn.append(whole.reshape(*counts.shape[1:], how.draws))
        return evaluate_counts(run.family, made, drawn, join(run, made), names)
    for boot, sums in zip(sources, folds):
        groups, parts, width = sums.shape
        flat = sums.reshape(groups, -1)
        # Most bins and pairs of classes never occur, and nothing drawn from nothing is nothing.
        used = flat.any(axis=0)
        whole = np.zeros((how.draws, flat.shape[1]))
        whole[:, used] = boot.replicates(flat[:, used])
        drawn.append(whole.reshape(how.draws, parts, width))
    return evaluate(run.family, made, drawn, join(run, made), names)


def own_figure(
    run: OpenRun,
    figure: Figure,
    made: Recipe,
    folds: list[np.ndarray],
    paired: Paired,
    how: Procedure,
    names: Collection[str],
    reused: ReusedParts | None = None,
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Values of a figure and its draws, as `points` and `draw` make them; what is `reused` is not made again.

    Where recordings of a pair were left out of both sides, or a clip counts other than once, they are of that pair.
    """

    def fresh() -> tuple[dict[str, float], dict[str, np.ndarray]]:
        return points(run, made, folds, names), draw(run, made, folds, paired, how, names)

    if reused is None or not paired.plain:
        return fresh()
    return reused.ask(run, ("figure", figure, made, tuple(names), how.draws, how.seed), fresh)


def boots(run: OpenRun, splits: Iterable[str], draws: int, seed: int) -> list[Bootstrap]:
    """What drew the replicates of a figure over some splits."""
    return [
        Bootstrap(len(run.sums.groups[split]), draws=draws, name=f"{run.sums.index_hash}/{split}", seed=seed)
        for split in splits
    ]


def replicates(
    run: OpenRun, figure: Figure, procedure: Procedure, names: Collection[str] | None = None
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """A run's own values of a figure, and its replicates in draws that all runs on the same clips share.

    All metrics, or `names`.

    Metrics that are made from no sums have as many draws as the run made; those that the run kept no draws of are left
    out.
    """
    made = recipe(run.sums, figure)
    paired = pair(run, run, figure, made)
    values: dict[str, float] = dict.fromkeys(infos(run.family, made), float("nan"))
    drawn: dict[str, np.ndarray] = {}
    if not paired.lean:
        values, drawn = points(run, made, paired.a, names), draw(run, made, paired.a, paired, procedure, names)
    for metric in drawn_metrics(run, figure):
        if names is not None and metric not in names:
            continue
        try:
            values[metric], drawn[metric] = stored(run, figure, metric)
        except CannotMeasure:
            # Undefined, or not kept: its value in sums is NaN, which says so.
            continue
    return values, drawn


def drawn_metrics(run: OpenRun, figure: Figure) -> list[str]:
    """Metrics of a figure that are made from no sums: ranked ones, those that an attack adds, all where sums lack."""
    known = infos(run.family, recipe(run.sums, figure))
    cells = cells_of(run.sums, figure).values()
    added = [
        name for group, name in next(iter(cells)).drawn.names if group == (figure.group or "") and name not in known
    ]
    lean = any(cell.lean for cell in cells)
    return [*(name for name in known if lean or name in run.family.ranked), *added]


def meanings(run: OpenRun, figure: Figure) -> Mapping[str, MetricInfo]:
    """Metrics that a figure can be asked in; those that an attack adds are described by the record."""
    known = dict(infos(run.family, recipe(run.sums, figure)))
    for metric in drawn_metrics(run, figure):
        if metric not in known:
            known[metric] = meaning(metric, _values(run, figure, metric)[0])
    return known


def meaning(name: str, value: Value) -> MetricInfo:
    """What the record says about a figure."""
    return MetricInfo(value.title or name, value.rule, value.unit, value.direction, scope=value.scope or "")


def stored(run: OpenRun, figure: Figure, metric: str) -> tuple[float, np.ndarray]:
    """A figure that is made from no sums, and its replicates `[draw]`, as the run left them.

    Several splits are averaged; pooled clips of several splits are read where the run kept them.

    Raises
    ------
    CannotMeasure
        The run kept no draws of it; the message says why.
    """
    cells = cells_of(run.sums, figure)
    if len(cells) > 1 and run.folds == "pooled":
        prefix = "" if figure.condition == "clean" else f"{figure.condition}:"
        name = ("", f"folds_pooled:{prefix}{metric}")
        if figure.group is not None or name not in run.sums.scores:
            raise CannotMeasure(
                f"{run.name} keeps no draws of {metric} over the pooled folds of {figure}",
                hint="ask for one split, or for `metrics.folds: mean`",
            )
        return run.sums.scores[name]
    key = (figure.group or "", metric)
    held = [cell.drawn if key in cell.drawn else cell.summed for cell in cells.values()]
    if any(key not in drawn for drawn in held):
        raise _missing(run, figure, metric)
    parts = [drawn[key] for drawn in held]
    return float(np.mean([value for value, _ in parts])), np.mean([drawn for _, drawn in parts], axis=0)


def like_stored(run: OpenRun, figure: Figure, metric: str, procedure: Procedure) -> tuple[float, np.ndarray]:
    """A figure in the draws that the run kept others in: as it left them, or made from sums in the same draws.

    Raises
    ------
    CannotMeasure
        The run kept neither draws of it nor sums.
    """
    sums = run.sums
    lean = any(cell.lean for cell in cells_of(sums, figure).values())
    held = all(
        (figure.group or "", metric) in cell.drawn or (figure.group or "", metric) in cell.summed
        for cell in cells_of(sums, figure).values()
    )
    if held or lean or metric in run.family.ranked or not sums.draws:
        return stored(run, figure, metric)
    values, drawn = replicates(run, figure, replace(procedure, draws=sums.draws, seed=sums.seed))
    if metric not in drawn:
        return stored(run, figure, metric)
    return values[metric], drawn[metric]


def recorded(run: OpenRun, figure: Figure, metric: str) -> float | None:
    """A figure as it stands on the record, averaged over splits; None where it is undefined in one."""
    values = [value.value for value in _values(run, figure, metric)]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def stored_score(run: OpenRun, name: str) -> tuple[float, np.ndarray, Value]:
    """A figure over cells, e.g. `robustness:retention`, its replicates `[draw]`, and its entry on the record.

    Raises
    ------
    CannotMeasure
        There is none, it is undefined, or the run kept no draws of it.
    """
    value = run.result.scores.get(name)
    if value is None:
        raise CannotMeasure(f"{run.name} has no score '{name}'")
    if value.value is None:
        raise CannotMeasure(f"{name} of {run.name} is undefined: {value.reason or 'no reason given'}")
    if ("", name) not in run.sums.scores:
        raise CannotMeasure(f"{run.name} keeps no draws of {name}: {value.reason or _old(run)}")
    return *run.sums.scores["", name], value


class _KeptDraws(Protocol):
    """What tells the draws that a run kept from those of another."""

    @property
    def index_hash(self) -> str:
        """Hash of the clips, after which the draws are named."""

    @property
    def draws(self) -> int:
        """Their number."""

    @property
    def seed(self) -> int:
        """Their seed."""


def draws_differ(a: OpenRun, b: OpenRun) -> str | None:
    """Why draws that two runs kept are not the same draws, or None; see `other_draws`."""
    return other_draws(a.sums, b.sums)


def other_draws(one: _KeptDraws, other: _KeptDraws) -> str | None:
    """Why draws that were kept are not the same draws, or None.

    The draws are named after the clips; only with their number and seed do they pair. A run without draws differs in
    none.
    """
    if one.index_hash != other.index_hash:
        return "the draws of the two runs are over other clips"
    if (one.draws, one.seed) == (other.draws, other.seed) or not one.draws or not other.draws:
        return None
    told = " and ".join(f"{s.draws} draws with seed {s.seed}" for s in (one, other))
    return f"the runs kept other bootstrap draws, {told}: run both with the same `statistics.draws` and --seed"


def _missing(run: OpenRun, figure: Figure, metric: str) -> CannotMeasure:
    values = _values(run, figure, metric)
    undefined = next((v for v in values if v.value is None), None)
    if undefined is not None:
        return CannotMeasure(f"{metric} for {figure} of {run.name} is undefined: {undefined.reason}")
    what = f"{run.name} keeps no draws of {metric} for {figure}"
    if run.sums.layout < 2 or not run.sums.draws:
        return CannotMeasure(f"{what}: {_old(run)}", hint=AGAIN)
    if figure.group is not None:
        return CannotMeasure(what, hint="a baseline keeps them with `benchbed baseline set --parts PATTERN`")
    return CannotMeasure(what, hint=AGAIN)


def _old(run: OpenRun) -> str:
    if run.sums.layout < 2:
        return f"statistics of layout {run.sums.layout} hold none"
    return "it has no interval" if run.sums.draws else "the suite asks for none (`statistics.draws: 0`)"


def _values(run: OpenRun, figure: Figure, metric: str) -> list[Value]:
    found = []
    for cell in run.result.cells:
        if cell.key.split("/", 2)[2] == figure.condition and figure.split in (None, cell.split):
            held = cell.metrics if figure.group is None else cell.groups.get(figure.group, {})
            if metric in held:
                found.append(held[metric])
    return found
