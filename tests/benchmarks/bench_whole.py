"""What whole runs cost, from start to page, beside the model and beside an earlier build.

    python tests/benchmarks/bench_whole.py [--today /path/to/other/environment/bin/benchbed] [--only MARK …] [--clips N]

Every run is a process of its own, on the shipped CNN and the synthetic clips, with one thread; what counts is the CPU
time of that process, imports, scoring and page included. `forward` is the adapter's forward pass, waveform to scores,
and `network` what follows the front end, both in batches of 16 for as many evaluations as the run has. Marks against an
earlier build (the issue's is commit 9880615) run both on the same clips in turn; without `--today` they are not judged.

`--plant S` lets every run of this build waste S seconds: with enough of them every mark must fail, those of a finished
run that is run again included, since they burn a part that its first run burns, too.

Leaves with 1 if a figure misses its mark, and with 3 if one could not be judged.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parents[2]
#: Faster ways that a run declares: noise added in the spectrum, another backend, and both.
SPECTRUM = ("--corruptions", "spectrum")
ONNX, FOLDED = ("--set", "backend=onnx"), ("--set", "backend=folded")
NOISE = ("white_noise", "pink_noise", "background", "low_pass", "high_pass")
#: Cells of the suite `noise`.
NOISE_CELLS = 46
OTHER = ("clipping", "bit_depth", "reverb", "gain", "time_mask")
FIFTY_ONE = "extends: [dcase_task1]\nname: fifty_one\nversion: '1'\naudio: {sample_rate: 32000}\n" + (
    "conditions: [clean, " + ", ".join(f"{{corruption: {name}}}" for name in NOISE + OTHER) + "]\n"
)
#: A run that wastes time: it is entered like the command, and burns some seconds before it leaves.
WASTE = """
import atexit, sys, time
def burn():
    until = time.process_time() + {seconds}
    while time.process_time() < until: pass
atexit.register(burn)
sys.argv[0] = "benchbed"
from benchbed.cli import main
main()
"""
PASSES = """
import sys, time, torch
from benchbed.adapter.load import load_adapter, start
from benchbed.run.computing.memory import keep_large_blocks
keep_large_blocks(); torch.set_num_threads(1)
model = start(load_adapter(sys.argv[1], {}), "cpu").model
waves = torch.randn(16, 1, 32000).mul_(0.1)
with torch.inference_mode():
    features = model.features(waves)
    for name, call, given in (("network", model.classify, features), ("forward", model, waves)):
        for _ in range(5): call(given)
        each = []
        for _ in range(7):
            began = time.process_time()
            for _ in range(20): call(given)
            each.append((time.process_time() - began) / 320)
        print(name, min(each))
"""


@dataclass
class Build:
    """One build of benchbed.

    Attributes
    ----------
    command : list of str
        How it is called.
    root : Path
        Its checkout, with suites and adapters.
    folder : Path
        Where its runs go.
    """

    command: list[str]
    root: Path
    folder: Path
    count: int = 0

    def run(self, suite: str | Path, *options: str, into: str | None = None) -> float:
        """CPU seconds of a whole run."""
        self.count += 1
        out = self.folder / (into or str(self.count))
        path = suite if isinstance(suite, Path) else self.root / "suites" / f"{suite}.yaml"
        adapter = self.root / "adapters" / "cnn.py"
        return cpu([*self.command, "run", str(path), "--model", str(adapter), "--out", str(out), *options])

    def fifty_one(self) -> Path:
        """The suite of 51 conditions."""
        path = self.folder / "fifty_one.yaml"
        path.write_text(FIFTY_ONE)
        return path


def cpu(command: list[str]) -> float:
    """CPU seconds of a process and all that it started."""
    # An interpreter that may not keep what it has compiled compiles benchbed anew in every run, which no user's does.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command, capture_output=True, text=True, env={**kept, "OMP_NUM_THREADS": "1", "BENCHBED_AUDIO_GB": "0"}
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} left with {done.returncode}:\n{done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@dataclass
class Bench:
    """Both builds and what was measured with them."""

    ours: Build
    today: Build | None
    clips: int | None
    missed: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    todays: dict[tuple[str, ...], float] = field(default_factory=dict)

    @cached_property
    def passes(self) -> dict[str, float]:
        """CPU seconds of an evaluation's forward pass and of its network."""
        command = [sys.executable, "-c", PASSES, str(self.ours.root / "adapters" / "cnn.py")]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        return {name: float(seconds) for name, seconds in map(str.split, lines)}

    def at_most(self, what: str, figure: float, most: float, told: str) -> None:
        """Judge one figure."""
        kept = figure <= most
        print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.2f}, at most {most:g} ({told})", flush=True)
        if not kept:
            self.missed.append(what)

    def beside_today(self, what: str, most: float, suite: str, *options: str, ways: tuple[str, ...] = ()) -> float:
        """A run of both builds; the mark is the share of today's CPU time that ours takes.

        `ways` are options of ours alone: faster ways that it declares. A run of today's is measured once.
        """
        mine = min(self.ours.run(suite, *options, *ways) for _ in range(1))
        if self.today is None:
            print(f"open   {what}: {mine:.1f} s; needs --today")
            self.open.append(what)
            return mine
        asked = (suite, *options)
        if asked not in self.todays:
            self.todays[asked] = self.today.run(suite, *options)
        theirs = self.todays[asked]
        self.at_most(what, mine / theirs, most, f"{mine:.1f} s, today {theirs:.1f} s")
        return mine

    def over(self, what: str, seconds: float, part: str, evaluations: int, most: float) -> None:
        """A run over as many passes of a part of the model."""
        bare = self.passes[part] * evaluations
        self.at_most(what, seconds / bare, most, f"{seconds:.1f} s over {bare:.1f} s of {part}")


