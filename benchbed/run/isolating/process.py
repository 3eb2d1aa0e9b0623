"""One process of its own, seen from its parent: started, called, watched, and ended for good.

It is no fork of its parent, since threads of libraries do not survive one, and no process of `multiprocessing`, whose
start runs the user's script a second time, and whose helper outlives a parent that is killed. A fork server that has
run nothing makes it where there is one (`forking`); elsewhere it is a new interpreter.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, BinaryIO, TypeVar, cast

from benchbed.adapter import pulse
from benchbed.errors import BenchbedError, CannotMeasure
from benchbed.run.isolating.child import WHERE, Begin, place_in
from benchbed.run.isolating.forking import Child, forked
from benchbed.run.isolating.memory import memory_limit, resident
from benchbed.run.isolating.offspring import MARKS, end_below, end_marked, new_mark
from benchbed.run.job.limits import Limits

#: Seconds between two looks at a process.
EVERY = 0.25
#: Seconds in which a process may still end by itself.
GRACE = 5.0


class ProcessDied(CannotMeasure):
    """A process of its own that ended by itself or was killed from outside, and not for what it took (exit code 3)."""


Item = TypeVar("Item")
Made = TypeVar("Made")

_CONTINUES = "what is finished is kept: the same command continues there"


@dataclass(frozen=True)
class Message:
    """What a process said.

    Attributes
    ----------
    sender : Isolated
    kind : str
        `item` of a result that comes in parts, `done`, `failed`, or `ended` for the last one.
    value : object
        The item, the result, or the error.
    """

    sender: Isolated
    kind: str
    value: object


class Isolated:
    """A process that runs calls one after the other.

    Parameters
    ----------
    name : str
        Whose it is, for errors.
    limits : Limits
        What it may take.
    inbox : queue.Queue, optional
        Takes its messages; several processes may share one.
    interruptible : bool
        Ctrl-C on the terminal reaches it.

    Examples
    --------
    >>> import functools
    >>> with contextlib.closing(Isolated("a toy", Limits())) as process:
    ...     process.send(functools.partial(divmod, 7, 2))
    ...     receive([process], process.inbox).value
    (3, 1)
    """

    def __init__(
        self,
        name: str,
        limits: Limits,
        inbox: queue.Queue[Message] | None = None,
        *,
        interruptible: bool = True,
    ) -> None:
        self.name, self.limits = name, limits
        self.inbox: queue.Queue[Message] = queue.Queue() if inbox is None else inbox
        self._most = memory_limit() if limits.memory is None else limits.memory
        self._ended: BenchbedError | None = None
        self._mark: str | None = None  # of a process that no fork server looks after
        self._pulse = tempfile.TemporaryFile()  # noqa: SIM115  (open for as long as the process is)
        self._faults = tempfile.TemporaryFile()  # noqa: SIM115
        self._pulse.truncate(pulse.SIZE)
        self._shown = mmap.mmap(self._pulse.fileno(), pulse.SIZE)
        self._process = self._started(interruptible)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _started(self, interruptible: bool) -> subprocess.Popen[bytes] | Child:
        shared = os.name == "posix"
        descriptors = (self._pulse.fileno(), self._faults.fileno()) if shared else ()
        environment = dict(os.environ)
        process: subprocess.Popen[bytes] | Child | None = self._forked(descriptors)
        if process is None:
            process = self._spawned(descriptors)
            self._mark, environment[MARKS] = new_mark(environment)
        folder = ""
        with contextlib.suppress(OSError):  # it may have been deleted
            folder = os.getcwd()
        # What is ignored here, as in a script's background, is no matter for what it starts.
        heard = interruptible and signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
        begin = Begin(list(sys.path), environment, folder, os.getpid(), *(descriptors or (-1, -1)), heard)
        self._write(process, begin)
        return process

    def _forked(self, descriptors: tuple[int, ...]) -> Child | None:
        """A process of a fork server, which has imported already; None where there is no server."""
        server = forked()
        return None if server is None else server.fork((2, *descriptors))

    def _spawned(self, descriptors: tuple[int, ...]) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        return subprocess.Popen(
            [sys.executable, *flags, "-m", "benchbed.run.isolating.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            pass_fds=descriptors,
        )

    def _write(self, process: subprocess.Popen[bytes] | Child, value: object) -> None:
        data = pickle.dumps(value)  # whole, or not at all
        assert process.stdin is not None
        # A process that is gone says so when it is read from.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(data)
            process.stdin.flush()

    def send(self, call: Callable[[], object]) -> None:
        """Have the process make a call, which must be what pickle can send: a `functools.partial` of a function."""
        self._write(self._process, call)

    def tell(self, value: object) -> None:
        """Send what the process waits for that asked within a call."""
        self._write(self._process, value)

    def _read(self) -> None:
        answers = self._process.stdout
        assert answers is not None
        try:
            while True:
                kind, value, told = pickle.load(answers)
                if told and isinstance(value, BaseException):
                    value.add_note(told)
                self.inbox.put(Message(self, "failed" if kind == "broken" else kind, value))
        except Exception:  # the end of what it says; a process that crashes may leave half an answer
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE)
            if self._mark is not None and self._process.poll() != 0:
                end_marked(self._mark)  # it could not see to that itself
            self.inbox.put(Message(self, "ended", self._why()))

    @property
    def share(self) -> float:
        """Which share of its work it has done, as far as it says."""
        return pulse.advanced(self._shown)

    def check(self) -> None:
        """End the process if it takes more than it may; its last message then says so."""
        if self._ended is not None or self._process.poll() is not None:
            return
        beat, patience = pulse.seen(self._shown), self.limits.seconds
        if beat is not None and patience is not None and time.monotonic() - beat.began > patience:
            self._ended = CannotMeasure(
                f"{self.name} did not come back within {patience:g} s from {beat.what}",
                where=self._where(),
                hint="if it only needs longer, allow more with --call-seconds; a smaller --batch-size takes less",
            )
        elif (taken := resident(self._process.pid)) > self._most:
            self._ended = CannotMeasure(
                f"the process of {self.name} takes {taken / 2**20:,.0f} MiB of memory, "
                f"{self._most / 2**20:,.0f} MiB are allowed",
                where=self._where(),
                hint="a model that keeps what it was given leaks; else a smaller --batch-size, or --memory MIB",
            )
        if self._ended is not None:
            self.kill()

    def _where(self) -> str | None:
        """Where its code is."""
        if WHERE is None:
            return None
        before = os.fstat(self._faults.fileno()).st_size
        with contextlib.suppress(OSError):
            self._process.send_signal(WHERE)
        for _ in range(20):
            time.sleep(0.05)
            if os.fstat(self._faults.fileno()).st_size > before:
                break
        return self._place()

    def _place(self) -> str | None:
        self._faults.seek(0)
        return place_in(self._faults.read().decode(errors="replace"))

    def _why(self) -> BenchbedError:
        """Why it ended."""
        if self._ended is not None:
            return self._ended
        code = self._process.poll()
        if code == 0:
            what = f"code of {self.name} ended its process, with exit code 0 and without a result"
        elif code is None or code > 0:
            what = f"code of {self.name} ended its process, with exit code {code}"
        elif code == -signal.SIGKILL:
            what = f"the process of {self.name} was killed, most likely since memory ran out"
        else:
            what = f"the process of {self.name} died of {_signal(-code)}"
        return ProcessDied(what, where=self._place(), hint=_CONTINUES)

    def kill(self) -> None:
        """End the process now, and what it has started."""
        end_below(self._process.pid)
        with contextlib.suppress(OSError):
            self._process.kill()

    def close(self, grace: float = GRACE) -> None:
        """Let the process end when it has nothing left to do, and end it where it does not."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        self._reader.join(GRACE)
        if not self._reader.is_alive():  # it still reads where a program of the model's holds the pipe
            files: Iterable[BinaryIO | mmap.mmap | IO[bytes] | None] = (
                *(self._shown, self._pulse, self._faults),
                self._process.stdout,
            )
            for file in files:
                if file is not None:
                    file.close()


