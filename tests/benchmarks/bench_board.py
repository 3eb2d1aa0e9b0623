"""What a board costs per run: CPU time, memory and pages of `benchbed leaderboard` over many runs.

    python tests/benchmarks/bench_board.py [--run FOLDER] [--models N] [--only MARK …] [--plant SECONDS]

Runs are copies of one under names, identities, figures, sums and draws of their own: of 131 cells (`robustness_asc
--limit 64` on the shipped CNN, or `--run`), for `thousand` and `best` of clean audio (`dcase_task1`). What counts is
CPU time (user and system) and the largest memory (VmHWM, which a child process does not take over from its parent) of
processes that do nothing else. Cost per run is what a tenth of the runs costs less.

`fresh`: runs nobody has put on a board before. `again`: the same board again, at most 0.05 s and 2 MB a run.
`thousand`: 1,000 models on a board that was there before one of them changed, at most 5 s (last 4.6 s); `best`: that
one is better than all others now, and so compared with 99 of them, at most 10 s (last 11.2 s on a busy machine, which
took 13.8 s before and 11.8 s when it was not). The other pages are short ones, since they only have to stand. Both: the
first page of 1,000 models below 1 MB. `pages`: the page of a suite below 1 MB, of the run itself below 100 kB (figures
of copies are moved by chance, and such digits pack worse). `--plant 0.06` lets each process that is measured waste as
many seconds and 4 MB for each run, and pages grow by what they may have: every mark must fail then.

Leaves with 1 if a figure misses its mark. All of it takes some four minutes.
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
#: The command, followed by its own time and largest memory; with a defect that wastes both for each run, or with short
#: pages in the place of those of runs.
BOARD = """
import atexit, os, re, sys, time
from pathlib import Path
seconds, runs, short = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "short"
sys.argv[1:] = sys.argv[4:]
sys.argv[0] = "benchbed"
wasted, until = bytearray(b"x" * int(bool(seconds) * 4e6 * runs)), time.process_time() + seconds * runs
while time.process_time() < until: pass
if short or seconds:
    import benchbed.report.leaderboard as site, benchbed.report.page as page
    write = page.write_page
if short:
    site.write_report = lambda result, path, **more: write(path, "<p>short</p>")
    site._whole = lambda row: row.result
elif seconds:
    large = lambda path: path.parent.name == "suites" or path.name == "index.html"
    def heavier(path, text): return write(path, text + "x" * (1_000_000 if large(path) else 100_000))
    page.write_page = site.write_page = heavier
