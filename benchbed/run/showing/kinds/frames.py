"""Sound events in time: curves over thresholds, timelines, and the recordings of the timelines to listen to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.strong import timed
from benchbed.outputs.frames.recording import FrameScores
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results.curves import CellCurves
from benchbed.results.record import Result
from benchbed.results.timelines import CellTimelines, read_timelines
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.curves import cell_curves
from benchbed.run.showing.picks import Pick, broken, once
from benchbed.run.showing.timelines import cell_timelines, judge_of


def curves(family: Family, scores: np.ndarray, target: np.ndarray, cell: str) -> CellCurves:
    """Every curve that the metrics of a suite have a score or a threshold for; lists of events have none."""
    if not all(isinstance(item, FrameScores) for item in scores):
        return CellCurves(cell=cell)
    # Recordings with tags alone count for tags alone.
    return cell_curves(family, scores, target, cell, timed(target))


def timelines(
    family: Family,
    options: Mapping[str, object],
    scores: np.ndarray,
    target: np.ndarray,
    clip_ids: np.ndarray,
    cell: str,
) -> CellTimelines:
    """The worst and some typical recordings of a cell; what has tags alone cannot be drawn in time."""
    judge, _ = judge_of(family, dict(options))
    held = timed(target)
    return cell_timelines(judge, scores[held], target[held], clip_ids[held].tolist(), cell)


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """Recordings of the timelines, and what an attack broke."""
    rate = prepared.adapter.card.sample_rate
    return [recordings(prepared.folder, count, result), once(broken(prepared.folder, result, rate))]


def recordings(folder: Path, count: int, result: Result) -> list[Pick]:
    """The recordings of the clean timelines, the worst of every cell first, each from where its timeline begins."""
    kept = read_timelines(folder)
    clean = {cell.key for cell in result.cells if cell.condition.kind == "clean"}
    shown = [(cell.cell, one) for cell in (kept.cells if kept else []) if cell.cell in clean for one in cell.timelines]
    shown.sort(key=lambda held: held[1].why != "worst")
    nothing = ("", 0.0)
    return [
        Pick(
            one.why,
            one.clip_id,
            cell,
            0,
            ", ".join(track.label for track in one.tracks),
            nothing,
            nothing,
            start=one.start,
        )
        for cell, one in shown[:count]
    ]
