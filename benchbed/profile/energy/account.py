"""The energy record of a model: joules per inference and per hour of audio, with method, sensor, boundary, windows."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.profile.clock import Clock
from benchbed.profile.counts import figure, milliseconds, missing
from benchbed.profile.energy.sensors import POWERCAP, Sensor, find_sensor
from benchbed.profile.energy.windows import (
    NEIGHBOUR_LIMIT,
    Window,
    idle_window,
    machine_busy_seconds,
    run_window,
)

JOULES_PER_KWH = 3.6e6


@dataclass(frozen=True)
class EnergySettings:
    """How energy is taken; the fields are those of a suite's `profile.energy`."""

    windows: int = 5
    window_seconds: float = 10.0
    idle_seconds: float = 5.0
    tdp_watts: float | None = None
    tdp_source: str = ""
    tdp_threads: int | None = None
    wattmeter: Path | None = None
    grid_kgco2e_per_kwh: float | None = None
    country: str | None = None
    codecarbon: bool = False
    ram_watts: float | None = None
    warmup: int = 10


def energy(
    call: Callable[[], Any],
    *,
    clips: int,
    audio_seconds: float,
    settings: EnergySettings,
    device: str = "cpu",
    threads: int = 1,
    clock: Clock | None = None,
    sensor: Sensor | None = None,
    root: Path = POWERCAP,
    nvml: Any = None,
    busy: Callable[[], float] = machine_busy_seconds,
) -> dict[str, Any]:
    """Energy of a call, measured where there is a sensor, else estimated, else not stated.

    Parameters
    ----------
    call : callable
        One call of the model on inputs that are ready; decoding is not inside.
    clips : int
        Clips in one call.
    audio_seconds : float
        Audio in one call.
    settings : EnergySettings
    device : str
        Where the model runs.
    threads : int
        Compute threads of the model.
    clock : Clock, optional
        Waits for the device.
    sensor, root, nvml, busy
        What is read; the machine's own by default.

    Returns
    -------
    dict
        `method` is `measured`, `estimated` or `none`. Idle power is subtracted from measurements only.

    Examples
    --------
    >>> quick = EnergySettings(windows=1, window_seconds=0.02, idle_seconds=0, warmup=1)
    >>> found = energy(lambda: sum(range(1000)), clips=1, audio_seconds=1.0, settings=quick, root=Path("nowhere"))
    >>> found["method"], found["joules_per_inference"]["value"] is None
    ('none', True)
    """
    reasons: list[str] = []
    if sensor is None:
        sensor, reasons = find_sensor(device, settings.wattmeter, root=root, nvml=nvml)
    for _ in range(settings.warmup):
        call()
    idle: list[Window] = []
    if sensor is not None and settings.idle_seconds > 0:
        idle.append(idle_window(settings.idle_seconds, sensor, busy=busy))
    windows = [
        run_window(call, settings.window_seconds, sensor, clock=clock, busy=busy) for _ in range(settings.windows)
    ]
    if sensor is not None and settings.idle_seconds > 0:
        idle.append(idle_window(settings.idle_seconds, sensor, busy=busy))
    figures: dict[str, Any] = {"device": device, "threads": threads, "input": "decoded waveforms, ready in memory"}
    if sensor is not None:
        figures |= _measured(windows, idle, sensor, clips, audio_seconds)
    elif settings.tdp_watts is not None and not device.startswith("cuda"):
        figures |= _estimated(windows, settings, clips, audio_seconds)
    else:
        if device.startswith("cuda"):
            reasons.append("CPU time says nothing about an accelerator")
        elif settings.tdp_watts is None:
            reasons.append("no power of the processor is given (tdp_watts), and none is assumed")
        figures |= _none("; ".join(reasons), windows, clips)
    figures["windows"] = [_shown(window) for window in windows]
    figures["window_seconds"] = settings.window_seconds
    figures["inferences"] = sum(window.calls for window in windows) * clips
    figures["cpu_time_per_inference"] = milliseconds(
        _median([window.cpu_seconds / (window.calls * clips) for window in windows if window.calls]),
        "CPU time of process and children, median of windows",
    )
    if settings.window_seconds < 10 or settings.windows < 5:
        figures["note"] = "fewer or shorter windows than five of ten seconds: good for a look, not for a table"
    figures |= _emissions(figures["joules_per_inference"].get("value"), audio_seconds / clips, settings)
    if settings.codecarbon:
        figures["codecarbon"] = _codecarbon(call, clips, settings)
    return figures


