"""What sounds, of everything that a network says: thresholds of activity, and how near vectors are one source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.outputs.tracks.recording import Tracks
from benchbed.outputs.tracks.vectors import FLOOR, THRESHOLD, UNIFY_DEGREES, decided


@dataclass(frozen=True)
class TrackDecision:
    """How activities become sources; lists of sources, as files hold them, are taken as they are.

    Attributes
    ----------
    thresholds : tuple of float
        A source sounds where its activity (the length of an ACCDOA vector, or the output of the branch that detects)
        is more than this: one value for all classes, or one for each.
    unify : float
        Degrees within which vectors of several tracks of a class are one source.

    Examples
    --------
    >>> TrackDecision().name, TrackDecision((0.4,)).name, TrackDecision((0.4, 0.6), 10.0).name
    ('', 'above-0.4', 'thresholds-per-class:unify-10deg')
    """

    thresholds: tuple[float, ...] = (THRESHOLD,)
    unify: float = UNIFY_DEGREES

    @property
    def name(self) -> str:
        """For rules; nothing for the baselines' decision, which is the default."""
        parts = []
        if len(self.thresholds) > 1:
            parts.append("thresholds-per-class")
        elif self.thresholds != (THRESHOLD,):
            parts.append(f"above-{self.thresholds[0]:g}")
        if self.unify != UNIFY_DEGREES:
            parts.append(f"unify-{self.unify:g}deg")
        return ":".join(parts)

    def apply(self, answers: np.ndarray, classes: int) -> np.ndarray:
        """What sounds in each recording `[recording]`, object of `Tracks`; what else is there stays.

        Raises
        ------
        CannotMeasure
            Another number of thresholds than of classes.
        """
        if len(self.thresholds) not in (1, classes):
            raise CannotMeasure(f"{len(self.thresholds)} thresholds for {classes} classes")
        limits = np.broadcast_to(np.array(self.thresholds), classes)
        made = np.empty(len(answers), object)
        for i, one in enumerate(answers):
            made[i] = decided(one, limits, self.unify) if isinstance(one, Tracks) else one
        return made


def decision(threshold: float | Sequence[float] = THRESHOLD, unify_degrees: float = UNIFY_DEGREES) -> TrackDecision:
    """A decision from the options of a metric family.

    Raises
    ------
    ConfigError
        A threshold below what is kept of outputs, or an angle that is none.

    Examples
    --------
    >>> decision(0.05)
    Traceback (most recent call last):
    benchbed.errors.ConfigError: a threshold of 0.05 for tracks
      try: 0.1 or more: activities below are not kept
    """
    values = tuple(float(value) for value in np.atleast_1d(np.asarray(threshold, np.float64)))
    for value in values:
        if not value >= FLOOR:
            raise ConfigError(
                f"a threshold of {value:g} for tracks", hint=f"{FLOOR:g} or more: activities below are not kept"
            )
    if not 0 <= unify_degrees <= 180:
        raise ConfigError(f"sources within {unify_degrees:g} degrees as one", hint="0…180; 0 for none")
    # Thresholds of all classes that are equal are one.
    return TrackDecision(values[:1] if len(set(values)) == 1 else values, float(unify_degrees))
