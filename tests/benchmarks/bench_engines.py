"""What workers, a Ray cluster and a second model cost, and what more machines would do.

    python tests/benchmarks/bench_engines.py [--clips N] [--only MARK …] [--wall] [--plant S] [--repeat N]

Whole runs from start to page, each a process of its own with all that it starts, on the shipped CNN and the clips of
the quickstart under 51 conditions (`dcase_task1` enlarged). What counts is CPU time of the whole tree of processes,
Ray's own among it, sampled five times a second.

- `workers`: one worker's CPU time over that of two: at least 0.95.
- `ray`: a cluster on this machine with one worker over one local worker, Ray's own processes counted: at most 1.08.
  What Ray's services take is about the same in every run: fewer clips than the default say nothing of a large suite.
  Skipped where Ray is missing.
- `isolation`: a run whose model has a process of its own over one in the process of the command (`--no-isolate`); it
  has no mark.
- `second`: `robustness_asc` on changed weights after a first run, and in one command with it, where they share one pass
  over the audio: CPU time of the second model over the bare network at most 2.4 each.
- `nodes`: the rules by which units are dealt, on a clock of their own, with the seconds that the units of the first run
  really took: two workers at least 1.8 × and eight at least 6.5 × as fast as one in a whole run, as computed; ten nodes
  of eight workers; and a campaign of 1,000 models × 100 conditions × 230,000 clips. What is no work of workers is taken
  from a run with two of them, process by process; what their start and scoring take is counted for each as it was with
  two, though more of them share the scoring.
- `planned`: what `benchbed plan --workers 2` says by its simulation, from a probe of seconds, beside a run with two
  workers: within 1.3 × of each other (the plan leaves out the page), by CPU time along the longest path; with
  `--wall` by the clock.
- with `--wall`, on a quiet machine: two workers at least 1.8 × as fast as one by the clock.

`--plant S` counts as if workers, Ray or the second model had taken 1 + S times what they took: the marks must fail.
Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchbed.predictions.store import read_header
from benchbed.run.job.job import Unit
from benchbed.run.preparing.fleet import simulate
from benchbed.suite.plan import CellPlan

HERE = Path(__file__).resolve().parents[2]
CNN = HERE / "adapters" / "cnn.py"
NAMES = ("white_noise", "pink_noise", "background", "low_pass", "high_pass", "clipping", "bit_depth", "reverb", "gain")
SUITE = "extends: [dcase_task1]\nname: enlarged\nversion: '1'\naudio: {sample_rate: 32000}\n" + (
    "conditions: [clean, " + ", ".join(f"{{corruption: {name}}}" for name in (*NAMES, "time_mask")) + "]\n"
)
RUN = "import sys; from benchbed.cli import main; main(sys.argv[1:])"
PASSES = """
import sys, time, torch
from benchbed.adapter.load import load_adapter, start
torch.set_num_threads(1)
model = start(load_adapter(sys.argv[1], {}), "cpu").model
with torch.inference_mode():
    features = model.features(torch.randn(16, 1, 32000).mul_(0.1))
    for _ in range(5): model.classify(features)
    each = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(20): model.classify(features)
        each.append((time.process_time() - began) / 320)
    print(min(each))
