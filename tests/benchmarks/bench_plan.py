"""What `benchbed plan` says of a run's time, beside the run that follows.

    python tests/benchmarks/bench_plan.py [--only MARK …] [--plant S]

For a suite of scenes, one of events, one of fast attacks and one of the ensemble, with shipped models: `plan --model
--json`, then the run from start to page, each a command of its own. What counts is CPU time, since a busy machine makes
no work more; the plan's `cpu_seconds` must lie within a fifth of what the run took, with everything that it started.

`--plant S` multiplies what the plans say by S: 1.5 or 0.6 must fail. Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tiny_clips import taken

HERE = Path(__file__).resolve().parents[2]
#: Mark → suite, model, clips.
MARKS = {
    "scenes": ("noise", "cnn", 150),
    "events": ("dcase_task4_noise", "crnn", 20),
    "attacks": ("asc_fast", "cnn", 0),
    "ensemble": ("adversarial_asc", "cnn", 24),
}
WITHIN = 0.2
#: Fast attacks on 48 clips of scenes.
FAST = """
name: asc_fast
version: "1"
extends: [dcase_task1]
conditions:
  - clean
  - {attack: white_noise, budgets: [40, 20], n: 48, options: {draws: 1}}
  - {attack: fast, budgets: [50, 40, 30], n: 48}
  - {attack: fast, threat: linf, budgets: [0.0001, 0.001], n: 48}
"""


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--plant", type=float, default=1.0, metavar="S")
    args = parser.parse_args()
    missed = []
    for name in args.only or MARKS:
        suite, model, clips = MARKS[name]
        with tempfile.TemporaryDirectory(prefix="benchbed-plan-") as folder:
            place = HERE / "suites" / f"{suite}.yaml"
            if suite == "asc_fast":
                place = Path(folder) / f"{suite}.yaml"
                place.write_text(FAST, encoding="utf-8")
            words = [str(place), "--model", str(HERE / "adapters" / f"{model}.py")]
            words += ["--limit", str(clips)] if clips else []
            plan = taken(["plan", *words, "--json"])
            told = json.loads(plan.output)
            said = told["cpu_seconds"] * args.plant
            took = taken(["run", *words, "--out", folder, "--quiet"]).cpu
        kept = abs(said / took - 1) <= WITHIN
        missed += [] if kept else [name]
        parts = {part: round(seconds, 1) for part, seconds in told.get("parts", {}).items()}
        ends = [f"{end:.1f}" for end in told.get("cpu_seconds_ends", ())]
        figure = f"{said:.1f} s said{' (' + ' to '.join(ends) + ')' if ends else ''}, {took:.1f} s taken, "
        figure += f"{said / took:.2f}, within {WITHIN:g} of 1"
        word = "kept  " if kept else "MISSED"
        print(f"{word} {name}: {figure} (the plan itself took {plan.cpu:.1f} s; {parts})", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
