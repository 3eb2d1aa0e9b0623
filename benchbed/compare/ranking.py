"""Ranks of many runs that admit what the clips cannot tell apart, for leaderboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.drawing import drawn_metrics, draws_differ, replicates, stored_score
from benchbed.compare.figure import Figure, cells_of
from benchbed.compare.kept import keep, kept, place_of
from benchbed.compare.runs import OpenRun, mismatches
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.results.answers import leading, ranking_value
from benchbed.results.artefacts import statistics_of
from benchbed.results.record import Result
from benchbed.results.statistics import NAME
from benchbed.stats.ranks import rank_intervals, ranks
from benchbed.types import Direction


def ranks_of(
    results: Sequence[tuple[Path, Result]], procedure: Procedure | None = None
) -> dict[Path, tuple[int, int, int]]:
    """Rank of each run among those measured alike, and the ends of its bootstrap rank interval.

    Runs of a suite that corrupts or attacks are ranked by what is left (`benchbed.results.answers.leading`), others by
    their ranking metric on clean audio. The draws are shared by all runs, so two models that are right on the same
    clips move together. Runs without statistics beside their record, with failed clips in any cell, or without a clean
    condition get no rank, nor does a run that is alone.

    Parameters
    ----------
    results : sequence of (Path, Result)
        The runs; the path is that of the record or its folder.
    procedure : Procedure, optional
        Draws and level.

    Returns
    -------
    dict of Path to (int, int, int)
        Rank, best and worst rank; runs with equal rank intervals are not told apart.
    """
    procedure = procedure or Procedure()
    place = place_of("ranks", __name__, results, procedure)
    if held := kept(place):
        return {results[int(number)][0]: (rank, low, high) for number, (rank, low, high) in held["ranks"].items()}
    found = _ranked(results, procedure)
    keep(place, {"ranks": {number: found[path] for number, (path, _) in enumerate(results) if path in found}})
    return found


def _ranked(results: Sequence[tuple[Path, Result]], procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    boards: list[list[tuple[Path, OpenRun]]] = []
    for path, result in results:
        run = _usable(path, result)
        if run is None:
            continue
        for board in boards:
            if _alike(board[0][1], run):
                board.append((path, run))
                break
        else:
            boards.append([(path, run)])
    found: dict[Path, tuple[int, int, int]] = {}
    for board in boards:
        lead = leading([run.result for _, run in board])
        corrupted = lead != board[0][1].result.primary
        found |= _rank_scores(board, lead, procedure) if corrupted else rank_alike(board, procedure)
    return found


def _usable(path: Path, result: Result) -> OpenRun | None:
    """A run that may be ranked, with what ranks it of its sums and draws."""
    if not result.whole or NAME not in result.provenance.artefacts:
        return None
    place = path / "result.json" if path.is_dir() else path
    try:
        sums = statistics_of(
            result,
            place.parent,
            cells=lambda key: key.endswith("/clean"),
            scores=lambda name: "/" not in name or not name.startswith("robustness:"),
        )
    except BenchbedError:
        # A record that cannot be opened here was read by the caller from elsewhere: it has no sums to rank by.
        return None
    ranks = ("", result.primary)
    cells = {
        key: replace(
            cell,
            drawn=cell.drawn.only(lambda name: name == ranks),
            summed=cell.summed.only(lambda name: name == ranks),
        )
        for key, cell in sums.cells.items()
    }
    return OpenRun(place, result, replace(sums, cells=cells)) if cells else None


def unranked(runs: Sequence[OpenRun]) -> str | None:
    """Why runs that are compared have no ranks among each other, or None."""
    lost = [run.name for run in runs if any(not c.complete for c in run.result.cells if c.condition.kind == "clean")]
    if lost:
        return f"no ranks: {', '.join(lost)} lost clips of clean audio"
    return (
        None if all(_alike(runs[0], run) for run in runs[1:]) else "no ranks: the runs have not scored the same clips"
    )


def _alike(a: OpenRun, b: OpenRun) -> bool:
    if a.result.primary != b.result.primary or any(m.blocking for m in mismatches(a.result, b.result)):
        return False
    if a.result.primary in drawn_metrics(a, Figure("clean")) and draws_differ(a, b):
        return False
    mine, theirs = (cells_of(run.sums, Figure("clean")) for run in (a, b))
    return set(mine) == set(theirs) and all(np.array_equal(mine[s].marks, theirs[s].marks) for s in mine)


def rank_alike(board: Sequence[tuple[Path, OpenRun]], procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    """Rank and rank interval of runs that were measured alike; none where fewer than two have a value."""
    if len(board) < 2:
        return {}
    primary = board[0][1].result.primary
    info = board[0][1].family.metrics[primary]
    measured = [(path, *replicates(run, Figure("clean"), procedure, [primary])) for path, run in board]
    # A figure that is made from no sums is NaN where the run kept no draws of it.
    defined = [
        (path, points[primary], drawn[primary]) for path, points, drawn in measured if np.isfinite(points[primary])
    ]
    kept = any(primary in drawn_metrics(run, Figure("clean")) for _, run in board)
    if len(defined) < 2 or (kept and any(draws_differ(board[0][1], run) for _, run in board)):
        return {}
    if len({len(drawn) for _, _, drawn in defined}) > 1:
        # One run has sums, which are drawn as often as is asked for, and another draws alone.
        return {}
    return _placed(defined, info.direction, procedure.level)


def _rank_scores(
    board: Sequence[tuple[Path, OpenRun]], name: str, procedure: Procedure
) -> dict[Path, tuple[int, int, int]]:
    """The same by a figure over cells, in the draws that the runs kept of it."""
    if any(draws_differ(board[0][1], run) for _, run in board):
        return {}
    defined, direction = [], None
    for path, run in board:
        if ranking_value(run.result, name) is None:
            continue
        try:
            value, drawn, recorded = stored_score(run, name)
        except CannotMeasure:
            continue
        defined.append((path, value, drawn))
        direction = recorded.direction
    if len(defined) < 2 or direction is None or len({len(drawn) for _, _, drawn in defined}) > 1:
        return {}
    return _placed(defined, direction, procedure.level)


def _placed(
    defined: Sequence[tuple[Path, float, np.ndarray]], direction: Direction, level: float
) -> dict[Path, tuple[int, int, int]]:
    places = ranks([value for _, value, _ in defined], direction)
    intervals = rank_intervals(np.stack([drawn for _, _, drawn in defined]), direction, level)
    return {
        path: (int(place), min(low, int(place)), max(high, int(place)))
        for (path, _, _), place, (low, high) in zip(defined, places, intervals)
    }
