"""What a board costs per run: CPU time, memory and pages of `benchbed leaderboard` over many runs of 131 cells.

    python tests/benchmarks/bench_board.py [--run FOLDER] [--models N] [--only MARK …] [--plant SECONDS]

Runs are copies of one (`robustness_asc --limit 64` on the shipped CNN, or `--run`) under names, identities, figures and
draws of their own. What counts is CPU time (user and system) and the largest memory (VmHWM, which a child process does
not take over from its parent) of processes that do nothing else. Cost per run is what a tenth of the runs costs less.

`fresh`: runs nobody has put on a board before. `again`: the same board again, at most 0.05 s and 2 MB a run.
`thousand`: 1,000 models on a board that was there before one of them changed, at most 5 s. `pages`: the page of a suite
below 1 MB, of a run below 100 kB. `--plant S` lets each process waste S seconds and 100 kB for each run: every mark on
time and memory must fail then.

Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchbed.results.record import Value

HERE = Path(__file__).resolve().parents[2]
#: The command, followed by its own time and largest memory; with a defect that wastes both for each run.
BOARD = """
import os, re, sys, time
from pathlib import Path
seconds, runs = float(sys.argv[1]), int(sys.argv[2])
sys.argv[1:] = sys.argv[3:]
sys.argv[0] = "benchbed"
wasted, until = bytearray(b"x" * int(bool(seconds) * 4e6 * runs)), time.process_time() + seconds * runs
while time.process_time() < until: pass
from benchbed.cli import main
try:
    main()
except SystemExit as left:
    if left.code: raise
