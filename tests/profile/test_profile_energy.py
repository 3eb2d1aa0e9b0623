"""Energy: sensors at their seam, windows, estimates, and what is refused."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.profile.energy import windows
from benchbed.profile.energy.account import (
    EnergySettings,
    compare_to_reference,
    energy,
    energy_weighted,
    run_energy,
)
from benchbed.profile.energy.codecarbon_account import account
from benchbed.profile.energy.sensors import Nvml, Rapl, Sensor, Together, Wattmeter, find_sensor
from benchbed.profile.energy.windows import cpu_seconds, run_window

QUICK = EnergySettings(windows=3, window_seconds=0.05, idle_seconds=0.0, warmup=1)


def zone(root: Path, name: str, kind: str, microjoules: int, limit: int = 262_143_328_850) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{kind}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{limit}\n")
    return folder / "energy_uj"


class Hands:
    """A clock that only moves when work or rest moves it, so that no neighbour of the test disturbs a figure."""

    def __init__(self):
        self.now = self.cpu = 0.0

    def work(self, seconds: float):
        def call():
            self.now += seconds
            self.cpu += seconds

        return call

    def rest(self, seconds: float):
        self.now += seconds


@pytest.fixture
def hands(monkeypatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(windows, "time", SimpleNamespace(perf_counter=lambda: hands.now, sleep=hands.rest))
    monkeypatch.setattr(windows, "_own_seconds", lambda: hands.cpu)
    monkeypatch.setattr(windows, "_running_children_seconds", lambda: 0.0)
    return hands


class Steady(Sensor):
    """A machine that takes a constant power, told by the clock."""

    source, boundary = "rapl", ("cpu_pkg",)

    def __init__(self, watts: float, now=time.perf_counter):
        self.watts, self.now = watts, now

    def mark(self):
        return self.now()

    def between(self, first, last):
        return self.watts * (last - first)


def spin(seconds: float):
    def work():
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    return work


def test_rapl_adds_packages_and_memory_only(tmp_path: Path):
    packages = [zone(tmp_path, f"intel-rapl:{n}", f"package-{n}", 1_000_000) for n in range(2)]
    memory = zone(tmp_path, "intel-rapl:0:1", "dram", 500)
    # Inside the package, overlapping it, and the same counter a second time.
    for name, kind in (("intel-rapl:0:0", "core"), ("intel-rapl:2", "psys"), ("intel-rapl-mmio:0", "package-0")):
        zone(tmp_path, name, kind, 7)
    sensor = Rapl(tmp_path)
    assert sensor.boundary == ("cpu_pkg", "dram")
    first = sensor.mark()
    packages[0].write_text("3500000")
    packages[1].write_text("1000001")
    memory.write_text("1000500")
    assert sensor.between(first, sensor.mark()) == pytest.approx(2.5 + 1e-6 + 1.0)


def test_rapl_counter_wraps(tmp_path: Path):
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 999_990, limit=999_999)
    sensor = Rapl(tmp_path)
    first = sensor.mark()
    counter.write_text("9")
    # Nine steps up to 999,999, one over the edge to 0, nine more.
    assert sensor.between(first, sensor.mark()) == pytest.approx(19e-6)


def test_rapl_that_is_missing_or_forbidden_says_so(tmp_path: Path):
    with pytest.raises(CannotMeasure, match="no RAPL counters"):
        Rapl(tmp_path)
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 5)
    counter.unlink()
    with pytest.raises(CannotMeasure, match="cannot be read") as caught:
        Rapl(tmp_path)
    assert "root only" in caught.value.hint


def nvml(joules: list[float] | None, error: str = ""):
    class NVMLError(Exception):
        pass

    def total(handle):
        if joules is None:
            raise NVMLError(error)
        return int(1000 * (joules.pop(0) if len(joules) > 1 else joules[0]))

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=total,
    )


def test_nvml_counts_millijoules():
    sensor = Nvml(0, nvml([1.0, 10.0, 12.5]))  # one reading on construction
    assert sensor.between(sensor.mark(), sensor.mark()) == pytest.approx(2.5)
    with pytest.raises(CannotMeasure, match="Not Supported"):
        Nvml(0, nvml(None, "Not Supported"))


def test_cuda_needs_its_own_counter_and_adds_the_processor(tmp_path: Path):
    assert find_sensor("cuda", root=tmp_path, nvml=nvml(None, "Driver Not Loaded"))[0] is None
    only, reasons = find_sensor("cuda:1", root=tmp_path, nvml=nvml([1.0]))
    assert only.source == "nvml" and only.boundary == ("gpu",) and "no RAPL" in reasons[0]
    zone(tmp_path, "intel-rapl:0", "package-0", 5)
    both, reasons = find_sensor("cuda", root=tmp_path, nvml=nvml([1.0]))
    assert isinstance(both, Together) and both.source == "nvml+rapl" and both.boundary == ("gpu", "cpu_pkg")
    assert find_sensor("cpu", root=tmp_path)[0].source == "rapl"


def meter_file(path: Path, rows) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("time", "watts"), *rows])
    return path


def test_wattmeter_integrates_power(tmp_path: Path):
    ramp = meter_file(tmp_path / "ramp.csv", [(t, 10 * t) for t in range(11)])
    # ∫ 10·t from 2.5 to 7.25
    assert Wattmeter(ramp).between(2.5, 7.25) == pytest.approx(5 * (7.25**2 - 2.5**2))
    steady = meter_file(tmp_path / "s.csv", [(f"2026-01-01T00:00:{s:02d}+00:00", 42) for s in range(20)])
    start = 1767225600.0
    assert Wattmeter(steady).between(start + 3.3, start + 8.8) == pytest.approx(42 * 5.5)


def test_wattmeter_faults(tmp_path: Path):
    rows = [(t, 5) for t in (0, 1, 2, 9, 10)]
    meter = Wattmeter(meter_file(tmp_path / "gap.csv", rows), patience=0)
    with pytest.raises(CannotMeasure, match="silent for 7 s"):
        meter.between(1.5, 9.5)
    with pytest.raises(CannotMeasure, match="does not cover"):
        meter.between(9.5, 11)
    with pytest.raises(CannotMeasure, match="columns time and watts"):
        (tmp_path / "bad.csv").write_text("t;w\n1;2\n")
        Wattmeter(tmp_path / "bad.csv")
    with pytest.raises(CannotMeasure, match="cannot be read"):
        Wattmeter(tmp_path / "none.csv")
    with pytest.raises(CannotMeasure, match="without numbers"):
        Wattmeter(meter_file(tmp_path / "words.csv", [(1, "much")]))


def test_idle_power_is_subtracted_from_measurements(hands: Hands):
    settings = EnergySettings(windows=5, window_seconds=10.0, idle_seconds=5.0, warmup=1, grid_kgco2e_per_kwh=0.4)
    found = energy(
        hands.work(0.005),
        clips=2,
        audio_seconds=4.0,
        settings=settings,
        sensor=Steady(30.0, lambda: hands.now),
        busy=lambda: hands.cpu,
    )
    assert found["method"] == "measured" and found["source"] == "rapl" and found["boundary"] == ["cpu_pkg"]
    assert found["idle_watts"]["value"] == pytest.approx(30)
    # A machine that takes the same at rest and at work spends nothing on the model: 0.005 s of 30 W for two clips.
    assert found["joules_per_inference_with_idle"]["value"] == pytest.approx(0.075)
    assert found["joules_per_inference"]["value"] == pytest.approx(0, abs=1e-9)
    calls = sum(window["calls"] for window in found["windows"])
    assert found["inferences"] == 2 * calls
    assert found["joules_total"]["value"] == pytest.approx(30 * 0.005 * calls)


def test_the_clock_of_the_machine_is_read_the_same_way():
    settings = EnergySettings(windows=3, window_seconds=0.05, idle_seconds=0.02, warmup=1, grid_kgco2e_per_kwh=0.4)
    found = energy(spin(0.002), clips=1, audio_seconds=1.0, settings=settings, sensor=Steady(30.0), busy=lambda: 0.0)
    # A lower bound alone: what a busy machine adds is unknown.
    assert found["method"] == "measured" and found["joules_per_inference_with_idle"]["value"] >= 30 * 0.002 * 0.99
    assert found["idle_watts"]["value"] >= 30 * 0.99


def test_busy_neighbours_void_a_measurement():
    loud = iter(np.arange(0, 1e4, 10.0))
    found = energy(
        lambda: time.sleep(0.001),
        clips=1,
        audio_seconds=1.0,
        settings=QUICK,
        sensor=Steady(30.0),
        busy=lambda: next(loud),
    )
    assert found["method"] == "none"
    assert found["joules_per_inference"]["value"] is None
    assert "3 of 3 windows were refused" in found["joules_per_inference"]["reason"]


def test_an_estimate_is_cpu_time_times_power(hands: Hands):
    settings = EnergySettings(
        windows=3, window_seconds=0.05, warmup=1, tdp_watts=80, tdp_threads=4, grid_kgco2e_per_kwh=0.5, country="DEU"
    )
    found = energy(hands.work(0.004), clips=1, audio_seconds=2.0, settings=settings, root=Path("nowhere"))
    assert found["method"] == "estimated" and found["source"] == "cpu-time*tdp"
    joules = found["joules_per_inference"]["value"]
    assert joules == pytest.approx(0.004 * 80 / 4)
    assert joules == pytest.approx(found["cpu_time_per_inference"]["value"] / 1000 * 20)
    assert found["joules_per_audio_hour"]["value"] == pytest.approx(joules * 1800)
    assert found["kwh_per_audio_hour"]["value"] == pytest.approx(joules * 1800 / 3.6e6)
    assert found["kgco2e_per_audio_hour"]["value"] == pytest.approx(joules * 1800 / 3.6e6 * 0.5)
    assert "DEU" in found["kgco2e_per_audio_hour"]["method"]
    assert found["note"].startswith("fewer or shorter windows")


@pytest.mark.parametrize(("device", "watts", "why"), [("cpu", None, "tdp_watts"), ("cuda", 80.0, "accelerator")])
def test_nothing_is_estimated_without_grounds(device, watts, why):
    settings = EnergySettings(windows=1, window_seconds=0.01, warmup=1, tdp_watts=watts)
    found = energy(
        lambda: None,
        clips=1,
        audio_seconds=1.0,
        settings=settings,
        device=device,
        root=Path("nowhere"),
        nvml=nvml(None, "no driver"),
    )
    assert found["method"] == "none" and why in found["reason"]
    assert found["joules_per_inference"]["value"] is None
    assert "kwh_per_audio_hour" not in found


def test_twice_the_work_is_twice_the_joules(hands: Hands):
    settings = EnergySettings(windows=3, window_seconds=0.2, warmup=1, tdp_watts=100, tdp_threads=1)
    joules = [
        energy(hands.work(work), clips=1, audio_seconds=1.0, settings=settings, root=Path("nowhere"))[
            "joules_per_inference"
        ]["value"]
        for work in (0.02, 0.04)
    ]
    assert joules[1] / joules[0] == pytest.approx(2.0)


def test_cpu_time_of_children_belongs_to_the_model():
    import subprocess
    import sys

    code = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    before = cpu_seconds()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert cpu_seconds() - before >= 0.2


def test_a_window_lasts_as_long_as_it_must(hands: Hands):
    window = run_window(hands.work(0.03), 0.1, Steady(10.0, lambda: hands.now), busy=lambda: hands.cpu)
    assert window.calls == 4 and window.seconds == window.cpu_seconds == pytest.approx(0.12)
    assert window.joules == pytest.approx(1.2) and window.neighbour_percent == 0


def test_ratio_to_a_reference_needs_the_same_method():
    ours = {"method": "measured", "source": "rapl", "boundary": ["cpu_pkg"], "joules_per_inference": {"value": 3.0}}
    theirs = ours | {"joules_per_inference": {"value": 2.0}}
    assert compare_to_reference(dict(ours), theirs, "baseline")["ratio_to_reference"]["value"] == 1.5
    for change in ({"method": "estimated"}, {"source": "nvml"}, {"boundary": ["gpu"]}):
        with pytest.raises(ConfigError, match="cannot be compared"):
            compare_to_reference(dict(ours), theirs | change, "baseline")
    none = ours | {"joules_per_inference": {"value": None}}
    assert compare_to_reference(dict(none), theirs, "baseline")["ratio_to_reference"]["value"] is None


def test_energy_weighted_score():
    # DCASE Task 4: the baseline's own score is unchanged, half the energy doubles it.
    assert energy_weighted(0.35, kwh=0.004, kwh_baseline=0.004) == 0.35
    assert energy_weighted(0.35, kwh=0.002, kwh_baseline=0.004) == pytest.approx(0.70)
    with pytest.raises(CannotMeasure, match="above zero"):
        energy_weighted(0.35, kwh=0.0, kwh_baseline=0.004)


def test_energy_of_a_run_follows_from_its_cpu_time():
    found = run_energy(3600.0, 1000, tdp_watts=100, tdp_threads=10, grid_kgco2e_per_kwh=0.5)
    assert found["kwh"]["value"] == pytest.approx(0.01) and found["kgco2e"]["value"] == pytest.approx(0.005)
    unknown = run_energy(3600.0, 1000, tdp_watts=None)
    assert unknown["method"] == "none" and unknown["cpu_seconds"]["value"] == 3600.0
    assert "accelerator" in run_energy(1.0, 1, tdp_watts=100, device="cuda")["joules"]["reason"]


class Tracker:
    """codecarbon's tracker at its seam: 1 mWh and 0.5 g per task."""

    made: ClassVar[list[dict]] = []

    def __init__(self, **options):
        Tracker.made.append(options)
        self.running = 0

    def start_task(self):
        self.running += 1
        assert self.running == 1, "a second task would silently take over the first"

    def stop_task(self):
        self.running -= 1
        return SimpleNamespace(energy_consumed=1e-6, emissions=5e-4, codecarbon_version="9.9")


