"""Monotone cubics through points (PCHIP): they rise and fall only where the points do.

SciPy has them, bit for bit the same, in a package whose import takes longer than all curves of a run.
"""

from __future__ import annotations

import numpy as np


def monotone_cubic(places: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Curves through points, each point's slope a weighted harmonic mean of those beside it.

    Fritsch and Butland, A method for constructing local monotone piecewise cubic interpolants, SIAM Journal on
    Scientific and Statistical Computing 5, 1984; ends as in Moler, Numerical computing with MATLAB, 2004, section 3.6.

    Parameters
    ----------
    places : np.ndarray [shape=(point,)]
        Rising; two or more.
    values : np.ndarray [shape=(point, curve)]
        Finite.
    wanted : np.ndarray [shape=(place,)]
        Within the first and the last of `places`.

    Returns
    -------
    np.ndarray [shape=(place, curve)]

    Examples
    --------
    >>> monotone_cubic(np.array([0.0, 1.0, 2.0]), np.array([[0.0], [1.0], [1.0]]), np.array([0.5, 1.5]))[:, 0].tolist()
    [0.6875, 1.0]
    """
    steps = np.diff(places)[:, None]
    rises = np.diff(values, axis=0) / steps
    slopes = _slopes(steps, rises, values)
    bend = (slopes[:-1] + slopes[1:] - 2 * rises) / steps
    cubic, square = bend / steps, (rises - slopes[:-1]) / steps - bend
    piece = np.clip(np.searchsorted(places, wanted, side="right") - 1, 0, len(places) - 2)
    along = (wanted - places[piece])[:, None]
    # From the lowest power up, as SciPy sums them.
    curve = values[piece] + slopes[piece] * along
    power = along * along
    curve += square[piece] * power
    curve += cubic[piece] * (power * along)
    return curve


def _slopes(steps: np.ndarray, rises: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slope of each curve at its points."""
    if len(values) == 2:
        return np.repeat(rises, 2, axis=0)
    slopes = np.zeros_like(values)
    signs = np.sign(rises)
    turns = (signs[1:] != signs[:-1]) | (rises[1:] == 0) | (rises[:-1] == 0)
    before, after = 2 * steps[1:] + steps[:-1], steps[1:] + 2 * steps[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (before / rises[:-1] + after / rises[1:]) / (before + after)
    slopes[1:-1][~turns] = 1.0 / mean[~turns]
    slopes[0] = _end(steps[0], steps[1], rises[0], rises[1])
    slopes[-1] = _end(steps[-1], steps[-2], rises[-1], rises[-2])
    return slopes


def _end(step: np.ndarray, next_step: np.ndarray, rise: np.ndarray, next_rise: np.ndarray) -> np.ndarray:
    """Slope at an end, by three points, unless the curve would then turn."""
    slope = ((2 * step + next_step) * rise - step * next_rise) / (step + next_step)
    turned = np.sign(slope) != np.sign(rise)
    steep = ~turned & (np.sign(rise) != np.sign(next_rise)) & (np.abs(slope) > 3.0 * np.abs(rise))
    return np.where(turned, 0.0, np.where(steep, 3.0 * rise, slope))
