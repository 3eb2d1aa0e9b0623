"""Executing units in this process or in local worker processes.

An executor is a function `(job, units, folder, adapters, workers) → iterator of (unit, header)`; it writes each unit's
file itself and yields when the file is in place. A cluster engine implements the same function: units are independent,
named by their content, and may be computed anywhere in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.adapter.checkpoint import trusting
from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import read_files
from benchbed.adapter.watch import WatchedFiles, watching
from benchbed.predictions.store import write_unit
from benchbed.run.computing.ahead import spare_cores
from benchbed.run.executing.opened import opened_so_far
from benchbed.run.job.job import Job, Unit

if TYPE_CHECKING:
    from benchbed.run.computing.engine import Engine
    from benchbed.run.executing.placing import Task
    from benchbed.run.executing.turns import Turns


@dataclass(frozen=True)
class Done:
    """A unit whose file is in place.

    Attributes
    ----------
    unit : Unit
    failures : int
        Predictions that failed.
    cpu_seconds : float
        CPU time of the process that computed it.
    """

    unit: Unit
    failures: int
    cpu_seconds: float


def execute(
    job: Job, units: Sequence[Unit], folder: Path, adapters: Mapping[str, Adapter], workers: int
) -> Iterator[Done]:
    """Compute units and write their files into `folder`.

    Parameters
    ----------
    job : Job
        The run.
    units : sequence of Unit
        What is to be computed, shard by shard.
    folder : Path
        Where the unit files go.
    adapters : mapping of str to Adapter
        Split → model, as far as this process has loaded them; worker processes load their own.
    workers : int
        Processes; with one, everything happens in this process.

    Raises
    ------
    CannotMeasure
        A worker process died or took more than `job.limits`, or results cannot be written. Units in place stay.
    """
    if workers <= 1 or len(units) <= 1:
        from benchbed.run.computing.engine import Engine

        engine, taken = Engine(job, adapters), _turns(job)
        for unit in units:
            if taken is not None and not taken.may([unit]):
                taken.wait([unit])
            yield compute_into(folder, engine, unit)
        return
    yield from _in_processes(job, units, folder, workers)


def _in_processes(job: Job, units: Sequence[Unit], folder: Path, workers: int) -> Iterator[Done]:
    # A worker imports this module, and has no part in placing, nor in processes.
    from benchbed.run.executing.placing import needed, tasks_of
    from benchbed.run.isolating.crew import shared_out

    turns = _turns(job)
    # Where models take turns, units are small pieces in the order of all of them.
    tasks = tasks_of(job, units, workers) if turns is None else [(unit,) for unit in units]
    name = Path(job.recipe[0].rpartition(":")[0] or job.recipe[0]).stem
    job = beside(job, workers)
    yield from shared_out(
        name, job.limits, workers, partial(begin, job, folder), work, tasks, needed(job, units), turns
    )


def beside(job: Job, workers: int) -> Job:
    """A job as each of several workers computes it: none reads ahead where the workers alone keep all cores busy."""
    return job if spare_cores(workers * job.threads) else replace(job, readers=0)


def _turns(job: Job) -> Turns | None:
    """The turns of this job's model among those of the command, if they take turns."""
    if job.passed is None:
        return None
    from benchbed.run.executing.turns import Turns

    return Turns(job)


_worker: tuple[Engine, Path] | None = None


def begin(job: Job, folder: Path) -> None:
    """Make this process a worker of a job, whose files go into a folder."""
    global _worker
    from benchbed.run.computing.engine import Engine

    _worker = Engine(job), folder


def work(task: Task) -> Iterator[Done]:
    """Compute the units of a task in a process that has begun."""
    assert _worker is not None
    engine, folder = _worker
    # The model is loaded with the first unit.
    with trusting(engine.job.trust_checkpoint):
        for unit in task:
            yield compute_into(folder, engine, unit)


def compute_into(folder: Path, engine: Engine, unit: Unit) -> Done:
    """Compute a unit here, and write its file into a folder."""
    from benchbed.run.executing.unit import compute

    with watching(WatchedFiles()) as seen:
        made = compute(engine, unit)
    # What the model opened only now belongs to these predictions, and is looked at again before they are reused.
    home = engine.job.home
    made.info["read"] = opened_so_far(engine.adapter, read_files(seen, home), engine.loaded_from, home)
    write_unit(made, folder)
    return Done(unit, len(made.failures), made.info["cpu_seconds"])
