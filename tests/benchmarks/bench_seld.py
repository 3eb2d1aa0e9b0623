"""Time and memory of localisation scores against the official scripts: 40 one-minute recordings, with their jackknife.

python tests/benchmarks/bench_seld.py SCRIPTS [--year 2022 2024]

SCRIPTS holds a checkout of the script of each year in SCRIPTS/2022 and so on (`tests/metrics/golden/make_seld.py` says
which). Both read the same files; figures and intervals must agree to 1e-9 before CPU times are compared, which are
taken in turns. The script with its jackknife takes minutes. Fails below 10 times without the jackknife and 50 times
with it, or if working memory grows with the number of recordings.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "metrics" / "golden"))

RECORDINGS, FRAMES, CLASSES = 40, 600, 13
WITHOUT, WITH = 10.0, 50.0
#: Both numbers of recordings fill a block of rows that are paired at once.
FEW, GROWTH = 80, 1.25


def corpus(recordings: int) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and references with about 3.5 sources at a time."""
    from benchbed.metrics.seld.examples import random_tracks
    from benchbed.outputs.tracks.recording import Tracks

    generator = np.random.default_rng(5)
    sides = [np.empty(recordings, object), np.empty(recordings, object)]
    for i in range(recordings):
        parts = random_tracks(generator, 30, CLASSES, frames=120)
        for side, held in zip(sides, parts):
            pieces = [(piece, 120 * (k % 5)) for k, piece in enumerate(held)]
            joined = {
                name: np.concatenate([getattr(piece, name) for piece, _ in pieces])
                for name in ("label", "source", "azimuth", "elevation", "distance", "onscreen")
            }
            frame = np.concatenate([piece.frame + start for piece, start in pieces])
            # Whole degrees and centimetres, as files have them; at most three of a class at a time.
            rounded = {name: np.rint(joined[name]) for name in ("azimuth", "elevation")}
            made = Tracks(**{**joined, **rounded, "frame": frame, "distance": np.rint(joined["distance"] * 100) / 100})
            place = made.frame * CLASSES + made.label
            order = np.argsort(place, kind="stable")
            starts = np.searchsorted(place[order], place[order])
            few = order[np.arange(len(order)) - starts < 3]
            kept = few[generator.random(len(few)) < 0.42]
            side[i] = made.only(np.sort(kept)[np.argsort(made.frame[np.sort(kept)], kind="stable")])
    return sides[0], sides[1]


def write(folder: Path, sides: tuple[np.ndarray, np.ndarray], year: int) -> tuple[Path, Path]:
    """The files of a year."""
    from benchbed.outputs.tracks import files

    folders = folder / "reference", folder / "output"
    form = {2022: "cartesian-6", 2023: "cartesian-7", 2024: "polar-6"}[year]
    for i, (said, there) in enumerate(zip(*sides)):
        for path, made, options in ((folders[0], there, {}), (folders[1], said, {"form": form, "unit": "m"})):
            path.mkdir(exist_ok=True)
            files.write(path / f"fold4_room1_mix{i:03}.csv", made, year, **options)
    return folders


def spent(call: Callable[[], Any], times: int = 1) -> tuple[float, Any]:
    """Least CPU seconds of some calls, and what the last returned."""
    seconds = []
    for _ in range(times):
        started = time.process_time()
        found = call()
        seconds.append(time.process_time() - started)
    return min(seconds), found


def ours(reference: Path, output: Path, year: int, *, jackknife: bool) -> dict[str, Any]:
    """Figures from files: of the official script, as it reads them, or with their intervals."""
    from benchbed.metrics import FAMILIES
    from benchbed.outputs.tracks import official

    family = FAMILIES.get(f"seld{2022 if year == 2023 else year}").family(
        [f"c{i}" for i in range(CLASSES)], by="official"
    )
    names = sorted(path.name for path in reference.iterdir())
    sides = np.empty((2, len(names)), object)
    for i, name in enumerate(names):
        sides[0, i] = official.read(output / name, year, reference=False)
        sides[1, i] = official.read(reference / name, year, reference=True)
    rows = family.statistics(sides[0], sides[1])
    made: dict[str, Any] = {name: float(value) for name, value in family.values(rows.sum(axis=0)).items()}
    if jackknife:
        made["jackknife"] = family.jackknives(rows)
    return made


def agree(found: dict[str, Any], expected: tuple, names: list[str], *, jackknife: bool) -> None:
    """Exit if figures differ."""
    for name, value in zip(names, expected):
        mine = [found["jackknife"][name].low, found["jackknife"][name].high] if jackknife else [found[name]]
        theirs = list(value[1]) if jackknife else [float(value)]
        if not np.allclose(mine, theirs, rtol=1e-9, atol=1e-8 if jackknife else 1e-9):
            sys.exit(f"{name}: {mine}, the script says {theirs}")


def memory(recordings: int) -> float:
    """MiB of working memory for the counters of so many recordings, beside recordings and counters."""
    from benchbed.metrics import FAMILIES

    sides = corpus(recordings)
    family = FAMILIES.get("seld2024").family([f"c{i}" for i in range(CLASSES)])
    family.statistics(*corpus(1))  # what is imported on the first call is no working memory
    tracemalloc.start()
    rows = family.statistics(*sides)
    peak = tracemalloc.get_traced_memory()[1] - rows.nbytes
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    """Compare, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", type=Path)
    parser.add_argument("--year", type=int, nargs="+", default=[2022, 2024], choices=[2022, 2023, 2024])
    options = parser.parse_args()
    from make_seld import NAMES, Scripts

    short = {"DE": "distance_error", "RDE": "relative_distance_error", "F": "f20", "LE": "le_cd", "LR": "lr_cd"}
    scripts = Scripts(options.scripts.resolve(), options.year)
    sides = corpus(RECORDINGS)
    print(f"{RECORDINGS} recordings, {sum(map(len, sides[1]))} reference rows, {sum(map(len, sides[0]))} outputs")
    slow = []
    for year in options.year:
        names = ["er20" if n == "ER" else f"macro_{short.get(n, n.lower())}" for n in NAMES[year]]
        with tempfile.TemporaryDirectory() as folder:
            reference, output = write(Path(folder), sides, year)
            for jackknife, least in ((False, WITHOUT), (True, WITH)):
                mine, found = spent(lambda: ours(reference, output, year, jackknife=jackknife), 3)  # noqa: B023
                theirs, expected = spent(
                    lambda: scripts.score(year, reference, output, CLASSES, "macro", jackknife=jackknife)  # noqa: B023
                )
                agree(found, expected, names, jackknife=jackknife)
                what = f"{year} {'with' if jackknife else 'without'} the jackknife"
                print(f"{what:28} {theirs:8.2f} s, ours {mine:6.3f} s: {theirs / mine:6.1f} times (at least {least:g})")
                if theirs < least * mine:
                    slow.append(what)
    few, many = memory(FEW), memory(4 * FEW)
    print(f"working memory {few:.1f} MiB for {FEW} recordings, {many:.1f} MiB for {4 * FEW} (at most {GROWTH:g} times)")
    if many > GROWTH * few:
        slow.append("memory")
    if slow:
        sys.exit(f"too slow or too large: {', '.join(slow)}")


if __name__ == "__main__":
    main()
