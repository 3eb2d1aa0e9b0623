"""The families of the years that count in seconds: one signature, one rule a year."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from benchbed.metrics.seld.decision import decision
from benchbed.metrics.seld.examples import random_tracks
from benchbed.metrics.seld.family import By, Interval, Seld, seld
from benchbed.metrics.seld.rules import Unit, rule
from benchbed.outputs.tracks.vectors import THRESHOLD, UNIFY_DEGREES

Example = Callable[[np.random.Generator, int], tuple[Seld, np.ndarray, np.ndarray]]


class BySecond(Protocol):
    """A year's `family`."""

    def __call__(
        self,
        labels: Sequence[str],
        *,
        unit: Unit = "segment",
        by: By = "both",
        degrees: float = 20.0,
        interval: Interval | None = None,
        threshold: float | Sequence[float] = THRESHOLD,
        unify_degrees: float = UNIFY_DEGREES,
    ) -> Seld:
        """The family for the given classes."""


def by_second(year: int) -> tuple[BySecond, Example]:
    """`family` and `example` of a year.

    Examples
    --------
    >>> family, example = by_second(2022)
    >>> family(("dog",), by="official").metrics["micro_f20"].rule
    'micro_f20:seld2022:official:segment:20deg'
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """

    def family(
        labels: Sequence[str],
        *,
        unit: Unit = "segment",
        by: By = "both",
        degrees: float = 20.0,
        interval: Interval | None = None,
        threshold: float | Sequence[float] = THRESHOLD,
        unify_degrees: float = UNIFY_DEGREES,
    ) -> Seld:
        """The family for the given classes.

        Parameters
        ----------
        labels : sequence of str
            Class names, in the dataset's order.
        unit : {"segment", "frame"}
            What hits and errors are counted in: seconds, or frames of 100 ms, which no script of these years has.
        by : {"benchbed", "official", "both"}
            Figures of the rule, of the year's script with all that is wrong in it, or the script's beside the rule's.
        degrees : float, default=20
            Largest angle of a hit.
        interval : {"bootstrap", "jackknife"}, optional
            Intervals over all recordings: the bootstrap's; for figures of the script the challenge's jackknife.
        threshold : float or sequence of float, default=0.5
            Of outputs of networks a source sounds where its activity is more than this: one value, or one per class.
        unify_degrees : float, default=15
            Degrees within which vectors of several tracks of a class are one source.
        """
        return seld(
            labels,
            lambda official: rule(year, unit, official=official, degrees=degrees),
            by,
            interval,
            decision(threshold, unify_degrees),
        )

    def example(generator: np.random.Generator, clips: int) -> tuple[Seld, np.ndarray, np.ndarray]:
        """A family with random outputs and references that fit it."""
        return (family(("dog", "rain", "speech")), *random_tracks(generator, clips, 3))

    return family, example
