"""Whether a worth in decibels that is printed as a number is the same within one decibel when it is measured again.

    python tests/benchmarks/worth_retest.py

Simulated models whose clips each break at an SNR of their own (normal, 6 dB wide) and in another perturbation at one
that may be shifted for each clip (0 or 3 dB). Everything is measured twice, with fresh draws on the same clips and on
fresh clips: white noise at eight levels, and the perturbation at a worth of 5, 10 and 12.5 dB. The mark: of the pairs
in which both are numbers at least 95 % lie within one decibel; the script ends with 1 where it is missed. It also
prints how many cells get a number at all.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchbed.metrics.worth import RETEST, NoiseCurve, worth
from benchbed.stats.bootstrap import Bootstrap

LEVELS, MARK = (30.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0, -5.0), 0.95


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


def main() -> None:
    """Print a line for each number of clips, kind of perturbation and retest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=40)
    given, missed = parser.parse_args(), False
    for clips in (100, 200, 400, 1000):
        for spread in (0.0, 3.0):
            for fresh in (False, True):
                pairs, numbers, asked = [], 0, 0
                for repeat in range(given.repeats):
                    random = np.random.default_rng([clips, repeat, int(fresh)])
                    sides = [(random.normal(10, 6, clips), random.normal(0, spread, clips)) for _ in range(2)]
                    for level in (5.0, 10.0, 12.5):
                        one = measured(random, *sides[0], level)
                        other = measured(random, *sides[int(fresh)], level)
                        asked, numbers = asked + 2, numbers + (one is not None) + (other is not None)
                        pairs += [abs(one - other)] if one is not None and other is not None else []
                within = float(np.mean(np.array(pairs) < RETEST)) if pairs else float("nan")
                missed |= within < MARK
                print(
                    f"{clips:5} clips, {spread:g} dB apart, {'fresh' if fresh else 'same'} clips: {numbers} of {asked} "
                    f"are numbers; of {len(pairs)} pairs {100 * within:.1f} % within {RETEST:g} dB",
                    flush=True,
                )
    sys.exit(int(missed))


if __name__ == "__main__":
    main()
