"""Processes that a fork server makes, seen from the process that wants them.

A fork server has imported torch, pandas and benchbed once, so that a process of its own costs a fork and no imports:
those of a model, its workers, and the next model of the command. The command itself is forked for the server where
it may be (`command`), so that nothing is imported twice. Where there is no such server (no Linux, something in it has
threads, other settings of the environment than it began with) a process is started anew, and costs its imports.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, ClassVar, cast

from benchbed.run.isolating.command import forkable
from benchbed.run.isolating.imported import load

#: The first word of what a client asks, and what the server says when it is ready.
FORK, WARM, CLIENT = "fork", "warm", ("ready",)
#: Bytes that one message may have.
_MOST = 65536
#: The server, which knows of this module and is started by its name.
_PROGRAM = "benchbed.run.isolating.forkserver"


@dataclass(frozen=True)
class ForkReply:
    """The answer to a request: the process that was made."""

    number: int
    process: int


@dataclass(frozen=True)
class Refused:
    """The answer to a request that would not be safe."""

    number: int


@dataclass(frozen=True)
class ChildEnded:
    """A process has ended, with its exit code or minus the signal."""

    process: int
    code: int


def said(connection: socket.socket, message: object, descriptors: Sequence[int] = ()) -> None:
    """Send one message, with files that are open here."""
    socket.send_fds(connection, [pickle.dumps(message)], list(descriptors))


def received(connection: socket.socket) -> tuple[tuple[object, ...], list[int]]:
    """The next request, and the files that came with it.

    Raises
    ------
    EOFError
        The other side is gone.
    """
    data, descriptors, _, _ = socket.recv_fds(connection, _MOST, 8)
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # programs that a model starts have no part in them
    if not data:
        raise EOFError
    return cast("tuple[object, ...]", pickle.loads(data)), list(descriptors)


class Child:
    """A process that a server made, with as much of `subprocess.Popen` as is needed here.

    Attributes
    ----------
    pid : int
    stdin, stdout : file
        Its calls and its answers.
    returncode : int or None
    """

    def __init__(self, pid: int, stdin: BinaryIO, stdout: BinaryIO) -> None:
        self.pid, self.stdin, self.stdout = pid, stdin, stdout
        self.returncode: int | None = None
        self._over = threading.Event()

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self.returncode = code
        self._over.set()

    def poll(self) -> int | None:
        """Its exit code, minus the signal that ended it, or None while it lives."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            It has not.
        """
        if not self._over.wait(timeout):
            raise subprocess.TimeoutExpired("a process of its own", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal while it lives."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)


@dataclass
class _Request:
    """A process that is on its way."""

    done: threading.Event = field(default_factory=threading.Event)
    process: int | None = None


class Forked:
    """The connection of this process to a server.

    Parameters
    ----------
    connection : socket.socket
    """

    #: In a process that a server made: its own connection to it, as long as nobody has asked anything of it.
    connection: ClassVar[socket.socket | None] = None

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._lock = connection, threading.Lock()
        self._requests: dict[int, _Request] = {}
        self._children: dict[int, Child] = {}
        self._ended: dict[int, int] = {}
        self._count = 0
        self.gone = False
        threading.Thread(target=self._listen, daemon=True).start()

    def warm(self, modules: Sequence[str]) -> None:
        """Have the server import modules of benchbed, which every process that it makes later then has."""
        with contextlib.suppress(OSError):
            said(self._connection, (WARM, *modules))

    def fork(self, descriptors: Sequence[int]) -> Child | None:
        """A new process that takes calls; None where the server cannot make one.

        Parameters
        ----------
        descriptors : sequence of int
            Files that are open here and that it gets: standard error, the pulse and the notes of a crash.
        """
        takes, calls = os.pipe()
        answers, gives = os.pipe()
        request = _Request()
        with self._lock:
            self._count += 1
            number = self._count
            self._requests[number] = request
        try:
            said(self._connection, (FORK, number), [takes, gives, *descriptors])
            while not request.done.wait(1.0):
                if self.gone:
                    break
        except OSError:
            self.gone = True
        finally:
            os.close(takes)
            os.close(gives)
        if request.process is None:
            os.close(calls)
            os.close(answers)
            return None
        child = Child(request.process, os.fdopen(calls, "wb"), os.fdopen(answers, "rb"))
        with self._lock:
            self._children[child.pid] = child
            code = self._ended.pop(child.pid, None)
        if code is not None:
            child.end(code)
        return child

    def _listen(self) -> None:
        try:
            while True:
                self._hear(socket.recv_fds(self._connection, _MOST, 0)[0])
        except (OSError, EOFError):
            pass
        self.gone = True
        with self._lock:
            left = list(self._children.values())
        for child in left:
            child.end(-signal.SIGKILL)  # they end with their server

    def _hear(self, data: bytes) -> None:
        if not data:
            raise EOFError
        message = pickle.loads(data)
        if isinstance(message, ForkReply | Refused):
            with self._lock:
                request = self._requests.pop(message.number)
            request.process = message.process if isinstance(message, ForkReply) else None
            request.done.set()
        elif isinstance(message, ChildEnded):
            with self._lock:
                child = self._children.pop(message.process, None)
                if child is None:
                    self._ended[message.process] = message.code
            if child is not None:
                child.end(message.code)

    def close(self) -> None:
        """Ask for nothing more; what is left of the processes that were made for this one ends."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()


