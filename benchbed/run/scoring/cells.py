"""From stored predictions to the cells of the record: counts, figures with intervals, slices, tables, failures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.cell import CellScores, group_codes, score_cell
from benchbed.metrics.contract import Family, Table
from benchbed.metrics.folds import Fold
from benchbed.metrics.matched import matched_differences
from benchbed.metrics.number import Number
from benchbed.metrics.slices import Column
from benchbed.metrics.strong import strong_metrics, timed, where_timed
from benchbed.predictions.store import Predictions
from benchbed.results import record
from benchbed.results.statistics import CellStatistics, Statistics
from benchbed.run.job.job import Job
from benchbed.run.references import answers, reference_of, some_weak
from benchbed.run.scoring.aggregate import Scored, aggregate
from benchbed.run.scoring.families import families_of, metric_family
from benchbed.run.scoring.robust import load_reference, robust_figures
from benchbed.run.scoring.selfchecks import self_checks
from benchbed.run.scoring.statistics import Rows, cell_draws, collect, sum_cell, summed_draws
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.conditions import AttackCondition, CorruptionCondition
from benchbed.suite.model import Suite
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Scoring:
    """Everything the record says about scores."""

    primary: str
    cells: list[record.Cell]
    scores: dict[str, record.Value]
    checks: list[record.Check]
    failures: list[record.Failure]
    statistics: Statistics


def score_cells(prepared: Any, predictions: Predictions, seed: int) -> Scoring:
    """Score every cell of a run.

    Parameters
    ----------
    prepared : benchbed.run.session.Prepared
        The run.
    predictions : Predictions
        All its predictions.
    seed : int
        Seed of the bootstrap.

    Raises
    ------
    CannotMeasure
        No clip of a cell has a prediction.
    """
    suite: Suite = prepared.loaded_suite.suite
    family, primary = metric_family(prepared.loaded_suite, prepared.job.asked, prepared.job.scope)
    if suite.task == "frames" and some_weak(prepared.job.clips.values()):
        family = where_timed(family)
    failures = [record.Failure.model_validate(failure) for failure in predictions.failures]
    failures.sort(key=lambda failure: (failure.cell, failure.clip_id))
    splits = {split: _Split(prepared, suite, split, seed) for split in prepared.job.clips}
    rows_of = _rows_of_cells(predictions.table, [cell.key for cell in prepared.cells])
    cells: list[record.Cell] = []
    scored: dict[str, Scored] = {}
    sums: dict[str, CellStatistics] = {}
    for plan in prepared.cells:
        rows = rows_of[plan.key]
        lost = sum(failure.cell == plan.key for failure in failures)
        cell, figures, kept = _score(plan, prepared, splits[plan.split], family, primary, predictions, rows, lost)
        cells.append(cell)
        scored[plan.key] = figures
        sums[plan.key] = sum_cell(family, kept, len(splits[plan.split].groups))
    scores = aggregate(suite, family, primary, prepared.cells, scored)
    reference, unused = load_reference(
        prepared.loaded_suite, prepared.source.dataset.name, primary, prepared.index_hash
    )
    scores |= robust_figures(cells, scored, primary, reference)
    values = {name: to_value(number) for name, number in scores.items()}
    checks = [*unused, *_classes(prepared.job), *_left_out(prepared.job), *self_checks(prepared.job)]
    if any(plan.kind == "attack" for plan in prepared.cells):
        more, attacked = _attacked(prepared, predictions, splits, cells, rows_of, values)
        _beside_attacks(prepared, predictions, splits, cells, rows_of, family, primary)
        checks, scores = checks + more, {**scores, **attacked}
    statistics = collect(
        families_of(prepared.loaded_suite, prepared.job.asked, prepared.job.scope),
        prepared.job.asked,
        prepared.index_hash,
        seed,
        {split: held.groups for split, held in splits.items()},
        {split: held.columns for split, held in splits.items()},
        sums,
        family=family,
        draws=suite.statistics.draws,
        scores=scores,
    )
    return Scoring(primary, cells, values, checks, failures, statistics)


def _classes(job: Job) -> list[record.Check]:
    """What became of classes that the model knows and the dataset lacks."""
    if job.outside:
        names = ", ".join(job.labels[len(job.asked) :][:5])
        names += ", …" if job.outside > 5 else ""
        said = f"the model also knows {job.outside} classes that the dataset lacks ({names}); they count as wrong"
        return [record.Check(name="classes", status="pass", message=said)]
    if job.closed_of is None:
        return []
    said = f"scored as if the model knew {len(job.asked)} of its {job.closed_of} classes; the others cannot be wrong"
    return [record.Check(name="classes:closed-set", status="warn", message=said)]


def _left_out(job: Job) -> list[record.Check]:
    """Conditions of the suite that had nothing to do in this run."""
    from benchbed.run.attacking.sources import LEFT_OUT

    return [
        record.Check(name=f"attack:{condition.attack}", status="skipped", message=f"left out: {fact[LEFT_OUT]}")
        for condition, fact in zip(job.conditions, job.facts)
        if isinstance(condition, AttackCondition) and LEFT_OUT in fact
    ]


def _attacked(
    prepared: Any,
    predictions: Predictions,
    splits: Mapping[str, _Split],
    cells: list[record.Cell],
    rows_of: Mapping[str, np.ndarray],
    values: dict[str, record.Value],
) -> tuple[list[record.Check], dict[str, Number]]:
    """Add what attacks say over cells to `values`, mark cells that are not to be ranked; checks and figures."""
    from benchbed.run.scoring.attacks import attack_figures, checks_of, failed_cells, flags_of, not_ranked

    plans = [plan for plan in prepared.cells if plan.kind == "attack"]
    flags, tables = {}, {}
    for plan in plans:
        rows, split = rows_of[plan.key], splits[plan.split]
        position = predictions.table["clip_id"].iloc[rows].map(split.position).to_numpy(dtype=np.int64)
        flags[plan.key] = flags_of(predictions.table, rows, split.codes[position], split.bootstrap)
        tables[plan.key] = predictions.table.iloc[rows]
    classes = len(prepared.job.labels)
    facts = [
        (unit["attack"]["cell"], fact)
        for unit in predictions.info
        if "attack" in unit
        for fact in unit["attack"]["facts"]
    ]
    checks = checks_of(prepared.job, plans, facts, tables, classes)
    figures = attack_figures(prepared.job, plans, flags, tables)
    values |= {name: to_value(number) for name, number in figures.items()}
    not_ranked(cells, values, failed_cells(checks))
    return checks, figures


def _beside_attacks(
    prepared: Any,
    predictions: Predictions,
    splits: Mapping[str, _Split],
    cells: list[record.Cell],
    rows_of: Mapping[str, np.ndarray],
    family: Family,
    primary: str,
) -> None:
    """Put what attacked clips of tags and frames score clean, and in white noise, beside what they score attacked."""
    from benchbed.run.scoring.attacks import beside, clean_cells

    known: dict[tuple[str, ...], dict[str, record.Value]] = {}
    made = {cell.key: cell for cell in cells}
    for attacked, clean in clean_cells(prepared.job, prepared.cells):
        split, clips = splits[attacked.split], predictions.table["clip_id"].astype(str)
        wanted = set(clips.iloc[rows_of[attacked.key]])
        rows = rows_of[clean.key][clips.iloc[rows_of[clean.key]].isin(wanted).to_numpy()]
        at = (attacked.split, *sorted(wanted))
        if at not in known and len(rows):
            position = clips.iloc[rows].map(split.position).to_numpy(dtype=np.int64)
            rows, position = rows[np.argsort(position)], np.sort(position)
            outputs, target = answers(predictions, rows, split.target, position)
            found = score_cell(
                family,
                outputs,
                target,
                split.codes[position],
                [],
                split.bootstrap if split.bootstrap.draws else None,
                tables=False,
            )
            known[at] = {name: to_value(number) for name, number in found.metrics.items()}
        made[attacked.key].metrics |= beside(
            attacked, prepared.cells, prepared.job, family, primary, known.get(at, {}), made
        )


class _Split:
    """What the cells of one split share: group numbers, bootstrap, metadata columns."""

    def __init__(self, prepared: Any, suite: Suite, split: str, seed: int) -> None:
        self.table: pd.DataFrame = prepared.job.clips[split]
        self.codes, self.groups = group_codes(self.table["group"].astype(str).to_numpy())
        self.position = {clip: i for i, clip in enumerate(self.table["clip_id"])}
        self.target = reference_of(self.table, prepared.source.dataset.labels, suite.task)
        self.bootstrap = Bootstrap(
            len(self.groups),
            draws=suite.statistics.draws,
            name=f"{prepared.index_hash}/{split}",
            seed=seed,
            level=suite.statistics.level,
        )
        self.columns = [self._column(prepared, suite, part, split) for part in suite.slices]

    def content(self, columns: list[str]) -> np.ndarray:
        """Number of the moment that each clip recorded."""
        return self.table.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()

    def _column(self, prepared: Any, suite: Suite, part: Any, split: str) -> Column:
        values = self.table[part.column].fillna("").astype(str).to_numpy()
        sets = {name: tuple(members) for name, members in part.sets.items()}
        train = suite.data.train_split
        if part.seen_unseen and train is not None:
            trained = prepared.source.dataset.select(train.replace("{split}", split))
            seen = set(trained[part.column].dropna().astype(str))
            here = sorted(set(values) - {""})
            sets = {
                "seen": tuple(v for v in here if v in seen),
                "unseen": tuple(v for v in here if v not in seen),
                **sets,
            }
            sets = {name: members for name, members in sets.items() if members}
        return Column(part.column, values, sets)


def _rows_of_cells(table: pd.DataFrame, keys: Iterable[str]) -> dict[str, np.ndarray]:
    cells = table["cell"].astype("category").cat
    codes = cells.codes.to_numpy()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(cells.categories) + 1))
    found = {str(key): order[edges[i] : edges[i + 1]] for i, key in enumerate(cells.categories)}
    return {key: found.get(key, np.array([], dtype=np.int64)) for key in keys}


def _score(
    plan: CellPlan,
    prepared: Any,
    split: _Split,
    family: Family,
    primary: str,
    predictions: Predictions,
    rows: np.ndarray,
    lost: int,
) -> tuple[record.Cell, Scored, Rows]:
    table = predictions.table
    if not len(rows):
        raise _nothing(plan, predictions)
    # The order of the files must not show in anything computed: rows go back to the order of the split.
    position = table["clip_id"].iloc[rows].map(split.position).to_numpy(dtype=np.int64)
    draw = table["draw"].iloc[rows].to_numpy()
    order = np.lexsort((draw, position))
    rows, position = rows[order], position[order]
    skipped = table["skipped"].iloc[rows].notna().to_numpy()
    inapplicable = bool(skipped.all()) and plan.kind != "clean"
    outputs, target = answers(predictions, rows, split.target, position)
    columns = [Column(c.name, c.values[position], c.sets) for c in split.columns]
    scores = score_cell(
        family,
        outputs,
        target,
        split.codes[position],
        columns,
        split.bootstrap if split.bootstrap.draws else None,
        tables=plan.kind == "clean",
    )
    if strong := strong_metrics(family):
        scores = _counted(scores, strong, columns, timed(target))
    found = dict(scores.groups)
    for part, column in zip(prepared.loaded_suite.suite.slices, columns):
        if part.matched is not None:
            content = split.content(part.matched.content)[position]
            # Independent draws of a clip are moments of their own.
            content = content * plan.draws + draw[order]
            found |= matched_differences(
                family,
                outputs,
                target,
                split.codes[position],
                column.values,
                content,
                part.matched.reference,
                name=part.column,
                bootstrap=split.bootstrap,
            )
    draws = plan.draws
    reason = str(table["skipped"].iloc[rows[0]]) if inapplicable else None
    # A hundred perturbed cells by device and class in every metric would make a record of tens of megabytes; their
    # slices keep what ranks, and everything else follows from the predictions.
    shown = {primary, next(iter(family.class_metrics), primary)}
    found = {
        key: {name: number for name, number in numbers.items() if plan.kind == "clean" or name in shown}
        for key, numbers in found.items()
    }
    figures = scores.metrics
    metrics = {name: to_value(number, draws, reason) for name, number in figures.items()}
    groups = {
        key: {name: to_value(number, draws, reason) for name, number in numbers.items()}
        for key, numbers in found.items()
    }
    clips = len(split.table)
    if plan.kind == "attack":
        from benchbed.run.attacking.subset import subset
        from benchbed.run.scoring.attacks import by_source, flags_of, success_of, with_figures

        clips = len(subset(prepared.job, plan.split, prepared.job.conditions[plan.condition]))
        flags = flags_of(table, rows, split.codes[position], split.bootstrap)
        success = success_of(prepared.job, plan.condition)
        sound = prepared.job.conditions[plan.condition].space == "waveform"
        figures = with_figures(scores.metrics, flags, success, realizable=sound)
        metrics = {name: to_value(number) for name, number in figures.items()}
        sources = by_source(table, rows, split.codes[position], split.bootstrap, success)
        groups |= {key: {name: to_value(n) for name, n in numbers.items()} for key, numbers in sources.items()}
    counts = _counts(table, rows, clips, lost, draws)
    made = record.Cell(
        key=plan.key,
        task=plan.task,
        split=plan.split,
        condition=_condition(plan, prepared, table, rows),
        counts=counts,
        metrics=metrics,
        groups=groups,
        matrices={name: _matrix(found) for name, found in scores.tables.items()},
        complete=counts.failed == 0,
    )
    fold = Fold(outputs, target, split.codes[position], split.bootstrap)
    clip_ids = split.table["clip_id"].to_numpy()[position].tolist()
    drawn = cell_draws(family, figures if reason is None else {}, found if reason is None else {})
    summed = summed_draws(family, scores.metrics if reason is None else {})
    kept = Rows(plan.split, fold.scores, fold.target, fold.group, clip_ids, columns, drawn, summed)
    # Draws of every class of every cell would fill the memory; figures over cells need those of all clips.
    return made, Scored(replace(scores, groups={}), fold), kept


def _counted(scores: CellScores, strong: frozenset[str], columns: list[Column], held: np.ndarray) -> CellScores:
    """The figures with the recordings behind those that count strong labels alone."""
    members: dict[str, np.ndarray] = {}
    for column in columns:
        members |= {f"{column.name}={value}": held & (column.values == value) for value in set(column.values)}
        members |= {
            f"{column.plural}={name}": held & np.isin(column.values, values) for name, values in column.sets.items()
        }

    def numbers(found: Mapping[str, Number], mask: np.ndarray | None) -> dict[str, Number]:
        return {
            name: replace(number, n=int(mask.sum())) if mask is not None and name in strong else number
            for name, number in found.items()
        }

    groups = {key: numbers(found, members.get(key)) for key, found in scores.groups.items()}
    return replace(scores, metrics=numbers(scores.metrics, held), groups=groups)


def _nothing(plan: CellPlan, predictions: Predictions) -> CannotMeasure:
    first = next((failure for failure in predictions.failures if failure["cell"] == plan.key), None)
    what = f"no clip of {plan.key} has a prediction"
    if first is None:
        return CannotMeasure(what)
    return CannotMeasure(
        f"{what}; {first['stage']} failed: {first['message']}",
        where=first["clip_id"],
        hint="run `benchbed check` on the adapter, `benchbed data check` on the data",
    )


def _counts(table: pd.DataFrame, rows: np.ndarray, clips: int, lost: int, draws: int) -> record.Counts:
    def count(name: str) -> int:
        values = table[name].iloc[rows]
        return int((values.notna() if name in ("skipped", "note") else values).sum()) // draws

    flags = {name: count(name) for name in ("padded", "cropped", "resampled", "remixed", "silent", "skipped")}
    scored = len(rows) // draws
    flags["noted"] = count("note")
    return record.Counts(clips=clips, scored=scored, failed=max(clips - scored, min(lost, clips)), **flags)


def _condition(plan: CellPlan, prepared: Any, table: pd.DataFrame, rows: np.ndarray) -> record.Condition:
    if plan.kind == "clean":
        return record.Condition(kind="clean", name="clean")
    if plan.kind == "attack":
        from benchbed.run.scoring.attacks import attack_condition

        return attack_condition(plan, prepared.job, table, rows)
    from benchbed.perturb import resolve

    condition = prepared.job.conditions[plan.condition]
    assert isinstance(condition, CorruptionCondition) and plan.severity is not None
    corruption = resolve(condition.corruption, condition.parameters, condition.options)
    achieved = table["achieved"].iloc[rows].dropna().to_numpy()
    summary = None
    if len(achieved):
        summary = {
            "min": float(achieved.min()),
            "median": float(np.median(achieved)),
            "mean": float(achieved.mean()),
            "max": float(achieved.max()),
        }
    trained_with = prepared.adapter.card.trained_with
    return record.Condition(
        kind="device" if corruption.group == "device" else "corruption",
        name=plan.name,
        severity=plan.severity,
        parameter=corruption.parameters[plan.severity - 1],
        unit=corruption.unit,
        group=corruption.group,
        achieved=summary,
        draws=plan.draws,
        facts=prepared.job.facts[plan.condition],
        seen_in_training=plan.name in trained_with,
    )


def to_value(number: Number, draws: int = 1, inapplicable: str | None = None) -> record.Value:
    """A number of the metrics room as the record holds it.

    Parameters
    ----------
    draws : int
        Random draws per clip: the record counts clips, not draws.
    inapplicable : str, optional
        Reason why the condition did nothing to any clip; the figure is then not one of that condition.
    """
    info = number.info
    if inapplicable is not None:
        return record.Value(
            value=None,
            n=number.n // draws,
            direction=info.direction,
            unit=info.unit,
            rule=info.rule,
            reason=f"the condition cannot apply: {inapplicable}",
        )
    return record.Value(
        value=number.value,
        low=number.low,
        high=number.high,
        n=number.n // draws,
        direction=info.direction,
        unit=info.unit,
        rule=info.rule,
        interval=number.interval,
        reason=number.reason,
        note=number.note,
    )


def _matrix(table: Table) -> record.Matrix:
    values: list[list[float | None]] = [
        [float(value) if np.isfinite(value) else None for value in row] for row in np.asarray(table.values, dtype=float)
    ]
    return record.Matrix(
        rows=list(map(str, table.rows)),
        columns=list(map(str, table.columns)),
        values=values,
        row_title=table.row_title,
        column_title=table.column_title,
        unit=table.unit,
    )
