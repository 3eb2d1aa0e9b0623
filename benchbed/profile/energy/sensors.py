"""Sensors that count energy: RAPL of the processor, NVML of NVIDIA accelerators, and a power meter at the wall.

Each tells joules between two moments, and what lies inside its boundary. A sensor that is not there, or may not be
read, says so instead of guessing.
"""

from __future__ import annotations

import csv
import importlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.packages import imported_for

#: Where Linux shows the energy counters of processors.
POWERCAP = Path("/sys/class/powercap")


class Sensor(ABC):
    """Something that counts joules.

    Attributes
    ----------
    source : str
        `rapl`, `nvml` or `wattmeter-csv`.
    boundary : tuple of str
        What is inside: `cpu_pkg`, `dram`, `gpu`, `wall`.
    """

    source: str
    boundary: tuple[str, ...]

    @abstractmethod
    def mark(self) -> Any:
        """The present moment, for `between`."""

    @abstractmethod
    def between(self, first: Any, last: Any) -> float:
        """Joules between two moments.

        Raises
        ------
        CannotMeasure
            The sensor has no data for them.
        """


class Rapl(Sensor):
    """Running average power limit counters of the processor package and its memory, from sysfs.

    Counters wrap; a wrap is added back, once per window, which at 200 W lasts for at least twenty minutes. `core` and
    `uncore` are inside the package and `psys` overlaps it, so they are not added.

    Parameters
    ----------
    root : Path
        Folder of the power-capping framework.

    Raises
    ------
    CannotMeasure
        No counters, or no permission to read them (root only since Linux 5.10).
    """

    source = "rapl"

    def __init__(self, root: Path = POWERCAP) -> None:
        self._zones: dict[str, tuple[Path, int]] = {}
        kinds = set()
        for folder in sorted(Path(root).glob("*rapl:*")):
            name = _text(folder / "name")
            kind = "cpu_pkg" if name.startswith("package") else "dram" if name == "dram" else None
            # The memory-mapped interface shows the same counters a second time.
            if kind is None or "mmio" in folder.name:
                continue
            self._zones[folder.name] = folder / "energy_uj", int(_text(folder / "max_energy_range_uj") or 0)
            kinds.add(kind)
        if not self._zones:
            raise CannotMeasure(
                "this machine shows no RAPL counters", where=str(root), hint="virtual machines and containers rarely do"
            )
        self.boundary = tuple(sorted(kinds))
        self.mark()

    def mark(self) -> dict[str, int]:
        found = {}
        for name, (path, _) in self._zones.items():
            try:
                found[name] = int(path.read_text())
            except (OSError, ValueError) as error:
                raise CannotMeasure(
                    f"the RAPL counter cannot be read: {error}",
                    where=str(path),
                    hint="counters are for root only; `chmod a+r` on energy_uj allows others",
                ) from error
        return found

    def between(self, first: dict[str, int], last: dict[str, int]) -> float:
        joules = 0.0
        for name, (_, limit) in self._zones.items():
            change = last[name] - first[name]
            joules += (change if change >= 0 else change + limit + 1) * 1e-6
        return joules


class Nvml(Sensor):
    """Total energy counter of an NVIDIA device, in millijoules since the driver was loaded (Volta and newer).

    Parameters
    ----------
    index : int
        Number of the device.
    library : module, optional
        `pynvml`, by default the installed one.

    Raises
    ------
    CannotMeasure
        No library, no driver, no such device, or a device without the counter.
    """

    source = "nvml"
    boundary = ("gpu",)

    def __init__(self, index: int = 0, library: Any = None) -> None:
        if library is None:
            with imported_for("NVML needs it", CannotMeasure):
                library = importlib.import_module("pynvml")
        self._library = library
        try:
            library.nvmlInit()
            self._handle = library.nvmlDeviceGetHandleByIndex(index)
            self.mark()
        except library.NVMLError as error:
            raise CannotMeasure(f"NVML tells no energy of device {index}: {error}") from error

    def mark(self) -> int:
        return int(self._library.nvmlDeviceGetTotalEnergyConsumption(self._handle))

    def between(self, first: int, last: int) -> float:
        return (last - first) * 1e-3


