"""Whether a gate on latency cries wolf on a shared runner, and whether it sees a model that became slower.

    python tests/benchmarks/latency_gate.py [--runs 2000]

A round times the model and a reference in turns. The runner's speed drifts from round to round (log speeds with a
standard deviation of 0.3 and a correlation of 0.8), every timing has jitter of 3 %, and one timing in seven is
disturbed by another process: it takes 1 + a Pareto variable of index 1.5 times as long, which has no variance.
Baselines are runs on another such runner. A rule tolerates 10 %, against a limit or against the baseline; `now` is how
much slower the model is, `called` the share of runs in which the gate calls a regression. `raw` is what the median of
the seconds, by value and without a reference, would call; `again` what is left once a failing rule is measured again,
and what fails then a third time, as `gate --confirm` does.

Wanted: at most 5 % up to what is tolerated (and two standard errors of the share), at least 80 % for 1.3 times slower
in 15 rounds; measured again, at most 1.5 % and 80 % in 25 rounds; else the exit status is 1.

Measured with 1,000 runs (standard error of 5 % 0.7), called in %:

      rounds   now      limit  again   baseline  again        raw  again
           5   1.0        0.0    0.0        0.0    0.0       38.8    4.9
           5   1.1        3.4    0.0        5.9    0.4       52.9   16.2
           5   1.3       57.8   18.6       44.1   16.9       79.4   49.6
           9   1.0        0.0    0.0        0.0    0.0       41.0    6.4
           9   1.1        2.5    0.0        5.6    0.2       60.4   19.1
           9   1.3       74.0   42.5       74.0   53.4       80.5   50.0
          15   1.0        0.0    0.0        0.0    0.0       35.6    4.2
          15   1.1        1.2    0.0        4.2    0.3       56.0   16.8
          15   1.3       94.3   81.9       92.8   82.7       84.6   56.5
          25   1.0        0.0    0.0        0.0    0.0       39.7    5.9
          25   1.1        1.6    0.0        4.6    0.8       61.8   20.6
          25   1.3       99.6   99.5       98.8   97.1       88.6   70.1
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from made_runs import made_record

from benchbed.compare.runs import OpenRun
from benchbed.gate.confirm import AGAIN
from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule, Rules
from benchbed.rng import stream

USUAL, TOLERATED = 2.0, 1.1
RATIO = {"figure": "rounds.model", "reference": "rounds.reference"}
RULES = {
    "limit": RATIO | {"at_most": f"{USUAL * TOLERATED} x"},
    "baseline": RATIO | {"margin": {"relative": "10 %"}},
    "raw": {"figure": "rounds.model", "at_most": f"{USUAL * TOLERATED} s", "by": "value"},
}


def timed(generator: np.random.Generator, ratio: float, rounds: int) -> OpenRun:
    """A run whose profile holds the rounds of model and reference."""
    drift = np.zeros(rounds)
    shocks = generator.normal(0, 0.3, rounds)
    for i in range(rounds):
        drift[i] = shocks[i] if i == 0 else 0.8 * drift[i - 1] + 0.6 * shocks[i]
    jitter = np.exp(generator.normal(0, 0.03, (2, rounds)))
    disturbed = generator.random((2, rounds)) < 1 / 7
    spikes = np.where(disturbed, 1 + generator.pareto(1.5, (2, rounds)), 1.0)
    model, reference = np.exp(drift) * jitter * spikes * np.array([[ratio], [1.0]])
    profile = {
        "rounds": {
            "model": {"value": model.tolist(), "unit": "s"},
            "reference": {"value": reference.tolist(), "unit": "s"},
        }
    }
    return OpenRun(Path("result.json"), made_record([], profile=profile))


def called(name: str, now: float, rounds: int, count: int) -> tuple[float, float]:
    """Shares of runs in per cent in which the gate calls a regression: at once, and after `--confirm`."""
    rules = LoadedRules(Rules(rules=[Rule(name=name, **RULES[name])]))
    generator, found, again = stream("latency", name, now, rounds), 0, 0
    for _ in range(count):
        base = timed(generator, USUAL, rounds) if name == "baseline" else None
        if judge(rules, timed(generator, USUAL * now, rounds), base).exit_code == 1:
            found += 1
            again += all(judge(rules, timed(generator, USUAL * now, rounds), base).exit_code == 1 for _ in AGAIN)
    return 100 * found / count, 100 * again / count


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000)
    count, missed = parser.parse_args().runs, 0
    most = 5 + 2 * 100 * np.sqrt(0.0475 / count)
    print(f"{count} runs; called in %\n{'rounds':>7}{'now':>6}", *(f"{name:>10}  again" for name in RULES))
    for rounds in (5, 9, 15, 25):
        for now in (1.0, TOLERATED, 1.3):
            shares = {name: called(name, now, rounds, count) for name in RULES}
            kept = [shares["limit"][0], shares["baseline"][0]]
            again = [shares["limit"][1], shares["baseline"][1]]
            bad = max(kept) > most or max(again) > 1.5 if now <= TOLERATED else rounds >= 15 and min(kept) < 80
            bad |= now > TOLERATED and rounds >= 25 and min(again) < 80
            missed += bad
            print(
                f"{rounds:7}{now:6.1f}", *(f"{s:10.1f}{a:7.1f}" for s, a in shares.values()), "  missed" if bad else ""
            )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
