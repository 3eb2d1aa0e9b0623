"""What a worker of a cluster does: load the model once, compute the units it is given, and hand back their files.

Nothing here knows Ray: the engine makes an actor of the class, and tests call it as it is.
"""

from __future__ import annotations

import os
import socket
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from benchbed.adapter.checkpoint import trusting
from benchbed.errors import AdapterError, BenchbedError
from benchbed.provenance import code_hash, versions
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.local import compute_into
from benchbed.run.executing.shipping import Piece, files_of, signature, unpack
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
        What no other worker could mend.
    """

    unit: str
    content: bytes = b""
    failures: int = 0
    cpu_seconds: float = 0.0
    error: BenchbedError | None = None


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
        self._engine: Engine | None = None

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
            if self._engine is None:
                self._engine = Engine(self.job)
            with tempfile.TemporaryDirectory(prefix="benchbed-unit-") as scratch, trusting(self.job.trust_checkpoint):
                # The model is loaded with the first unit.
                done = compute_into(Path(scratch), self._engine, unit)
                content = (Path(scratch) / f"{unit.id}.parquet").read_bytes()
        except BenchbedError as error:
            return Returned(unit.id, error=error)
        except SystemExit as left:
            what = f"code of the model called sys.exit({left.code!r})"
            return Returned(unit.id, error=AdapterError(what, where=self.job.recipe[0]))
        return Returned(unit.id, content, done.failures, done.cpu_seconds)


def _resolved(piece: Piece | object) -> Piece:
    if isinstance(piece, list):
        return piece
    import ray

    content: Piece = ray.get(piece)
    return content
