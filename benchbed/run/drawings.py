"""What a run keeps for its page besides the record: timelines and curves of its clean cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.strong import timed
from benchbed.predictions.store import Predictions
from benchbed.results import curves as curve_file
from benchbed.results import timelines as timeline_file
from benchbed.results.curves import CellCurves, Curves
from benchbed.results.timelines import CellTimelines, Timelines, write_kept
from benchbed.run.curves import cell_curves
from benchbed.run.prepare import Prepared
from benchbed.run.references import answers, reference_of
from benchbed.run.score import metric_family, post_processing
from benchbed.run.timelines import cell_timelines, judge_of


@dataclass(frozen=True)
class Drawings:
    """Timelines of frames, curves of frames and tags; none where there is nothing to draw."""

    timelines: Timelines | None
    curves: Curves | None


def drawings(prepared: Prepared, predictions: Predictions) -> Drawings:
    """Timelines and curves of a run's clean cells.

    Parameters
    ----------
    prepared : Prepared
        The run.
    predictions : Predictions
        All its predictions.
    """
    if predictions.kind not in ("frames", "tags"):
        return Drawings(None, None)
    labels = prepared.source.dataset.labels
    family, _ = metric_family(prepared.loaded_suite, labels)
    judge = (
        judge_of(family, post_processing(prepared.loaded_suite, labels))[0] if predictions.kind == "frames" else None
    )
    drawn: list[CellCurves] = []
    told: list[CellTimelines] = []
    for key, clip_ids, scores, target in _clean(prepared, predictions, family):
        curves = cell_curves(family, scores, target, key)
        if curves.rocs or curves.thresholds:
            drawn.append(curves)
        if judge is not None:
            told.append(cell_timelines(judge, scores, target, clip_ids, key))
    return Drawings(
        Timelines(format=timeline_file.FORMAT, cells=told) if any(cell.timelines for cell in told) else None,
        Curves(format=curve_file.FORMAT, cells=drawn) if drawn else None,
    )


def write_drawings(made: Drawings, folder: Path) -> None:
    """Write what there is, and remove what an earlier run left."""
    write_kept(made.timelines, folder, timeline_file.NAME)
    write_kept(made.curves, folder, curve_file.NAME)


def _clean(
    prepared: Prepared, predictions: Predictions, family: Family
) -> Iterator[tuple[str, list[str], np.ndarray, np.ndarray]]:
    """Key, recordings, outputs and references of each clean cell, in the order of its split."""
    cells = predictions.table["cell"].astype(str).to_numpy()
    for plan in prepared.cells:
        if plan.kind != "clean":
            continue
        clips = prepared.job.clips[plan.split]
        place = {clip: i for i, clip in enumerate(clips["clip_id"])}
        rows = np.flatnonzero(cells == plan.key)
        position = predictions.table["clip_id"].iloc[rows].map(place).to_numpy(dtype=np.int64)
        order = np.argsort(position, kind="stable")
        rows, position = rows[order], position[order]
        reference = reference_of(clips, family.labels, plan.task)
        scores, target = answers(predictions, rows, reference, position)
        # What has tags alone cannot be drawn in time.
        held = timed(target) if plan.task == "frames" else slice(None)
        yield plan.key, clips["clip_id"].iloc[position[held]].tolist(), scores[held], target[held]