"""
#: Clips of AudioSet-like size, conditions and models of the campaign that is priced.
CLIPS, CONDITIONS, MODELS = 230_000, 100, 1_000


@dataclass(frozen=True)
class Cost:
    """What a command took."""

    cpu: float
    wall: float
    apart: float = 0.0
    """CPU seconds of workers, a part of `cpu`."""


def cost(command: list[str], **variables: str) -> Cost:
    """CPU seconds of a command with everything it started, and its time by the clock."""
    began, seen, parents = time.monotonic(), dict[tuple[int, float], float](), dict[tuple[int, float], int]()
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    root = psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            for one in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = one.cpu_times()
                    key = one.pid, one.create_time()
                    seen[key] = times.user + times.system
                    parents.setdefault(key, one.ppid())
        time.sleep(0.2)
    wall = time.monotonic() - began
    if process.returncode:
        raise SystemExit(
            f"{' '.join(command)} left with {process.returncode}:\n{process.stderr.read().decode()[-3000:]}"
        )
    return Cost(sum(seen.values()), wall, sum(seen[key] for key in _workers(parents, process.pid)))


def _workers(parents: dict[tuple[int, float], int], command: int) -> list[tuple[int, float]]:
    """Processes that a fork server made after that of the model, which it makes first."""
    servers = {pid for (pid, _), parent in parents.items() if parent == command}
    made = sorted((key for key, parent in parents.items() if parent in servers), key=lambda key: key[1])
    return made[1:]


@dataclass
class Bench:
    """Runs, and the marks that were missed."""

    folder: Path
    clips: int
    repeat: int
    plant: float
    wall: bool
    missed: list[str] = field(default_factory=list)
    count: int = 0
    runs: dict[str, list[Cost]] = field(default_factory=dict)

    def judge(self, what: str, figure: float, mark: float, at_least: bool, told: str) -> None:
        """Judge one figure."""
        kept = figure >= mark if at_least else figure <= mark
        word = "at least" if at_least else "at most"
        print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.3f}, {word} {mark:g} ({told})", flush=True)
        if not kept:
            self.missed.append(what)

    def run(self, *options: str, suite: Path | None = None, adapter: Path = CNN, **variables: str) -> tuple[Cost, Path]:
        """A whole run into a folder of its own."""
        self.count += 1
        out = self.folder / f"out{self.count}"
        suite = suite or self.folder / "enlarged.yaml"
        suite.exists() or suite.write_text(SUITE)
        command = [sys.executable, "-c", RUN, "run", str(suite), "--model", str(adapter), "--out", str(out)]
        variables = {"BENCHBED_AUDIO_GB": "0", **variables}
        return cost([*command, "--limit", str(self.clips), "--quiet", *options], **variables), out

    def sides(self, **options: tuple[str, ...]) -> list[Cost]:
        """The cheapest of some runs of each side, which are made in turns: a machine is not equally fast all day."""
        for _ in range(self.repeat):
            for name, more in options.items():
                if len(self.runs.get(name, [])) < self.repeat:
                    self.runs.setdefault(name, []).append(self.run(*more)[0])
        return [
            Cost(min(one.cpu for one in self.runs[name]), min(one.wall for one in self.runs[name])) for name in options
        ]


def workers(bench: Bench) -> None:
    """Two local workers beside one."""
    one, two = bench.sides(one=("--workers", "1"), two=("--workers", "2"))
    spent = two.cpu * (1 + bench.plant)
    bench.judge("CPU of one worker / two", one.cpu / spent, 0.95, True, f"{one.cpu:.1f} s, {spent:.1f} s")
    if bench.wall:
        told = f"{one.wall:.1f} s, {two.wall:.1f} s"
        bench.judge("speed of two workers", one.wall / two.wall / (1 + bench.plant), 1.8, True, told)


def ray(bench: Bench) -> None:
    """A cluster on this machine beside local workers."""
    if importlib.util.find_spec("ray") is None:
        print("open   ray: not installed")
        return
    one, cluster = bench.sides(one=("--workers", "1"), ray=("--engine", "ray", "--workers", "1"))
    spent = cluster.cpu * (1 + bench.plant)
    told = f"{spent:.1f} s, {one.cpu:.1f} s, {bench.clips} clips"
    bench.judge("CPU of Ray / local, one worker", spent / one.cpu, 1.08, False, told)


def isolation(bench: Bench) -> None:
    """A process of the model's own beside the process of the command."""
    one, here = bench.sides(one=("--workers", "1"), here=("--workers", "1", "--no-isolate"))
    spent = one.cpu * (1 + bench.plant)
    more = f"{spent:.1f} s, {here.cpu:.1f} s, {spent - here.cpu:+.2f} s"
    print(f"       CPU of a run isolated / in one process: {spent / here.cpu:.3f} ({more})", flush=True)


