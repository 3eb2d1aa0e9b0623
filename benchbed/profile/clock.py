"""A clock that waits for the device, and the threads it runs under."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Clock:
    """Wall and CPU time.

    Attributes
    ----------
    wait : callable
        Returns when the device has done everything it was asked to do; nothing to wait for on a CPU.
    """

    wait: Callable[[], Any] = lambda: None

    def now(self) -> tuple[float, float]:
        """Wall time and CPU time of this process in seconds, after the device has finished.

        Examples
        --------
        >>> begun = Clock().now()
        >>> all(later >= earlier for later, earlier in zip(Clock().now(), begun))
        True
        """
        self.wait()
        return time.perf_counter(), time.process_time()


def clock_for(device: Any) -> Clock:
    """The clock of a torch device: on CUDA calls return before the work is done, so the clock waits for it.

    Examples
    --------
    >>> clock_for("cpu").wait() is None
    True
    """
    if str(device).startswith("cuda"):
        import torch

        return Clock(lambda: torch.cuda.synchronize(device))
    return Clock()


@contextmanager
def pinned_threads(count: int) -> Iterator[None]:
    """Run with a fixed number of compute threads in torch and in the libraries below numpy.

    Examples
    --------
    >>> import torch
    >>> with pinned_threads(1):
    ...     torch.get_num_threads()
    1
    """
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Times:
    """Durations of repeated calls.

    Attributes
    ----------
    wall, cpu : np.ndarray [shape=(call,), float64]
        Seconds of each call; `cpu` is over all threads of the process.
    """

    wall: np.ndarray
    cpu: np.ndarray

    @property
    def disturbed(self) -> bool:
        """Whether something else took the processor: wall time above CPU time by more than a tenth.

        Examples
        --------
        >>> Times(np.array([1.0, 1.2]), np.array([1.0, 1.0])).disturbed
        False
        >>> Times(np.array([1.3, 1.2]), np.array([1.0, 1.0])).disturbed
        True
        """
        cpu = float(np.median(self.cpu))
        return cpu > 0 and float(np.median(self.wall)) / cpu > 1.1

    def percentile(self, percent: float) -> float:
        """Wall time in seconds that so many per cent of the calls do not exceed.

        Examples
        --------
        >>> Times(np.array([1.0, 2.0, 3.0]), np.zeros(3)).percentile(50)
        2.0
        """
        return float(np.percentile(self.wall, percent))


def repeat(
    call: Callable[[], Any],
    clock: Clock,
    *,
    seconds: float,
    warmup: int = 10,
    at_least: int = 20,
    at_most: int = 10_000,
) -> Times:
    """Time a call again and again.

    Parameters
    ----------
    call : callable
        What is timed.
    clock : Clock
    seconds : float
        Shortest total time.
    warmup : int
        Calls before the first that counts; a slow call (above a second) is warmed up twice.
    at_least, at_most : int
        Bounds on the number of calls.

    Examples
    --------
    >>> len(repeat(lambda: None, Clock(), seconds=0, at_least=5).wall)
    5
    """
    for number in range(warmup):
        begun, _ = clock.now()
        call()
        if number >= 1 and clock.now()[0] - begun > 1.0:
            break
    wall: list[float] = []
    cpu: list[float] = []
    begun = clock.now()[0]
    while len(wall) < at_most and (len(wall) < at_least or clock.now()[0] - begun < seconds):
        first = clock.now()
        call()
        last = clock.now()
        wall.append(last[0] - first[0])
        cpu.append(last[1] - first[1])
        # A network that takes seconds is not called twenty times; three calls have a median.
        if len(wall) >= 3 and last[0] - begun > max(10 * seconds, 30.0):
            break
    return Times(np.array(wall), np.array(cpu))