class Wattmeter(Sensor):
    """A power meter that writes a CSV beside the measurement.

    Parameters
    ----------
    path : Path
        Columns `time` (seconds since 1970, or ISO 8601) and `watts`; rows in order, appended while the meter runs.
    largest_gap : float
        Seconds between two rows above which the power between them is unknown.
    patience : float
        Seconds to wait for the rows of the last window to be written.
    now : callable
        The clock whose time the meter writes.

    Raises
    ------
    CannotMeasure
        No such file, or without those columns.
    """

    source = "wattmeter-csv"
    boundary = ("wall",)

    def __init__(
        self, path: Path, *, largest_gap: float = 2.0, patience: float = 5.0, now: Callable[[], float] = time.time
    ) -> None:
        self._path, self._gap, self._patience, self._now = Path(path), largest_gap, patience, now
        self._read()

    def mark(self) -> float:
        return self._now()

    def between(self, first: float, last: float) -> float:
        times, watts = self._read()
        deadline = time.monotonic() + self._patience
        while (not len(times) or times[-1] < last) and time.monotonic() < deadline:
            time.sleep(0.05)
            times, watts = self._read()
        inside = (times > first) & (times < last)
        if not len(times) or times[0] > first or times[-1] < last:
            raise CannotMeasure(
                "the power meter's file does not cover the measurement",
                where=str(self._path),
                hint="start the meter first, and set both clocks alike",
            )
        ends = np.interp([first, last], times, watts)
        grid = np.concatenate([[first], times[inside], [last]])
        around = np.concatenate([times[times <= first][-1:], times[inside], times[times >= last][:1]])
        if np.diff(around).max(initial=0.0) > self._gap:
            raise CannotMeasure(
                f"the power meter is silent for {np.diff(around).max():.3g} s in the measurement, {self._gap:g} s are "
                "allowed",
                where=str(self._path),
            )
        return float(np.trapezoid(np.concatenate([ends[:1], watts[inside], ends[1:]]), grid))

    def _read(self) -> tuple[np.ndarray, np.ndarray]:
        try:
            with open(self._path, encoding="utf-8", newline="") as file:
                table = csv.DictReader(file)
                columns = table.fieldnames or ()
                if not {"time", "watts"} <= set(columns):
                    raise CannotMeasure(
                        f"a power meter's CSV has the columns time and watts, this one {', '.join(columns)}",
                        where=str(self._path),
                    )
                # The meter may be in the middle of its last row.
                rows = [(row["time"], row["watts"]) for row in table if row["time"] and row["watts"]]
            times = np.array([_seconds(when) for when, _ in rows], dtype=float)
            watts = np.array([float(power) for _, power in rows], dtype=float)
        except OSError as error:
            raise CannotMeasure(f"the power meter's file cannot be read: {error}", where=str(self._path)) from error
        except ValueError as error:
            raise CannotMeasure(
                f"the power meter's file has a row without numbers: {error}", where=str(self._path)
            ) from error
        return times, watts


class Together(Sensor):
    """Several sensors with boundaries that do not overlap, added up."""

    def __init__(self, *sensors: Sensor) -> None:
        self._sensors = sensors
        self.source = "+".join(sensor.source for sensor in sensors)
        self.boundary = tuple(part for sensor in sensors for part in sensor.boundary)

    def mark(self) -> list[Any]:
        return [sensor.mark() for sensor in self._sensors]

    def between(self, first: list[Any], last: list[Any]) -> float:
        return sum(sensor.between(a, b) for sensor, a, b in zip(self._sensors, first, last))


def find_sensor(
    device: str = "cpu", wattmeter: Path | None = None, *, root: Path = POWERCAP, nvml: Any = None
) -> tuple[Sensor | None, list[str]]:
    """The best sensor for a device, and why others are not used.

    A power meter that the user names comes first, and its failure is an error. On CUDA the device's own counter is
    needed; the processor's is added where there is one.

    Returns
    -------
    sensor : Sensor or None
    reasons : list of str
        What is missing.

    Examples
    --------
    >>> find_sensor("cpu", root=Path("nowhere"))
    (None, ['this machine shows no RAPL counters'])
    """
    if wattmeter is not None:
        return Wattmeter(wattmeter), []
    found: list[Sensor] = []
    reasons: list[str] = []
    if device.startswith("cuda"):
        _, _, number = device.partition(":")
        try:
            found.append(Nvml(int(number or 0), nvml))
        except CannotMeasure as error:
            return None, [error.what]
    try:
        found.append(Rapl(root))
    except CannotMeasure as error:
        reasons.append(error.what)
    if not found:
        return None, reasons
    return (found[0] if len(found) == 1 else Together(*found)), reasons


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""  # a zone without this file has no such property


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return datetime.fromisoformat(text).timestamp()