def robustness(bench: Bench) -> None:
    """`robustness_asc`, all clips: at most 1/2.5 of today's, at most 2.6 of the network."""
    clips = bench.clips or 1080
    limit = ["--limit", str(clips)] if bench.clips else []
    seconds = bench.beside_today("robustness_asc / today", 0.4, "robustness_asc", *limit)
    bench.over("robustness_asc / network", seconds, "network", 131 * clips, 2.6)


def conditions(bench: Bench) -> None:
    """51 conditions, all clips: at most 1.2 of forward and 1.6 of the network."""
    clips = bench.clips or 1080
    limit = ["--limit", str(clips)] if bench.clips else []
    seconds = bench.ours.run(bench.ours.fifty_one(), *limit)
    bench.over("51 conditions / forward", seconds, "forward", 51 * clips, 1.2)
    bench.over("51 conditions / network", seconds, "network", 51 * clips, 1.6)


def declared(bench: Bench) -> None:
    """Faster ways that a run declares, all clips: at most 1.2 of forward, and 1.07 for the noise suite in the spectrum;
    with both at most 1.6 of the network, too.

    `forward` and `network` are those of the plain model, so that a backend counts with all that it costs to set up.
    """
    clips = bench.clips or 1080
    limit = ["--limit", str(clips)] if bench.clips else []
    for what, ways in (("", ()), (", ONNX Runtime", ONNX)):
        seconds = bench.ours.run("noise", *limit, *SPECTRUM, *ways)
        bench.over(f"noise, added in the spectrum{what} / forward", seconds, "forward", NOISE_CELLS * clips, 1.07)
    suite = bench.ours.fifty_one()
    for what, ways in (
        ("noise added in the spectrum", SPECTRUM),
        ("batch norms folded", FOLDED),
        ("ONNX Runtime", ONNX),
        ("noise added in the spectrum, ONNX Runtime", (*SPECTRUM, *ONNX)),
    ):
        seconds = bench.ours.run(suite, *limit, *ways)
        bench.over(f"51 conditions, {what} / forward", seconds, "forward", 51 * clips, 1.2)
    bench.over(f"51 conditions, {what} / network", seconds, "network", 51 * clips, 1.6)


def fastest(bench: Bench) -> None:
    """`robustness_asc`, all clips, in the fastest ways that a run declares: the marks of `robustness`."""
    clips = bench.clips or 1080
    limit = ["--limit", str(clips)] if bench.clips else []
    what = "robustness_asc, noise added in the spectrum, ONNX Runtime"
    seconds = bench.beside_today(f"{what} / today", 0.4, "robustness_asc", *limit, ways=(*SPECTRUM, *ONNX))
    bench.over(f"{what} / network", seconds, "network", 131 * clips, 2.6)


def small(bench: Bench) -> None:
    """200 clips under 51 conditions: at most 1.6 of forward, a finished run again at most 0.2 of its first."""
    suite = bench.ours.fifty_one()
    first = bench.ours.run(suite, "--limit", "200", into="again")
    bench.over("51 conditions, 200 clips / forward", first, "forward", 51 * 200, 1.6)
    again = bench.ours.run(suite, "--limit", "200", into="again")
    bench.at_most("51 conditions, a finished run again / first", again / first, 0.2, f"{again:.1f} s of {first:.1f} s")


def tiny(bench: Bench) -> None:
    """`robustness_asc --limit 64`: at most 20/50 of today's, again at most 0.2; one clip at most 2.2/4.3 of today's."""
    first = bench.beside_today("robustness_asc --limit 64 / today", 0.4, "robustness_asc", "--limit", "64")
    into = str(bench.ours.count)
    again = bench.ours.run("robustness_asc", "--limit", "64", into=into)
    bench.at_most("robustness_asc, a finished run again / first", again / first, 0.2, f"{again:.1f} s of {first:.1f} s")
    bench.beside_today("one clip of dcase_task1 / today", 2.2 / 4.3, "dcase_task1", "--limit", "1")


MARKS: dict[str, Callable[[Bench], None]] = {
    "tiny": tiny,
    "small": small,
    "conditions": conditions,
    "declared": declared,
    "robustness": robustness,
    "fastest": fastest,
}


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--today", type=Path, help="the benchbed command of the other build's environment")
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--clips", type=int, help="of the long runs, in the place of all")
    parser.add_argument("--plant", type=float, default=0.0, metavar="S")
    asked = parser.parse_args()
    command = (
        [sys.executable, "-c", WASTE.format(seconds=asked.plant)] if asked.plant else [sys.executable, "-m", "benchbed"]
    )
    folder = Path(tempfile.mkdtemp())
    try:
        today = None
        if asked.today:
            # The command lies in ENVIRONMENT/bin; the checkout is where the package comes from.
            python = asked.today.with_name("python")
            found = subprocess.run(
                [str(python), "-c", "import benchbed; print(benchbed.__file__)"],
                capture_output=True,
                text=True,
                check=True,
                cwd=folder,
            )
            today = Build([str(asked.today)], Path(found.stdout.strip()).parents[1], folder / "today")
        bench = Bench(Build(command, HERE, folder / "ours"), today, asked.clips)
        for build in (bench.ours, bench.today):
            if build is not None:
                build.folder.mkdir()
                build.run("dcase_task1", "--limit", "1")  # makes the synthetic set, warms the file cache
        for name in asked.only or MARKS:
            MARKS[name](bench)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if bench.missed else 3 if bench.open else 0)


if __name__ == "__main__":
    main()
