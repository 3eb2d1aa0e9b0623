"""The process that speaks with Ray: one actor for each worker, units dealt to them, their files sent home.

It runs apart from the run itself (see `ray_engine`), and ends with it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Protocol

from benchbed.errors import BenchbedError, CannotMeasure, ConfigError
from benchbed.packages import need
from benchbed.provenance import code_hash, versions
from benchbed.run.attacking.subset import passes
from benchbed.run.executing.dealing import Dealer
from benchbed.run.executing.ray_worker import Returned, UnitWorker, WorkerSurroundings
from benchbed.run.executing.shipping import files_of, pieces, signature
from benchbed.run.job.cluster import ClusterAsked
from benchbed.run.job.job import Job, Unit

#: Seconds for which the driver waits for news before it looks for idle workers and lost nodes.
TICK = 2.0
#: Seconds without any worker after which a cluster is given up.
PATIENCE = 120.0
#: Seconds within which a cluster says whether it asks for a token.
QUESTION_SECONDS = 60.0
#: Workers that may be lost one after another without a unit finished in between, beyond which something is wrong.
MOST_LOST_RUNNING = 12


class Pipe(Protocol):
    """One end of a pipe between two processes."""

    def send(self, message: object, /) -> None:
        """Send one message."""

    def recv(self) -> object:
        """The next message."""

    def recv_bytes(self) -> bytes:
        """The next message, as it lies in the pipe."""

    def close(self) -> None:
        """Let the other side see the end."""


class RemoteHandle(Protocol):
    """What Ray's objects are here: nothing of them has types."""

    def __getattr__(self, name: str) -> RemoteHandle: ...

    def __call__(self, *args: object, **kwargs: object) -> RemoteHandle: ...


@dataclass
class _Worker:
    """An actor, and what is on its way from it."""

    name: str
    actor: RemoteHandle
    ready: bool = False
    units: dict[object, Unit] = field(default_factory=dict)
    node: str = ""


def drive(pipe: Pipe, job: Job, units: list[Unit], cluster: ClusterAsked, workers: int, folder: str) -> None:
    """Compute units on a cluster and send each one's `Returned`, then None; an error in the place of what follows.

    Parameters
    ----------
    pipe : Pipe
        To the run; when its other end is closed, this process leaves.
    job, units, cluster, workers
        As the run has them.
    folder : str
        Working directory of the run.
    """
    threading.Thread(target=_leave_with, args=(pipe,), daemon=True).start()
    try:
        with _connected(cluster, workers) as ray:
            for returned in _Drive(ray, job, units, cluster, workers, folder).results():
                pipe.send(returned)
        pipe.send(None)
    except BenchbedError as error:
        pipe.send(error)
    finally:
        with contextlib.suppress(OSError):
            pipe.close()


def _leave_with(pipe: Pipe) -> None:
    """End this process when the run is gone; nothing is ever sent this way."""
    with contextlib.suppress(EOFError, OSError):
        pipe.recv_bytes()
    os._exit(1)


