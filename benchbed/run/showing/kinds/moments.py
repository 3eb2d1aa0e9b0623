"""Moments: recordings with the windows of each query above the moments that a model names, and their sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.moments.overlap import iou
from benchbed.outputs.moments.asked import Asked
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.results.record import Result
from benchbed.results.timelines import CellTimelines, Stretch, Timeline, Track
from benchbed.run.job.prepared import Prepared
from benchbed.run.showing.kinds.frames import recordings
from benchbed.run.showing.picks import Pick

#: Recordings with the lowest figure and recordings near the median that are kept, and queries of each.
WORST, TYPICAL, QUERIES = 4, 3, 8
#: Overlap from which on a moment is right here; parts of equal length that a line of scores has.
RIGHT, BINS = 0.5, 100
METRIC = "map_at_50"
#: Seconds of a recording that are kept to be seen and heard below its lanes.
LONGEST = 60.0


def timelines(
    family: Family,
    options: Mapping[str, object],
    scores: np.ndarray,
    target: np.ndarray,
    clip_ids: np.ndarray,
    cell: str,
) -> CellTimelines:
    """The worst and some typical recordings of a cell, by mAP@0.5 over the queries of each.

    Parameters
    ----------
    scores : np.ndarray [shape=(recording,), object]
        Moments `[moment, 3]` for each query.
    target : np.ndarray [shape=(recording,), object]
        `Asked`.
    """
    part = next(each for each in family.parts.values() if METRIC in each.metrics)
    rule = part.metrics[METRIC].rule
    figure = part.values(part.statistics(scores, target))[METRIC]
    known = np.flatnonzero(~np.isnan(figure))
    if not len(known):
        return CellTimelines(cell=cell, rule=rule, per="event", recordings=0, measure="mAP@0.5")
    median = float(np.median(figure[known]))
    names = np.asarray(clip_ids, dtype=str)
    worst = known[np.lexsort((names[known], figure[known]))]
    worst = worst[figure[worst] < 1][:WORST]
    rest = np.setdiff1d(known, worst)
    typical = rest[np.lexsort((names[rest], np.abs(figure[rest] - median)))][:TYPICAL]
    picked: list[tuple[Literal["worst", "typical"], np.ndarray]] = [("worst", worst), ("typical", typical)]
    return CellTimelines(
        cell=cell,
        rule=rule,
        per="event",
        recordings=len(known),
        median_f1=round(median, 6),
        measure="mAP@0.5",
        timelines=[
            _timeline(scores[row], target[row], str(names[row]), why, float(figure[row]))
            for why, rows in picked
            for row in rows
        ],
    )


def _timeline(
    found: Sequence[np.ndarray], asked: Asked, clip_id: str, why: Literal["worst", "typical"], figure: float
) -> Timeline:
    ends = [float(one[:, 1].max()) for one in (*found, *asked.windows) if len(one)]
    seconds = asked.seconds if np.isfinite(asked.seconds) else max(ends, default=1.0)
    tracks = [
        _track(text, windows, moments, seconds)
        for text, windows, moments in list(zip(asked.queries, asked.windows, found))[:QUERIES]
    ]
    return Timeline(
        clip_id=clip_id,
        why=why,
        f1=round(figure, 6),
        seconds=seconds,
        start=0.0,
        stop=seconds,
        tracks=tracks,
        left_out=max(0, len(asked) - QUERIES),
    )


def _track(text: str, windows: np.ndarray, moments: np.ndarray, seconds: float) -> Track:
    """One query: as many moments as there are windows, best first; each takes the free window that it overlaps most."""
    best = moments[np.argsort(-moments[:, 2], kind="stable")][: max(1, len(windows))]
    overlap = iou(best[:, :2], windows) if len(best) and len(windows) else np.zeros((len(best), len(windows)))
    taken: set[int] = set()
    right = np.zeros(len(best), bool)
    for row in range(len(best)):
        for window in np.argsort(-overlap[row], kind="stable").tolist():
            if overlap[row, window] >= RIGHT and window not in taken:
                taken.add(window)
                right[row] = True
                break
    return Track(
        label=text,
        reference=[_stretch(start, end, n in taken) for n, (start, end) in enumerate(windows.tolist())],
        output=[_stretch(row[0], row[1], bool(ok)) for row, ok in zip(best.tolist(), right)],
        missed=float(len(windows) - len(taken)),
        false=float((~right).sum()),
        scores=_line(moments, seconds),
    )


def _stretch(start: float, end: float, right: bool) -> Stretch:
    onset, offset = round(start, 3), round(end, 3)
    return Stretch(onset=onset, offset=offset, lost=[] if right else [(onset, offset)])


def _line(moments: np.ndarray, seconds: float) -> list[int]:
    """The highest score of the moments that reach into each part, per cent of the recording's highest."""
    if not len(moments) or moments[:, 2].max() <= 0:
        return []
    edges = np.linspace(0, seconds, BINS + 1)
    inside = (moments[:, None, 0] < edges[None, 1:]) & (moments[:, None, 1] > edges[None, :-1])
    highest = np.where(inside, np.maximum(moments[:, None, 2], 0), 0).max(axis=0)
    return [round(100 * float(value)) for value in highest / moments[:, 2].max()]


def queues(
    prepared: Prepared,
    result: Result,
    count: int,
    others: Sequence[tuple[str, Path]],
    stored: PredictionsByCell | None = None,
) -> list[Iterable[Pick]]:
    """Recordings of the timelines, as much of each as a page can carry."""
    return [[replace(pick, longest=LONGEST) for pick in recordings(prepared.folder, count, result)]]
