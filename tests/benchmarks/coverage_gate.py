"""How often a gate cries wolf, and how often it takes a worse model for one that is not, on grouped clips.

    OMP_NUM_THREADS=1 python tests/benchmarks/coverage_gate.py [--world scenes …] [--groups 100 …] [--data-sets 2000]

Two models on the same recordings of the populations of `made_worlds`, in four questions that a rule can ask:

- `alarm`: the models are equally good, and a rule without a margin calls a regression;
- `edge`: the first is worse by exactly the margin that is tolerated, and a rule with this margin calls a regression;
- `not worse`: the same two, and a rule that asks for non-inferiority calls the first not worse than the margin;
- `covered`: the 95 % interval of the difference holds the true difference of these two.

Wanted: the first three at most 5, `covered` 93.5 … 96.5. A share from n data sets is known to √(5 · 95 / n) points, so
that a true 5 shows as 5 ± 2 standard errors; what lies beyond is a miss and makes the exit status 1.

Measured with 2,000 data sets (standard error 0.49; PSDS1 1,000, 0.69), in per cent:

                                  100 recordings                   300 recordings
                            alarm edge not worse covered     alarm edge not worse covered
    scenes  accuracy         4.2  5.0     4.2     94.8        3.6  4.9     5.2     95.0
            macro accuracy   4.5  5.2     5.4     94.8        4.2  4.5     5.6     95.1
            macro F1         4.4  5.1     5.3     94.7        3.9  4.9     5.5     94.9
    tags    micro F1         4.7  5.3     5.0     95.3
            macro F1         4.3  5.4     4.4     95.5
            mAP              5.2  4.1     5.5     95.0
    PSDS1                    4.9  4.7     4.1     95.9
    SELD    SELD score       4.1  5.0     4.6     94.8
            ER20             4.6  4.1     5.4     95.5
            F20              4.9  4.9     4.1     95.0
            LE_CD            4.6  3.6     5.0     95.8
            LR_CD            4.6  4.5     4.4     95.5

SELD was measured with 800 data sets, standard error 0.77.

What is empty was not measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_worlds import METRICS, runs, world

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure
from benchbed.rng import stream

SHIFT = 0.3

#: Data sets where a score takes long to draw.
SLOW = {"psds": 1000, "psds2": 1000}
QUESTIONS = ("alarm", "edge", "not worse", "covered")


def measure(name: str, groups: int, data_sets: int, how: Procedure, again: int = 0) -> dict[str, dict[str, float]]:
    """Metric → question → share in per cent."""
    same, worse = world(name), world(name, SHIFT)
    found = {metric: dict.fromkeys(QUESTIONS, 0) for metric in same.metrics}
    generator = stream("gate", name, groups, again)
    for number in range(data_sets):
        key = f"{name}-{groups}-{again}-{number}"
        pair = runs(same, same.draw(generator, groups), key, how.draws)
        for metric, one in contrast(*pair, Figure("clean"), same.metrics, how).items():
            p = one.p_worse()
            found[metric]["alarm"] += p is not None and p < how.alpha
        pair = runs(worse, worse.draw(generator, groups), key, how.draws)
        for metric, one in contrast(*pair, Figure("clean"), worse.metrics, how).items():
            truth = worse.difference(metric)
            p, kept = one.p_worse(abs(truth)), one.p_too_bad(abs(truth))
            found[metric]["edge"] += p is not None and p < how.alpha
            found[metric]["not worse"] += kept is not None and kept < how.alpha
            found[metric]["covered"] += one.low is not None and one.low <= truth <= one.high
    return {m: {k: 100 * count / data_sets for k, count in row.items()} for m, row in found.items()}


def main() -> int:
    """Print the table; 1 where a share misses what is wanted by more than two standard errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", nargs="+", choices=list(METRICS), default=list(METRICS))
    parser.add_argument("--groups", type=int, nargs="+", default=[100, 300])
    parser.add_argument("--data-sets", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--again", type=int, default=0, help="another number makes other data sets")
    given = parser.parse_args()
    print(f"{'world':9}{'recordings':>11} {'metric':15}", *(f"{name:>10}" for name in QUESTIONS), "    ± 1 se")
    started, missed = time.perf_counter(), 0
    for name in given.world:
        data_sets = min(given.data_sets, SLOW.get(name, given.data_sets))
        how = Procedure(draws=min(given.draws, 100) if name in SLOW else given.draws, swaps=799)
        error = 100 * np.sqrt(0.0475 / data_sets)
        for groups in given.groups:
            for metric, row in measure(name, groups, data_sets, how, given.again).items():
                bad = any(row[q] > 5 + 2 * error for q in QUESTIONS[:3]) or not 93.5 <= row["covered"] <= 96.5
                missed += bad
                shares = (f"{row[q]:10.2f}" for q in QUESTIONS)
                print(
                    f"{name:9}{groups:11} {metric:15}", *shares, f"{error:9.2f}", "  missed" if bad else "", flush=True
                )
    print(f"{missed} missed, {time.perf_counter() - started:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