def second(bench: Bench) -> None:
    """A second model, which is the first one with changed weights, after the first."""
    with tempfile.TemporaryDirectory(dir=bench.folder) as cache:
        # The table of parsed sources and the synthetic set are made by whoever comes first: no part of the audio.
        kept = {"BENCHBED_AUDIO_GB": "40"}
        place = Path(cache) / "cache"
        place.mkdir()
        real = Path(os.environ.get("BENCHBED_CACHE") or _cache())
        for child in real.iterdir():
            if child.name != "audio":
                (place / child.name).symlink_to(child)
        kept["BENCHBED_CACHE"] = str(place)
        suite = HERE / "suites" / "robustness_asc.yaml"
        first, _ = bench.run(suite=suite, **kept)
        passes = [network()]
        changed = bench.folder / "changed.py"
        changed.write_text(
            f"import importlib.util, torch\nspec = importlib.util.spec_from_file_location('base', {str(CNN)!r})\n"
            "base = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(base)\n"
            "class Changed(next(c for c in vars(base).values() if isinstance(c, type) and c.__module__ == 'base'"
            " and hasattr(c, 'build'))):\n"
            "    def build(self):\n        model = super().build()\n        with torch.no_grad():\n"
            "            for value in model.parameters():\n                value.mul_(1.01)\n        return model\n"
        )
        after, out = bench.run(suite=suite, adapter=changed, **kept)
        passes.append(network())
        both, _ = bench.run("--model", f"changed={changed}", suite=suite, **kept)
        passes.append(network())
        size = sum(path.stat().st_size for path in (place / "audio").rglob("*") if path.is_file())
    (record,) = out.rglob("result.json")
    evaluations = json.loads(record.read_text())["provenance"]["evaluations"]
    each = min(passes)
    spent = after.cpu * (1 + bench.plant)
    told = f"{spent:.1f} s over {each * evaluations:.1f} s, the first model {first.cpu:.1f} s; {size / 1e9:.2f} GB kept"
    bench.judge("second model / network", spent / (each * evaluations), 2.4, False, told)
    # With the audio kept, the first of them costs what the second one cost alone.
    further = (both.cpu - after.cpu) * (1 + bench.plant)
    told = f"{further:.1f} s over {each * evaluations:.1f} s, both in one command {both.cpu:.1f} s"
    bench.judge("further model of a command / network", further / (each * evaluations), 2.4, False, told)


def network() -> float:
    """CPU seconds of the bare network for each clip, now: machines are not equally fast all day."""
    return float(subprocess.run([sys.executable, "-c", PASSES, str(CNN)], capture_output=True, text=True).stdout)


def _cache() -> Path:
    from benchbed.cache import cache_folder

    return cache_folder()