def run_energy(
    cpu_seconds: float,
    evaluations: int,
    *,
    tdp_watts: float | None,
    tdp_threads: int | None = None,
    grid_kgco2e_per_kwh: float | None = None,
    device: str = "cpu",
) -> dict[str, Any]:
    """Energy of a whole run, estimated from the CPU time of every invocation that made its predictions.

    A run may be interrupted and continued; its CPU time is stored with its predictions, so this covers all of it, where
    a sensor would cover the last invocation only.

    Examples
    --------
    >>> run_energy(100.0, 50, tdp_watts=60, tdp_threads=4)["joules"]["value"]
    1500.0
    >>> run_energy(100.0, 50, tdp_watts=None)["method"]
    'none'
    """
    found: dict[str, Any] = {
        "cpu_seconds": figure(cpu_seconds, "s", "decoding, perturbing and predicting, all invocations"),
        "evaluations": evaluations,
    }
    if device.startswith("cuda") or tdp_watts is None:
        why = "CPU time says nothing about an accelerator" if device.startswith("cuda") else "no tdp_watts is given"
        return {"method": "none"} | found | {"joules": missing("J", why)}
    shared = tdp_threads or os.cpu_count() or 1
    joules = cpu_seconds * tdp_watts / shared
    found["joules"] = figure(joules, "J", f"CPU seconds × {tdp_watts:g} W / {shared} threads")
    found["kwh"] = figure(joules / JOULES_PER_KWH, "kWh", "joules / 3.6e6")
    if grid_kgco2e_per_kwh is not None:
        found["kgco2e"] = figure(joules / JOULES_PER_KWH * grid_kgco2e_per_kwh, "kg", "kWh × given grid factor")
    return {"method": "estimated", "source": "cpu-time*tdp"} | found