@dataclass(frozen=True)
class _Parted:
    """A server that was forked off this process."""

    pid: int

    def wait(self) -> None:
        """Wait until it has ended."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


_Server = subprocess.Popen[bytes] | _Parted


@dataclass
class _Kept:
    """The server that this process uses, for as long as somebody holds it."""

    forked: Forked | None = None
    process: _Server | None = None
    surroundings: tuple[object, ...] = ()
    holders: int = 0

    def close(self) -> None:
        """Let go of the server."""
        forked, process = self.forked, self.process
        self.forked = self.process = None
        if forked is not None:
            forked.close()
        if process is not None:
            process.wait()


_kept, _lock = _Kept(), threading.Lock()


def forget() -> None:
    """Know no server, in a process that was forked off one which knows of its own."""
    global _kept, _lock
    _kept, _lock = _Kept(), threading.Lock()


@contextlib.contextmanager
def serving() -> Iterator[None]:
    """Keep a fork server for as long as the block lasts, for all processes of their own that are made in it."""
    with _lock:
        _kept.holders += 1
    try:
        yield
    finally:
        with _lock:
            _kept.holders -= 1
            if _kept.holders == 0 and _kept.process is not None:
                _kept.close()


def forked() -> Forked | None:
    """The server of this process, started if need be; None where there is none to be had, or nobody keeps it."""
    if not sys.platform.startswith("linux") or os.environ.get("BENCHBED_FORK") == "0":
        return None
    with _lock:
        if Forked.connection is not None:
            # A process that was forked itself asks the server that made it.
            _kept.forked, Forked.connection = Forked(Forked.connection), None
        elif _kept.process is not None and _kept.surroundings != _surroundings():
            _kept.close()
        if _kept.forked is not None and _kept.forked.gone:
            _kept.close()
        if _kept.forked is None and _kept.holders:
            _kept.surroundings = _surroundings()
            _kept.forked, _kept.process = _started()
        return _kept.forked


def _surroundings() -> tuple[object, ...]:
    """What libraries look at when they are loaded, which is over by the time that a server forks."""
    return dict(os.environ), list(sys.path)


def _started() -> tuple[Forked | None, _Server | None]:
    here = False
    if forkable():
        load()
        here = forkable()
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        process = _parted(theirs) if here else _anew(theirs)
    except OSError:
        mine.close()
        return None, None
    finally:
        theirs.close()
    try:
        received(mine)  # it has imported what it had to, or is gone
    except (EOFError, OSError):
        mine.close()
        process.wait()
        return None, None
    return Forked(mine), process


def _parted(connection: socket.socket) -> _Parted:
    return _Parted(importlib.import_module(_PROGRAM).parted(connection))


def _anew(connection: socket.socket) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    words = ["-m", _PROGRAM, str(os.getpid()), str(connection.fileno())]
    return subprocess.Popen(
        [sys.executable, *flags, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env=environment,
        pass_fds=(connection.fileno(),),
    )
