"""Time and memory of scoring one cell: 230,000 clips, 23,000 recordings, 12 devices, 1000 draws, one core.

OMP_NUM_THREADS=1 python tests/benchmarks/bench_scoring.py
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.classification import family
from benchbed.metrics.slices import Column
from benchbed.rng import stream
from benchbed.stats.bootstrap import Bootstrap


def main() -> None:
    """Print seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=230_000)
    parser.add_argument("--groups", type=int, default=23_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--draws", type=int, default=1000)
    chosen = parser.parse_args()
    generator = stream("bench_scoring")
    group = np.sort(generator.integers(0, chosen.groups, chosen.clips))
    target = (group * 7) % chosen.classes
    logits = generator.standard_normal((chosen.clips, chosen.classes)).astype(np.float32)
    logits[np.arange(chosen.clips), target] += 1.5
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [*"abcdef", *"uvwxyz"]
    device = np.array(names)[group % 12]
    metrics = family(tuple(f"class{i}" for i in range(chosen.classes)))
    column = Column("device", device, {"seen": names[:6], "unseen": names[6:]})
    bootstrap = Bootstrap(chosen.groups, chosen.draws, "bench")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    result = score_cell(metrics, scores, target, group, [column], bootstrap)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"{chosen.clips} clips, {chosen.groups} groups, {chosen.classes} classes, {chosen.draws} draws, 12 slices")
    print(f"wall {wall:.2f} s, CPU {cpu:.2f} s, memory +{grown:.0f} MiB, {len(result.groups)} groups of numbers")
    primary = result.metrics["macro_accuracy"]
    print(f"macro accuracy {primary.value:.4f} [{primary.low:.4f}, {primary.high:.4f}], {primary.interval}")


if __name__ == "__main__":
    main()
