"""Where a run takes its memory from, and when it gives it back."""

from __future__ import annotations

import contextlib


def one_allocator() -> None:
    """Have Arrow take memory where numpy does, unless `ARROW_DEFAULT_MEMORY_POOL` says otherwise.

    Its own allocator keeps what a table was read into, and gives nothing of it to the arrays that follow: a run that
    reads its clips, and then its predictions condition by condition, would hold the largest of either twice.
    """
    import os

    import pyarrow

    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())


def give_back() -> None:
    """Return what is free to the system, where glibc can: what one stage of a run let go is no room for the next one's
    Python objects, and would stay beside them."""
    import ctypes
    import sys

    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