def test_codecarbon_is_wrapped_against_its_known_errors(monkeypatch):
    from benchbed.profile.energy import codecarbon_account

    monkeypatch.setattr(codecarbon_account, "_TRACKER", {})
    Tracker.made.clear()
    told = account(lambda: None, tdp_watts=80, ram_watts=3, country="DEU", tasks=4, task_seconds=0.002, make=Tracker)
    assert told["joules"] == pytest.approx(4 * 3.6) and told["kgco2e"] == pytest.approx(2e-3)
    assert told["joules_per_call"] == pytest.approx(told["joules"] / told["calls"])
    assert told["method"] == "estimated" and "process" in told["mode"] and told["version"] == "9.9"
    options = Tracker.made[0]
    assert options["force_cpu_power"] == 80 and options["force_ram_power"] == 3
    assert options["tracking_mode"] == "process" and options["save_to_file"] is False
    account(lambda: None, tdp_watts=80, ram_watts=3, country="DEU", tasks=1, task_seconds=0.001, make=Tracker)
    assert len(Tracker.made) == 1, "two trackers in one process disturb each other"
    # Without a country there is no CO2 figure, whatever codecarbon says.
    monkeypatch.setattr(codecarbon_account, "_TRACKER", {})
    assert "kgco2e" not in account(lambda: None, tdp_watts=80, tasks=1, task_seconds=0.001, make=Tracker)
    assert "country_iso_code" not in Tracker.made[-1]


def test_a_tracker_that_does_not_start_is_a_reason(monkeypatch):
    from benchbed.profile.energy import codecarbon_account

    monkeypatch.setattr(codecarbon_account, "_TRACKER", {})

    def broken(**options):
        raise RuntimeError("no hardware")

    with pytest.raises(CannotMeasure, match="does not start: RuntimeError: no hardware"):
        account(lambda: None, tdp_watts=80, make=broken)


def test_codecarbon_without_a_power_is_refused():
    settings = EnergySettings(windows=1, window_seconds=0.01, warmup=1, codecarbon=True)
    found = energy(lambda: None, clips=1, audio_seconds=1.0, settings=settings, root=Path("nowhere"))
    assert "tdp_watts" in found["codecarbon"]["reason"]
