"""Whether a worth in decibels that is printed as a number is the same within one decibel when it is measured again.

    python tests/benchmarks/worth_retest.py

Simulated models whose clips each break at an SNR of their own (normal, 6 dB wide) and in another perturbation at one
that may be shifted for each clip (0 or 3 dB). Everything is measured twice, with fresh draws on the same clips and on
fresh clips: white noise at eight levels, and the perturbation at a worth of 5, 10 and 12.5 dB. The mark: of the pairs
in which both are numbers 95 % lie within one decibel, of all pairs together, and of each kind as far as chance allows
(a share below it that 95 % would give less than once in a hundred times is a miss). Every kind goes on until it has
pairs enough to tell that, or has been repeated most often. The script ends with 1 where the mark is missed; it also
prints how many cells get a number at all. `--plant` gives numbers that are certain to 3 dB only: it must fail then.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from scipy.stats import binom

from benchbed.metrics import worth as worths
from benchbed.metrics.worth import RETEST, NoiseCurve, worth
from benchbed.stats.bootstrap import Bootstrap

LEVELS, MARK = (30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0), 0.95
#: A share that the mark would give more rarely than this is a miss.
CHANCE = 0.01


def measured(random: np.random.Generator, breaks: np.ndarray, shift: np.ndarray, level: float) -> float | None:
    """The worth of a perturbation, or None where no number is given."""
    clips = len(breaks)
    boot = Bootstrap(clips, draws=200)

    def column(snr: float, at: np.ndarray) -> np.ndarray:
        hits = (snr + random.normal(0, 1.5, clips) > at).astype(float)
        return np.concatenate([[hits.mean()], boot.replicates(hits[:, None])[:, 0] / clips])

    scores = np.stack([column(each, breaks) for each in LEVELS])
    curve = NoiseCurve(LEVELS, scores, "higher", "dB SNR", "accuracy", clips=clips)
    return worth(curve, column(level, breaks + shift), clips, boot).value


def retested(clips: int, spread: float, fresh: bool, wanted: int, most: int) -> tuple[list[float], int, int]:
    """Differences in dB of pairs of numbers, how many numbers there were, and how many cells were asked."""
    pairs: list[float] = []
    numbers = asked = 0
    for repeat in range(most):
        random = np.random.default_rng([clips, repeat, int(fresh)])
        sides = [(random.normal(10, 6, clips), random.normal(0, spread, clips)) for _ in range(2)]
        for level in (5.0, 10.0, 12.5):
            one = measured(random, *sides[0], level)
            other = measured(random, *sides[int(fresh)], level)
            asked, numbers = asked + 2, numbers + (one is not None) + (other is not None)
            pairs += [abs(one - other)] if one is not None and other is not None else []
        if len(pairs) >= wanted:
            break
    return pairs, numbers, asked


def main() -> None:
    """Print a line for each number of clips, kind of perturbation and retest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--plant", action="store_true")
    given, missed, every = parser.parse_args(), False, np.zeros(0)
    if given.plant:
        worths.WITHIN = 3.0
    for clips in (100, 200, 400, 1000):
        for spread in (0.0, 3.0):
            for fresh in (False, True):
                pairs, numbers, asked = retested(clips, spread, fresh, given.pairs, given.most)
                within = np.array(pairs) < RETEST
                every = np.concatenate([every, within])
                bad = len(pairs) > 0 and binom.cdf(int(within.sum()), len(pairs), MARK) < CHANCE
                missed |= bool(bad)
                share = f", {100 * within.mean():.1f} % within {RETEST:g} dB" if pairs else ""
                print(
                    f"{clips:5} clips, {spread:g} dB apart, {'fresh' if fresh else 'same'} clips: {numbers} of {asked} "
                    f"are numbers; {len(pairs)} pairs{share}{': missed' if bad else ''}",
                    flush=True,
                )
    missed |= not every.mean() >= MARK
    print(f"all: {100 * every.mean():.1f} % of {len(every)} pairs")
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
