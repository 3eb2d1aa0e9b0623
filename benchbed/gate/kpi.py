"""Key figures of a comparison, as projects define them, so that a speed-up is never sold as a time reduction.

A 2.5-fold speed-up is a time reduction of 60 %, not of 40 %: what is left is 40 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from benchbed.errors import ConfigError

Number = TypeVar("Number", float, np.ndarray)


def relation(name: str, new: Number, base: Number, direction: str) -> Number:
    """How a figure stands to its baseline; gains are positive when the new figure is better.

    Parameters
    ----------
    name : {"relative_gain", "absolute_gain", "speedup", "time_reduction"}
        `relative_gain` is (new − base) / |base|, `absolute_gain` new − base, both turned round where lower is better;
        `speedup` is base / new and `time_reduction` 1 − new / base, for times and costs.
    new, base : float or np.ndarray
        The figures.
    direction : {"higher", "lower"}
        Which way is better.

    Raises
    ------
    ConfigError
        A speed-up of something that is better when it is higher.

    Examples
    --------
    >>> relation("speedup", 0.4, 1.0, "lower"), relation("time_reduction", 0.4, 1.0, "lower")
    (2.5, 0.6)
    >>> round(relation("relative_gain", 45.84, 33.9, "higher"), 3)
    0.352
    """
    if name in ("speedup", "time_reduction"):
        if direction != "lower":
            raise ConfigError(f"a {name} of a figure that is better when it is higher", hint="relation: relative_gain")
        return _ratio(base, new) if name == "speedup" else 1 - _ratio(new, base)
    gain = new - base if direction == "higher" else base - new
    return gain if name == "absolute_gain" else _ratio(gain, abs(base))


def time_reduction(speedup: float) -> float:
    """Time reduction that a speed-up amounts to.

    Examples
    --------
    >>> time_reduction(2.5), round(time_reduction(1.48), 3)
    (0.6, 0.324)
    """
    return 1 - 1 / speedup


def mean_relation(name: str, pairs: Sequence[tuple[float, float, str]]) -> float:
    """Mean of a relation over a declared set of `(new, base, direction)`.

    Examples
    --------
    >>> round(mean_relation("relative_gain", [(1.1, 1.0, "higher"), (0.7, 1.0, "lower")]), 3)
    0.2
    """
    return float(np.mean([relation(name, new, base, direction) for new, base, direction in pairs]))


def _ratio(over: Number, under: Number) -> Number:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(over, under) if isinstance(under, np.ndarray) else (over / under if under else float("nan"))
