"""What the `standard` ensemble costs on a detector of ten-second recordings, against what it cost at 1ddc8f1.

    python tests/benchmarks/bench_standard.py

Cost is counted in forward passes of the model, a gradient by the waveform as three, for clips that stand: they are what
an ensemble spends its time on. The mark is half of the cost at 1ddc8f1 (150 gradients and 300 queries a clip) at as
many broken clips; the script ends with 1 while it is missed, and prints what each member takes.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys

from benchbed.attack.ensemble import FLOOR_DRAWS
from benchbed.run.attacking.ensembles import ensemble_of
from benchbed.suite.conditions import AttackCondition

#: Gradients and queries of one standing clip at 1ddc8f1, and what a gradient counts in forward passes.
BEFORE, GRADIENT = (150, 300), 3
MARK = 0.5


def main() -> None:
    """Print one line a member, and the share of the earlier cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="frames")
    given = parser.parse_args()
    chosen = ensemble_of(AttackCondition(attack="standard", budgets=[20]), given.task, sources=False)
    total = FLOOR_DRAWS * len(chosen.floor)
    for attack in chosen.attacks:
        cost = attack.cost(10)
        passes = cost.forwards + (GRADIENT - 1) * cost.backwards
        total += passes
        told = attack.options.get("loss", "")
        print(f"{attack.name:8} {told:14} {cost.forwards:4} answers, {cost.backwards:4} gradients: {passes} passes")
    before = GRADIENT * BEFORE[0] + BEFORE[1]
    print(f"{total} passes a standing clip, {total / before:.2f} of those at 1ddc8f1; the mark is {MARK}")
    sys.exit(int(total > MARK * before))


if __name__ == "__main__":
    main()
