"""A process that imports once what every process of a command needs, and forks for each of them.

It runs no model and computes nothing: libraries whose threads do not survive a fork have none yet. It has one thread,
and a child that it forks is one more client, which may ask for children of its own. A client that goes takes its
children with it, however it went. It is an interpreter of its own, or a fork of the command itself (`parted`), which
then imports nothing a second time.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
from dataclasses import dataclass, field
from typing import NoReturn

from benchbed.run.isolating import offspring
from benchbed.run.isolating.forking import (
    CLIENT,
    FORK,
    WARM,
    ChildEnded,
    Forked,
    ForkReply,
    Refused,
    forget,
    received,
    said,
)
from benchbed.run.isolating.imported import load

#: Packages whose modules may be imported here, before anybody has chosen a model: those of models are imported where
#: they run.
_OURS = ("benchbed.", "pyarrow.", "scipy.")


@dataclass
class _Client:
    """A process that may ask for others.

    Attributes
    ----------
    process : int
        Its id; 0 for the one that started the server.
    children : set of int
        Processes that were forked for it and live.
    """

    process: int
    children: set[int] = field(default_factory=set)


class _Server:
    """The server's side of every connection."""

    def __init__(self, first: socket.socket, parent: int) -> None:
        self.selector = selectors.DefaultSelector()
        self.clients: dict[socket.socket, _Client] = {}
        self.owner: dict[int, socket.socket] = {}
        self.first = first
        self._admit(first, 0)
        self.parent = _watched(parent)
        if self.parent is not None:
            self.selector.register(self.parent, selectors.EVENT_READ, "parent")
        self.waker, writer = socket.socketpair()
        for end in (self.waker, writer):
            end.setblocking(False)
        self.writer = writer
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self.selector.register(self.waker, selectors.EVENT_READ, "waker")

    def _admit(self, connection: socket.socket, process: int) -> None:
        self.clients[connection] = _Client(process)
        self.selector.register(connection, selectors.EVENT_READ, "client")

    def serve(self) -> None:
        """Answer until the one that started the server is gone."""
        while self.first in self.clients:
            for key, _ in self.selector.select():
                if key.data == "parent":
                    return
                if key.data == "waker":
                    with contextlib.suppress(BlockingIOError):
                        self.waker.recv(4096)
                    self._reap()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self.clients:
                    self._asked(key.fileobj)

    def _asked(self, connection: socket.socket) -> None:
        try:
            asked, descriptors = received(connection)
        except (OSError, EOFError):
            self._drop(connection)
            return
        if asked[0] == WARM:
            for name in asked[1:]:
                if str(name).startswith(_OURS):
                    # What cannot be imported says so where it is needed.
                    with contextlib.suppress(Exception):
                        importlib.import_module(str(name))
            gc.freeze()
        elif asked[0] == FORK:
            self._fork(connection, int(str(asked[1])), descriptors)

    def _fork(self, connection: socket.socket, number: int, descriptors: list[int]) -> None:
        """Fork for a client, unless something here has begun a thread, which would be missing in the child."""
        if threading.active_count() > 1:
            reply: ForkReply | Refused = Refused(number)
        else:
            mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            process = os.fork()
            if process == 0:
                self._child(theirs, descriptors)
            theirs.close()
            self._admit(mine, process)
            self.clients[connection].children.add(process)
            self.owner[process] = connection
            reply = ForkReply(number, process)
        for descriptor in descriptors:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            said(connection, reply)

    def _child(self, connection: socket.socket, descriptors: list[int]) -> NoReturn:
        """Become the process that was asked for."""
        code = 1
        try:
            server = os.getppid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.selector.close()
            ours = [*self.clients, self.waker, self.writer]
            for each in ours:
                each.close()
            if self.parent is not None:
                os.close(self.parent)
            _fresh_chance()
            Forked.connection = connection
            from benchbed.run.isolating.child import born

            born(server, *descriptors)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            owner = self.owner.pop(process, None)
            if owner is not None and status:
                # What a model had started is here now, since its process could not see to it.
                offspring.end(self.owner, 0.0)
            if owner in self.clients:
                self.clients[owner].children.discard(process)
                with contextlib.suppress(OSError):
                    said(owner, ChildEnded(process, os.waitstatus_to_exitcode(status)))

    def _drop(self, connection: socket.socket) -> None:
        """A client is gone, or wants nothing more: what was forked for it ends."""
        client = self.clients.pop(connection)
        self.selector.unregister(connection)
        connection.close()
        for child in client.children:
            offspring.end_below(child)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _fresh_chance() -> None:
    """Give the child random numbers of its own where a fork would repeat those of its siblings."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _watched(parent: int) -> int | None:
    """A descriptor that can be read when a process has ended, where the system has such."""
    try:
        return os.pidfd_open(parent)
    except (AttributeError, OSError):
        return None


def parted(connection: socket.socket) -> int:
    """Fork a server off this process, which has loaded and has one thread; the server's process.

    Parameters
    ----------
    connection : socket.socket
        The server's end.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    parent = os.getpid()
    process = os.fork()
    if process == 0:
        try:
            _part(connection)
            _serve(parent, connection)
        finally:
            os._exit(1)
    return process


def _part(connection: socket.socket) -> None:
    """Give back what a new interpreter would not have had of the process that forked this one."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    kept = connection.fileno()
    for descriptor in sorted(map(int, os.listdir("/proc/self/fd"))):
        if descriptor > 2 and descriptor != kept:
            with contextlib.suppress(OSError):  # the list was read through one that is gone
                os.close(descriptor)
    sys.argv = sys.argv[:1]
    forget()


def main() -> None:
    """Serve the process that started this one; see `forking.forked`."""
    parent, descriptor = int(sys.argv[1]), int(sys.argv[2])
    connection = socket.socket(fileno=descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    _serve(parent, connection)


def _serve(parent: int, connection: socket.socket) -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever may be interrupted hears it itself
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):  # whoever started it was ended meanwhile
        said(connection, CLIENT)
        offspring.kept_below()
        _Server(connection, parent).serve()
    offspring.end(grace=0.0)
    os._exit(0)  # its children end with it


if __name__ == "__main__":
    main()
