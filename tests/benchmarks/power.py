"""Whether the stated minimum detectable effect is found as often as stated (80 %).

    OMP_NUM_THREADS=1 python tests/benchmarks/power.py [--world scenes …] [--groups 100 …] [--data-sets 1000]

What a comparison states depends on its data set, so the typical statement is tested: the mean of the effects that
comparisons of this size state. Of the populations of `made_worlds`, in which the first model is worse by a shift, the
one is sought whose true difference equals the mean effect stated on its own data sets, since a larger difference has
another error. `found` is the share of data sets that call it: `compare` by the two-sided test at 0.05, `gate` by a rule
without a margin, whose test is one-sided. Where models can be swapped, the larger p-value of the two tests counts.

Wanted: `found` 80 within two standard errors, else the exit status is 1.

Measured, in points and per cent:

                    recordings  effect  stated  found  ± 1 se  data sets
    compare
    scenes  accuracy        50   14.52   14.62   80.0     1.3      1,000
                           100   10.03   10.06   78.9     1.3      1,000
            macro F1        50   15.04   14.96   80.9     1.3      1,000
                           100   10.28   10.25   79.3     1.3      1,000
    tags    macro F1       100    7.98    7.99   79.1     1.3      1,000
            mAP            100   11.19   11.16   76.5     1.3      1,000  missed
    events  macro F1       100    7.49    7.55   80.8     1.3      1,000
    PSDS1                  100    8.85    8.78   82.9     1.3      1,000  missed
    SELD    SELD score     100    5.52    5.52   78.2     2.0        400
            F20            100    6.96    6.99   76.8     2.0        400
    gate
    scenes  accuracy       100    8.84    8.89   78.2     0.8      2,500  missed
            macro F1       100    9.05    9.04   79.8     1.3      1,000
    SELD    SELD score     100    4.85    4.84   78.0     2.0        400
            F20            100    6.11    6.11   78.5     2.0        400

Of mAP and PSDS1 the runs have no clips, so that the bootstrap stands alone. In 700 data sets with a larger shift the
mean difference in mAP was 3.7 % smaller than that of the population and its spread 9 % above the mean bootstrap error,
with eight recordings of the rarest class; either takes power. The difference in PSDS1 is found more often than stated,
which fits its wide interval (`interval_coverage.py`). Of accuracy a gate finds 78, not 80: why is not known.

Student's quantiles with the bootstrap's error alone promised effects of which 77 % were found where swaps must agree.
The steps of a count of clips, which both tests count against a difference, and the wider spread of the swaps of macro
F1 make up most of the rest.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_worlds import METRICS, World, runs, world

from benchbed.compare.contrast import Procedure, contrast
from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun
from benchbed.gate.slack import of_loss
from benchbed.rng import stream

#: Draws where a score takes long to draw.
SLOW = {"tags": 400, "psds": 100, "psds2": 100}


@dataclass(frozen=True)
class Answer:
    """What was said about a data set.

    Attributes
    ----------
    stated : float or None
        Smallest difference that would be found.
    found : bool
        The difference was called.
    """

    stated: float | None
    found: bool


def compared(a: OpenRun, b: OpenRun, metric: str, how: Procedure) -> Answer:
    """What a comparison says: the two-sided test."""
    one = contrast(a, b, Figure("clean"), [metric], how)[metric]
    return Answer(one.mde, one.p is not None and one.p < how.alpha)


def gated(a: OpenRun, b: OpenRun, metric: str, how: Procedure) -> Answer:
    """What a gate says about a rule without a margin: the one-sided test."""
    slack = of_loss(a, b, Figure("clean"), metric, None, how)
    return Answer(slack.facts["mde"], slack.broken and slack.p_broken is not None and slack.p_broken < how.alpha)


ASKED = {"compare": compared, "gate": gated}


def answers(of: str, made: World, metric: str, groups: int, count: int, how: Procedure, name: str) -> list[Answer]:
    """Answers about `count` data sets."""
    generator = stream("power", made.name, metric, groups, name)
    found = []
    for number in range(count):
        pair = runs(made, made.draw(generator, groups), f"{name}-{metric}-{groups}-{number}", how.draws)
        found.append(ASKED[of](*pair, metric, how))
    return found


def stated(asked: list[Answer]) -> float:
    """Mean of the effects that were stated."""
    return float(np.mean([one.stated for one in asked if one.stated is not None]))


def sought(of: str, name: str, metric: str, groups: int, how: Procedure) -> float:
    """The shift whose true difference is what is stated about it."""
    shift = 0.3
    for count in (60, 60, 300):
        made = world(name, round(shift, 4))
        effect = stated(answers(of, made, metric, groups, count, how, "mde"))
        shift *= effect / abs(made.difference(metric))
    return round(shift, 4)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--world", nargs="+", choices=list(METRICS), default=["scenes", "tags", "events", "psds", "seld"]
    )
    parser.add_argument(
        "--metric", nargs="+", default=["accuracy", "macro_f1", "map", "psds1", "macro_seld", "macro_f20"]
    )
    parser.add_argument("--groups", type=int, nargs="+", default=[50, 100])
    parser.add_argument("--data-sets", type=int, default=1000)
    parser.add_argument("--of", nargs="+", choices=list(ASKED), default=list(ASKED))
    given, missed = parser.parse_args(), 0
    print(f"{'of':8}{'world':9}{'recordings':>11} {'metric':15}{'effect':>8}{'stated':>8}{'found':>8}    ± 1 se")
    for of, name in product(given.of, given.world):
        how, count = Procedure(draws=SLOW.get(name, 2000)), given.data_sets
        for metric, groups in product([m for m in METRICS[name] if m in given.metric], given.groups):
            made = world(name, sought(of, name, metric, groups, how))
            asked = answers(of, made, metric, groups, count, how, "power")
            share, error = 100 * float(np.mean([one.found for one in asked])), 100 * np.sqrt(0.16 / count)
            bad = abs(share - 80) > 2 * error
            missed += bad
            told, effect = 100 * stated(asked), 100 * abs(made.difference(metric))
            print(
                f"{of:8}{name:9}{groups:11} {metric:15}{effect:8.2f}{told:8.2f}{share:8.1f}{error:10.1f}",
                "  missed" if bad else "",
                flush=True,
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
