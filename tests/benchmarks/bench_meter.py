"""Does the meter measure the model? Twice the work must be twice the joules, and a busy neighbour must change nothing.

python tests/benchmarks/bench_meter.py

Checks the estimate from CPU time, and a sensor where the machine has one. Leaves with 1 if a check fails.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from benchbed.profile.clock import pinned_threads
from benchbed.profile.energy.account import EnergySettings, energy
from benchbed.profile.energy.sensors import find_sensor

TOLERANCE = 0.10
_SPIN = "while True: pass"


def main() -> int:
    """Print joules per call in every situation, and the ratios that matter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of a window")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--neighbours", type=int, default=1, help="busy processes beside the measurement")
    chosen = parser.parse_args()
    settings = EnergySettings(windows=chosen.windows, window_seconds=chosen.seconds, tdp_watts=100.0, tdp_threads=1)
    failures = 0
    estimated = {"root": "no sensor here"}
    for name, options in (("estimate from CPU time", estimated), ("sensor", {})):
        if name == "sensor" and find_sensor("cpu")[0] is None:
            print(f"{name}: none on this machine ({'; '.join(find_sensor('cpu')[1])})")
            continue
        once, twice = (_joules(settings, work, options) for work in (1, 2))
        with _neighbours(chosen.neighbours):
            beside = _joules(settings, 1, options)
        checks = (("twice the work", _ratio(twice, once), 2.0), ("busy neighbour", _ratio(beside, once), 1.0))
        for what, ratio, wanted in checks:
            if ratio is None:
                print(f"{name}: {what}: refused, {beside[1]}")
                continue
            good = abs(ratio / wanted - 1) <= TOLERANCE
            failures += not good
            print(f"{name}: {what}: × {ratio:.3f}, wanted {wanted:g} ± {TOLERANCE:.0%}: {'ok' if good else 'FAILED'}")
    return 1 if failures else 0


def _joules(settings: EnergySettings, work: int, options: dict) -> tuple[float | None, str]:
    """Joules per call of a matrix product done `work` times."""
    a = torch.ones(256, 256)

    def call() -> None:
        for _ in range(10 * work):
            a @ a

    with pinned_threads(1):
        found = energy(
            call,
            clips=1,
            audio_seconds=1.0,
            settings=settings,
            **{name: Path(value) for name, value in options.items()},
        )
    part = found["joules_per_inference"]
    return part["value"], str(part.get("reason", ""))


def _ratio(first: tuple[float | None, str], second: tuple[float | None, str]) -> float | None:
    return None if first[0] is None or second[0] is None else first[0] / second[0]


@contextmanager
def _neighbours(count: int):
    # A child's CPU time is the model's; a neighbour is started by a process that ends, so that it is nobody's child.
    # It inherits no pipe, or its starter's output would never end.
    starter = (
        "import subprocess as s, sys\n"
        f"print(s.Popen([sys.executable, '-c', {_SPIN!r}], stdout=s.DEVNULL, stderr=s.DEVNULL).pid, flush=True)"
    )
    pids = [
        int(subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=True).stdout)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
