"""Programs that a model has started, which end with the process of the model.

On Linux a process can keep below itself what its children leave behind when they end, so that a program which went into
the background is found, too; elsewhere only what still hangs together. Where that process is gone and nobody above it
keeps anything, its programs are known by a mark in their environment. What tidies up after other processes ends by
itself, and is left to do so: memory that processes share would stay otherwise.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

#: Linux: orphans below a process become its children, and not those of the first process of the machine.
_PR_SET_CHILD_SUBREAPER = 36
#: Seconds that a program has to end when it is asked to.
GRACE = 1.0
#: Of a process that was started anew, and of all that it starts: marks by which they are known when it is gone.
MARKS = "BENCHBED_STARTED_BY"
#: Words on the command lines of what tidies up.
_TIDY = ("multiprocessing.resource_tracker", "multiprocessing.forkserver", "torch_shm_manager")


def kept_below() -> None:
    """Have orphans of this process's offspring become its own children, where the system has such."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> list[int] | None:
    """Processes right below this one; None where the system does not say so at once.

    Examples
    --------
    >>> children() in ([], None)
    True
    """
    found: list[int] = []
    try:
        for thread in Path("/proc/self/task").iterdir():
            found += map(int, (thread / "children").read_text().split())
    except OSError:
        return None
    return found


def end(spared: Collection[int] = (), grace: float = GRACE) -> None:
    """End what runs below this process: ask first, and end what is still there then.

    Parameters
    ----------
    spared : collection of int
        Processes that are left alone, with what is below them.
    grace : float
        Seconds between asking and ending.
    """
    below = children()
    if below is not None and not set(below) - set(spared):
        return
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        _ended(_below(psutil.Process(os.getpid()), spared), grace)


def end_below(process: int) -> None:
    """End at once what runs below another process."""
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        _ended(_below(psutil.Process(process), ()), 0.0)


def new_mark(environment: Mapping[str, str]) -> tuple[str, str]:
    """A mark for a process that is about to be started, and `MARKS` of its environment: those above it, and its own.

    Examples
    --------
    >>> mark, marks = new_mark({MARKS: "aa"})
    >>> marks == f"aa {mark}"
    True
    """
    mark = secrets.token_hex(8)
    return mark, " ".join(filter(None, (environment.get(MARKS), mark)))


def end_marked(mark: str) -> None:
    """End at once what a process has started that is gone, wherever it hangs now.

    Parameters
    ----------
    mark : str
        Of that process.
    """
    import psutil

    found = []
    for each in psutil.process_iter():
        # Of somebody else's process the environment cannot be read.
        with contextlib.suppress(psutil.Error, OSError):
            if mark in each.environ().get(MARKS, "").split() and not _tidies(each):
                found.append(each)
    _ended(found, 0.0)


def _tidies(process: psutil.Process) -> bool:
    return any(word in part for part in process.cmdline() for word in _TIDY)


def _below(process: psutil.Process, spared: Collection[int]) -> list[psutil.Process]:
    """Offspring, its own before it, without those that tidy up."""
    import psutil

    found = []
    for child in process.children():
        if child.pid not in spared:
            with contextlib.suppress(psutil.Error):
                found += _below(child, ())
                if not _tidies(child):
                    found.append(child)
    return found


def _ended(processes: list[psutil.Process], grace: float) -> None:
    import psutil

    if grace:
        for each in processes:
            with contextlib.suppress(psutil.Error):
                each.terminate()
        _, processes = psutil.wait_procs(processes, timeout=grace)
    for each in processes:
        with contextlib.suppress(psutil.Error):
            each.kill()
