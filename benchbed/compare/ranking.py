"""Ranks of many runs that admit what the clips cannot tell apart, for leaderboards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchbed.compare.answer import Procedure
from benchbed.compare.drawing import drawn_metrics, other_draws, replicates, stored_score
from benchbed.compare.figure import Figure, cells_of
from benchbed.compare.kept import board_place, keep, kept, place_of
from benchbed.compare.runs import OpenRun, mismatches
from benchbed.compare.shelf import DrawnRun, Shelf
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.results.answers import leading, ranking_value
from benchbed.results.artefacts import statistics_of
from benchbed.results.record import Result
from benchbed.results.statistics import NAME
from benchbed.seal import digest
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


@dataclass
class _Standing:
    """A run with what ranks it: drawn before and kept, or drawn when it is asked for.

    Attributes
    ----------
    path : Path
        As the caller gave it.
    result : Result
        The record.
    entry : DrawnRun
        What is known of it: which clips it scored, which draws it kept, and figures that were drawn.
    opened : OpenRun or None
        The run with its sums, where they were read.
    """

    path: Path
    result: Result
    entry: DrawnRun
    opened: OpenRun | None = None

    @property
    def index_hash(self) -> str:
        """Hash of the clips, after which draws are named."""
        return str(self.entry.about["index_hash"])

    @property
    def draws(self) -> int:
        """Draws that the run kept."""
        return int(self.entry.about["draws"])

    @property
    def seed(self) -> int:
        """Their seed."""
        return int(self.entry.about["seed"])

    @property
    def clips(self) -> dict[str, str]:
        """Split → digest over the clean clips that were scored."""
        return dict(self.entry.about["clips"])

    @property
    def kept(self) -> bool:
        """The metric that ranks is made from no sums: the run kept its draws."""
        return bool(self.entry.about["kept"])

    @property
    def run(self) -> OpenRun | None:
        """The run, read now if it was not; None where its sums are lost since."""
        self.opened = self.opened or _usable(self.path, self.result)
        return self.opened

    def clean(self, procedure: Procedure) -> tuple[float, np.ndarray] | None:
        """The metric that ranks, on clean audio, and its replicates; None where it is undefined."""
        primary = self.result.primary
        if _CLEAN not in self.entry.drawn and self.run is not None:
            values, drawn = replicates(self.run, Figure("clean"), procedure, [primary])
            # A figure that is made from no sums is NaN where the run kept no draws of it.
            if np.isfinite(values[primary]):
                self.entry.drawn[_CLEAN] = values[primary], drawn[primary]
        return self.entry.drawn.get(_CLEAN)

    def score(self, name: str) -> tuple[float, np.ndarray] | None:
        """A figure over cells and its replicates, as the run kept them; None where it kept none."""
        key = f"{_SCORE}{name}"
        if key not in self.entry.drawn and self.run is not None:
            try:
                value, drawn, _ = stored_score(self.run, name)
            except CannotMeasure:
                return None
            self.entry.drawn[key] = value, drawn
        return self.entry.drawn.get(key)


#: Names of what is kept: the metric that ranks on clean audio, and what stands before a figure over cells.
_CLEAN, _SCORE = "clean", "score "


def _standing(path: Path, run: OpenRun) -> _Standing:
    """A run that was opened."""
    sums, clean = run.sums, Figure("clean")
    info = run.family.metrics.get(run.result.primary)
    about = {
        "index_hash": sums.index_hash,
        "draws": sums.draws,
        "seed": sums.seed,
        "clips": {split: digest(cell.marks.tobytes()) for split, cell in cells_of(sums, clean).items()},
        "kept": run.result.primary in drawn_metrics(run, clean),
        "direction": info.direction if info is not None else None,
    }
    return _Standing(path, run.result, DrawnRun(about), run)


def _ranked(results: Sequence[tuple[Path, Result]], procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    shelves = _Shelves(procedure)
    boards: list[list[_Standing]] = []
    for path, result in results:
        standing = shelves.standing(path, result)
        if standing is None:
            continue
        for board in boards:
            if _alike(board[0], standing):
                board.append(standing)
                break
        else:
            boards.append([standing])
    found: dict[Path, tuple[int, int, int]] = {}
    for board in boards:
        lead = leading([run.result for run in board])
        corrupted = lead != board[0].result.primary
        found |= _rank_scores(board, lead, procedure) if corrupted else _rank_clean(board, procedure)
    shelves.keep()
    return found


class _Shelves:
    """What ranks the runs of each board, as it was kept before."""

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.held: dict[tuple[str, ...], Shelf] = {}

    def standing(self, path: Path, result: Result) -> _Standing | None:
        """What ranks a run: as it was kept, or from its sums; None for a run that cannot be ranked."""
        if not _rankable(result):
            return None
        shelf, name = self._of(path, result)
        if shelf is not None and (entry := shelf.get(name)) is not None:
            return _Standing(path, result, entry)
        run = _usable(path, result)
        if run is None:
            return None
        made = _standing(path, run)
        if shelf is not None:
            shelf[name] = made.entry
        return made

    def keep(self) -> None:
        """Keep what is new."""
        for shelf in self.held.values():
            shelf.keep()

    def _of(self, path: Path, result: Result) -> tuple[Shelf | None, str]:
        """The shelf of a run and its name there; no shelf where it depends on more than can be known."""
        if self.procedure.swapper is not None or not result.digest:
            return None, ""
        try:
            # The record names the digest of the sums. That they are still those is seen by their size and time.
            sums = ((path if path.is_dir() else path.parent) / NAME).stat()
        except OSError:
            return None, ""
        board = result.suite.name, result.suite.hash, result.dataset.index_hash, result.primary
        if board not in self.held:
            self.held[board] = Shelf(board_place("ranked", __name__, "drawn", board, repr(self.procedure)))
        return self.held[board], f"{result.digest} {sums.st_size} {sums.st_mtime_ns}"


def _rankable(result: Result) -> bool:
    return result.whole and NAME in result.provenance.artefacts


def _usable(path: Path, result: Result) -> OpenRun | None:
    """A run that may be ranked, with what ranks it of its sums and draws."""
    if not _rankable(result):
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
    first, *others = [_standing(run.path, run) for run in runs]
    return None if all(_alike(first, run) for run in others) else "no ranks: the runs have not scored the same clips"


def _alike(a: _Standing, b: _Standing) -> bool:
    if a.result.primary != b.result.primary or any(m.blocking for m in mismatches(a.result, b.result)):
        return False
    return not (a.kept and other_draws(a, b)) and a.clips == b.clips


def rank_alike(board: Sequence[tuple[Path, OpenRun]], procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    """Rank and rank interval of runs that were measured alike; none where fewer than two have a value."""
    return _rank_clean([_standing(path, run) for path, run in board], procedure)


def _rank_clean(board: Sequence[_Standing], procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    if len(board) < 2:
        return {}
    measured = [(run.path, run.clean(procedure)) for run in board]
    defined = [(path, *figure) for path, figure in measured if figure is not None]
    if len(defined) < 2 or (any(run.kept for run in board) and any(other_draws(board[0], run) for run in board)):
        return {}
    direction = board[0].entry.about["direction"]
    if direction is None or len({len(drawn) for _, _, drawn in defined}) > 1:
        # One run has sums, which are drawn as often as is asked for, and another draws alone.
        return {}
    return _placed(defined, direction, procedure.level)


def _rank_scores(board: Sequence[_Standing], name: str, procedure: Procedure) -> dict[Path, tuple[int, int, int]]:
    """The same by a figure over cells, in the draws that the runs kept of it."""
    if any(other_draws(board[0], run) for run in board):
        return {}
    defined, direction = [], None
    for run in board:
        if ranking_value(run.result, name) is None or (figure := run.score(name)) is None:
            continue
        defined.append((run.path, *figure))
        direction = run.result.scores[name].direction
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
