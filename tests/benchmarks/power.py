"""Whether the stated minimum detectable effect is found as often as stated (80 %).

    OMP_NUM_THREADS=1 python tests/benchmarks/power.py [--world scenes …] [--groups 100 …] [--data-sets 1000]

What a comparison states depends on its data set, so the typical statement is tested: the mean of the effects that
comparisons of this size state. Of the populations of `made_worlds`, in which the first model is worse by a shift, the
one is sought whose true difference equals the mean effect stated on its own data sets, since a larger difference has
another error. `found` is the share of data sets whose two-sided test at 0.05 calls it. Where models can be swapped, the
larger p-value of bootstrap and swaps counts, which costs a little power.

Wanted: `found` 80 within 3 points and two standard errors, else the exit status is 1.

Measured with 100 recordings, in points and per cent:

                        effect  stated  found  ± 1 se  data sets
    scenes  accuracy      9.76    9.75   77.1     1.4        800
            macro F1      9.98   10.04   76.2     1.4        800
    PSDS1                 8.85    8.77   80.7     2.3        300

The bootstrap alone, as for PSDS, finds what is stated; that the swaps must agree costs three points.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_worlds import METRICS, World, runs, world

from benchbed.compare.answer import Contrast
from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure
from benchbed.rng import stream

#: Draws and data sets where a score takes long to draw.
SLOW = {"psds": (100, 300), "psds2": (100, 300)}


def compared(made: World, metric: str, groups: int, count: int, how: Procedure, name: str) -> list[Contrast]:
    """Comparisons of `count` data sets."""
    generator = stream("power", made.name, metric, groups, name)
    found = []
    for number in range(count):
        pair = runs(made, made.draw(generator, groups), f"{name}-{metric}-{groups}-{number}", how.draws)
        found.append(contrast(*pair, Figure("clean"), [metric], how)[metric])
    return found


def stated(made: World, metric: str, groups: int, how: Procedure, count: int) -> float:
    """Mean of the effects that comparisons state."""
    return float(np.mean([one.mde for one in compared(made, metric, groups, count, how, "mde") if one.mde is not None]))


def sought(name: str, metric: str, groups: int, how: Procedure) -> float:
    """The shift whose true difference is what comparisons of it state."""
    shift = 0.3
    for count in (60, 60, 300):
        made = world(name, round(shift, 4))
        shift *= stated(made, metric, groups, how, count) / abs(made.difference(metric))
    return round(shift, 4)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", nargs="+", choices=list(METRICS), default=["scenes", "tags", "events", "psds"])
    parser.add_argument("--metric", nargs="+", default=["accuracy", "macro_f1", "map", "psds1"])
    parser.add_argument("--groups", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--data-sets", type=int, default=1000)
    given, missed = parser.parse_args(), 0
    print(f"{'world':9}{'recordings':>11} {'metric':15}{'effect':>8}{'stated':>8}{'found':>8}    ± 1 se")
    for name in given.world:
        draws, count = SLOW.get(name, (2000, given.data_sets))
        how = Procedure(draws=draws)
        for metric in [m for m in METRICS[name] if m in given.metric]:
            for groups in given.groups:
                made = world(name, sought(name, metric, groups, how))
                all_ = compared(made, metric, groups, count, how, "power")
                share = 100 * float(np.mean([one.p is not None and one.p < how.alpha for one in all_]))
                error = 100 * np.sqrt(0.16 / count)
                bad = abs(share - 80) > 3 + 2 * error
                missed += bad
                told = 100 * float(np.mean([one.mde for one in all_ if one.mde is not None]))
                effect = 100 * abs(made.difference(metric))
                print(f"{name:9}{groups:11} {metric:15}{effect:8.2f}{told:8.2f}{share:8.1f}{error:10.1f}",
                      "  missed" if bad else "", flush=True)  # fmt: skip
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
