"""The jackknife against closed forms and scipy."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.stats.jackknife import acceleration, jackknife, leave_one_out


def test_the_jackknife_of_a_mean_is_the_student_interval() -> None:
    from scipy.stats import t

    sample = np.random.default_rng(0).exponential(size=25)
    without = leave_one_out(np.column_stack([sample, np.ones(25)]), lambda s: s[..., 0] / s[..., 1])
    found = jackknife(float(sample.mean()), without)
    error = sample.std(ddof=1) / 5
    assert found.error == pytest.approx(error)
    assert found.bias == pytest.approx(0, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(t.interval(0.95, 24, sample.mean(), error))


def test_the_jackknife_removes_the_bias_of_the_plug_in_variance() -> None:
    # Its bias-corrected value is exactly the sample variance with n − 1.
    sample = np.random.default_rng(1).standard_normal(12)
    sums = np.column_stack([sample**2, sample, np.ones(12)])

    def plug_in(s: np.ndarray) -> np.ndarray:
        return s[..., 0] / s[..., 2] - (s[..., 1] / s[..., 2]) ** 2

    found = jackknife(float(plug_in(sums.sum(axis=0))), leave_one_out(sums, plug_in))
    assert found.estimate == pytest.approx(sample.var(ddof=1))


def test_acceleration_of_a_mean_is_a_sixth_of_its_skewness() -> None:
    from scipy.stats import skew

    sample = np.random.default_rng(2).exponential(size=50)
    without = (sample.sum() - sample) / 49
    assert acceleration(without) == pytest.approx(skew(sample) / (6 * np.sqrt(50)))
    assert acceleration(np.ones(4)) == 0.0


@pytest.mark.parametrize(("value", "without"), [(1.0, [1.0]), (1.0, [1.0, np.nan]), (np.nan, [1.0, 2.0])])
def test_too_little_is_refused(value: float, without: list[float]) -> None:
    with pytest.raises(CannotMeasure):
        jackknife(value, np.array(without))