@contextlib.contextmanager
def _connected(cluster: ClusterAsked, workers: int) -> Iterator[ModuleType]:
    """Ray, connected to the cluster that is meant."""
    # Offline: nothing is reported to anybody.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", "20")
    if cluster.address and _has_token() and "RAY_AUTH_MODE" not in os.environ and _asks(cluster.address):
        # A driver only shows its token where it is told to; it then asks for one itself, which a cluster without one
        # does not have.
        os.environ["RAY_AUTH_MODE"] = "token"
    need(("ray",), "a cluster")
    import ray

    asked: dict[str, object] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    if cluster.address:
        asked["address"] = cluster.address
    else:
        asked |= {"address": "local", "include_dashboard": False}
        if workers:
            asked["num_cpus"] = max(workers, 1) * max(1, round(cluster.cpus or 1))
    try:
        with contextlib.nullcontext() if cluster.address else _bare(ray):
            ray.init(**asked)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise CannotMeasure(
            f"the Ray cluster cannot be reached: {str(error).strip().splitlines()[0]}",
            where=cluster.address or "on this machine",
            hint="`ray start --head` starts one, `ray status` shows it; its token has to be in ~/.ray/auth_token or "
            "RAY_AUTH_TOKEN here, too; without --address a cluster is started here",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


#: Processes that a cluster of one run has no use for (autoscaling, logs sent to drivers, a dashboard), by the methods
#: that start them, and the version of Ray that runs were tested in without them; another one starts them all the same.
_SERVICES, _SERVICES_OF = ("start_monitor", "start_log_monitor", "start_api_server"), "2.60."


@contextlib.contextmanager
def _bare(ray: ModuleType) -> Iterator[None]:
    """Leave `_SERVICES` out of a cluster that starts, two CPU seconds of each run; `ray.init` has no words for it."""
    with contextlib.ExitStack() as patches:
        if str(getattr(ray, "__version__", "")).startswith(_SERVICES_OF):
            with contextlib.suppress(ImportError, AttributeError):
                from ray._private.node import Node

                for name in _SERVICES:
                    started = getattr(Node, name)
                    setattr(Node, name, _not_started)
                    patches.callback(setattr, Node, name, started)
        yield


def _not_started(*_: object, **__: object) -> None:
    """In the place of a service."""


def _has_token() -> bool:
    """Whether a cluster's token is known here."""
    named = [os.environ.get("RAY_AUTH_TOKEN_PATH", ""), str(Path.home() / ".ray" / "auth_token")]
    return bool(os.environ.get("RAY_AUTH_TOKEN")) or any(name and os.path.isfile(name) for name in named)


_QUESTION = """
import sys
from ray._private.services import canonicalize_bootstrap_address_or_die as found
from ray._raylet import GcsClient
GcsClient(address=found(sys.argv[1]))
"""


def _asks(address: str) -> bool:
    """Whether a cluster refuses who shows no token; Ray settles that once in a process, so another one finds out."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _QUESTION, address],
            env={**os.environ, "RAY_AUTH_MODE": "disabled"},
            capture_output=True,
            timeout=QUESTION_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return True
    return asked.returncode != 0


class _Drive:
    """One connection's worth of work."""

    def __init__(
        self, ray: ModuleType, job: Job, units: list[Unit], cluster: ClusterAsked, workers: int, folder: str
    ) -> None:
        self.ray, self.job, self.cluster, self.folder = ray, job, cluster, folder
        self.cpus = cluster.cpus or float(job.threads)
        self.wanted = min(workers or self._room(), len(units)) or 1
        self.dealer = Dealer([(unit, float(passes(job, unit))) for unit in units], self.wanted)
        self.workers: dict[str, _Worker] = {}
        self.waiting: dict[object, str] = {}
        self.starting: dict[object, str] = {}
        self.count = self.lost_running = 0
        self.code, self.versions = code_hash("."), versions()
        self.files = files_of(job)
        self.clips = signature(job.root, self.files)
        self.shipped: list[object] = []
        self.job_ref = ray.put(job)

    def results(self) -> Iterator[Returned]:
        """Every unit once, as it comes."""
        for _ in range(self.wanted):
            self._hire()
        alone_since = time.monotonic()
        while self.dealer.left:
            self._deal()
            due, _ = self.ray.wait([*self.waiting, *self.starting], num_returns=1, timeout=TICK)
            for reference in due:
                if reference in self.starting:
                    self._welcome(reference)
                elif (returned := self._take(reference)) is not None:
                    yield returned
            if any(worker.ready for worker in self.workers.values()):
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > PATIENCE:
                raise CannotMeasure(
                    f"no worker could be started in {PATIENCE:.0f} s: the cluster has no room for {self._need()}",
                    hint="`ray status`; less for each worker: --worker-cpus, --worker-gpus, --worker-memory",
                )

    def _room(self) -> int:
        """Workers that the cluster has room for."""
        have: dict[str, float] = self.ray.cluster_resources()
        room = [have.get("CPU", 1.0) / self.cpus]
        room += [have.get("GPU", 0.0) / self.cluster.gpus] if self.cluster.gpus else []
        room += [have.get("memory", 0.0) / self.cluster.memory] if self.cluster.memory else []
        return max(1, int(min(room)))

    def _need(self) -> str:
        need = [f"{self.cpus:g} CPU", f"{self.cluster.gpus:g} GPU", f"{self.cluster.memory:,} bytes of memory"]
        return ", ".join(word for word in need if not word.startswith("0 "))

    def _hire(self) -> None:
        """Start one more worker, wherever there is room."""
        self.count += 1
        name = f"worker-{self.count}"
        # No `runtime_env`: with one Ray starts a process more, beside the one that waits for an actor already.
        asked: dict[str, object] = {"num_cpus": self.cpus, "max_restarts": 0}
        asked |= {"num_gpus": self.cluster.gpus} if self.cluster.gpus else {}
        asked |= {"memory": self.cluster.memory} if self.cluster.memory else {}
        actor = self.ray.remote(UnitWorker).options(**asked).remote(self.job_ref, self.folder)
        self.workers[name] = _Worker(name, actor)
        look = self.cluster.ship == "auto"
        self.starting[actor.surroundings.remote(look)] = name

    def _welcome(self, reference: object) -> None:
        """A worker that has come up, or has its clips."""
        worker = self.workers.get(self.starting.pop(reference))
        if worker is None:
            return
        try:
            here = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            self._dismiss(worker, error)
            return
        if isinstance(here, WorkerSurroundings):
            self._fits(here)
            worker.node = here.node
            ship = self.cluster.ship
            if ship == "always" or (ship == "auto" and here.clips != self.clips):
                self.starting[worker.actor.receive.remote(self.clips, self._pieces())] = worker.name
                return
        worker.ready = True

    def _fits(self, here: WorkerSurroundings) -> None:
        """Refuse a node on which the same unit could have another answer."""
        if here.code != self.code:
            raise ConfigError(
                f"the node {here.node} has another benchbed than this machine",
                hint="install the same version on every node, or give all of them one environment",
            )
        # All that the record will name as what it was made with, also what has no part in an answer.
        names = sorted({*here.versions, *self.versions})
        other = [name for name in names if _version(here, name) != _version(self, name)]
        if other:
            told = ", ".join(f"{name} {here.versions.get(name)} (here {self.versions.get(name)})" for name in other)
            raise ConfigError(f"the node {here.node} has {told}", hint="the same versions on every node")
        if not here.adapter:
            raise ConfigError(
                f"the node {here.node} does not see the model",
                where=str(self.job.source),
                hint="put the adapter and its weights on a path that every node has",
            )

    def _pieces(self) -> list[object]:
        """References to the clips, which are read and put into the cluster's memory once."""
        if not self.shipped:
            self.shipped = [self.ray.put(piece) for piece in pieces(self.job.root, self.files)]
        return self.shipped

    def _deal(self) -> None:
        now = time.monotonic()
        for worker in self.workers.values():
            if worker.ready and not worker.units:
                for unit in self.dealer.deal(worker.name, now):
                    reference = worker.actor.compute.remote(unit)
                    worker.units[reference] = unit
                    self.waiting[reference] = worker.name

    def _take(self, reference: object) -> Returned | None:
        """A unit that has come, unless a copy of it was faster or its worker was lost."""
        worker = self.workers.get(self.waiting.pop(reference))
        if worker is None:
            return None
        try:
            returned: Returned = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError:
            raise  # a fault of ours, not of a node
        except self.ray.exceptions.RayError as error:
            self._dismiss(worker, error)
            return None
        if returned.lost:
            assert returned.error is not None
            self._dismiss(worker, returned.error)
            return None
        unit = worker.units.pop(reference)
        if returned.error is not None:
            raise returned.error
        self.lost_running = 0
        return returned if self.dealer.finished(worker.name, unit, returned.cpu_seconds) else None

    def _dismiss(self, worker: _Worker, error: Exception) -> None:
        """A worker is lost: what it had is dealt again, and another one takes its place."""
        del self.workers[worker.name]
        for reference in worker.units:
            self.waiting.pop(reference, None)
        for reference in [one for one, name in self.starting.items() if name == worker.name]:
            del self.starting[reference]
        why = str(error).strip().splitlines()[0]
        self.dealer.lost(worker.name, blamed=not self._node_gone(worker), why=why)
        with contextlib.suppress(Exception):
            self.ray.kill(worker.actor)
        self.lost_running += 1
        if self.lost_running >= MOST_LOST_RUNNING:
            raise CannotMeasure(
                f"{self.lost_running} workers were lost one after another, the last one with: {why}",
                where=worker.node or None,
                hint="`ray status`, and the logs of Ray on that node",
            )
        self._hire()

    def _node_gone(self, worker: _Worker) -> bool:
        """Whether fewer nodes live than before: the loss is then no fault of what was computed."""
        alive = sum(bool(node["Alive"]) for node in self.ray.nodes())
        before, self.alive = getattr(self, "alive", alive), alive
        return alive < before


def _version(of: WorkerSurroundings | _Drive, name: str) -> str:
    """A package's version as it is part of a unit's name: of Python, what its second digit says."""
    version = of.versions.get(name, "none")
    return ".".join(version.split(".")[:2]) if name == "python" else version
