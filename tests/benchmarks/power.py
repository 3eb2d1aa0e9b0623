"""Whether the stated minimum detectable effect is found as often as stated (80 %).

    python tests/benchmarks/power.py [--data-sets 1000]

For each number of recordings the effect is set to the mean of the effects that comparisons of that size state, found by
iteration, since a larger difference has another error. `found` is the share of two-sided tests at 0.05 that call it:
the larger p-value of bootstrap and swaps, so a little under 80 is expected.

Measured with 400 data sets (standard error 2): 20 recordings, effect of 19.7 points, found in 78.8 %; 50 recordings,
12.4 points, 75.8 %. With the normal quantile in place of Student's t the stated effect was found in 71.0 % and 71.9 %
of 1,000 data sets.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_runs import simulated_pair, true_accuracy

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure


def shift_for(gain: float) -> float:
    """Log odds that gain this much accuracy."""
    low, high = 0.0, 4.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if true_accuracy(middle) - true_accuracy(0.0) > gain else (middle, high)
    return (low + high) / 2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--groups", type=int, nargs="+", default=[20, 50, 100, 300])
    given = parser.parse_args()
    how = Procedure(draws=1000, swaps=999)
    print(f"{'groups':>7}{'MDE':>8}{'found':>8}   over {given.data_sets} data sets")
    for groups in given.groups:
        effect = 0.05
        for _ in range(4):
            shift = shift_for(effect)
            stated = [
                contrast(*simulated_pair(groups, 5, shift, groups, n, "mde"), Figure("clean"), ["accuracy"], how)[
                    "accuracy"
                ].mde
                for n in range(60)
            ]
            effect = float(np.mean(stated))
        shift, hits = shift_for(effect), 0
        for n in range(given.data_sets):
            pair = simulated_pair(groups, 5, shift, groups, n, "power")
            hits += contrast(*pair, Figure("clean"), ["accuracy"], how)["accuracy"].p < how.alpha
        print(f"{groups:7d}{100 * effect:8.2f}{100 * hits / given.data_sets:8.1f}", flush=True)


if __name__ == "__main__":
    main()
