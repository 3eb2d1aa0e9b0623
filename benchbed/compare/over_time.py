"""The runs of one model as a history: which of them can stand in one row, their figures, and where they changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.drawing import like_stored, meanings
from benchbed.compare.figure import Figure, matching, recipes
from benchbed.compare.runs import OpenRun, mismatches
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import MetricInfo
from benchbed.results.conditions import settings
from benchbed.results.history import HistoryChange, HistoryRecord, HistoryRun, HistorySeries
from benchbed.results.record import Value
from benchbed.stats.changes import LEAST, ChangePoint, change_points, luck
from benchbed.stats.correction import adjust, words


@dataclass(frozen=True)
class Wished:
    """What is followed over the time.

    Attributes
    ----------
    conditions : tuple of str
        Patterns of conditions.
    metric : str or None
        The metric; by default the one that ranks.
    groups : tuple of str
        Groups such as `device=s4`, or `class=*`; by default every slice of the suite.
    alpha : float
        Share of histories without change in which some change of some figure is called.
    """

    conditions: tuple[str, ...] = ("clean",)
    metric: str | None = None
    groups: tuple[str, ...] = ()
    alpha: float = 0.05


def over_time(
    runs: Sequence[OpenRun], asked: Wished | None = None, procedure: Procedure | None = None
) -> HistoryRecord:
    """Put the runs of one model into the order of time and look for changes of each figure.

    Parameters
    ----------
    runs : sequence of OpenRun
        In any order. Those that were not measured like the latest one are left out, and named.
    asked : Wished, optional
        Figures and level.
    procedure : Procedure, optional
        Draws of the recordings, and their seed.

    Raises
    ------
    ConfigError
        Runs of several models.
    CannotMeasure
        Fewer than two runs stand in one row, or they have none of the figures.
    """
    asked, procedure = asked or Wished(), procedure or Procedure()
    ordered = sorted(runs, key=lambda run: run.result.provenance.created)
    if not ordered:
        raise CannotMeasure("no runs", hint="give run folders, or records of several commits")
    last = ordered[-1]
    alike, notes = _alike(ordered)
    if len(alike) < 2:
        why = f" ({'; '.join(notes)})" if notes else ""
        raise CannotMeasure(f"one run of {last.name} is no history{why}", hint="run the suite at another commit, too")
    figures = _figures(alike, asked)
    metric = asked.metric or last.result.primary
    rows = [_series(alike, figure, metric, asked.alpha, procedure) for figure in figures]
    p_values = {str(i): row.p for i, (row, _) in enumerate(rows)}
    adjusted = adjust(p_values, "holm")
    series = [_called(row, places, adjusted[str(i)], asked.alpha) for i, (row, places) in enumerate(rows)]
    if all(value is None for row in series for value in row.values):
        raise CannotMeasure(f"no run has {metric} of {', '.join(map(str, figures))}: {series[0].reason}")
    tested = sum(p is not None for p in p_values.values())
    return HistoryRecord(
        model=last.name,
        suite=last.result.suite.name,
        dataset=last.result.dataset.name,
        synthetic=last.result.dataset.synthetic,
        primary=last.result.primary,
        alpha=asked.alpha,
        corrected=words("holm", tested, 0, 0, "figures"),
        runs=[_run(run) for run in alike],
        series=series,
        settings=settings(run.result for run in alike),
        notes=notes,
    )


def one_model(runs: Sequence[OpenRun]) -> None:
    """Refuse runs of several models.

    Raises
    ------
    ConfigError
        They are of several; the message names them.
    """
    names = sorted({run.name for run in runs})
    if len(names) > 1:
        raise ConfigError(
            f"runs of {len(names)} models: {', '.join(names[:6])}{', …' if len(names) > 6 else ''}",
            hint="a history is of one: --model NAME, or a pattern where each training has a name of its own",
        )


def _alike(ordered: Sequence[OpenRun]) -> tuple[list[OpenRun], list[str]]:
    """The runs that were measured like the latest, and what was left out."""
    last, kept, notes = ordered[-1], [], []
    for run in ordered:
        blocking = [m for m in mismatches(run.result, last.result) if m.blocking]
        day = run.result.provenance.created[:10]
        if blocking:
            notes.append(f"the run of {day} is left out: {blocking[0]}")
        elif run.statistics is None:
            notes.append(f"the run of {day} is left out: {run.lack or 'it keeps no sums'}")
        else:
            kept.append(run)
    return kept, notes


def _run(run: OpenRun) -> HistoryRun:
    made = run.result.provenance
    git = made.git or {}
    return HistoryRun(
        created=made.created, commit=str(git.get("commit", "")), dirty=bool(git.get("dirty")), model=run.name
    )


def _figures(runs: Sequence[OpenRun], asked: Wished) -> list[Figure]:
    last = runs[-1]
    conditions = [c for pattern in asked.conditions for c in matching(last.sums, pattern)]
    if not conditions:
        raise CannotMeasure(f"the latest run has no condition like {', '.join(asked.conditions)}")
    known = list(recipes(last.sums))
    columns = {name for held in last.sums.columns.values() for name in held}
    groups = [name for name in known if name.partition("=")[0] in columns]
    if asked.groups:
        groups = [
            g for name in asked.groups for g in known if g == name or (name[-2:] == "=*" and g.startswith(name[:-1]))
        ]
        if not groups:
            raise CannotMeasure(
                f"there is no group like {', '.join(asked.groups)}", hint=f"there are: {', '.join(known)}"
            )
    return [Figure(condition, group) for condition in dict.fromkeys(conditions) for group in (None, *groups)]


def _series(
    runs: Sequence[OpenRun], figure: Figure, metric: str, alpha: float, procedure: Procedure
) -> tuple[HistorySeries, list[ChangePoint]]:
    """A figure of every run, and its changes before the correction."""
    kept = [_recorded(run, figure, metric) for run in runs]
    row = HistorySeries(
        condition=figure.condition,
        group=figure.group,
        metric=metric,
        title=metric,
        unit="",
        direction="higher",
        values=[None if value is None else value.value for value in kept],
        lows=[None if value is None else value.low for value in kept],
        highs=[None if value is None else value.high for value in kept],
    )
    try:
        info: MetricInfo = meanings(runs[-1], figure)[metric]
        measured = [like_stored(run, figure, metric, procedure) for run in runs]
    except (CannotMeasure, KeyError) as error:
        why = error.what if isinstance(error, CannotMeasure) else f"there is no {metric} of {figure}"
        return row.model_copy(update={"reason": why}), []
    values = np.array([value for value, _ in measured])
    row.title, row.unit, row.direction = info.title or metric, info.unit, info.direction
    row.values = [float(value) if math.isfinite(value) else None for value in values]
    if len({len(drawn) for _, drawn in measured}) > 1 or not np.isfinite(values).all():
        return row.model_copy(update={"reason": "some run has no value of it, or other draws"}), []
    if len(values) < LEAST:
        few = f"{len(values)} runs: a change is told from a training's luck from {LEAST} runs on"
        return row.model_copy(update={"reason": few}), []
    drawn = np.stack([each for _, each in measured])
    whole = drawn[:, np.isfinite(drawn).all(axis=0)]
    groups = sum(len(names) for names in runs[-1].sums.groups.values())
    covariance = np.cov(whole) * (groups / max(groups - 1, 1))
    name = f"{runs[-1].sums.index_hash}/{figure}/{metric}"
    places, p = change_points(values, covariance, alpha=alpha, seed=procedure.seed, name=name)
    row.luck, row.p = float(np.sqrt(luck(values, covariance))), p
    return row, places


def _called(row: HistorySeries, places: Sequence[ChangePoint], p: float | None, alpha: float) -> HistorySeries:
    """The series with the changes that its p-value bears after the correction."""
    changes = []
    for point in places if p is not None and p < alpha else ():
        ends = (point.difference - 1.96 * point.error, point.difference + 1.96 * point.error)
        better = (point.difference > 0) == (row.direction == "higher")
        changes.append(
            HistoryChange(
                at=point.at,
                before=point.before,
                after=point.after,
                difference=point.difference,
                low=ends[0],
                high=ends[1],
                p=point.p,
                better=better,
            )
        )
    return row.model_copy(update={"p_adjusted": p, "changes": changes})


def _recorded(run: OpenRun, figure: Figure, metric: str) -> Value | None:
    """The figure as the record has it, with its interval; of several splits what joins them."""
    cells = [cell for cell in run.result.cells if cell.key.split("/", 2)[2] == figure.condition]
    if len(cells) == 1:
        held = cells[0].metrics if figure.group is None else cells[0].groups.get(figure.group, {})
        return held.get(metric)
    prefix = "" if figure.condition == "clean" else f"{figure.condition}:"
    return None if figure.group else run.result.scores.get(f"folds_{run.folds}:{prefix}{metric}")
