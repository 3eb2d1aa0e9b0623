"""Dealing units to workers that come and go: how many at once, to whom again, and when a copy is worth it.

The rules know neither clocks nor clusters: whoever drives them says what time it is and what happened, so that the same
rules run a cluster and a simulation of one.

- The first unit of a condition that anybody gets is a probe: a task of one unit, whose time sizes those that follow.
- A task is units of one shard, which share its decoded audio, for about `TASK_SECONDS`; towards the end tasks shrink
  with what is left, so that nobody waits long for the last ones.
- A worker that is lost gives its units back. The one it was computing is remembered: what has taken several workers
  with it is an error, and no endless loop.
- When nothing is left to hand out, an idle worker computes a copy of what is overdue; the first answer counts, and both
  are the same.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchbed.errors import CannotMeasure
from benchbed.run.job.job import Unit

#: Work that is handed to a worker at once, in seconds.
TASK_SECONDS = 20.0
#: Workers that one unit may take with it before it is given up.
MOST_LOST = 3
#: Times its expected seconds after which a unit is overdue, and seconds before which none is.
OVERDUE, OVERDUE_SECONDS = 3.0, 10.0


@dataclass
class _Handed:
    """A unit in the hands of a worker."""

    worker: str
    at: float
    expected: float


@dataclass
class Pace:
    """Seconds that an evaluation takes, by condition, as far as it was measured.

    Examples
    --------
    >>> pace = Pace()
    >>> pace.learn("clean", 10, 0.5)
    >>> pace.seconds("clean", 20), pace.seconds("opus", 20)
    (1.0, None)
    """

    spent: dict[object, tuple[float, float]] = field(default_factory=dict)

    def learn(self, condition: object, weight: float, seconds: float) -> None:
        """Take in a measurement."""
        before = self.spent.get(condition, (0.0, 0.0))
        self.spent[condition] = before[0] + weight, before[1] + seconds

    def seconds(self, condition: object, weight: float) -> float | None:
        """Expected time; None where nothing was measured."""
        if condition not in self.spent:
            return None
        weights, seconds = self.spent[condition]
        return seconds * weight / max(weights, 1e-9)

    def mean(self, weight: float) -> float:
        """Expected time of work of any condition; 0 before the first measurement."""
        weights = sum(each[0] for each in self.spent.values())
        return sum(each[1] for each in self.spent.values()) * weight / max(weights, 1e-9)


class Dealer:
    """Who computes which unit next.

    Parameters
    ----------
    units : iterable of (Unit, float)
        What is to be computed, shard by shard, each with its weight (passes through the model).
    workers : int
        How many workers there will be.
    """

    def __init__(self, units: Iterable[tuple[Unit, float]], workers: int) -> None:
        self.workers = max(1, workers)
        self.pace = Pace()
        self._weights: dict[str, float] = {}
        self._units: dict[str, Unit] = {}
        self._waiting: OrderedDict[tuple[str, int], deque[Unit]] = OrderedDict()
        self._handed: dict[str, list[_Handed]] = {}
        self._queues: dict[str, deque[str]] = {}
        self._last: dict[str, tuple[str, int]] = {}
        self._lost: dict[str, int] = {}
        self._done: set[str] = set()
        #: Weights of what waits, by what costs alike: a sum over all units takes long, and is asked for at every deal.
        self._queued: dict[object, float] = {}
        for unit, weight in units:
            self._units[unit.id], self._weights[unit.id] = unit, weight
            self._weigh(unit, weight)
            self._waiting.setdefault((unit.split, unit.shard), deque()).append(unit)

    @property
    def left(self) -> int:
        """Units that nobody has finished."""
        return len(self._units) - len(self._done)

    def deal(self, worker: str, now: float) -> list[Unit]:
        """What an idle worker computes next, in this order; nothing where there is nothing to do for it."""
        task = self._next(worker) or self._overdue(worker, now)
        for unit in task:
            expected = self.pace.seconds(_kind(unit), self._weights[unit.id]) or 0.0
            self._handed.setdefault(unit.id, []).append(_Handed(worker, now, expected))
            self._queues.setdefault(worker, deque()).append(unit.id)
        if task:
            self._last[worker] = task[0].split, task[0].shard
        return task

    def finished(self, worker: str, unit: Unit, seconds: float) -> bool:
        """Take in a finished unit; whether it is the first answer to it."""
        if unit.id in self._queues.get(worker, ()):
            self._queues[worker].remove(unit.id)
        self.pace.learn(_kind(unit), self._weights[unit.id], seconds)
        self._handed[unit.id] = [each for each in self._handed.get(unit.id, []) if each.worker != worker]
        first = unit.id not in self._done
        self._done.add(unit.id)
        return first

    def lost(self, worker: str, *, blamed: bool = True, why: str = "") -> list[Unit]:
        """Take back what a lost worker had.

        Parameters
        ----------
        worker : str
        blamed : bool
            The unit it was computing may be what killed it; not so where its whole machine went.
        why : str
            How it was lost, for the error.

        Returns
        -------
        list of Unit
            Units that are to be computed again.

        Raises
        ------
        CannotMeasure
            A unit has taken `MOST_LOST` workers with it.
        """
        queue = self._queues.pop(worker, deque())
        self._last.pop(worker, None)
        back = []
        for place, name in enumerate(queue):
            self._handed[name] = [each for each in self._handed.get(name, []) if each.worker != worker]
            if name in self._done:
                continue
            unit = self._units[name]
            if blamed and place == 0:
                self._lost[name] = self._lost.get(name, 0) + 1
                if self._lost[name] >= MOST_LOST:
                    raise CannotMeasure(
                        f"{MOST_LOST} workers died over the same {unit.evaluations} predictions"
                        + (f": {why}" if why else ""),
                        where=", ".join(cell.key for cell in unit.cells[:3]) + f", clips {unit.start} to {unit.stop}",
                        hint="more memory for each worker (--worker-memory), a smaller --batch-size, or "
                        "`benchbed check` on the adapter",
                    )
            if not self._handed[name]:
                back.append(unit)
        for unit in reversed(back):
            key = unit.split, unit.shard
            self._waiting.setdefault(key, deque()).appendleft(unit)
            self._weigh(unit, self._weights[unit.id])
            self._waiting.move_to_end(key, last=False)
        return back

    def _next(self, worker: str) -> list[Unit]:
        """Units of one shard, of the one that the worker has at hand if any are left there."""
        if not self._waiting:
            return []
        mine = self._last.get(worker)
        key = mine if mine in self._waiting else next(iter(self._waiting))
        assert key is not None
        queue, task, seconds = self._waiting[key], list[Unit](), 0.0
        most = min(TASK_SECONDS, self._expected_left() / (2 * self.workers)) if self.pace.spent else 0.0
        while queue:
            own = self.pace.seconds(_kind(queue[0]), self._weights[queue[0].id])
            if task and (own is None or seconds + own > most):
                break
            unit = queue.popleft()
            self._weigh(unit, -self._weights[unit.id])
            task.append(unit)
            if own is None:
                break  # a probe is a task of its own
            seconds += own
        if queue:
            # The next worker begins with another shard, as long as there are some.
            self._waiting.move_to_end(key)
        else:
            del self._waiting[key]
        return task

    def _weigh(self, unit: Unit, weight: float) -> None:
        self._queued[_kind(unit)] = self._queued.get(_kind(unit), 0.0) + weight

    def _expected_left(self) -> float:
        total = 0.0
        for kind, weight in self._queued.items():
            known = self.pace.seconds(kind, weight)
            total += self.pace.mean(weight) if known is None else known
        return total

    def _overdue(self, worker: str, now: float) -> list[Unit]:
        """The unit that has been out longest beyond what was expected of it and of what lies before it, if any."""
        late: list[tuple[float, str]] = []
        for name, holders in self._handed.items():
            if name in self._done or len(holders) != 1 or holders[0].worker == worker:
                continue
            holder = holders[0]
            before = 0.0
            for other in self._queues.get(holder.worker, ()):
                unit = self._units[other]
                before += self.pace.seconds(_kind(unit), self._weights[other]) or self.pace.mean(self._weights[other])
                if other == name:
                    break
            over = now - holder.at - max(OVERDUE * before, OVERDUE_SECONDS)
            if over > 0:
                late.append((over, name))
        return [self._units[max(late)[1]]] if late else []


def _kind(unit: Unit) -> object:
    """What units cost alike by."""
    return unit.cells[0].kind, unit.cells[0].name, len(unit.cells)
