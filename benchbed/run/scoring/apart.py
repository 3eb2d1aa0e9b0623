"""Scoring the cells of a run in several processes, a condition of a split in each piece of work.

Each process reads the files of its conditions alone. What comes back is what scoring here would have given, bit for
bit: draws follow from names, and rows are taken in the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchbed.errors import BenchbedError
from benchbed.metrics.contract import Family
from benchbed.predictions.store import Predictions, read_units
from benchbed.run.isolating.crew import shared_out
from benchbed.run.job.job import Unit
from benchbed.run.scoring.cells import CellsApart, OneCell, score_one
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.split import rows_of_cells
from benchbed.suite.plan import CellPlan

#: Predictions from which on a run is scored by several processes: below it they cost more than they save.
WORTHWHILE = 4096


@dataclass(frozen=True)
class ConditionFiles:
    """The cells of one condition of a split, and the files of their predictions in the order of the run."""

    cells: tuple[CellPlan, ...]
    paths: tuple[Path, ...]


def precision(scores: np.ndarray) -> str:
    """Types of answers, which decide how sums of them round.

    Examples
    --------
    >>> precision(np.zeros((2, 3), np.float32))
    'float32'
    """
    if scores.dtype != object or not len(scores):
        return str(scores.dtype)
    first = getattr(scores[0], "scores", scores[0])
    return f"{scores.dtype} of {getattr(first, 'dtype', type(first).__name__)}"


def conditions_of(units: Sequence[Unit], paths: Sequence[Path], cells: Sequence[CellPlan]) -> list[ConditionFiles]:
    """The cells of a run by condition, those with most predictions first.

    Parameters
    ----------
    units : sequence of Unit
    paths : sequence of Path
        The file of each.
    cells : sequence of CellPlan
        Of the run, in their order.
    """
    files: dict[tuple[str, int], list[Path]] = {}
    sizes: dict[tuple[str, int], int] = {}
    for unit, path in zip(units, paths, strict=True):
        key = unit.split, unit.condition
        files.setdefault(key, []).append(path)
        sizes[key] = sizes.get(key, 0) + unit.evaluations
    of = {key: tuple(cell for cell in cells if (cell.split, cell.condition) == key) for key in files}
    order = sorted(files, key=lambda key: -sizes[key])
    return [ConditionFiles(of[key], tuple(files[key])) for key in order if of[key]]


def score_apart(
    units: Sequence[Unit],
    paths: Sequence[Path],
    cells: Sequence[CellPlan],
    predictions: Predictions,
    workers: int,
    grounds: Grounds,
) -> CellsApart:
    """Have cells scored by other processes; none where that is not worth it, nor those that cannot be scored.

    Parameters
    ----------
    units, paths, cells
        As in `conditions_of`.
    predictions : Predictions
        All of them, as they were read here.
    workers : int
        Processes.
    grounds : Grounds

    Raises
    ------
    BenchbedError
        A process died or took more than `job.limits`, or a file is damaged.
    """
    if workers < 2 or len(predictions.scores) < WORTHWHILE:
        return {}
    pieces = conditions_of(units, paths, cells)
    if len(pieces) < 2:
        return {}
    modules = [__name__, f"benchbed.metrics.families.{grounds.loaded.suite.metrics.family}"]
    limits, begin = grounds.job.limits, partial(_begin, grounds, precision(predictions.scores))
    return dict(shared_out("the suite", limits, workers, begin, _score, pieces, modules))


@dataclass(frozen=True)
class _Scorer:
    """What a process scores with."""

    grounds: Grounds
    precision: str
    family: Family
    primary: str
    splits: dict[str, GroupedSplit]


_scorer: _Scorer | None = None


def _begin(grounds: Grounds, precise: str) -> None:
    """Make this process one that scores."""
    global _scorer
    from benchbed.run.computing.threads import limit_threads

    limit_threads(grounds.job.threads)
    _scorer = _Scorer(grounds, precise, *grounds.family(), {})


def _score(piece: ConditionFiles) -> Iterator[tuple[str, OneCell]]:
    """The cells of a condition, in a process that has begun."""
    assert _scorer is not None
    predictions = read_units(piece.paths)
    if precision(predictions.scores) != _scorer.precision:
        return  # beside those of other conditions they are read in double precision
    rows_of = rows_of_cells(predictions.table, [plan.key for plan in piece.cells])
    for plan in piece.cells:
        if plan.split not in _scorer.splits:
            _scorer.splits[plan.split] = GroupedSplit(_scorer.grounds, plan.split)
        split, rows = _scorer.splits[plan.split], rows_of[plan.key]
        lost = sum(failure["cell"] == plan.key for failure in predictions.failures)
        family, primary = _scorer.family, _scorer.primary
        try:
            one, _ = score_one(plan, _scorer.grounds, split, family, primary, predictions, rows, lost)
        except BenchbedError:
            continue  # scored where the run is, it is the first error in the order of the cells
        yield plan.key, one
