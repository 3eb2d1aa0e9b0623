"""Placing units: which of them are handed out together, and which of several machines takes which.

Units are independent and named by their content, so that nothing here can change an answer; it decides how evenly the
work lies and how often a clip is decoded again.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchbed.attack import ATTACKS
from benchbed.errors import ConfigError
from benchbed.perturb import CORRUPTIONS
from benchbed.run.attacking.subset import passes
from benchbed.run.job.job import Job, Unit
from benchbed.suite.conditions import AttackCondition, CorruptionCondition

#: Tasks for each worker at least, as far as there are units: the last ones to finish then keep nobody waiting long.
TASKS_EACH = 12

#: Units that are handed out together.
Task = tuple[Unit, ...]


def tasks_of(job: Job, units: Iterable[Unit], workers: int) -> list[Task]:
    """Units as tasks of one shard × some of its conditions, the heaviest first.

    Conditions of one shard share its decoded audio, so a task takes as many as it may: a whole shard where there
    are shards enough, fewer where workers would go idle.

    Parameters
    ----------
    job : Job
        The run.
    units : iterable of Unit
        What is to be computed, shard by shard.
    workers : int
        Processes that take tasks.

    Returns
    -------
    list of tuple of Unit
        Every unit once.
    """
    weighed = [(unit, passes(job, unit)) for unit in units]
    most = sum(weight for _, weight in weighed) / max(1, workers * TASKS_EACH)
    tasks: list[tuple[int, Task]] = []
    for _, shard in itertools.groupby(weighed, key=lambda one: (one[0].split, one[0].shard)):
        together: list[Unit] = []
        weight = 0
        for unit, own in shard:
            if together and weight + own > most:
                tasks.append((weight, tuple(together)))
                together, weight = [], 0
            together.append(unit)
            weight += own
        tasks.append((weight, tuple(together)))
    # What takes longest is begun first; the order of equals stays.
    tasks.sort(key=lambda one: -one[0])
    return [task for _, task in tasks]


@dataclass(frozen=True)
class RunPart:
    """One of several parts of a run that are computed apart, and merged afterwards.

    Attributes
    ----------
    number, of : int
        Counted from 1.

    Examples
    --------
    >>> RunPart.parse("2/8")
    RunPart(number=2, of=8)
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> RunPart:
        """Read the flag `--shard i/n`.

        Raises
        ------
        ConfigError
            Not two numbers, or not one of 1 to n.
        """
        match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise ConfigError(
                f"--shard {text}: not understood",
                hint="i/n with i from 1 to n, e.g. --shard 1/8; in an array of SLURM from 0 to 7, "
                "--shard $((SLURM_ARRAY_TASK_ID + 1))/8",
            )
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def of_units(self, job: Job, units: Sequence[Unit]) -> list[Unit]:
        """The units that this part computes: a function of the units alone, every unit in exactly one part.

        Each task goes to the part that has least so far, so that parts differ by less than one task.
        """
        loads = [(0, number) for number in range(1, self.of + 1)]
        mine: set[str] = set()
        for task in tasks_of(job, units, self.of):
            load, number = heapq.heappop(loads)
            if number == self.number:
                mine.update(unit.id for unit in task)
            heapq.heappush(loads, (load + sum(passes(job, unit) for unit in task), number))
        return [unit for unit in units if unit.id in mine]


def needed(job: Job, units: Iterable[Unit]) -> list[str]:
    """Modules that computing some units imports, of benchbed and of what it stands on."""
    modules = ["benchbed.run.executing.unit", "benchbed.run.computing.replayed", type(job.output).__module__]
    for index in sorted({unit.condition for unit in units}):
        condition = job.conditions[index]
        if isinstance(condition, CorruptionCondition):
            # One that another package brings is imported where it is needed.
            modules.append(f"{CORRUPTIONS.package}.{condition.corruption}")
        elif isinstance(condition, AttackCondition):
            modules += ["benchbed.run.attacking.unit", f"{ATTACKS.package}.{condition.attack}"]
    return list(dict.fromkeys(modules))
