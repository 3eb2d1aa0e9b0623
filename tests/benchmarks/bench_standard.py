"""What the `standard` ensemble costs on a detector of ten-second recordings, against what it cost at 1ddc8f1.

    python tests/benchmarks/bench_standard.py [--clips 4] [--budgets 60 45] [--model crnn] [--plant]

Cost is counted in forward passes of the model, a gradient by the waveform as three, for clips that stand: they are what
an ensemble spends its time on. First the most that a clip can need, whole and on clips whose gradient is vouched for,
the audit that vouches included; then a run of both on a few recordings: passes of the clips that stand in both, and the
clips that only one of them breaks. The marks are half of the cost at 1ddc8f1 (150 gradients and 300 queries a clip), in
the count and in the run, with no clip that only the whole ensemble breaks, an audit of at most a twentieth, and a
search for the smallest perturbation that costs no more than three budgets of the mildest ensemble, `fast`. The
script ends with 1 while one is missed. `--plant` gives every attack of the second run two steps: breaks must be missed
then.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import sys
import tempfile
from pathlib import Path

import pandas as pd

import benchbed as bb
from benchbed.attack import ensemble as ensembles
from benchbed.attack.audit import VOUCH_DIRECTIONS
from benchbed.run.attacking.ensembles import ensemble_of
from benchbed.suite.conditions import AttackCondition

#: Gradients and queries of one standing clip at 1ddc8f1, and what a gradient counts in forward passes.
BEFORE, GRADIENT = (150, 300), 3
MARK = 0.5
#: Share of the audit: passes that vouch, and the two answers of the new instance that confirms.
AUDIT_MARK = 0.05


def counted(task: str) -> tuple[int, int]:
    """Passes of a standing clip, whole and vouched for."""
    chosen = ensemble_of(AttackCondition(attack="standard", budgets=[20]), task, sources=False)
    for whole, short in zip(chosen.attacks, chosen.short):
        print(f"{ensembles.member(whole):24} vouched for: {ensembles.member(short)}")
    found = [chosen.cost(10, 1, 1, vouched=vouched) for vouched in (False, True)]
    whole, short = (cost.forwards + (GRADIENT - 1) * cost.backwards for cost in found)
    return whole, short


def searched(budgets: int = 3) -> float:
    """What a search for the smallest perturbation costs, as a share of the mildest ensemble at three budgets."""
    given = (ensembles.ensemble(name).cost(10, budgets, 1) for name in ("minimal", "fast"))
    search, three = (cost.forwards + (GRADIENT - 1) * cost.backwards for cost in given)
    print(f"smallest perturbation: {search} passes for all budgets, {budgets} budgets of `fast` {three}")
    return search / three


def run(folder: Path, suite: dict, model: str, cut: bool) -> pd.DataFrame:
    """Rows of attacked clips of one run, whole or with what is vouched for cut."""
    kept = dict(ensembles.SHORTER)
    try:
        if not cut:
            ensembles.SHORTER.clear()
        bb.run(suite, model=model, out=folder, report=False, listen=0)
    finally:
        ensembles.SHORTER.update(kept)
    rows = pd.concat([pd.read_parquet(path) for path in sorted(folder.rglob("*.parquet"))])
    return rows[rows["attacked"].eq(True)].set_index(["cell", "clip_id"])


def main() -> None:
    """Print counts and figures of the run, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", default="frames")
    parser.add_argument("--suite", default="dcase_task4")
    parser.add_argument("--model", default="crnn")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--budgets", type=float, nargs="+", default=[60, 45])
    parser.add_argument("--plant", action="store_true")
    given = parser.parse_args()
    os.environ["BENCHBED_ISOLATE"] = "0"
    whole, short = counted(given.task)
    before = GRADIENT * BEFORE[0] + BEFORE[1]
    audit = 1 + GRADIENT + 2 * (1 + VOUCH_DIRECTIONS) + 2
    print(
        f"most passes of a standing clip: {whole} whole, {short} vouched for, {short / before:.2f} of those at 1ddc8f1"
    )
    print(f"the audit takes {audit} of them, {audit / (short + 2):.3f}; marks are {MARK} and {AUDIT_MARK}")
    missed = short > MARK * before or audit > AUDIT_MARK * (short + 2) or searched() > 1
    attack = {"attack": "standard", "budgets": given.budgets, "n": given.clips}
    suite = {"name": "standard", "version": "1", "extends": [given.suite], "conditions": ["clean", attack]}
    with tempfile.TemporaryDirectory() as folder:
        long = run(Path(folder, "whole"), suite, given.model, cut=False)
        if given.plant:
            ensembles.PRESETS["standard"] = tuple(
                (name, {**own, **{key: 2 for key in ("steps", "queries") if key in own}})
                for name, own in ensembles.PRESETS["standard"]
            )
        cut = run(Path(folder, "cut"), suite, given.model, cut=True).loc[long.index]
    stands = long["robust"].astype(bool) & cut["robust"].astype(bool)
    lost = int((cut["robust"].astype(bool) & ~long["robust"].astype(bool)).sum())
    won = int((~cut["robust"].astype(bool) & long["robust"].astype(bool)).sum())
    share = cut["passes"][stands].mean() / long["passes"][stands].mean()
    print(
        f"{given.model}, {len(long)} attacks: {int(stands.sum())} stand, only whole breaks {lost}, only cut {won}; "
        f"passes of what stands {long['passes'][stands].mean():.0f} → {cut['passes'][stands].mean():.0f}, {share:.2f}"
    )
    sys.exit(int(missed or lost > 0 or not share <= MARK))


if __name__ == "__main__":
    main()
