"""What a campaign takes by the clock on several machines, by simulation.

Units are dealt by the rules that deal them on a cluster (`benchbed.run.executing.dealing`), on a clock of their own and
with the seconds that a probe measured. Nothing is assumed to be perfect: workers have to start, what comes before and
after the units is done by one machine, and one worker in twenty takes three times as long as the others.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from benchbed.run.executing.dealing import Dealer
from benchbed.run.job.job import Unit
from benchbed.run.job.prepared import Prepared
from benchbed.run.preparing.starting import start_seconds
from benchbed.suite.plan import CellPlan

#: One worker in so many is slow, and how many times as long it takes.
SLOW_ONE_IN, SLOW_TIMES = 20, 3.0
#: Seconds after which a worker that found nothing to do asks again.
AGAIN = 2.0


@dataclass(frozen=True)
class PricedUnits:
    """Units alike: one condition of a split.

    Attributes
    ----------
    cells : tuple of CellPlan
        Of the condition, in the split.
    shards : tuple of int
        Clips of each unit.
    seconds : float
        Seconds that one clip takes, at all severities and draws of the condition.
    """

    cells: tuple[CellPlan, ...]
    shards: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Simulated:
    """How a simulation went.

    Attributes
    ----------
    wall : float
        Seconds until the last unit had an answer.
    twice : int
        Units that were computed twice, since the first worker was late.
    """

    wall: float
    twice: int


@dataclass
class _Worker:
    name: str
    times: float
    queue: deque[Unit] = field(default_factory=deque)


def shards(clips: int, size: int) -> tuple[int, ...]:
    """Clips of each shard.

    Examples
    --------
    >>> shards(10, 4)
    (4, 4, 2)
    """
    return tuple(min(size, clips - start) for start in range(0, clips, max(size, 1)))


def units_of(priced: Sequence[PricedUnits]) -> tuple[list[tuple[Unit, float]], dict[str, float]]:
    """Units with their weights, shard by shard, and the seconds that each takes."""
    rows: list[tuple[str, int, Unit, float]] = []
    seconds: dict[str, float] = {}
    for number, kind in enumerate(priced):
        split = kind.cells[0].split
        draws = sum(cell.draws for cell in kind.cells)
        for shard, clips in enumerate(kind.shards):
            unit = Unit(f"{number}-{shard}", "", split, shard, 0, clips, kind.cells)
            rows.append((split, shard, unit, float(clips * draws)))
            seconds[unit.id] = clips * kind.seconds
    rows.sort(key=lambda row: row[:2])
    return [(unit, weight) for _, _, unit, weight in rows], seconds


def simulate(
    units: Sequence[tuple[Unit, float]],
    seconds: Mapping[str, float],
    workers: int,
    *,
    start: float = 0.0,
    slow: int = 0,
) -> Simulated:
    """Deal units to workers until all have an answer.

    Parameters
    ----------
    units : sequence of (Unit, float)
        With their weights, shard by shard.
    seconds : mapping of str to float
        Unit → seconds that an ordinary worker takes for it.
    workers : int
    start : float
        Seconds until a worker has started.
    slow : int
        One worker in so many takes `SLOW_TIMES` as long; 0 for none.

    Examples
    --------
    >>> cell = CellPlan("scene/test/clean", "scene", "test", "clean", "clean", None, 0)
    >>> made, each = units_of([PricedUnits((cell,), (10, 10, 10, 10), 0.5)])
    >>> simulate(made, each, 1).wall, simulate(made, each, 2, start=1.0).wall
    (20.0, 11.0)
    """
    dealer, order = Dealer(units, workers), itertools.count()
    crew = [
        _Worker(f"w{number}", SLOW_TIMES if slow and number % slow == slow - 1 else 1.0) for number in range(workers)
    ]
    waiting = [(start, next(order), worker, False) for worker in crew]
    heapq.heapify(waiting)
    twice, now = 0, 0.0
    given: set[str] = set()
    while dealer.left:
        now, _, worker, busy = heapq.heappop(waiting)
        if busy:
            unit = worker.queue.popleft()
            dealer.finished(worker.name, unit, seconds[unit.id] * worker.times)
        if not worker.queue:
            worker.queue.extend(dealer.deal(worker.name, now))
            twice += sum(unit.id in given for unit in worker.queue)
            given.update(unit.id for unit in worker.queue)
        wait = seconds[worker.queue[0].id] * worker.times if worker.queue else AGAIN
        heapq.heappush(waiting, (now + wait, next(order), worker, bool(worker.queue)))
    return Simulated(now, twice)


def by_condition(cells: Sequence[CellPlan]) -> Iterator[tuple[CellPlan, ...]]:
    """Cells of one split and condition together, as units have them."""
    found: dict[tuple[str, int], list[CellPlan]] = {}
    for cell in cells:
        found.setdefault((cell.split, cell.condition), []).append(cell)
    yield from (tuple(each) for each in found.values())


class Fleet(TypedDict):
    """What a campaign takes on several machines, in seconds by the clock.

    Attributes
    ----------
    nodes, workers : int
        Machines, and workers on each.
    units : int
        Of one model.
    unit_seconds : float
        Of all units of one model, one after another.
    before_seconds : float
        Until one model's run is prepared, by one process, imports included, as long as it took for the clips at hand.
    start_seconds : float
        Until a worker has its model.
    dealt_seconds : float
        From then until the last unit of one model is there, workers' start included.
    scoring_seconds : float
        Scoring one model's cells, by the workers of one machine. Its page comes on top.
    time_seconds : float
        Of all models, one after another.
    efficiency : float
        The CPU time of all of that over what the workers could have given.
    stragglers : dict
        The same with slow workers among them: what was assumed, `time_seconds`, and the units of one model that were
        computed twice.
    """

    nodes: int
    workers: int
    units: int
    unit_seconds: float
    before_seconds: float
    start_seconds: float
    dealt_seconds: float
    scoring_seconds: float
    time_seconds: float
    efficiency: float
    stragglers: dict[str, object]


def scored_in_all(priced: Sequence[PricedUnits], scoring: Mapping[str, float]) -> float:
    """Seconds that scoring all cells of one model takes.

    Parameters
    ----------
    priced : sequence of PricedUnits
    scoring : mapping of str to float
        Kind of condition → seconds that scoring takes for each prediction; the mean of them stands for others.

    Examples
    --------
    >>> cell = CellPlan("scene/test/clean", "scene", "test", "clean", "clean", None, 0)
    >>> scored_in_all([PricedUnits((cell,), (64, 36), 0.01)], {"clean": 0.002})
    0.2
    """
    mean = sum(scoring.values()) / max(len(scoring), 1)
    return sum(scoring.get(cell.kind, mean) * cell.draws * sum(kind.shards) for kind in priced for cell in kind.cells)


def fleet(
    prepared: Prepared,
    priced: Sequence[PricedUnits],
    before: float,
    scoring: Mapping[str, float],
    nodes: int,
    workers: int,
    models: int,
) -> Fleet:
    """What so many models take on so many machines.

    Parameters
    ----------
    prepared : Prepared
        A run of one of them, on the clips at hand.
    priced : sequence of PricedUnits
        Its units.
    before : float
        Seconds that imports and preparing it took.
    scoring : mapping of str to float
        Kind of condition → seconds that scoring takes for each prediction.
    nodes, workers, models : int
    """
    units, seconds = units_of(priced)
    start = start_seconds(prepared.job, priced[0].cells[0].split, anew=nodes > 1)
    count, total = nodes * workers, sum(seconds.values())
    told = scored_in_all(priced, scoring)
    even = simulate(units, seconds, count, start=start)
    uneven = simulate(units, seconds, count, start=start, slow=SLOW_ONE_IN)
    each, late = (before + dealt.wall + told / workers for dealt in (even, uneven))
    assumed = f"one worker in {SLOW_ONE_IN} takes {SLOW_TIMES:g} times as long"
    if count < SLOW_ONE_IN:
        assumed = f"none: {assumed}, and there are {count}"
    return Fleet(
        nodes=nodes,
        workers=workers,
        units=len(units),
        unit_seconds=total,
        before_seconds=before,
        start_seconds=start,
        dealt_seconds=even.wall,
        scoring_seconds=told / workers,
        time_seconds=models * each,
        efficiency=(before + start + total + told) / (each * count),
        stragglers={"assumed": assumed, "time_seconds": models * late, "twice": uneven.twice},
    )
