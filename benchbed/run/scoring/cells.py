"""From stored predictions to the cells of the record: counts, figures with intervals, slices, tables, failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.audio import LOUD
from benchbed.errors import CannotMeasure
from benchbed.metrics.cell import CellScores, score_cell
from benchbed.metrics.contract import Family
from benchbed.metrics.folds import Fold
from benchbed.metrics.matched import matched_differences
from benchbed.metrics.number import Number
from benchbed.metrics.slices import Column
from benchbed.metrics.strong import strong_metrics, timed
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.predictions.store import Predictions
from benchbed.results import record
from benchbed.results.conditions import strengths
from benchbed.results.packed import PackedCell, PackedCells
from benchbed.results.statistics import Statistics
from benchbed.results.stood import stood_of
from benchbed.run.job.job import LEFT_OUT, Job
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.aggregate import AnswersOfCell, ScoredCell, aggregate
from benchbed.run.scoring.attacked_rows import AttackedRows
from benchbed.run.scoring.displaced import displacements
from benchbed.run.scoring.dropped import dropped
from benchbed.run.scoring.families import families_of
from benchbed.run.scoring.fooled import fooled
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.heard import HeardClips, HeardInRun, cropped, levels, remarks
from benchbed.run.scoring.lacking import Lacking, applied
from benchbed.run.scoring.robust import load_reference, robust_figures
from benchbed.run.scoring.selfchecks import self_checks
from benchbed.run.scoring.sequence import sequence_figures
from benchbed.run.scoring.sources import check_sources, note_sources, noted, thin_classes, words
from benchbed.run.scoring.split import rows_of_cells
from benchbed.run.scoring.statistics import CellRows, cell_draws, collect, sum_cell, summed_draws
from benchbed.run.scoring.values import to_matrix, to_value
from benchbed.run.scoring.viewed import viewed
from benchbed.run.scoring.worth import worth_of_cells
from benchbed.suite.conditions import AttackCondition, CorruptionCondition
from benchbed.suite.plan import CellPlan
from benchbed.suite.sequence import CheckpointSequence

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


def score_cells(
    prepared: Prepared, stored: PredictionsByCell, seed: int, apart: Callable[[Grounds], Apart] | None = None
) -> Scoring:
    """Score every cell of a run.

    Parameters
    ----------
    prepared : Prepared
        The run.
    stored : PredictionsByCell
        All its predictions.
    seed : int
        Seed of the bootstrap.
    apart : callable, optional
        Has some of the cells, or all, scored by other processes.

    Raises
    ------
    CannotMeasure
        No clip of a cell has a prediction.
    """
    suite = prepared.loaded_suite.suite
    job = prepared.job
    grounds = Grounds.of(prepared, seed)
    family, primary = grounds.family()
    failures = [record.Failure.model_validate(failure) for failure in stored.failures]
    failures.sort(key=lambda failure: (failure.cell, failure.clip_id))
    splits = {split: GroupedSplit(grounds, split) for split in job.clips}
    cells: list[record.Cell] = []
    scored: dict[str, ScoredCell] = {}
    sums: dict[str, PackedCell] = {}
    flagged: dict[str, AttackedRows] = {}
    sources: list[record.Check] = []
    elsewhere = Apart() if apart is None else apart(grounds)
    hearing = HeardInRun(elsewhere.heard)
    for plan in prepared.cells:
        split, one = splits[plan.split], elsewhere.cells.get(plan.key)
        if one is None:
            one = score_one(plan, grounds, split, family, primary, stored.of(plan.key), stored.failures)
        if (plan.split, plan.condition) not in elsewhere.read:
            hearing.hear(stored, plan)
        scored[plan.key] = one.scored(split, stored, plan)
        if one.attacked is not None:
            flagged[plan.key] = one.attacked
        cell, thin, sums[plan.key] = one.cell, one.thin, one.sums
        cells.append(cell)
        if thin:
            said = words(thin, one.classes)
            note_sources(cell, said)
            scored_cell = scored[plan.key]
            scored[plan.key] = replace(
                scored_cell, scores=replace(scored_cell.scores, metrics=noted(scored_cell.scores.metrics, said))
            )
            sources.append(check_sources(cell, thin))
    heard = hearing.all()
    scores = aggregate(suite, family, primary, prepared.cells, scored, strengths(cells))
    if suite.sequence is not None:
        scores |= _sequence(suite.sequence, family, primary, cells, scored)
    reference, unused = load_reference(
        prepared.loaded_suite, prepared.source.dataset.name, primary, prepared.index_hash
    )
    scores |= robust_figures(cells, scored, primary, reference, prepared.job.output)
    scores |= displacements(cells, scored, prepared.job.output)
    scores |= worth_of_cells(cells, scored, primary)
    scores |= fooled(cells, scored)
    values = {name: to_value(number) for name, number in scores.items()}
    checks = [*unused, *_classes(prepared.job), *_left_out(prepared.job), *levels(heard.clips)]
    checks += [*remarks(heard.remarks, len(heard.clips)), *cropped(heard.clips)]
    checks += [*self_checks(prepared.job), *sources, *_one_checkpoint(prepared)]
    if flagged:
        from benchbed.run.scoring.beside_attacks import attacked, beside_attacks

        more, figures_of_attacks = attacked(prepared, stored, splits, cells, flagged, values)
        beside_attacks(prepared, stored, splits, cells, flagged, family, primary)
        checks, scores = checks + more, {**scores, **figures_of_attacks}
    statistics = collect(
        families_of(prepared.loaded_suite, prepared.job.asked, prepared.job.scope),
        prepared.job.asked,
        prepared.index_hash,
        seed,
        {split: scored_cell.groups for split, scored_cell in splits.items()},
        {split: scored_cell.columns for split, scored_cell in splits.items()},
        PackedCells(sums),
        family=family,
        draws=suite.statistics.draws,
        scores=scores,
    )
    return Scoring(primary, cells, values, checks, failures, statistics)


def _sequence(
    sequence: CheckpointSequence,
    family: Family,
    primary: str,
    cells: Sequence[record.Cell],
    scored: Mapping[str, ScoredCell],
) -> dict[str, Number]:
    """What is said of the steps on clean audio; their matrix stands in the last clean cell."""
    clean = [cell for cell in cells if cell.condition.kind == "clean"]
    if not clean:
        return {}
    folds = {cell.split: scored[cell.key].read().fold for cell in clean}
    figures, table = sequence_figures(sequence, family, primary, folds)
    clean[-1].matrices["step_domain"] = to_matrix(table)
    return figures


def _one_checkpoint(prepared: Prepared) -> list[record.Check]:
    """A sequence whose steps are all scored by one model: then nothing can be forgotten."""
    if prepared.loaded_suite.suite.sequence is None or len({id(one) for one in prepared.adapters.values()}) > 1:
        return []
    said = "every step was scored by the same model: no option of it names a checkpoint by {step}"
    return [record.Check(name="sequence:checkpoints", status="warn", message=said)]


def _left_out(job: Job) -> list[record.Check]:
    """Conditions of the suite that had nothing to do in this run."""
    return [
        record.Check(name=f"attack:{condition.attack}", status="skipped", message=f"left out: {fact[LEFT_OUT]}")
        for condition, fact in zip(job.conditions, job.facts)
        if isinstance(condition, AttackCondition) and LEFT_OUT in fact
    ]


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


#: Where a condition could not be applied to more than this share of the clips, the others are no sample of all.
SKIPPED_SHARE = 0.05


@dataclass(frozen=True)
class OneCell:
    """What scoring one cell gives, in whatever process it was done.

    Attributes
    ----------
    cell : record.Cell
    scores : CellScores
        Its figures, without those of slices.
    applied : bool
        The condition could be applied to some clip.
    sums : PackedCell
        What its figures follow from.
    thin : dict
        Classes that come from few recordings, of a clean cell.
    classes : int
        How many classes it was scored by.
    sounds : bool
        A sound was put into its clips.
    view : Fold, optional
        Joined answers of clips that decide together.
    attacked : AttackedRows, optional
        What an attack left in each clip, of an attacked cell.
    """

    cell: record.Cell
    scores: CellScores
    applied: bool
    sums: PackedCell
    thin: dict[str, int]
    classes: int
    sounds: bool = False
    view: Fold | None = None
    attacked: AttackedRows | None = None

    def scored(self, split: GroupedSplit, stored: PredictionsByCell, plan: CellPlan) -> ScoredCell:
        """The figures, and a way to the answers that they came from.

        Parameters
        ----------
        split : GroupedSplit
        stored : PredictionsByCell
            All of the run.
        plan : CellPlan
            The cell.
        """

        def read() -> AnswersOfCell:
            predictions = stored.of(plan.key)
            rows = _counted_rows(plan, predictions)
            answered = split.answered(predictions, rows)
            fold = Fold(answered.answers, answered.references, split.codes[answered.position], split.bootstrap)
            sounds = _sounds(predictions.table, answered.rows) if self.sounds else None
            return AnswersOfCell(fold, answered.position, sounds)

        return ScoredCell(self.scores, split.bootstrap, read, self.applied, self.sounds, self.view)


@dataclass(frozen=True)
class Apart:
    """What other processes did.

    Attributes
    ----------
    cells : mapping of str to OneCell
        Cells that they scored, by key.
    heard : sequence of HeardClips
        What was noted of the clips that they read.
    read : set of (str, int)
        Split and number of the conditions that they read.
    """

    cells: Mapping[str, OneCell] = field(default_factory=dict)
    heard: Sequence[HeardClips] = ()
    read: frozenset[tuple[str, int]] = frozenset()


def _counted_rows(plan: CellPlan, predictions: Predictions) -> np.ndarray:
    """Rows of a cell that its figures are made of: where its condition applied to nothing, all of them."""
    rows = rows_of_cells(predictions.table, [plan.key])[plan.key]
    counted = applied(predictions.table, rows, plan.kind)
    return rows[counted] if counted.any() else rows


def _sounds(table: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """Class of the sound that was put into each clip."""
    return table["event"].iloc[rows].astype(object).fillna("").astype(str).to_numpy()


def score_one(
    plan: CellPlan,
    grounds: Grounds,
    split: GroupedSplit,
    family: Family,
    primary: str,
    predictions: Predictions,
    lost: Sequence[Mapping[str, str]] = (),
) -> OneCell:
    """Score one cell.

    Parameters
    ----------
    plan : CellPlan
    grounds : Grounds
    split : GroupedSplit
        Its split.
    family, primary
        As `Grounds.family` gives them.
    predictions : Predictions
        Those of the cell at least.
    lost : sequence of mapping
        Failures of the run.

    Raises
    ------
    CannotMeasure
        No clip has a prediction.
    """
    table = predictions.table
    every = rows_of_cells(table, [plan.key])[plan.key]
    if not len(every):
        raise _nothing(plan, lost)
    inapplicable = not applied(table, every, plan.kind).any()
    rows = _counted_rows(plan, predictions)
    reason = str(table["skipped"].iloc[rows[0]]) if inapplicable else None
    answered = split.answered(predictions, rows)
    rows, position = answered.rows, answered.position
    outputs, target = answered.answers, answered.references
    untold, family = family, family.context(outputs, target)
    seated = split.seated(answered)
    columns, sounds = list(seated.columns), None
    if "event" in table and table["event"].iloc[rows].notna().any():
        # A slice for every class of event that was put in.
        sounds = _sounds(table, rows)
        columns.append(Column("event", sounds))
    # A hundred perturbed cells by device and class in every metric would make a record of tens of megabytes; their
    # slices keep what ranks, and everything else follows from the predictions.
    shown = {primary, next(iter(family.class_metrics), primary)}
    scores = score_cell(
        family,
        outputs,
        target,
        split.codes[position],
        columns,
        split.bootstrap if split.bootstrap.draws else None,
        tables=plan.kind == "clean",
        sliced=None if plan.kind == "clean" else shown,
        cutting=seated.cutting if sounds is None else None,
    )
    if strong := strong_metrics(family):
        scores = _counted(scores, strong, columns, timed(target))
    by_group = dict(scores.groups)
    for part, column in zip(grounds.loaded.suite.slices, columns):
        if part.matched is not None:
            by_group |= matched_differences(
                family,
                outputs,
                target,
                seated.matching(column, part.matched.reference, part.matched.content, plan.draws),
                name=part.column,
                bootstrap=split.bootstrap,
                shown=None if plan.kind == "clean" else shown,
            )
    draws, suite, view = plan.draws, grounds.loaded.suite, None
    by_group = {
        key: {name: number for name, number in numbers.items() if plan.kind == "clean" or name in shown}
        for key, numbers in by_group.items()
    }
    clips = len(split.table)
    lacking = Lacking.of(split.columns, position, clips, strong_metrics(family))
    metrics = lacking.told(None, {name: to_value(number, draws, reason) for name, number in scores.metrics.items()})
    groups = {
        key: lacking.told(key, {name: to_value(number, draws, reason) for name, number in numbers.items()})
        for key, numbers in by_group.items()
    }
    if suite.drop is not None and plan.kind == "clean":
        names = list(dict.fromkeys([primary, *family.headlines]))
        whole, level = f"{grounds.index_hash}/{plan.split}", suite.statistics.level
        fewer, tables = dropped(
            suite.drop, family, outputs, target, split.codes[position], names, whole, grounds.seed, level
        )
        metrics |= {name: to_value(number) for name, number in fewer.items()}
        scores = replace(scores, metrics={**scores.metrics, **fewer}, tables={**scores.tables, **tables})
    if suite.view is not None and plan.kind != "attack":
        # An attack is held against single clips.
        view = viewed(suite.view, untold, split, answered, columns, draws, None if plan.kind == "clean" else shown)
        metrics |= {name: to_value(number, draws, reason) for name, number in view.metrics.items()}
        for key, numbers in view.groups.items():
            groups[key] = groups.get(key, {}) | {n: to_value(number, draws, reason) for n, number in numbers.items()}
        scores = replace(scores, metrics={**scores.metrics, **view.metrics})
    figures, stood, left = scores.metrics, None, None
    if plan.kind == "attack":
        from benchbed.run.attacking.subset import subset
        from benchbed.run.scoring.attacks import by_source, flags_of, is_random, milder_of, success_of, with_figures
        from benchbed.run.scoring.survival import breaks_left

        condition = grounds.job.conditions[plan.condition]
        assert isinstance(condition, AttackCondition)
        clips = len(subset(grounds.job, plan.split, condition))
        flags = flags_of(table, rows, split.codes[position], split.bootstrap)
        success = success_of(grounds.job, plan.condition)
        sound = condition.space == "waveform"
        milder = milder_of(grounds.job, plan, table.iloc[rows])
        figures = with_figures(scores.metrics, flags, success, milder, realizable=sound)
        figures |= breaks_left(table.iloc[rows], split.codes[position], split.bootstrap)
        metrics = {name: to_value(number) for name, number in figures.items()}
        sources = by_source(table, rows, split.codes[position], split.bootstrap, success, milder)
        groups |= {key: {name: to_value(n) for name, n in numbers.items()} for key, numbers in sources.items()}
        stood = None if is_random(table.iloc[rows]) else stood_of(_robust(table.iloc[rows]))
        left = AttackedRows(table.iloc[every], split.position(predictions, every))
    counts = _counts(table, every, clips, sum(failure["cell"] == plan.key for failure in lost), draws)
    cell = record.Cell(
        key=plan.key,
        task=plan.task,
        split=plan.split,
        condition=_condition(plan, grounds, table, every),
        counts=counts,
        metrics=metrics,
        groups=groups,
        matrices={name: to_matrix(by_group) for name, by_group in scores.tables.items()},
        complete=counts.failed == 0,
        ranked=counts.skipped <= SKIPPED_SHARE * counts.scored,
        stood=stood,
    )
    clip_ids = split.table["clip_id"].to_numpy()[position].tolist()
    drawn = cell_draws(family, figures if reason is None else {}, by_group if reason is None else {})
    summed = summed_draws(family, scores.metrics if reason is None else {})
    kept = CellRows(plan.split, outputs, target, split.codes[position], clip_ids, columns, drawn, summed)
    if inapplicable:
        # Its sums would be those of clean clips, and a comparison would take them for the condition's.
        kept = kept.none()
    sums = sum_cell(family, kept, len(split.groups))
    thin = thin_classes(family, sums, len(split.groups)) if plan.kind == "clean" else {}
    # Draws of every class of every cell would fill the memory; figures over cells need those of all clips.
    return OneCell(
        cell,
        replace(scores, groups={}),
        not inapplicable,
        PackedCell.of(sums),
        thin,
        len(family.labels),
        sounds is not None,
        None if view is None else view.fold,
        left,
    )


def _robust(rows: pd.DataFrame) -> dict[str, bool]:
    return dict(zip(rows["clip_id"].astype(str), rows["robust"].astype(bool)))


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


def _nothing(plan: CellPlan, failures: Sequence[Mapping[str, str]]) -> CannotMeasure:
    first = next((failure for failure in failures if failure["cell"] == plan.key), None)
    what = f"no clip of {plan.key} has a prediction"
    if first is None:
        return CannotMeasure(what)
    return CannotMeasure(
        f"{what}; {first['stage']} failed: {first['message']}",
        where=first["clip_id"],
        hint="run `benchbed check` on the adapter, `benchbed data check` on the data",
    )


def _counts(table: pd.DataFrame, rows: np.ndarray, clips: int, lost: int, draws: int) -> record.Counts:
    def count(values: pd.Series) -> int:
        return int(values.to_numpy(bool, na_value=False)[rows].sum()) // draws

    flags = {name: count(table[name]) for name in ("padded", "cropped", "resampled", "remixed", "silent")}
    flags |= {told: count(table[name].notna()) for told, name in (("skipped", "skipped"), ("noted", "note"))}
    scored = len(rows) // draws
    flags["loud"] = count(table["peak"] > LOUD) if "peak" in table else 0
    return record.Counts(clips=clips, scored=scored, failed=max(clips - scored, min(lost, clips)), **flags)


def _condition(plan: CellPlan, grounds: Grounds, table: pd.DataFrame, rows: np.ndarray) -> record.Condition:
    if plan.kind == "clean":
        return record.Condition(kind="clean", name="clean")
    if plan.kind == "attack":
        from benchbed.run.scoring.attacks import attack_condition

        return attack_condition(plan, grounds.job, table, rows)
    from benchbed.perturb import resolve

    condition = grounds.job.conditions[plan.condition]
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
    trained_with = grounds.trained_with
    return record.Condition(
        kind="device" if corruption.group == "device" else "corruption",
        name=plan.name,
        severity=plan.severity,
        parameter=corruption.parameters[plan.severity - 1],
        unit=corruption.unit,
        group=corruption.group,
        achieved=summary,
        unmeasured=corruption.unmeasured or None,
        draws=plan.draws,
        facts=dict(grounds.job.facts[plan.condition]),
        seen_in_training=plan.name in trained_with,
    )
