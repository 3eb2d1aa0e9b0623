"""Scoring the cells of a run in several processes, a condition of a split in each piece of work.

Each process reads the files of its conditions alone. What comes back is what scoring here would have given, bit for
bit: draws follow from names, and rows are taken in the order of the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from benchbed.errors import BenchbedError
from benchbed.metrics.contract import Family
from benchbed.predictions.by_cell import PredictionsByCell
from benchbed.run.isolating.crew import shared_out
from benchbed.run.scoring.cells import Apart, OneCell, score_one
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.heard import HeardClips
from benchbed.suite.plan import CellPlan

#: Predictions from which on a run is scored by several processes: below it they cost more than they save.
WORTHWHILE = 4096


@dataclass(frozen=True)
class ConditionPart:
    """The cells of one condition of a split, and what was predicted under it."""

    cells: tuple[CellPlan, ...]
    stored: PredictionsByCell


def conditions_of(stored: PredictionsByCell, cells: Sequence[CellPlan]) -> list[ConditionPart]:
    """The cells of a run by condition, those with most predictions first.

    Parameters
    ----------
    stored : PredictionsByCell
        All predictions of the run.
    cells : sequence of CellPlan
        Of the run, in their order.
    """
    together: dict[tuple[str, int], list[CellPlan]] = {}
    for cell in cells:
        together.setdefault((cell.split, cell.condition), []).append(cell)
    parts = [ConditionPart(tuple(held), stored.part(*(cell.key for cell in held))) for held in together.values()]
    return sorted(parts, key=lambda part: -part.stored.rows(*(cell.key for cell in part.cells)))


def score_apart(cells: Sequence[CellPlan], stored: PredictionsByCell, workers: int, grounds: Grounds) -> Apart:
    """Have cells scored by other processes; none where that is not worth it, nor those that cannot be scored.

    Parameters
    ----------
    cells : sequence of CellPlan
        Of the run.
    stored : PredictionsByCell
        All its predictions.
    workers : int
        Processes.
    grounds : Grounds

    Raises
    ------
    BenchbedError
        A process died or took more than `job.limits`, or a file is damaged.
    """
    if workers < 2 or len(stored) < WORTHWHILE:
        return Apart()
    parts = conditions_of(stored, cells)
    if len(parts) < 2:
        return Apart()
    family = f"benchbed.metrics.families.{grounds.loaded.suite.metrics.family}"
    modules = [__name__, family, "scipy.special"]
    limits, begin = grounds.job.limits, partial(_begin, grounds)
    scored: dict[str, OneCell] = {}
    heard: list[HeardClips] = []
    for item in shared_out("the suite", limits, workers, begin, _score, parts, modules):
        if isinstance(item, HeardClips):
            heard.append(item)
        else:
            scored[item.cell.key] = item
    return Apart(scored, heard, frozenset((cell.split, cell.condition) for cell in cells))


@dataclass(frozen=True)
class _Scorer:
    """What a process scores with."""

    grounds: Grounds
    family: Family
    primary: str
    splits: dict[str, GroupedSplit]


_scorer: _Scorer | None = None


def _begin(grounds: Grounds) -> None:
    """Make this process one that scores."""
    global _scorer
    from benchbed.threads import limit_threads

    limit_threads(grounds.job.threads)
    _scorer = _Scorer(grounds, *grounds.family(), {})


def _score(part: ConditionPart) -> Iterator[OneCell | HeardClips]:
    """The cells of a condition, and what was noted of their clips, in a process that has begun."""
    assert _scorer is not None
    yield HeardClips.of(part.stored, *(plan.key for plan in part.cells))
    for plan in part.cells:
        if plan.split not in _scorer.splits:
            _scorer.splits[plan.split] = GroupedSplit(_scorer.grounds, plan.split)
        split, family, primary = _scorer.splits[plan.split], _scorer.family, _scorer.primary
        try:
            yield score_one(
                plan, _scorer.grounds, split, family, primary, part.stored.of(plan.key), part.stored.failures
            )
        except BenchbedError:
            continue  # scored where the run is, it is the first error in the order of the cells
