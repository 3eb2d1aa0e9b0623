"""DCASE 2025 Task 3: stereo recordings with video, frame by frame: azimuth, distance, and whether a source is seen.

Two channels cannot tell front from back, so azimuths are folded to −90…90 degrees before they are compared. There is no
SELD score, error rate or recall; F20° ranks. On the audio-visual track a hit must also be right about being seen.

See `benchbed.metrics.seld.rules` for what is known about the official script.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.metrics.seld.decision import decision
from benchbed.metrics.seld.examples import random_tracks
from benchbed.metrics.seld.family import By, Interval, Seld, seld
from benchbed.metrics.seld.rules import rule
from benchbed.outputs.tracks.vectors import THRESHOLD, UNIFY_DEGREES


def family(
    labels: Sequence[str],
    *,
    by: By = "both",
    degrees: float = 20.0,
    relative_distance: float = 1.0,
    require_onscreen: bool = False,
    interval: Interval | None = None,
    threshold: float | Sequence[float] = THRESHOLD,
    unify_degrees: float = UNIFY_DEGREES,
) -> Seld:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    by : {"benchbed", "official", "both"}
        Figures of the rule, of the year's script with all that is wrong in it, or the script's beside the rule's.
    degrees : float, default=20
        Largest angle of a hit.
    relative_distance : float, default=1
        Largest relative distance error of a hit: 1 is from half to twice the reference.
    require_onscreen : bool, default=False
        A hit must be right about whether the source is seen; outputs that do not say count as not seen.
    interval : {"bootstrap", "jackknife"}, optional
        Intervals over all recordings: the bootstrap's; for figures of the script the challenge's jackknife.
    threshold : float or sequence of float, default=0.5
        Of outputs of networks a source sounds where its activity is more than this: one value, or one for each class.
    unify_degrees : float, default=15
        Degrees within which vectors of several tracks of a class are one source.

    Examples
    --------
    >>> family(("dog",), require_onscreen=True).metrics["macro_f20"].rule
    'macro_f20:seld2025:frame:20deg:distance-factor-2:onscreen'
    """
    return seld(
        labels,
        lambda official: rule(
            2025,
            "frame",
            official=official,
            degrees=degrees,
            distance=relative_distance,
            onscreen=require_onscreen,
        ),
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
