"""How often 95 % intervals hold the true value, on grouped clips whose truth is known.

    python tests/benchmarks/interval_coverage.py [--data-sets 4000]

Clips of one recording share luck: a recording's probability of being right is drawn from a beta distribution with the
stated correlation between its clips. Recordings belong to one of ten classes, as in TAU. The truth is the mean over
classes of the class's mean. The last column resamples clips as if they were independent, for contrast.
"""

from __future__ import annotations

import argparse
import itertools
import time

import numpy as np

from benchbed.rng import stream
from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.jackknife import leave_one_out

CLASSES, CLIPS = 10, 10
METHODS = ("percentile", "basic", "bca", "expanded")


def simulate(
    generator: np.random.Generator, groups: int, mean: float, correlation: float
) -> tuple[np.ndarray, np.ndarray]:
    """Right clips of each recording, and each recording's class."""
    label = np.arange(groups) % CLASSES
    centre = np.clip(np.linspace(mean - 0.25, mean + 0.25, CLASSES), 0.02, 0.98)[label]
    size = 1 / correlation - 1
    luck = generator.beta(centre * size, (1 - centre) * size)
    return generator.binomial(CLIPS, luck), label


def truth(mean: float) -> float:
    """The macro accuracy that `simulate` draws from."""
    return float(np.clip(np.linspace(mean - 0.25, mean + 0.25, CLASSES), 0.02, 0.98).mean())


def macro(sums: np.ndarray) -> np.ndarray:
    """Mean over present classes from `[…, (right, clips) × class]`."""
    right, clips = sums[..., :CLASSES], sums[..., CLASSES:]
    recall = np.divide(right, clips, out=np.zeros_like(right), where=clips > 0)
    return recall.sum(axis=-1) / (clips > 0).sum(axis=-1)


def covered(groups: int, mean: float, correlation: float, data_sets: int) -> dict[str, float]:
    """Share of data sets whose interval holds the truth, by method."""
    hits = dict.fromkeys([*METHODS, "clips"], 0)
    generator, target = stream("coverage", groups, mean, correlation), truth(mean)
    for number in range(data_sets):
        right, label = simulate(generator, groups, mean, correlation)
        one_hot = np.eye(CLASSES)[label]
        sums = np.hstack([one_hot * right[:, None], one_hot * CLIPS])
        value = float(macro(sums.sum(axis=0)))
        without = leave_one_out(sums, macro)
        replicates = macro(Bootstrap(groups, name=f"coverage {number}").replicates(sums))
        for method in METHODS:
            draw = Bootstrap(groups, name=f"coverage {number}", method=method)
            interval = draw.interval(replicates, value=value, jackknife=without)
            hits[method] += interval.low is not None and interval.low <= target <= interval.high
        # Independent clips: the variance of macro accuracy in closed form, a normal interval.
        recall = np.bincount(label, right, CLASSES) / (np.bincount(label, minlength=CLASSES) * CLIPS)
        spread = np.sqrt(np.sum(recall * (1 - recall) / (np.bincount(label, minlength=CLASSES) * CLIPS))) / CLASSES
        hits["clips"] += abs(value - target) <= 1.96 * spread
    return {name: 100 * count / data_sets for name, count in hits.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-sets", type=int, default=2000)
    data_sets = parser.parse_args().data_sets
    error = 100 * np.sqrt(0.95 * 0.05 / data_sets)
    print(f"coverage in % over {data_sets} data sets (standard error {error:.2f}); wanted 93.5 … 96.5")
    print(f"{'groups':>7}{'mean':>6}{'icc':>6}", *(f"{name:>11}" for name in [*METHODS, "clips"]))
    started = time.perf_counter()
    for groups, mean, correlation in itertools.product((20, 50, 100, 300), (0.5, 0.7), (0.1, 0.5)):
        row = covered(groups, mean, correlation, data_sets)
        print(f"{groups:7d}{mean:6.2f}{correlation:6.2f}", *(f"{value:11.2f}" for value in row.values()), flush=True)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
