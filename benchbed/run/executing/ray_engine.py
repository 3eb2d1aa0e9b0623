"""Executing units on a Ray cluster.

The part that speaks with Ray is a process of its own: Ray ends the process that is connected to a head that dies, and
changes signal handlers and loggers of the one it is in. This module starts it, takes what it sends, and starts it again
when it died; every unit that arrived stays, so that a restarted head costs what was on its way.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchbed.adapter.contract import Adapter
from benchbed.errors import BenchbedError, CannotMeasure, ConfigError, DamagedError
from benchbed.predictions.store import storage_error
from benchbed.run.executing.local import Done
from benchbed.run.job.cluster import ClusterAsked
from benchbed.run.job.job import Job, Unit
from benchbed.seal import parquet_digest

if TYPE_CHECKING:
    from benchbed.run.executing.ray_driver import Pipe
    from benchbed.run.executing.ray_worker import Returned

#: Times that the connection may be lost without a unit having come in between.
MOST_LOST = 5
#: Seconds between two attempts.
PAUSE = 3.0


@dataclass(frozen=True)
class OnCluster:
    """An executor: computes units on a cluster.

    Parameters
    ----------
    cluster : ClusterAsked
        Where, and what each worker takes.
    """

    cluster: ClusterAsked

    def __call__(
        self, job: Job, units: Sequence[Unit], folder: Path, adapters: Mapping[str, Adapter], workers: int
    ) -> Iterator[Done]:
        """Compute units and write their files into `folder`; see `benchbed.protocols.Executes`.

        Raises
        ------
        ConfigError
            Ray is not installed, the model is an object of this process, or nodes lack the model, the clips, or have
            another benchbed.
        CannotMeasure
            The cluster cannot be reached, or a unit took several workers with it. Units that are in place stay.
        """
        if not units:
            return
        if not _installed():
            raise ConfigError("--engine ray needs the package ray", hint="pip install 'benchbed[ray]'")
        if job.recipe[0].startswith("live:"):
            raise ConfigError("a live model runs in this process only", hint="write the adapter into a file")
        yield from _driven(replace(job, root=job.root.resolve()), units, folder, self.cluster, workers)


def _installed() -> bool:
    return importlib.util.find_spec("ray") is not None


def _driven(job: Job, units: Sequence[Unit], folder: Path, cluster: ClusterAsked, workers: int) -> Iterator[Done]:
    """Results of driver processes, one after another until all units are there."""
    left = {unit.id: unit for unit in units}
    lost = 0
    while left:
        before = len(left)
        for content, done in _one_driver(job, list(left.values()), cluster, workers):
            _write(folder, done.unit, content)
            del left[done.unit.id]
            yield done
        if left:
            lost = lost + 1 if len(left) == before else 1
            if lost >= MOST_LOST:
                raise CannotMeasure(
                    f"the connection to the Ray cluster was lost {lost} times; {len(left)} of {len(units)} units are "
                    "left",
                    where=cluster.address or "a cluster on this machine",
                    hint="`ray status`; run the same command again, it continues where it stopped",
                )
            time.sleep(PAUSE)


def _one_driver(job: Job, units: list[Unit], cluster: ClusterAsked, workers: int) -> Iterator[tuple[bytes, Done]]:
    """What one driver process sends until it is done or dies."""
    import multiprocessing

    from benchbed.run.executing.ray_driver import drive

    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe()
    process = context.Process(target=drive, args=(theirs, job, units, cluster, workers, os.getcwd()), daemon=True)
    process.start()
    theirs.close()
    by_id = {unit.id: unit for unit in units}
    try:
        while (message := _received(mine)) is not None:
            if isinstance(message, BenchbedError):
                raise message
            yield message.content, Done(by_id[message.unit], message.failures, message.cpu_seconds)
    finally:
        mine.close()  # the driver sees the end of the pipe and leaves the cluster
        process.join(10.0)
        if process.is_alive():
            process.kill()
            process.join()


def _received(pipe: Pipe) -> Returned | BenchbedError | None:
    """The next message; None where the driver is done, or dead."""
    try:
        return cast("Returned | BenchbedError | None", pipe.recv())
    except (EOFError, OSError):
        return None


def _write(folder: Path, unit: Unit, content: bytes) -> None:
    """Write a unit's file as it was sent, whole or not at all."""
    if parquet_digest(content) is None:
        raise DamagedError("a unit did not arrive as it was written", where=unit.id, hint="run the same command again")
    partial = folder / f".{unit.id}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, folder / f"{unit.id}.parquet")
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise storage_error(error, folder) from error
