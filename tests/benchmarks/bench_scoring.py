"""CPU time and memory of scoring: one large cell, many cells, and ranked metrics beside scikit-learn; one core.

    python tests/benchmarks/bench_scoring.py [--only MARK …] [--plant SECONDS]

`cells`: 230,000 rows in 51 cells with intervals from 1,000 draws, of every figure of the clean cell and of those that
rank by device of the others, in under 2 s on top of reading. `ranking`: mAP and mAUC of 20,000 clips with 527 classes
with 1,000 draws in under three times one evaluation by scikit-learn, whose figures must agree. `large`: one cell of
230,000 clips in 23,000 recordings, which no mark is about. `--plant` lets what is measured waste some seconds: both
marks must fail then.

Leaves with 1 if a figure misses its mark.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import tagging
from benchbed.metrics.families.classification import family
from benchbed.metrics.slices import Column
from benchbed.rng import stream
from benchbed.stats.bootstrap import Bootstrap

DEVICES = [*"abcdef", *"uvwxyz"]
CLASSES, DRAWS = 10, 1000


class Clock:
    """CPU time of what is measured, with what a defect would waste."""

    def __init__(self, plant: float) -> None:
        self.plant, self.seconds = plant, 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        began = time.process_time()
        yield
        until = time.process_time() + self.plant
        while time.process_time() < until:
            pass
        self.seconds = time.process_time() - began


def clips(count: int, groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores, references, recordings and devices of some clips."""
    generator = stream("bench_scoring")
    group = np.sort(generator.integers(0, groups, count))
    target = (group * 7) % CLASSES
    logits = generator.standard_normal((count, CLASSES)).astype(np.float32)
    logits[np.arange(count), target] += 1.5
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return scores, target, group, np.array(DEVICES)[generator.integers(0, 12, count)]


def peak() -> float:
    """Largest memory of this process so far, in MiB; 0 where the system does not say."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0


def large(clock: Clock) -> bool:
    """One cell of 230,000 clips."""
    scores, target, group, device = clips(230_000, 23_000)
    metrics = family(tuple(f"class{i}" for i in range(CLASSES)))
    column = Column("device", device, {"seen": DEVICES[:6], "unseen": DEVICES[6:]})
    before = peak()
    with clock.running():
        result = score_cell(metrics, scores, target, group, [column], Bootstrap(23_000, DRAWS, "bench"))
    first = result.metrics["macro_accuracy"]
    print(f"       230,000 clips in one cell: {clock.seconds:.2f} s, +{peak() - before:.0f} MiB")
    print(f"       macro accuracy {first.value:.4f} [{first.low:.4f}, {first.high:.4f}], {first.interval}")
    return True


def cells(clock: Clock) -> bool:
    """51 cells of one split."""
    metrics = family(tuple(f"class{i}" for i in range(CLASSES)))
    scores, target, group, device = clips(230_000 // 51, 450)
    bootstrap = Bootstrap(450, DRAWS, "bench")
    column = Column("device", device, {"seen": DEVICES[:6], "unseen": DEVICES[6:]})
    kept = 0
    with clock.running():
        for cell in range(51):
            shown = {"macro_accuracy", "recall"} if cell else None
            result = score_cell(metrics, scores, target, group, [column], bootstrap, tables=not cell, sliced=shown)
            kept += sum(number.low is not None for part in result.groups.values() for number in part.values())
    return judge(f"230,000 rows in 51 cells, {kept} intervals of slices", clock.seconds, 2.0, "s")


def ranking(clock: Clock) -> bool:
    """mAP and mAUC of tags with intervals."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    generator = stream("bench_scoring", "tags")
    target = (generator.random((20_000, 527)) < 0.02).astype(np.float64)
    scores = generator.random((20_000, 527)) * 0.7 + 0.3 * target * generator.random((20_000, 1))
    began = time.process_time()
    theirs = average_precision_score(target, scores, average="macro"), roc_auc_score(target, scores, average="macro")
    other = time.process_time() - began
    metrics, group = tagging.family([f"t{i}" for i in range(527)]), np.arange(20_000)
    with clock.running():
        result = score_cell(metrics, scores, target, group, [], Bootstrap(20_000, DRAWS, "bench"), tables=False)
    mine = [result.metrics[name].value for name in ("map", "mauc")]
    if not np.allclose(mine, theirs, atol=1e-9):
        raise SystemExit(f"mAP and mAUC {mine} here, {theirs} there")
    return judge("mAP and mAUC with 1,000 draws / one evaluation", clock.seconds / other, 3.0, f"× {other:.2f} s")


def judge(what: str, figure: float, most: float, unit: str) -> bool:
    """Print one figure and whether it keeps its mark."""
    kept = figure <= most
    print(f"{'kept  ' if kept else 'MISSED'} {what}: {figure:.2f} {unit}, at most {most:g}", flush=True)
    return kept


MARKS: dict[str, Callable[[Clock], bool]] = {"large": large, "cells": cells, "ranking": ranking}


def main() -> None:
    """Measure and judge what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=MARKS)
    parser.add_argument("--plant", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    kept = [MARKS[name](Clock(asked.plant)) for name in asked.only or MARKS]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
