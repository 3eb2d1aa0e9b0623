"""What a run keeps for its page besides the record: timelines, curves over thresholds, directions, ranked lists,
captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results import captions as caption_file
from benchbed.results import curves as curve_file
from benchbed.results import directions as direction_file
from benchbed.results import rankings as ranking_file
from benchbed.results import record
from benchbed.results import timelines as timeline_file
from benchbed.results.captions import KeptCaptions, write_clips
from benchbed.results.curves import CellCurves, Curves
from benchbed.results.directions import CellDirections, KeptDirections
from benchbed.results.rankings import CellLists, KeptRankings
from benchbed.results.timelines import CellTimelines, Timelines, write_kept
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.families import metric_family, post_processing
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.split import Answered, Split, rows_of_cells
from benchbed.run.showing.kinds import shown
from benchbed.run.showing.shelf import CellAnswers, Recordings
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Drawings:
    """Timelines of frames and moments, curves of frames and tags, directions of tracks, lists of retrieval, captions
    and the scores of their clips; none where there is nothing to draw."""

    timelines: Timelines | None = None
    curves: Curves | None = None
    directions: KeptDirections | None = None
    rankings: KeptRankings | None = None
    captions: KeptCaptions | None = None
    clips: pd.DataFrame | None = None


def drawings(prepared: Prepared, stored: PredictionsByCell, cells: Sequence[record.Cell], primary: str) -> Drawings:
    """Drawings of a run's clean cells, and timelines and directions of the perturbed cell that is hit the most.

    Parameters
    ----------
    prepared : Prepared
        The run.
    stored : PredictionsByCell
        All its predictions.
    cells : sequence of record.Cell
        Its cells as they were scored.
    primary : str
        The metric that ranks.
    """
    kind = shown(stored.kind)
    if kind is None:
        return Drawings()
    job, clip_ids = prepared.job, {split: table["clip_id"].to_numpy() for split, table in prepared.job.clips.items()}
    family, _ = metric_family(prepared.loaded_suite, job.asked, job.scope)
    options = post_processing(prepared.loaded_suite, job.asked)
    drawn: list[CellCurves] = []
    told: list[CellTimelines] = []
    lines: list[CellDirections] = []
    listed: list[CellLists] = []
    hardest = _hardest(cells, primary)
    if hasattr(kind, "kept"):
        cards, clips = kind.kept(family, _shelf(prepared, stored), primary, hardest)
        return Drawings(captions=cards, clips=clips)
    for plan in sorted(prepared.cells, key=lambda plan: plan.kind != "clean"):
        curved = plan.kind == "clean" and hasattr(kind, "curves")
        followed = plan.kind == "clean" or plan.key == hardest
        timed, placed = followed and hasattr(kind, "timelines"), followed and hasattr(kind, "directions")
        ranked = followed and hasattr(kind, "rankings")
        if not curved and not timed and not placed and not ranked:
            continue
        answered = _first_draw(prepared, stored, plan)
        scores, target = answered.answers, answered.references
        if curved:
            curves = kind.curves(family, scores, target, plan.key)
            drawn += [curves] if curves.rocs or curves.thresholds else []
        if timed:
            names = clip_ids[plan.split][answered.position]
            told.append(kind.timelines(family, options, scores, target, names, plan.key))
        if placed:
            split = GroupedSplit(Grounds.of(prepared, job.seed), plan.split)
            names = clip_ids[plan.split][answered.position].tolist()
            recordings = Recordings(scores, target, names, split.codes[answered.position], split.bootstrap)
            cell = kind.directions(family, recordings, plan.key)
            lines += [] if cell is None else [cell]
        if ranked:
            listed += kind.rankings(scores, target, clip_ids[plan.split][answered.position], plan.key)
    return Drawings(
        Timelines(format=timeline_file.FORMAT, cells=told) if any(cell.timelines for cell in told) else None,
        Curves(format=curve_file.FORMAT, cells=drawn) if drawn else None,
        KeptDirections(format=direction_file.FORMAT, cells=lines) if lines else None,
        KeptRankings(format=ranking_file.FORMAT, cells=listed) if listed else None,
    )


def _hardest(cells: Sequence[record.Cell], primary: str) -> str | None:
    """Key of the perturbed cell with the worst figure in the metric that ranks."""
    figures = [
        (value.value if value.direction == "higher" else -value.value, cell.key)
        for cell in cells
        if cell.condition.kind != "clean" and cell.ranked and primary in cell.metrics
        if (value := cell.metrics[primary]).value is not None
    ]
    return min(figures)[1] if figures else None


def write_drawings(made: Drawings, folder: Path) -> None:
    """Write what there is, and remove what an earlier run left."""
    write_kept(made.timelines, folder, timeline_file.NAME)
    write_kept(made.curves, folder, curve_file.NAME)
    write_kept(made.directions, folder, direction_file.NAME)
    write_kept(made.rankings, folder, ranking_file.NAME)
    write_kept(made.captions, folder, caption_file.NAME)
    write_clips(made.clips, folder)


def _shelf(prepared: Prepared, stored: PredictionsByCell) -> list[CellAnswers]:
    """Answers of every cell, clean ones first; clips that a condition does not apply to are left out."""
    made = []
    splits = {split: Split(prepared.job, split) for split in prepared.job.clips}
    for plan in sorted(prepared.cells, key=lambda plan: plan.kind != "clean"):
        predictions = stored.of(plan.key)
        rows = rows_of_cells(predictions.table, [plan.key])[plan.key]
        skipped = predictions.table["skipped"].iloc[rows].notna().to_numpy()
        answered = splits[plan.split].answered(predictions, rows[~skipped])
        if len(answered.rows):
            names = splits[plan.split].table["clip_id"].to_numpy()[answered.position]
            made.append(CellAnswers(plan, names, answered.draw, answered.answers, answered.references))
    return made


def _first_draw(prepared: Prepared, stored: PredictionsByCell, plan: CellPlan) -> Answered:
    """Answers and references of a cell; of several draws the first."""
    predictions = stored.of(plan.key)
    table = predictions.table
    rows = np.flatnonzero((table["cell"].astype(str).to_numpy() == plan.key) & (table["draw"].to_numpy() == 0))
    return Split(prepared.job, plan.split).answered(predictions, rows)
