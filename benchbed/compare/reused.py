"""What pairs of a comparison ask of one run again and again: its sums by recording in a figure, and its draws of it.

The best of a hundred models is compared with 99 others in fourteen figures; what is its own is the same in all of them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import numpy as np

from benchbed.compare.runs import OpenRun

Made = TypeVar("Made")

#: Bytes of arrays that are held, at most.
MOST = 32_000_000


class ReusedParts:
    """What was made of single runs, for the time of one comparison; nobody may change it.

    Parameters
    ----------
    most : int
        Bytes of arrays that are held; what is larger by itself is made each time.

    Examples
    --------
    >>> from pathlib import Path
    >>> run, reused = OpenRun(Path("result.json"), None), ReusedParts()
    >>> first = reused.ask(run, "ones", lambda: np.ones(3))
    >>> reused.ask(run, "ones", lambda: np.zeros(3)) is first
    True
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._held: OrderedDict[tuple[int, Hashable], tuple[OpenRun, Any]] = OrderedDict()
        self._bytes = 0

    def ask(self, run: OpenRun, what: Hashable, make: Callable[[], Made]) -> Made:
        """What is asked for of a run: as it was made before, or made now.

        Parameters
        ----------
        run : OpenRun
        what : hashable
            What is asked for, with everything that it depends on beside the run.
        make : callable
            Makes it: an array, or a tuple, list or mapping of such.
        """
        key = id(run), what
        if key in self._held:
            self._held.move_to_end(key)
            found: Made = self._held[key][1]
            return found
        made = make()
        # The run is held, so that no other one takes its place in memory.
        self._held[key] = run, made
        self._bytes += _size(made)
        while self._bytes > self.most:
            _, (_, gone) = self._held.popitem(last=False)
            self._bytes -= _size(gone)
        return made


def _size(made: object) -> int:
    if isinstance(made, np.ndarray):
        return made.nbytes
    if isinstance(made, Mapping):
        return sum(map(_size, made.values()))
    return sum(map(_size, made)) if isinstance(made, (tuple, list)) else 0
