"""Errors of counts beside scikit-learn's, and what no count can be."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, mean_squared_error

import benchbed as bb
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.count import family
from benchbed.stats.bootstrap import Bootstrap


def made(seed):
    draw = np.random.default_rng(seed)
    truth = draw.integers(1, 700, 90).astype(float)
    return truth, truth + draw.normal(0, 30, 90)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_figures_are_those_of_scikit_learn(seed):
    truth, said = made(seed)
    result = bb.evaluate("count", truth, said)
    assert result["mae"] == pytest.approx(mean_absolute_error(truth, said), rel=1e-12)
    assert result["rmse"] == pytest.approx(mean_squared_error(truth, said) ** 0.5, rel=1e-12)
    assert result["nae"] == pytest.approx(mean_absolute_percentage_error(truth, said), rel=1e-12)
    assert result["wape"] == pytest.approx(np.abs(truth - said).sum() / truth.sum(), rel=1e-12)
    assert result["bias"] == pytest.approx(abs((said - truth).mean()), rel=1e-9)


def test_the_root_mean_square_is_what_the_published_evaluator_prints_as_mse():
    """my_tester.py of qingzwang/AudioVisualCrowdCounting at 740cb04: `mse = np.sqrt(mses.avg)` of squared errors."""
    truth, said = made(3)
    printed = np.sqrt(np.mean((truth - said) ** 2))
    assert bb.evaluate("count", truth, said)["rmse"] == pytest.approx(printed, rel=1e-12)


def test_an_interval_holds_the_figure_and_widens_with_fewer_clips():
    truth, said = made(4)
    widths = []
    for many in (90, 15):
        found = score_cell(
            family(unit="people"), said[:many, None], truth[:many], np.arange(many), (), Bootstrap(many, 300)
        ).metrics["mae"]
        assert found.low < found.value < found.high and found.info.unit == "people" and found.info.direction == "lower"
        widths.append(found.high - found.low)
    assert widths[0] < widths[1]


def test_clips_without_anybody_have_no_relative_error():
    result = bb.evaluate("count", [0, 0], [1, 3])
    assert result["mae"] == 2 and result.metrics["nae"].value is None
    assert "zero" in result.metrics["nae"].reason and "zero" in result.metrics["wape"].reason
    some = bb.evaluate("count", [0, 10], [1, 12])
    assert some["nae"] == pytest.approx(0.2) and "1 clips with a count of zero" in some.metrics["nae"].note
    assert some.metrics["bias"].note == "answers are above counts"


def test_errors_too_large_for_a_sum_leave_a_reason_and_not_an_empty_figure():
    result = bb.evaluate("count", [1, 2], [1e300, 3])
    assert result["mae"] == pytest.approx(5e299) and result.metrics["rmse"].value is None
    assert "double precision" in result.metrics["rmse"].reason
    assert "double precision" in bb.evaluate("count", [1, 2], [1.7e308, 1.7e308]).metrics["mae"].reason


@pytest.mark.parametrize(
    ("truth", "said", "words"),
    [
        ([1, -2], [1, 2], "reference 1 is -2"),
        ([1, 2], [1, float("nan")], "estimate 1 is nan"),
        ([1, 2], ["few", "many"], "estimates are no numbers"),
        ([1, 2], [1], "1 estimates for 2 references"),
        ([float("inf")], [1], "reference 0 is inf"),
    ],
)
def test_what_is_no_count_is_refused(truth, said, words):
    with pytest.raises(ConfigError, match=words):
        bb.evaluate("count", truth, said)


def test_statistics_refuse_what_is_no_count():
    with pytest.raises(CannotMeasure, match="0 or more"):
        family().statistics(np.ones((1, 1)), np.array([-1.0]))
    with pytest.raises(CannotMeasure, match="no finite number"):
        family().statistics(np.array([[np.nan]]), np.array([1.0]))
    with pytest.raises(ConfigError, match="unit is empty"):
        family(unit=" ")
