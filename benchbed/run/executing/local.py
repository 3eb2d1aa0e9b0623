"""Executing units in this process or in local worker processes.

An executor is a function `(job, units, folder, adapters, workers) → iterator of (unit, header)`; it writes each unit's
file itself and yields when the file is in place. A cluster engine implements the same function: units are independent,
named by their content, and may be computed anywhere in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import read_files
from benchbed.adapter.watch import WatchedFiles, watching
from benchbed.errors import CannotMeasure
from benchbed.predictions.store import write_unit
from benchbed.run.job.job import Job, Unit

if TYPE_CHECKING:
    from benchbed.run.computing.engine import Engine
    from benchbed.run.executing.placing import Task


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
        A worker process died, or results cannot be written. Units that are in place stay.
    """
    if workers <= 1 or len(units) <= 1:
        from benchbed.run.computing.engine import Engine

        engine = Engine(job, adapters)
        for unit in units:
            yield _compute(engine, unit, folder)
        return
    yield from _in_processes(job, units, folder, workers)


def _in_processes(job: Job, units: Sequence[Unit], folder: Path, workers: int) -> Iterator[Done]:
    import multiprocessing

    # A worker imports this module, and has no part in placing.
    from benchbed.run.executing.placing import tasks_of

    tasks = tasks_of(job, units, workers)
    # Spawned, not forked: torch and other libraries have threads that do not survive a fork.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, initializer=_begin, initargs=(job,))
    try:
        futures = [pool.submit(_work, task, folder) for task in tasks]
        for future in as_completed(futures):
            yield from future.result()
    except BrokenProcessPool as error:
        raise CannotMeasure(
            "a worker process died (out of memory, or killed)",
            hint="run the same command again, it continues where it stopped; fewer --workers need less memory",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_engine: Engine | None = None


def _begin(job: Job) -> None:
    global _engine
    from benchbed.adapter.checkpoint import trusting
    from benchbed.run.computing.engine import Engine

    with trusting(job.trust_checkpoint):
        _engine = Engine(job)


def _work(task: Task, folder: Path) -> list[Done]:
    assert _engine is not None
    return [_compute(_engine, unit, folder) for unit in task]


def _compute(engine: Engine, unit: Unit, folder: Path) -> Done:
    from benchbed.run.executing.unit import compute

    with watching(WatchedFiles()) as seen:
        made = compute(engine, unit)
    # What the model opened only now belongs to these predictions, and is looked at again before they are reused.
    made.info["read"] = read_files(seen, engine.job.home)
    write_unit(made, folder)
    return Done(unit, len(made.failures), made.info["cpu_seconds"])
