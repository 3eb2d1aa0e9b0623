"""Memory of processes, and how much of it there is."""

from __future__ import annotations

import functools
from pathlib import Path

#: Share of the memory of a machine, or a container, that one process may take.
SHARE = 0.9

#: Where Linux says how much a container may take: control groups of version 2, and of version 1.
_GROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@functools.cache
def memory_limit() -> int:
    """Bytes that one process may take where nothing else is said.

    Examples
    --------
    >>> memory_limit() > 0
    True
    """
    import psutil

    there = [psutil.virtual_memory().total]
    for path in _GROUPS:
        try:
            there.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # no such group, or one without a limit
            continue
    return int(min(there) * SHARE)


def resident(process: int) -> int:
    """Bytes of a process that are in memory; 0 where it is gone.

    Examples
    --------
    >>> import os
    >>> resident(os.getpid()) > 2**20
    True
    """
    import psutil

    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.Error:
        return 0