print(sum(os.times()[:2]), re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a process and its largest memory in MB."""

    seconds: float
    megabytes: float


@dataclass
class Bench:
    """A folder of runs, and what their boards cost."""

    folder: Path
    template: Path
    models: int
    plant: float
    missed: list[str] = field(default_factory=list)

    def runs(self, count: int, name: str) -> Path:
        """A folder of so many runs, made once."""
        home = self.folder / f"{name}-{count}"
        for number in range(count):
            copied(self.template, home / f"model{number}", number)
        return home

    def board(self, runs: Path, count: int) -> Cost:
        """What the leaderboard of these runs costs in a process of its own."""
        command = [sys.executable, "-c", BOARD, str(self.plant), str(count), "leaderboard", str(runs)]
        done = subprocess.run(
            [*command, "--out", str(self.folder / f"site-{runs.name}")],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "BENCHBED_CACHE": str(self.folder / "cache")},
        )
        if done.returncode:
            raise SystemExit(f"the leaderboard left with {done.returncode}:\n{done.stderr[-3000:]}")
        seconds, kilobytes = done.stdout.split()[-2:]
        return Cost(float(seconds), int(kilobytes) / 1000)

    def at_most(self, what: str, figure: float, most: float, told: str) -> None:
        """Judge one figure."""
        kept = figure <= most
        print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.3f}, at most {most:g} ({told})", flush=True)
        if not kept:
            self.missed.append(what)


def copied(template: Path, folder: Path, number: int) -> None:
    """A run like another under another name: its figures and draws moved by chance, its record and sums sealed anew."""
    from benchbed.results.artefacts import naming
    from benchbed.results.statistics import NAME, read_statistics, write_statistics
    from benchbed.results.store import read, write

    result = read(template)
    generator = np.random.default_rng(number)
    drift = generator.normal(0, 0.02)
    mine = {"name": f"model {number}", "identity": f"{number:032x}", "fingerprint": f"{number:032x}"}
    family = ("cnn", "transformer", "crnn")[number % 3]
    model = result.model.model_copy(update={**mine, "adapter_hash": f"{number:016x}", "family": family})

    def moved(value: Value) -> Value:
        if value.value is None or value.unit != "fraction":
            return value
        by = drift + generator.normal(0, 0.005)
        ends = {name: None if (end := getattr(value, name)) is None else end + by for name in ("low", "high")}
        return value.model_copy(update={"value": value.value + by, **ends})

    cells = [
        cell.model_copy(
            update={
                "metrics": {name: moved(value) for name, value in cell.metrics.items()},
                "groups": {g: {n: moved(v) for n, v in held.items()} for g, held in cell.groups.items()},
            }
        )
        for cell in result.cells
    ]
    scores = {name: moved(value) for name, value in result.scores.items()}
    folder.mkdir(parents=True)
    sums = read_statistics(template)
    drawn = replace(
        sums.scores, values=sums.scores.values + drift, replicates=sums.scores.replicates + np.float32(drift)
    )
    write_statistics(replace(sums, scores=drawn), folder)
    for path in template.iterdir():
        if path.is_file() and path.name not in ("result.json", NAME, ".lock", "log.jsonl") and path.suffix != ".html":
            shutil.copy(path, folder)
    result = result.model_copy(update={"model": model, "cells": cells, "scores": scores})
    write(naming(result, folder, [*result.provenance.artefacts]), folder / "result.json")


def example(folder: Path) -> Path:
    """A run of 131 cells of the shipped CNN."""
    command = [sys.executable, "-m", "benchbed", "run", str(HERE / "suites" / "robustness_asc.yaml"), "--limit", "64"]
    done = subprocess.run(
        [*command, "--model", str(HERE / "adapters" / "cnn.py"), "--out", str(folder / "example")],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the run left with {done.returncode}:\n{done.stderr[-3000:]}")
    return Path(done.stdout.splitlines()[-1]).parent


def marginal(bench: Bench, many: Path, few: Path, count: int) -> Cost:
    """Seconds and megabytes of one more run."""
    costs = bench.board(few, count // 10), bench.board(many, count)
    more = count - count // 10
    return Cost(*((getattr(costs[1], part) - getattr(costs[0], part)) / more for part in ("seconds", "megabytes")))


def fresh(bench: Bench) -> None:
    """Runs that no board has seen: what one more costs, which no mark is about."""
    found = marginal(bench, bench.runs(bench.models, "many"), bench.runs(bench.models // 10, "few"), bench.models)
    print(f"       a run on its first board: {found.seconds:.3f} s, {found.megabytes:.2f} MB", flush=True)


def again(bench: Bench) -> None:
    """The same boards again."""
    homes = [bench.folder / f"many-{bench.models}", bench.folder / f"few-{bench.models // 10}"]
    found = marginal(bench, *homes, bench.models)
    bench.at_most("a run on a board, CPU", found.seconds, 0.05, "s")
    bench.at_most("a run on a board, memory", found.megabytes, 2.0, "MB")


def thousand(bench: Bench) -> None:
    """A board of 1,000 models of which one is new."""
    home = bench.runs(1000, "thousand")
    bench.board(home, 1000)
    shutil.rmtree(home / "model7")
    copied(bench.template, home / "model7", 10_000)
    found = bench.board(home, 1000)
    bench.at_most("1,000 models on a board, one of them new", found.seconds, 5.0, f"s; {found.megabytes:.0f} MB")


def pages(bench: Bench) -> None:
    """Sizes of the pages of the largest board that was built."""
    site = max(bench.folder.glob("site-*"), key=lambda path: len(list((path / "runs").iterdir())))
    largest = {kind: max(path.stat().st_size for path in (site / kind).iterdir()) / 1000 for kind in ("suites", "runs")}
    bench.at_most(f"page of a suite ({site.name})", largest["suites"], 1000, "kB")
    bench.at_most("page of a run", largest["runs"], 100, "kB")
    total = sum(path.stat().st_size for path in site.rglob("*.html")) / 1e6
    print(f"       all pages of {site.name}: {total:.0f} MB", flush=True)


MARKS: dict[str, Callable[[Bench], None]] = {"fresh": fresh, "again": again, "thousand": thousand, "pages": pages}


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run folder to copy")
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--plant", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bench = Bench(folder, asked.run or example(folder), asked.models, asked.plant)
        for name in asked.only or MARKS:
            MARKS[name](bench)
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