def compare_to_reference(found: dict[str, Any], reference: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Add the ratio to a reference model measured in the same session, the only energy figure that ranks.

    Raises
    ------
    ConfigError
        The two were not taken by the same method, source and boundary.

    Examples
    --------
    >>> made = {"method": "estimated", "source": "cpu-time*tdp", "joules_per_inference": {"value": 2.0}}
    >>> other = made | {"joules_per_inference": {"value": 4.0}}
    >>> compare_to_reference(made, other, "baseline")["ratio_to_reference"]["value"]
    0.5
    """
    same = [found.get(key) == reference.get(key) for key in ("method", "source", "boundary")]
    if not all(same):
        raise ConfigError(
            f"energy by {found.get('method')} ({found.get('source')}) and by {reference.get('method')} "
            f"({reference.get('source')}) cannot be compared"
        )
    ours, theirs = (each["joules_per_inference"].get("value") for each in (found, reference))
    found["reference"] = {"model": name, "joules_per_inference": theirs}
    found["ratio_to_reference"] = (
        figure(ours / theirs, "ratio", f"joules per inference / those of {name}, same session")
        if ours is not None and theirs
        else missing("ratio", "no energy of both models")
    )
    return found


def energy_weighted(score: float, kwh: float, kwh_baseline: float) -> float:
    """Score times the baseline's energy over the system's, both on the same machine (DCASE Task 4, EW-PSDS, 2022).

    Raises
    ------
    CannotMeasure
        An energy that is not above zero.

    Examples
    --------
    >>> energy_weighted(0.4, kwh=0.02, kwh_baseline=0.01)
    0.2
    """
    if not (kwh > 0 and kwh_baseline > 0) or not math.isfinite(kwh * kwh_baseline):
        raise CannotMeasure(f"energy-weighted scores need energies above zero, not {kwh} and {kwh_baseline} kWh")
    return score * kwh_baseline / kwh


def _measured(
    windows: Sequence[Window], idle: Sequence[Window], sensor: Sensor, clips: int, audio_seconds: float
) -> dict[str, Any]:
    kept = [window for window in windows if not window.refused and window.calls]
    quiet = [window for window in idle if not window.refused]
    common = {
        "source": sensor.source,
        "boundary": list(sensor.boundary),
        "neighbour_limit_percent": NEIGHBOUR_LIMIT,
        "neighbour_load_percent": round(max(w.neighbour_percent for w in windows), 2),
    }
    if len(kept) <= len(windows) // 2:
        reason = (
            f"{len(windows) - len(kept)} of {len(windows)} windows were refused: other processes used more than "
            f"{NEIGHBOUR_LIMIT:g} % of the machine"
        )
        return {
            "method": "none",
            **common,
            "joules_per_inference": missing("J", reason),
            "joules_per_audio_hour": missing("J/h", reason),
        }
    if idle and not quiet:
        idle_watts, note = None, "no idle window was quiet, so nothing is subtracted"
    else:
        idle_watts = _median([window.joules / window.seconds for window in quiet if window.joules is not None])
        note = "" if idle else "no idle window was asked for, so nothing is subtracted"
    each = [((w.joules or 0.0) - (idle_watts or 0.0) * w.seconds) / (w.calls * clips) for w in kept]
    gross = [(w.joules or 0.0) / (w.calls * clips) for w in kept]
    method = f"{sensor.source} counter, idle power subtracted" if idle_watts is not None else f"{sensor.source} counter"
    return {
        "method": "measured",
        **common,
        "idle_watts": figure(idle_watts, "W", "idle windows before and after")
        if idle_watts is not None
        else missing("W", note),
        **_per_inference(each, method, audio_seconds / clips),
        "joules_per_inference_with_idle": figure(_median(gross), "J", f"{sensor.source} counter as it is"),
        "joules_total": figure(sum(w.joules or 0.0 for w in windows), "J", "all windows, idle power included"),
    }


def _estimated(windows: Sequence[Window], settings: EnergySettings, clips: int, audio_seconds: float) -> dict[str, Any]:
    assert settings.tdp_watts is not None
    shared = settings.tdp_threads or os.cpu_count() or 1
    watts = settings.tdp_watts / shared
    each = [window.cpu_seconds * watts / (window.calls * clips) for window in windows if window.calls]
    found = {
        "method": "estimated",
        "source": "cpu-time*tdp",
        "boundary": ["cpu_pkg"],
        "tdp_watts": settings.tdp_watts,
        "tdp_threads": shared,
        "tdp_source": settings.tdp_source or "given by the user",
        "neighbour_load_percent": round(max(window.neighbour_percent for window in windows), 2),
        **_per_inference(each, f"CPU seconds × {settings.tdp_watts:g} W / {shared} threads", audio_seconds / clips),
        "joules_total": figure(sum(window.cpu_seconds for window in windows) * watts, "J", "all windows"),
    }
    if any(window.refused for window in windows):
        found["disturbed"] = "other processes were busy; CPU time leaves them out, but shared caches and clocks do not"
    return found


def _none(reason: str, windows: Sequence[Window], clips: int) -> dict[str, Any]:
    return {
        "method": "none",
        "reason": reason,
        "joules_per_inference": missing("J", reason),
        "joules_per_audio_hour": missing("J/h", reason),
        "neighbour_load_percent": round(max(window.neighbour_percent for window in windows), 2),
    }


def _per_inference(each: Sequence[float], method: str, seconds: float) -> dict[str, Any]:
    median = _median(each)
    spread = float(np.subtract(*np.percentile(each, [75, 25]))) if each else None
    return {
        "joules_per_inference": figure(median, "J", f"{method}, median of {len(each)} windows", iqr=spread),
        "joules_per_audio_hour": figure(median / seconds * 3600, "J/h", "joules per inference, by length of audio"),
    }


def _emissions(joules: float | None, seconds: float, settings: EnergySettings) -> dict[str, Any]:
    if joules is None:
        return {}
    per_hour = joules / seconds * 3600 / JOULES_PER_KWH
    found = {"kwh_per_audio_hour": figure(per_hour, "kWh/h", "joules / 3.6e6")}
    if settings.grid_kgco2e_per_kwh is None:
        found["kgco2e_per_audio_hour"] = missing("kg/h", "no grid factor is given (grid_kgco2e_per_kwh)")
    else:
        where = f" of {settings.country}" if settings.country else ""
        method = f"kWh × {settings.grid_kgco2e_per_kwh:g} kgCO2e/kWh, the given grid factor{where}"
        found["kgco2e_per_audio_hour"] = figure(per_hour * settings.grid_kgco2e_per_kwh, "kg/h", method)
    return found


def _codecarbon(call: Callable[[], Any], clips: int, settings: EnergySettings) -> dict[str, Any]:
    from benchbed.profile.energy.codecarbon_account import account

    if settings.tdp_watts is None:
        return {"reason": "codecarbon assumes a constant for an unknown processor; give tdp_watts"}
    try:
        told = account(
            call, tdp_watts=settings.tdp_watts, ram_watts=settings.ram_watts or 0.0, country=settings.country
        )
    except CannotMeasure as error:
        return {"reason": error.what}
    joules = told.pop("joules_per_call") / clips
    return {
        "joules_per_inference": figure(joules, "J", f"estimated by codecarbon {told['version']}, {told['mode']}")
    } | told


def _shown(window: Window) -> dict[str, Any]:
    shown = {
        "seconds": round(window.seconds, 3),
        "cpu_seconds": round(window.cpu_seconds, 3),
        "calls": window.calls,
        "joules": window.joules,
        "neighbour_percent": round(window.neighbour_percent, 1),
    }
    return shown | ({"refused": True} if window.refused and window.joules is not None else {})


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if len(values) else 0.0
