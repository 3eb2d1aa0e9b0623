"""What grows with the clips of a run, and what does not.

    python tests/benchmarks/bench_growth.py [--clips A B C D] [--conditions N] [--repeat N] [--plant]

Whole runs from start to page of more and more tiny clips under clean and N cheap corruptions at five severities, with a
model that costs nothing, so that all is benchbed's own; each run is a command of its own with all that it starts.

- CPU seconds of a further clip, from C to D clips over from B to C: at most 1.05.
- The kernel's high-water mark of the largest process, of D clips less that of A: at most 50 MB.
- `result.json` and `report.html` of D clips over those of A: at most 1.05 each.

`--plant` lets a run take time by the square of its predictions, keep 500 bytes of each, and put a byte of each on its
record and its page: all marks must fail. Leaves with 1 if a figure misses its mark. All of it takes some three minutes.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
from pathlib import Path

from tiny_clips import Taken, taken, write_clips, write_model, write_suite

PLANTED = """
import time
import benchbed.report.page as page
import benchbed.run.session as session
make, text = session.make_record, page.report_html
page.report_html = lambda result, **more: text(result, **more) + "n" * result.provenance.evaluations
def planted(prepared, *more):
    global kept
    result, *rest = make(prepared, *more)
    rows = result.provenance.evaluations
    kept = b"x" * (500 * rows)
    until = time.process_time() + rows**2 * {quadratic}
    while time.process_time() < until: pass
    dataset = result.dataset.model_copy(update=dict(notes=["n" * rows]))
    return result.model_copy(update=dict(dataset=dataset)), *rest
session.make_record = planted
"""


def judge(what: str, figure: float, most: float, told: str) -> bool:
    """Print one figure and whether it keeps its mark."""
    kept = figure <= most
    print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.3f}, at most {most:g} ({told})", flush=True)
    return kept


def size(folder: Path, name: str) -> int:
    """Bytes of a file of the one run in a folder."""
    (path,) = folder.rglob(name)
    return path.stat().st_size


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs=4, default=(200, 2000, 11_000, 20_000))
    parser.add_argument("--conditions", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--plant", action="store_true")
    args = parser.parse_args()
    first, *rest = args.clips
    # Nothing for the smallest run, tens of seconds for the largest, on any machine.
    planted = PLANTED.format(quadratic=1e-9) if args.plant else ""
    costs: dict[int, Taken] = {}
    files: dict[int, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(prefix="benchbed-growth-") as name:
        folder = Path(name)
        model, suite = write_model(folder / "tiny.py"), write_suite(folder / "tiny_suite.yaml", args.conditions)
        data = {clips: write_clips(folder / f"data{clips}", clips) for clips in args.clips}
        for turn in range(args.repeat):
            for clips in args.clips:
                out = folder / f"out{clips}-{turn}"
                words = ["run", str(suite), "--model", str(model), "--data", f"tau2022={data[clips]}"]
                # A planted defect is of the process that it is planted in.
                more = ["--out", str(out), "--quiet", *(["--no-isolate"] if args.plant else [])]
                one = taken([*words, *more], planted)
                if clips not in costs or one.cpu < costs[clips].cpu:
                    costs[clips] = one
                files[clips] = {part: size(out, part) for part in ("result.json", "report.html")}
                print(f"       {clips:,} clips: {one.cpu:.1f} CPU s, {one.peak:.0f} MB, {files[clips]}", flush=True)
    each = [1e3 * (costs[b].cpu - costs[a].cpu) / (b - a) for a, b in itertools.pairwise(rest)]
    more = costs[rest[-1]].peak - costs[first].peak
    kept = [
        judge("CPU of a further clip", each[1] / each[0], 1.05, f"{each[0]:.3f} ms, then {each[1]:.3f} ms"),
        judge("MB more", more, 50, f"{costs[first].peak:.0f} MB, then {costs[rest[-1]].peak:.0f} MB"),
    ]
    for part, small in files[first].items():
        kept.append(judge(part, files[rest[-1]][part] / small, 1.05, f"{small:,} bytes of {first} clips"))
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
