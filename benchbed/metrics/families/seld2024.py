"""DCASE 2024 Task 3: sound events, their directions and their distances, frame by frame, macro averages.

A pair of sources is a hit within 20 degrees and, in frames, between half and twice the reference's distance; the script
lets every underestimate pass. DOA and distance errors are means over the classes that were matched at all. The SELD
score is, for each class, the mean of 1 − F, DOAE / 180 and the relative distance error, of those that it has, and then
the mean over classes, which is not the mean of the three printed figures.

See `benchbed.metrics.seld.rules` for what is known about the official script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.metrics.seld.decision import decision
from benchbed.metrics.seld.examples import random_tracks
from benchbed.metrics.seld.family import By, Interval, Seld, seld
from benchbed.metrics.seld.rules import Unit, rule
from benchbed.outputs.tracks.vectors import THRESHOLD, UNIFY_DEGREES


def family(
    labels: Sequence[str],
    *,
    unit: Unit = "frame",
    by: By = "both",
    degrees: float = 20.0,
    relative_distance: float = 1.0,
    interval: Interval | None = None,
    threshold: float | Sequence[float] = THRESHOLD,
    unify_degrees: float = UNIFY_DEGREES,
) -> Seld:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    unit : {"frame", "segment"}
        What hits and errors are counted in; in segments of one second distances are not scored and the figures are
        those of 2022.
    by : {"benchbed", "official", "both"}
        Figures of the rule, of the year's script with all that is wrong in it, or the script's beside the rule's.
    degrees : float, default=20
        Largest angle of a hit.
    relative_distance : float, default=1
        Largest relative distance error of a hit: 1 is from half to twice the reference.
    interval : {"bootstrap", "jackknife"}, optional
        Intervals over all recordings: the bootstrap's; for figures of the script the challenge's jackknife.
    threshold : float or sequence of float, default=0.5
        Of outputs of networks a source sounds where its activity is more than this: one value, or one for each class.
    unify_degrees : float, default=15
        Degrees within which vectors of several tracks of a class are one source.

    Examples
    --------
    >>> family(("dog",)).metrics["macro_f20"].rule
    'macro_f20:seld2024:frame:20deg:distance-factor-2'
    """
    distance = relative_distance if unit == "frame" else None
    return seld(
        labels,
        lambda official: rule(2024, unit, official=official, degrees=degrees, distance=distance),
        by,
        interval,
        decision(threshold, unify_degrees),
    )


def example(generator: np.random.Generator, clips: int) -> tuple[Seld, np.ndarray, np.ndarray]:
    """A family with random outputs and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_tracks(generator, clips, 3))
