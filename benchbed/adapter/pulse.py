"""What a model's code is asked to do at this moment, in a few bytes that another process can read.

A call that never returns, with or without the interpreter's lock, cannot be told from within; who watches this process
from outside reads here since when a call has been going on.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

#: When the call began on the monotonic clock, 0 between calls; what it is.
_FORM = struct.Struct("d120s")
#: Which share of its work the process has done.
_SHARE = struct.Struct("d")
#: Bytes that a pulse takes.
SIZE = _FORM.size + _SHARE.size

_shown: mmap.mmap | None = None


@dataclass(frozen=True)
class Beat:
    """A call that is going on.

    Attributes
    ----------
    began : float
        On the monotonic clock, which all processes of a machine share.
    what : str
        E.g. `predict, 16 inputs of 160,000 samples`.
    """

    began: float
    what: str


def show(descriptor: int) -> None:
    """Let calls of this process be seen in a file of `SIZE` bytes that is open under a descriptor."""
    global _shown
    _shown = mmap.mmap(descriptor, SIZE)


def seen(shown: mmap.mmap) -> Beat | None:
    """The call that is going on in the process that shows it here; None between calls."""
    began, what = _FORM.unpack_from(shown)
    return Beat(began, what.rstrip(b"\0").decode(errors="replace")) if began else None


@contextlib.contextmanager
def beating(what: str) -> Iterator[None]:
    """Show that a call is going on; the one around it goes on afterwards."""
    shown = _shown
    if shown is None:
        yield
        return
    around = shown[: _FORM.size]
    _FORM.pack_into(shown, 0, time.monotonic(), what.encode()[:120])
    try:
        yield
    finally:
        shown[: _FORM.size] = around


def advance(share: float) -> None:
    """Show which share of its work this process has done, 0 to 1."""
    if _shown is not None:
        _SHARE.pack_into(_shown, _FORM.size, share)


def advanced(shown: mmap.mmap) -> float:
    """The share that the process shows that shows itself here."""
    return float(_SHARE.unpack_from(shown, _FORM.size)[0])