def nodes(bench: Bench) -> None:
    """More workers and machines, from the seconds that units took."""
    whole, out = bench.run("--workers", "1")
    units = measured(out)
    computing = sum(seconds for _, seconds in units)
    two, beside = bench.run("--workers", "2")
    serial = (two.cpu - two.apart) * (1 + bench.plant)
    extra = max(two.apart - sum(seconds for _, seconds in measured(beside)), 0.0) / 2 * (1 + bench.plant)
    print(
        f"       one worker: {whole.cpu:.1f} s, of which {computing:.1f} s are units; with two, {serial:.1f} s are no "
        f"work of workers, and each takes {extra:.1f} s to start and to score"
    )
    for count, mark in ((2, 1.8), (8, 6.5)):
        wall = serial + extra + simulated(units, count)
        bench.judge(f"speed of {count} workers, computed", whole.cpu / wall, mark, True, f"{wall:.1f} s")
    start = extra
    many = [(unit, seconds) for copy in range(100) for unit, seconds in copied(units, copy)]
    one, ten = sum(seconds for _, seconds in many) + start, simulated(many, 80) + start
    share = one / ten / 80
    print(
        f"       ten nodes of eight workers, {bench.clips * 100:,} clips: {one / 3600:.2f} h become {ten:.0f} s, "
        f"{share:.1%} of eighty times as fast"
    )
    (record,) = out.rglob("result.json")
    evaluations = json.loads(record.read_text())["provenance"]["evaluations"]
    each = computing / evaluations
    total = MODELS * CONDITIONS * CLIPS
    size = sum(path.stat().st_size for path in out.rglob("predictions/*.parquet")) / evaluations
    hours = total * each / 3600
    print(
        f"       {MODELS:,} models × {CONDITIONS} conditions × {CLIPS:,} clips of a second: {total:.3g} evaluations at "
        f"{each * 1e3:.2f} ms, {hours:,.0f} CPU hours, {hours / 640 / 24 / share:,.1f} days on ten nodes of 64 cores, "
        f"{total * size / 1e12:,.1f} TB of predictions"
    )


def measured(out: Path) -> list[tuple[Unit, float]]:
    """Units of a run and the CPU seconds that each took, shard by shard."""
    (log,) = out.rglob("log.jsonl")
    (folder,) = out.rglob("predictions")
    units = []
    for line in log.read_text().splitlines():
        event = json.loads(line)
        if event["event"] == "unit":
            cells = tuple(CellPlan(key, "scene", event["split"], "c", key, None, 0) for key in event["cells"])
            unit = Unit(event["id"], "", event["split"], event["shard"], 0, 1, cells)
            units.append((unit, float(read_header(folder / f"{event['id']}.parquet")["info"]["cpu_seconds"])))
    return sorted(units, key=lambda one: (one[0].split, one[0].shard))


def copied(units: list[tuple[Unit, float]], copy: int) -> list[tuple[Unit, float]]:
    """The same units as those of another set of clips."""
    return [
        (Unit(f"{unit.id}-{copy}", "", unit.split, unit.shard + 1000 * copy, 0, 1, unit.cells), seconds)
        for unit, seconds in units
    ]


def simulated(units: list[tuple[Unit, float]], workers: int) -> float:
    """Seconds by the clock of so many workers under the rules of `dealing`."""
    return simulate([(unit, 1.0) for unit, _ in units], {unit.id: each for unit, each in units}, workers).wall


def planned(bench: Bench) -> None:
    """What `plan` says of two workers, beside two workers."""
    two, _ = bench.run("--workers", "2")
    suite = bench.folder / "enlarged.yaml"
    words = ["plan", str(suite), "--model", str(CNN), "--limit", str(bench.clips), "--workers", "2", "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    made = subprocess.run([sys.executable, "-c", RUN, *words], capture_output=True, text=True, env=environment)
    fleet = json.loads(made.stdout)["fleet"]
    said = fleet["time_seconds"] * (1 + bench.plant)
    # The path that nothing shortens: what is no work of workers, and half of what the two of them took.
    took = two.wall if bench.wall else two.cpu - two.apart + two.apart / 2
    told = f"{said:.1f} s said, {took:.1f} s {'by the clock' if bench.wall else 'computed'}, {bench.clips} clips"
    bench.judge("two workers as planned / as they were", said / took, 1.3, False, told)
    bench.judge("two workers as they were / as planned", took / said, 1.3, False, told)


MARKS: dict[str, Callable[[Bench], None]] = {
    "workers": workers,
    "isolation": isolation,
    "ray": ray,
    "second": second,
    "nodes": nodes,
    "planned": planned,
}


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1080)
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--plant", type=float, default=0.0, metavar="S")
    parser.add_argument("--wall", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchbed-engines-") as folder:
        bench = Bench(Path(folder), args.clips, args.repeat, args.plant, args.wall)
        for name in args.only or MARKS:
            MARKS[name](bench)
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
