"""What a whole run keeps in memory for each of its predictions.

    python tests/benchmarks/bench_memory.py [--clips A B] [--conditions N] [--workers N] [--plant]

Two runs from start to page, of A and of B clips under clean and N cheap corruptions at five severities, each a command
of its own with all the processes that it starts; the kernel's high-water mark (VmHWM) of the largest of them counts.
Clips are tiny and the model costs nothing, so that many predictions are made in little time.

- The bytes that each further prediction costs: at most 100.
- What 30,000 clips under these conditions need, by that slope: at most 600 MB.

`--plant` has every run keep the table and the scores of all that it reads, as if all predictions were read at once:
both marks must fail. Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tiny_clips import taken, write_clips, write_model, write_suite

BYTES, MEGABYTES, CLIPS = 100.0, 600.0, 30_000
PLANTED = """
import benchbed.predictions.by_cell as by_cell
kept, read = [], by_cell.read_units
def keeping(*given):
    kept.append(read(*given))
    return kept[-1]
by_cell.read_units = keeping
"""


def judge(what: str, figure: float, most: float, told: str) -> bool:
    """Print one figure and whether it keeps its mark."""
    kept = figure <= most
    print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.0f}, at most {most:g} ({told})", flush=True)
    return kept


def main() -> None:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs=2, default=(600, 2400))
    parser.add_argument("--conditions", type=int, default=26)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--plant", action="store_true")
    args = parser.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory(prefix="benchbed-memory-") as name:
        folder = Path(name)
        model, suite = write_model(folder / "tiny.py"), write_suite(folder / "tiny_suite.yaml", args.conditions)
        for clips in args.clips:
            data = write_clips(folder / f"data{clips}", clips)
            words = ["run", str(suite), "--model", str(model), "--data", f"tau2022={data}", "--workers"]
            # A planted defect is of the process that it is planted in.
            more = [str(args.workers), "--out", str(folder / f"out{clips}"), *(["--no-isolate"] if args.plant else [])]
            peaks.append(taken([*words, *more, "--quiet"], PLANTED if args.plant else "").peak)
    cells = 5 * args.conditions + 1
    slope = (peaks[1] - peaks[0]) * 1e6 / (cells * (args.clips[1] - args.clips[0]))
    told = (
        f"{peaks[0]:.0f} MB for {args.clips[0]:,} clips, {peaks[1]:.0f} for {args.clips[1]:,}, under {cells} conditions"
    )
    whole = peaks[1] + slope * cells * (CLIPS - args.clips[1]) / 1e6
    kept = [judge("bytes for a prediction", slope, BYTES, told)]
    kept.append(judge(f"MB for {CLIPS:,} clips", whole, MEGABYTES, "by that slope"))
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
