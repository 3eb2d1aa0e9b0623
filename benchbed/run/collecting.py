"""How often garbage in cycles is looked for while a run is prepared, scored and shown.

These make hundreds of thousands of small objects that stay, and Python looks through them again with every 700 more: a
tenth of the CPU time of a short run. They put no large array into a cycle. A model may, so that nothing changes while
one computes.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import ClassVar

#: New objects upon which garbage is looked for.
SELDOM = 100_000


class OwnProcess:
    """Whether this process is one of the command's own, which does one thing and ends."""

    here: ClassVar[bool] = False


@contextlib.contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for garbage in cycles only when many objects are new; what somebody sets meanwhile stays as it was set.

    In a process of its own (`OwnProcess`) what is there in the end is taken to stay: no later collection looks at it.

    Examples
    --------
    >>> with seldom_collected():
    ...     gc.get_threshold()[0]
    100000
    """
    before = gc.get_threshold()
    mine = (max(before[0], SELDOM) if before[0] else 0, *before[1:])
    gc.set_threshold(*mine)
    try:
        yield
    finally:
        if gc.get_threshold() == mine:
            gc.set_threshold(*before)
        if OwnProcess.here:
            gc.freeze()