def told():
    print(sum(os.times()[:2]), re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
atexit.register(told)  # the command leaves by itself
from benchbed.cli import main
main()
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

    def runs(self, count: int, name: str, template: Path | None = None) -> Path:
        """A folder of so many runs, made once."""
        home = self.folder / f"{name}-{count}"
        if not home.exists():
            made = Template(template or self.template)
            for number in range(count):
                made.copy(home / f"model{number}", number)
        return home

    @property
    def sizes(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Names and sizes of the two boards whose difference counts."""
        return ("many", self.models), ("few", max(self.models // 10, 1))

    def site(self, runs: Path) -> Path:
        """Where the board of these runs is."""
        return self.folder / f"site-{runs.name}"

    def board(self, runs: Path, count: int, *, planted: bool = True, short: bool = False) -> Cost:
        """What the leaderboard of these runs costs in a process of its own."""
        told = [str(self.plant if planted else 0.0), str(count), "short" if short else "whole"]
        done = subprocess.run(
            [sys.executable, "-c", BOARD, *told, "leaderboard", str(runs), "--out", str(self.site(runs))],
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


class Template:
    """A run that is copied under other names, read once."""

    def __init__(self, folder: Path) -> None:
        from benchbed.results.statistics import read_statistics
        from benchbed.results.store import read

        self.folder, self.result, self.sums = folder, read(folder), read_statistics(folder)

    def copy(self, folder: Path, number: int, drift: float | None = None) -> None:
        """A copy with figures and draws moved, by chance or so far, and sums by chance; record and sums sealed anew."""
        from benchbed.results.artefacts import naming
        from benchbed.results.statistics import NAME, write_statistics
        from benchbed.results.store import write

        result = self.result
        generator = np.random.default_rng(number)
        by_chance = generator.normal(0, 0.02)
        drift = by_chance if drift is None else drift
        mine = {"name": f"model {number}", "identity": f"{number:032x}", "fingerprint": f"{number:032x}"}
        family = ("cnn", "transformer", "crnn")[number % 3]
        model = result.model.model_copy(update={**mine, "adapter_hash": f"{number:016x}", "family": family})

        def moved(value: Value, spread: float = 0.005) -> Value:
            if value.value is None or value.unit != "fraction":
                return value
            by = drift + generator.normal(0, spread)
            ends = {name: None if (end := getattr(value, name)) is None else end + by for name in ("low", "high")}
            return value.model_copy(update={"value": value.value + by, **ends})

        cells = [
            cell.model_copy(
                update={
                    "metrics": {name: moved(value) for name, value in cell.metrics.items()},
                    # Together, so that means over devices stay what they are.
                    "groups": {g: {n: moved(v, 0.0) for n, v in held.items()} for g, held in cell.groups.items()},
                }
            )
            for cell in result.cells
        ]
        scores = {name: moved(value) for name, value in result.scores.items()}
        folder.mkdir(parents=True)
        held = self.sums.scores
        drawn = replace(held, values=held.values + drift, replicates=held.replicates + np.float32(drift))
        sums = {key: replace(cell, rows=self._answered(cell.rows, generator)) for key, cell in self.sums.cells.items()}
        write_statistics(replace(self.sums, scores=drawn, cells=sums), folder)
        apart = ("result.json", "summary.json", NAME, ".lock", "log.jsonl")
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in apart and path.suffix != ".html":
                shutil.copy(path, folder)
        result = result.model_copy(update={"model": model, "cells": cells, "scores": scores})
        write(naming(result, folder, [*result.provenance.artefacts]), folder / "result.json")

    def _answered(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Sums of a model that is right and wrong on other clips: one that never differs is compared in no time."""
        classes = len(self.sums.labels)
        clips, right = rows[:, :classes].astype(int), rows[:, classes : 2 * classes].astype(int)
        made = rows.copy()
        made[:, classes : 2 * classes] = generator.binomial(right, 0.9) + generator.binomial(clips - right, 0.1)
        return made


def example(folder: Path, suite: str) -> Path:
    """A run of a suite of the shipped CNN."""
    command = [sys.executable, "-m", "benchbed", "run", str(HERE / "suites" / f"{suite}.yaml"), "--limit", "64"]
    done = subprocess.run(
        [*command, "--model", str(HERE / "adapters" / "cnn.py"), "--out", str(folder / "example")],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"the run left with {done.returncode}:\n{done.stderr[-3000:]}")
    return Path(done.stdout.splitlines()[-1]).parent


def marginal(bench: Bench, *, planted: bool = True) -> Cost:
    """Seconds and megabytes of one more run of 131 cells."""
    (_, most), (_, least) = bench.sizes
    high, low = (bench.board(bench.runs(count, name), count, planted=planted) for name, count in bench.sizes)
    return Cost(*((getattr(high, part) - getattr(low, part)) / (most - least) for part in ("seconds", "megabytes")))


def fresh(bench: Bench) -> None:
    """Runs that no board has seen: what one more costs, which no mark is about."""
    found = marginal(bench, planted=False)
    print(f"       a run on its first board: {found.seconds:.3f} s, {found.megabytes:.2f} MB", flush=True)


def again(bench: Bench) -> None:
    """The same boards again."""
    if not all(bench.site(bench.runs(count, name)).exists() for name, count in bench.sizes):
        fresh(bench)
    found = marginal(bench)
    bench.at_most("a run on a board, CPU", found.seconds, 0.05, "s")
    bench.at_most("a run on a board, memory", found.megabytes, 2.0, "MB")


def thousand(bench: Bench) -> None:
    """A board of 1,000 models of which one is new, and not among the best hundred."""
    found = _changed(bench, -0.02)
    bench.at_most("1,000 models on a board, one of them new", found.seconds, 5.0, f"s; {found.megabytes:.0f} MB")


def best(bench: Bench) -> None:
    """The same where the new one is the best: its pairs are compared, in the matrices and as the first of the table."""
    found = _changed(bench, 0.1)
    bench.at_most("1,000 models on a board, a new best one", found.seconds, 10.0, f"s; {found.megabytes:.0f} MB")


def _changed(bench: Bench, by: float) -> Cost:
    """The board of 1,000 models that stood before one of them, not among the best, became better or worse."""
    template = example(bench.folder, "dcase_task1")
    home, changed = bench.runs(1000, "thousand", template), "model7"
    # Whoever has pages of a thousand runs has their templates compiled, which the short ones do not ask for.
    bench.board(template, 1, planted=False)
    for number, drift in ((7, -0.02), (10_000, by)):
        shutil.rmtree(home / changed)
        Template(template).copy(home / changed, number, drift)
        found = bench.board(home, 1000, planted=number > 7, short=number == 7)
    index = (bench.site(home) / "index.html").stat().st_size / 1000
    bench.at_most("first page of 1,000 models", index, 1000, "kB")
    return found


def pages(bench: Bench) -> None:
    """Sizes of the page of a suite with many runs, and of the page of the run itself."""
    name, count = bench.sizes[0]
    home = bench.runs(count, name)
    if bench.plant or not bench.site(home).exists():
        bench.board(home, count)
    alone = bench.folder / "alone"
    shutil.copytree(
        bench.template, alone, dirs_exist_ok=True, ignore=shutil.ignore_patterns("listen", "*.html", ".lock")
    )
    bench.board(alone, 1)
    suite, page = (max(_bytes(bench.site(of) / kind)) / 1000 for of, kind in ((home, "suites"), (alone, "runs")))
    bench.at_most(f"page of a suite with {count} runs", suite, 1000, "kB")
    bench.at_most("page of the run", page, 100, f"kB; copies up to {max(_bytes(bench.site(home) / 'runs')) / 1000:.0f}")


def _bytes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.glob("*.html")]


MARKS: dict[str, Callable[[Bench], None]] = {
    "fresh": fresh,
    "again": again,
    "thousand": thousand,
    "best": best,
    "pages": pages,
}


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run folder to copy")
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--plant", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bench = Bench(folder, asked.run or example(folder, "robustness_asc"), asked.models, asked.plant)
        for name in asked.only or MARKS:
            MARKS[name](bench)
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
