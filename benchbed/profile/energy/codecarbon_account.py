"""codecarbon's estimate, stored beside benchbed's own with its mode; wrapped so that its known errors do not apply.

Measured on codecarbon 3.3.2: without a given power it takes a constant for processor and memory, and the memory's
drowns differences between models, so both powers are given. Its machine mode bills the work of other processes, so
the process mode is used. In process mode, tasks of 0.1 to 0.7 s agreed with CPU time, and tasks of 1.5 to 5 s were 1.3
to 1.7 times too high, so many short tasks are added up. Several trackers in one process disturb each other, so there
is one. The online tracker asks the network where it is and silently assumes Canada if nobody answers; only the offline
one is used, and a CO2 figure needs a country from the user.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from benchbed.errors import CannotMeasure
from benchbed.packages import imported_for

#: Length of one task in seconds, inside the range that agreed with CPU time.
TASK_SECONDS = 0.5

_TRACKER: dict[str, Any] = {}


def account(
    call: Callable[[], Any],
    *,
    tdp_watts: float,
    ram_watts: float = 0.0,
    country: str | None = None,
    tasks: int = 10,
    task_seconds: float = TASK_SECONDS,
    make: Callable[..., Any] | None = None,
) -> dict[str, Any]:
    """What codecarbon says that a call takes.

    Parameters
    ----------
    call : callable
        One inference, or one batch of them.
    tdp_watts, ram_watts : float
        Powers given to codecarbon in place of its own constants.
    country : str, optional
        Three-letter code; without it only energy is taken over, no CO2.
    tasks : int
        Short tasks that are added up.
    task_seconds : float
        Length of a task.
    make : callable, optional
        Makes the tracker; by default `codecarbon.OfflineEmissionsTracker`.

    Returns
    -------
    dict
        `joules`, `calls`, `seconds`, `mode`, `version`, and `kgco2e` where a country is given.

    Raises
    ------
    CannotMeasure
        codecarbon is not installed, does not start, or this process already has a tracker with other settings.
    """
    tracker = _tracker(tdp_watts, ram_watts, country, make)
    joules = seconds = kilograms = 0.0
    calls = 0
    data: Any = None
    for _ in range(tasks):
        # Tasks are named by the tracker itself: a name that occurs twice is an error.
        tracker.start_task()
        begun = time.perf_counter()
        while time.perf_counter() - begun < task_seconds:
            call()
            calls += 1
        data = tracker.stop_task()
        seconds += time.perf_counter() - begun
        joules += float(data.energy_consumed) * 3.6e6
        kilograms += float(data.emissions)
    figures = {
        "joules": joules,
        "joules_per_call": joules / calls,
        "calls": calls,
        "seconds": round(seconds, 3),
        "tasks": tasks,
        "method": "estimated",
        "mode": "offline, process, force_cpu_power and force_ram_power",
        "tdp_watts": tdp_watts,
        "ram_watts": ram_watts,
        "version": str(getattr(data, "codecarbon_version", "")),
    }
    if country is not None:
        figures |= {"kgco2e": kilograms, "country": country}
    return figures


def _tracker(tdp_watts: float, ram_watts: float, country: str | None, make: Callable[..., Any] | None) -> Any:
    settings = (tdp_watts, ram_watts, country, make)
    if "settings" in _TRACKER and _TRACKER["settings"] == settings:
        return _TRACKER["tracker"]
    if "settings" in _TRACKER and make is None:
        raise CannotMeasure(
            "codecarbon already runs in this process with other settings", hint="measure in a process of its own"
        )
    maker: Any = make
    if maker is None:
        with imported_for("energy by codecarbon needs it", CannotMeasure):
            from codecarbon import OfflineEmissionsTracker
        maker = OfflineEmissionsTracker
    options: dict[str, Any] = {"country_iso_code": country} if country else {}
    # Until the tracker has read `log_level` it speaks at the default level.
    speaker = logging.getLogger("codecarbon")
    before, speaker.disabled = speaker.disabled, True
    try:
        tracker = maker(
            tracking_mode="process",
            force_cpu_power=tdp_watts,
            force_ram_power=ram_watts,
            measure_power_secs=1,
            save_to_file=False,
            allow_multiple_runs=True,
            log_level="error",
            **options,
        )
    except Exception as error:  # its hardware probe fails in many ways
        raise CannotMeasure(f"codecarbon does not start: {type(error).__name__}: {error}") from error
    finally:
        speaker.disabled = before
    _TRACKER.update(settings=settings, tracker=tracker)
    return tracker
