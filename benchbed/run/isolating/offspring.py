"""Programs that a model has started, which end with the process of the model.

On Linux a process can keep below itself what its children leave behind when they end, so that a program which went into
the background is found, too; elsewhere only what still hangs together. What tidies up after other processes ends by
itself, and is left to do so: memory that processes share would stay otherwise.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

#: Linux: orphans below a process become its children, and not those of the first process of the machine.
_PR_SET_CHILD_SUBREAPER = 36
#: Seconds that a program has to end when it is asked to.
GRACE = 1.0
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


def _below(process: psutil.Process, spared: Collection[int]) -> list[psutil.Process]:
    """Offspring, its own before it, without those that tidy up."""
    import psutil

    found = []
    for child in process.children():
        if child.pid not in spared:
            with contextlib.suppress(psutil.Error):
                found += _below(child, ())
                if not any(word in part for part in child.cmdline() for word in _TIDY):
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
