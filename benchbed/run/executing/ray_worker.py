"""What a worker of a cluster does: have the units it is given computed, and hand back their files.

The model is loaded once, in a process of its own that may take what the run allows and no more: one that hangs, leaks,
exits or crashes there ends with the error of a local run, and Ray's own process lives to tell it. Nothing here knows
Ray: the engine makes an actor of the class, and tests call it as it is.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from benchbed.errors import BenchbedError
from benchbed.provenance import code_hash, versions
from benchbed.run.executing.local import Done, begin, work
from benchbed.run.executing.shipping import Piece, files_of, signature, unpack
from benchbed.run.isolating.process import Isolated, ProcessDied, parts, receive
from benchbed.run.job.job import Job, Unit


@dataclass(frozen=True)
class WorkerSurroundings:
    """What a worker must have in common with the process that named the units.

    Attributes
    ----------
    node : str
        Name of its machine, for messages.
    code : str
        Digest of benchbed's code.
    versions : dict of str to str
        Versions of packages.
    adapter : bool
        The model's file is there.
    clips : str
        Signature of the clips at their path; empty where they were not looked at.
    process : int
        Its process id.
    """

    node: str
    code: str
    versions: dict[str, str]
    adapter: bool
    clips: str
    process: int


@dataclass(frozen=True)
class Returned:
    """A finished unit on its way home, or the error that ends the run.

    Attributes
    ----------
    unit : str
        Its id.
    content : bytes
        The unit's file.
    failures : int
        Predictions that failed.
    cpu_seconds : float
        CPU time it took.
    error : BenchbedError, optional
        What no other worker could mend, unless `lost`.
    lost : bool
        The process that computes died, e.g. since the machine ran out of memory: another worker may try.
    """

    unit: str
    content: bytes = b""
    failures: int = 0
    cpu_seconds: float = 0.0
    error: BenchbedError | None = None
    lost: bool = False


class UnitWorker:
    """One worker: a model that is loaded once, and the clips of one job.

    Parameters
    ----------
    job : Job
        The run.
    folder : str
        Working directory of the process that began the run, from which relative paths of options are meant.
    """

    def __init__(self, job: Job, folder: str) -> None:
        if os.path.isdir(folder):
            os.chdir(folder)
        self.job = job
        self._process: Isolated | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="benchbed-unit-")

    def surroundings(self, look: bool) -> WorkerSurroundings:
        """What is here; with `look`, the clips at their path, too."""
        clips = signature(self.job.root, files_of(self.job)) if look else ""
        there = self.job.source is None or self.job.source.is_file()
        return WorkerSurroundings(socket.gethostname(), code_hash("."), versions(), there, clips, os.getpid())

    def receive(self, name: str, shipped: list) -> str:
        """Take clips that were shipped; `shipped` are pieces, or references to them that Ray resolves one by one."""
        self.job = replace(self.job, root=unpack(name, map(_resolved, shipped)))
        return str(self.job.root)

    def compute(self, unit: Unit) -> Returned:
        """A unit's file."""
        try:
            done = self._computed(unit)
            file = Path(self._scratch.name) / f"{unit.id}.parquet"
            content = file.read_bytes()
            file.unlink()
        except ProcessDied as error:
            self.close()
            return Returned(unit.id, error=error, lost=True)
        except BenchbedError as error:
            self.close()
            return Returned(unit.id, error=error)
        return Returned(unit.id, content, done.failures, done.cpu_seconds)

    def _computed(self, unit: Unit) -> Done:
        """Have a unit's file written into the scratch folder, where the model is loaded with the first one."""
        if self._process is None:
            name = Path(self.job.recipe[0].rpartition(":")[0] or self.job.recipe[0]).stem
            with _threads(self.job.threads):
                self._process = Isolated(name, self.job.limits, interruptible=False)
            self._process.send(partial(begin, self.job, Path(self._scratch.name)))
            receive([self._process], self._process.inbox)
        (done,) = parts(self._process, partial(work, (unit,)))
        return done

    def close(self) -> None:
        """End the process that computes; the next unit starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.close()


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """What a process computes with that is started here, whatever the node has set: part of the name of its units."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _resolved(piece: Piece | object) -> Piece:
    if isinstance(piece, list):
        return piece
    import ray

    content: Piece = ray.get(piece)
    return content
