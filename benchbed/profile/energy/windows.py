"""Windows of measurement: the same work again and again for at least so many seconds, with an eye on the neighbours.

As in MLPerf Tiny, energy is taken over several windows of at least ten seconds after a warm-up, and the median is
reported. A window in which other processes used more than a tenth of the machine is refused for measurements, as a
sensor cannot tell their joules from the model's; CPU time can, so an estimate keeps such a window and says so.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil

from benchbed.profile.clock import Clock
from benchbed.profile.energy.sensors import Sensor

#: Share of the machine in per cent that other processes may use in a window.
NEIGHBOUR_LIMIT = 10.0


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes
    ----------
    seconds : float
        Wall time.
    cpu_seconds : float
        CPU time of this process and the children it waited for.
    calls : int
        Calls that were made.
    joules : float or None
        What the sensor counted.
    neighbour_percent : float
        Share of the machine that other processes used.
    """

    seconds: float
    cpu_seconds: float
    calls: int
    joules: float | None
    neighbour_percent: float

    @property
    def refused(self) -> bool:
        """Whether neighbours used too much for a sensor's count to be the model's.

        Examples
        --------
        >>> Window(10, 10, 5, 100.0, 12.0).refused, Window(10, 10, 5, 100.0, 3.0).refused
        (True, False)
        """
        return self.neighbour_percent > NEIGHBOUR_LIMIT


def cpu_seconds() -> float:
    """CPU time in seconds of this process, of its children that have ended, and of those that run.

    Examples
    --------
    >>> cpu_seconds() > 0
    True
    """
    return _own_seconds() + _running_children_seconds()


def _own_seconds() -> float:
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _running_children_seconds() -> float:
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.Error:
            continue  # it ended in this moment
        total += spent.user + spent.system
    return total


def machine_busy_seconds() -> float:
    """CPU time in seconds that all processes of the machine have used.

    Examples
    --------
    >>> machine_busy_seconds() > 0
    True
    """
    spent = psutil.cpu_times()
    idle = spent.idle + getattr(spent, "iowait", 0.0)
    # Guests are inside user time already.
    return sum(spent) - idle - getattr(spent, "guest", 0.0) - getattr(spent, "guest_nice", 0.0)


def run_window(
    call: Callable[[], Any],
    seconds: float,
    sensor: Sensor | None = None,
    *,
    clock: Clock | None = None,
    busy: Callable[[], float] = machine_busy_seconds,
) -> Window:
    """Call until the time is over, and count what it took.

    Parameters
    ----------
    call : callable
        One inference, or one batch of them.
    seconds : float
        Shortest length of the window.
    sensor : Sensor, optional
        Counts joules.
    clock : Clock, optional
        Waits for the device at both ends.
    busy : callable
        CPU seconds of the whole machine so far.

    Examples
    --------
    >>> window = run_window(lambda: sum(range(1000)), 0.01)
    >>> window.calls > 0 and window.seconds >= 0.01
    True
    """
    clock = clock or Clock()

    def work() -> int:
        calls, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds:
            call()
            calls += 1
            # Work that is only queued would be counted outside the window.
            clock.wait()
        return calls

    clock.wait()
    return _between(work, sensor, busy)


def idle_window(seconds: float, sensor: Sensor, *, busy: Callable[[], float] = machine_busy_seconds) -> Window:
    """Do nothing for a while and count what the machine takes meanwhile."""

    def rest() -> int:
        time.sleep(seconds)
        return 0

    return _between(rest, sensor, busy)


def _between(work: Callable[[], int], sensor: Sensor | None, busy: Callable[[], float]) -> Window:
    # Looking for children takes milliseconds of CPU time, so it stays outside what is read around the work.
    busy_before, children = busy(), _running_children_seconds()
    own, mark, begun = _own_seconds(), sensor.mark() if sensor else None, time.perf_counter()
    calls = work()
    lasted, last = time.perf_counter() - begun, sensor.mark() if sensor else None
    spent = _own_seconds() - own + _running_children_seconds() - children
    neighbours = busy() - busy_before - spent
    return Window(lasted, spent, calls, sensor.between(mark, last) if sensor else None, _percent(neighbours, lasted))


def _percent(cpu: float, seconds: float) -> float:
    # The kernel counts in hundredths of a second, so a short window can come out below zero.
    return max(0.0, 100.0 * cpu / (seconds * (os.cpu_count() or 1)))
