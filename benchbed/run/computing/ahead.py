"""What takes long to make of clips, made by threads while the model is busy with the clips before.

Encoders, decoders and transforms of native packages run beside the model where there is a core for them. What is made,
in which order it is handed out, and what it raises do not depend on it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import islice
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")


def spare_cores(busy: int) -> int:
    """Cores that this process may use beyond so many.

    Examples
    --------
    >>> spare_cores(10**6)
    0
    """
    # Not every system tells which cores a process may use.
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(0, here - busy)


def made_ahead(
    given: Iterable[Given], make: Callable[[Given], Made], threads: int, most: int
) -> Iterator[Callable[[], Made]]:
    """Calls, one for each thing in turn, that give what `make` makes of it or raise what it raised.

    The first is made by who asks for it: packages that set themselves up at their first call do so in one thread.

    Parameters
    ----------
    given : iterable
        Is gone through by who asks, and no further than is made ahead.
    make : callable
        May be called from several threads at once, and before what it makes is asked for.
    threads : int
        Threads that make; with none, each thing is made when it is asked for.
    most : int
        Things made before they are asked for, which stay in memory until then.

    Examples
    --------
    >>> [made() for made in made_ahead("abc", str.upper, 2, 2)]
    ['A', 'B', 'C']
    """
    things = iter(given)
    for first in islice(things, 1):
        yield partial(make, first)
    if not threads or most < 1:
        for thing in things:
            yield partial(make, thing)
        return
    coming: deque[Future[Made]] = deque()
    try:
        while True:
            coming.extend(_makers(threads).submit(make, thing) for thing in islice(things, most + 1 - len(coming)))
            if not coming:
                return
            yield coming.popleft().result
    finally:
        for unasked in coming:
            unasked.cancel()


@lru_cache(maxsize=4)
def _makers(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="benchbed-maker")