def _signal(number: int) -> str:
    told = {"SIGSEGV": "a segmentation fault", "SIGABRT": "an abort", "SIGFPE": "a division by zero"}
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{told[name]} ({name})" if name in told else name


def receive(
    processes: Sequence[Isolated], inbox: queue.Queue[Message], follow: Callable[[float], None] | None = None
) -> Message:
    """The next message of several processes, which are looked after meanwhile.

    Parameters
    ----------
    processes : sequence of Isolated
    inbox : queue.Queue
        Which they share.
    follow : callable, optional
        Is told which share of its work the first of them has done.

    Raises
    ------
    BenchbedError
        What a call raised, or why a process ended.
    """
    while True:
        try:
            message = inbox.get(timeout=EVERY)
        except queue.Empty:
            for process in processes:
                process.check()
            if follow is not None:
                follow(processes[0].share)
            continue
        if message.kind == "ended":
            _tidied()
        if message.kind in ("failed", "ended"):
            assert isinstance(message.value, BaseException)
            raise message.value
        return message


def _tidied() -> None:
    """Give the terminal back as it was: a process that died left its bar there, and the cursor hidden."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[2K\x1b[?25h")
            sys.stderr.flush()


def parts(
    process: Isolated, call: Callable[[], Iterator[Item]], follow: Callable[[float], None] | None = None
) -> Iterator[Item]:
    """Items that a call yields in a process of its own, as they come; `follow` as in `receive`.

    Raises
    ------
    BenchbedError
        What the call raised, or why the process ended.
    """
    process.send(call)
    while (message := receive([process], process.inbox, follow)).kind == "item":
        yield cast("Item", message.value)


def alone(name: str, limits: Limits, call: Callable[[], Made]) -> Made:
    """What a call gives that is made in a process of its own.

    Parameters
    ----------
    name : str
        Whose it is, for errors.
    limits : Limits
        What the process may take.
    call : callable
        A `functools.partial` of a function; it and its result are what pickle can send.

    Raises
    ------
    BenchbedError
        What the call raised, or why the process ended.

    Examples
    --------
    >>> import functools
    >>> alone("a toy", Limits(), functools.partial(divmod, 7, 2))
    (3, 1)
    """
    with contextlib.closing(Isolated(name, limits)) as process:
        process.send(call)
        return cast("Made", receive([process], process.inbox).value)
