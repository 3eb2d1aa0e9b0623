"""A cache that is bounded by bytes, so that memory stays flat however many clips, rooms and lengths a run has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np


class ByteCache:
    """Keeps the arrays used last, up to a number of bytes. What it returns never depends on what it holds.

    Parameters
    ----------
    limit : int
        Most bytes kept; a larger single array is made each time.

    Examples
    --------
    >>> cache = ByteCache(1000)
    >>> cache.get("zeros", lambda: np.zeros(4)).tolist()
    [0.0, 0.0, 0.0, 0.0]
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._held = limit, 0
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """The array under `key`, made if it is not held; read-only, because it is shared."""
        if key in self._arrays:
            self._arrays.move_to_end(key)
            return self._arrays[key]
        array = make()
        array.flags.writeable = False
        if array.nbytes <= self._limit:
            self._arrays[key] = array
            self._held += array.nbytes
            while self._held > self._limit:
                _, oldest = self._arrays.popitem(last=False)
                self._held -= oldest.nbytes
        return array
