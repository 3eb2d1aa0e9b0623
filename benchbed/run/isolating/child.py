"""The other end of a process of its own: it takes calls from its parent, and ends with it.

Standard output belongs to the command: whatever a model prints, even natively, goes to standard error. The calls come,
and their results go, over pipes that no other code holds.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pickle import load
from types import GeneratorType
from typing import BinaryIO

from benchbed.adapter import pulse
from benchbed.errors import AdapterError, BenchbedError
from benchbed.packages import unusable
from benchbed.run.collecting import OwnProcess
from benchbed.run.isolating import offspring
from benchbed.run.isolating.asking import opened, said

#: Signal upon which the process notes where its main thread is.
WHERE = getattr(signal, "SIGUSR1", None)
#: Linux: the signal that a process gets when its parent ends.
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Begin:
    """What a process is told first.

    Attributes
    ----------
    path, environment : list of str, dict of str to str
        Search path of modules and environment of the parent, which need not be what made benchbed found here.
    folder : str
        The parent's working directory.
    parent : int
        Its process.
    pulse, faults : int
        Descriptors of the files that show what is going on, and where a crash happened; -1 for none.
    interruptible : bool
        Ctrl-C reaches it; a worker's parent ends it.
    """

    path: list[str]
    environment: dict[str, str]
    folder: str
    parent: int
    pulse: int
    faults: int
    interruptible: bool


def main() -> None:
    """Take calls over standard input until there are none, or the parent is gone."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    _serve(calls, answers, None)


@dataclass(frozen=True)
class BornFrom:
    """How a process came about that a fork server made.

    Attributes
    ----------
    server : int
        The process that forked, with which this one ends.
    pulse, faults : int
        Descriptors, as in `Begin`.
    """

    server: int
    pulse: int
    faults: int


def born(server: int, calls: int, answers: int, errors: int, pulse: int, faults: int) -> None:
    """Take calls in a process that a fork server made.

    Parameters
    ----------
    server : int
        Its process.
    calls, answers, errors, pulse, faults : int
        Files that are open here.
    """
    os.dup2(errors, 2)
    os.dup2(errors, 1)
    os.close(errors)
    _serve(os.fdopen(calls, "rb"), os.fdopen(answers, "wb"), BornFrom(server, pulse, faults))


def _serve(calls: BinaryIO, answers: BinaryIO, origin: BornFrom | None) -> None:
    from benchbed.adapter.names import ModelsAlone  # stands on numpy, which whoever only supervises does without

    opened(calls, answers)
    OwnProcess.here = ModelsAlone.here = True
    begin: Begin = load(calls)
    if origin is not None:
        begin = replace(begin, parent=origin.server, pulse=origin.pulse, faults=origin.faults)
    _prepare(begin, followed=origin is None)
    while True:
        try:
            call = load(calls)
        except EOFError:
            break
        except BaseException as error:  # what was sent names a module that this process cannot import
            said(answers, ("broken", error, ""))
            continue
        if not _answered(answers, call):
            break
    _leave()


def _prepare(begin: Begin, followed: bool) -> None:
    os.environ.clear()
    os.environ.update(begin.environment)
    sys.path[:] = begin.path
    with contextlib.suppress(OSError):  # a folder that is gone has no part in what follows
        os.chdir(begin.folder)
    _end_with(begin.parent, followed)
    offspring.kept_below()
    if begin.pulse >= 0:
        pulse.show(begin.pulse)
    if begin.faults >= 0:
        faulthandler.enable(file=begin.faults, all_threads=False)
        if WHERE is not None:
            faulthandler.register(WHERE, file=begin.faults, all_threads=False)
    if not begin.interruptible:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_with(parent: int, followed: bool) -> None:
    """Have this process end when its parent does, however that ends; a fork server sees to its children itself."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if hasattr(os, "getppid"):
        if os.getppid() != parent:
            os._exit(1)  # it ended before it could be followed
        if followed:
            threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _answered(answers: BinaryIO, call: Callable[[], object]) -> bool:
    """Answer one call; False where there is nobody to answer to."""
    try:
        result = call()
        if isinstance(result, GeneratorType):
            for item in result:
                said(answers, ("item", item, ""))
            result = None
        word: tuple[str, object, str] = ("done", result, "")
    except BenchbedError as error:
        word = "failed", error, ""
    except SystemExit as error:
        word = "failed", AdapterError(f"code of a model called sys.exit({error.code!r})", hint="take the exit out"), ""
    except BaseException as error:
        # An exception loses its traceback on its way, by which it is known whose it is.
        word = "broken", unusable(error) or _astray(error) or error, traceback.format_exc()
    return said(answers, word)


def _astray(error: BaseException) -> BenchbedError | None:
    from benchbed.adapter.astray import astray

    return astray(error)


def _leave() -> None:
    """End now, whatever threads and programs a model has left behind; what wanted to be called at the end is called."""
    import atexit

    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    with contextlib.suppress(BaseException):
        offspring.end()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _frames(text: str) -> Iterator[tuple[str, int]]:
    """File and line of each frame of what `faulthandler` wrote, innermost first."""
    for line in text.splitlines():
        head, _, tail = line.strip().partition('", line ')
        if head.startswith('File "'):
            with contextlib.suppress(ValueError):
                yield head.removeprefix('File "'), int(tail.split(" ")[0])


def place_in(text: str) -> str | None:
    """The innermost place in code of the user's, of what `faulthandler` wrote.

    Examples
    --------
    >>> place_in('Current thread 0x1:\\n  File "/home/me/net.py", line 7 in predict\\n')
    '/home/me/net.py:7'
    """
    from benchbed.adapter.watch import place_of

    return next((f"{file}:{line}" for file, line in _frames(text) if place_of(file) == "own"), None)


if __name__ == "__main__":
    main()
