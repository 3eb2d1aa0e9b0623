"""How often the interval of a difference holds the truth, and how often a gate cries wolf, on grouped clips.

    python tests/benchmarks/coverage_gate.py [--data-sets 2000]

Two models hear the same recordings of five clips; a recording is easy or hard for both, and suits one of them more than
the other (`simulated_pair`). `coverage` is that of the 95 % interval, for no difference and for one of three points
(accuracy only there, whose truth is known by quadrature). `alarm` is how often a rule without a margin calls a
regression although there is none, `margin` the same at the edge of a margin of three points: the true loss is exactly
what is tolerated. Wanted: coverage 93.5 … 96.5, alarms at most 5.

Measured with 2,000 data sets (standard error of a share 0.5), in per cent:

    recordings                  20      50     100     300
    coverage accuracy         95.3    94.7    94.5    93.6
    coverage macro accuracy   94.6    94.7    92.8    94.1
    coverage macro F1         94.6    94.4    93.4    93.5
    coverage log loss         95.3    94.5    94.1    94.1
    coverage, 3 points        94.9    94.4    94.2    95.2
    alarm accuracy             3.7     3.7     4.6     6.1
    alarm macro accuracy       4.0     3.8     5.4     6.0
    alarm macro F1             4.7     4.2     5.0     6.3
    alarm log loss             4.7     4.3     4.6     5.4
    edge of the margin         4.4     5.3     4.6     4.7

The metrics of a column come from the same data sets, so that they stray together. An alarm needs the swap test, which
is exact for equal models: what lies above 5 is chance of the data sets.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_runs import simulated_pair, true_accuracy

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure

METRICS = ("accuracy", "macro_accuracy", "macro_f1", "log_loss")
LOSS = 0.03


def shift_for(loss: float) -> float:
    """Log odds that cost this much accuracy."""
    low, high = -2.0, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if true_accuracy(middle) - true_accuracy(0.0) < -loss else (low, middle)
    return (low + high) / 2


def measure(groups: int, data_sets: int, how: Procedure) -> dict[str, float]:
    """Shares in per cent for one number of recordings."""
    found = {f"coverage {m}": 0 for m in METRICS} | {f"alarm {m}": 0 for m in METRICS}
    found |= {"coverage 3 pt": 0, "margin 3 pt": 0}
    moved = shift_for(LOSS)
    for number in range(data_sets):
        same = contrast(*simulated_pair(groups, 5, 0.0, groups, number), Figure("clean"), METRICS, how)
        for metric, one in same.items():
            found[f"coverage {metric}"] += one.low is None or one.low <= 0 <= one.high
            p = one.p_worse()
            found[f"alarm {metric}"] += p is not None and p < how.alpha
        worse = contrast(*simulated_pair(groups, 5, moved, groups, number, "moved"), Figure("clean"), ["accuracy"], how)
        one = worse["accuracy"]
        found["coverage 3 pt"] += one.low is not None and one.low <= -LOSS <= one.high
        p = one.p_worse(LOSS)
        found["margin 3 pt"] += p is not None and p < how.alpha
    return {name: 100 * count / data_sets for name, count in found.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=2000)
    parser.add_argument("--groups", type=int, nargs="+", default=[20, 50, 100, 300])
    given = parser.parse_args()
    how = Procedure(draws=1000, swaps=999)
    print(f"{given.data_sets} data sets, standard error of a share {100 * np.sqrt(0.0475 / given.data_sets):.2f}")
    for groups in given.groups:
        started = time.perf_counter()
        row = measure(groups, given.data_sets, how)
        print(f"{groups} recordings ({time.perf_counter() - started:.0f} s)")
        for name, value in row.items():
            print(f"  {name:26s}{value:6.2f}", flush=True)


if __name__ == "__main__":
    main()
