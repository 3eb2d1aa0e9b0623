"""Monotone cubics are SciPy's to the bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from benchbed.metrics.monotone_cubic import monotone_cubic
from benchbed.rng import stream


@pytest.mark.parametrize("points", [2, 3, 4, 5, 9])
def test_curves_are_scipys_to_the_bit(points):
    """Curves that fall, that turn, that stand still, and the places of the points themselves."""
    random = stream("monotone cubic", points)
    for places in (np.arange(points) * 5.0, np.sort(random.uniform(-20, 20, points))):
        values = random.standard_normal((points, 400))
        values[:, 100:200] = -np.sort(-values[:, 100:200], axis=0)
        values[:, 200:300] = np.round(values[:, 200:300])  # many that are equal
        values[1:, 300:] *= 50  # steep at an end
        wanted = np.sort(np.concatenate([places, random.uniform(places[0], places[-1], 90)]))
        assert np.array_equal(monotone_cubic(places, values, wanted), PchipInterpolator(places, values)(wanted))


def test_a_curve_stays_between_its_points():
    places, values = np.arange(6.0), np.array([[0.95, 0.95, 0.9, 0.3, 0.28, 0.1]]).T
    curve = monotone_cubic(places, values, np.linspace(0, 5, 501))[:, 0]
    assert (np.diff(curve) <= 1e-15).all() and curve[0] == 0.95 and curve[-1] == pytest.approx(0.1)
