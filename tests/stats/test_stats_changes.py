"""Change points: found where a history has one, silent where only chance or a training's luck moves it."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.rng import stream
from benchbed.stats.changes import LEAST, change_points, luck


def shared(count: int, own: float = 0.004, common: float = 0.02) -> np.ndarray:
    """Covariance of runs that share their recordings: what is common cancels in every difference."""
    return common**2 * np.ones((count, count)) + own**2 * np.eye(count)


def history(count: int, at: int | None, size: float, name: str, training: float = 0.0) -> np.ndarray:
    noise = stream("changes", name, count).normal(size=(count, 2)) @ np.array([0.004, training])
    steps = np.zeros(count) if at is None else np.where(np.arange(count) >= at, size, 0.0)
    return 0.7 + noise + steps


@pytest.mark.parametrize("at", [3, 10, 17])
def test_a_change_is_found_where_it_is(at):
    points, p = change_points(history(20, at, -0.05, "one"), shared(20))
    assert [point.at for point in points] == [at] and p == points[0].p < 0.01
    assert points[0].difference == pytest.approx(-0.05, abs=0.01) and points[0].error < 0.01


def test_two_changes_are_two():
    values = history(24, 8, -0.06, "two") + np.where(np.arange(24) >= 16, 0.06, 0.0)
    points, _ = change_points(values, shared(24))
    assert [point.at for point in points] == [8, 16]
    assert points[0].after == pytest.approx(points[1].before) and points[1].difference == pytest.approx(0.06, abs=0.01)


def test_a_training_s_luck_is_no_change_and_hides_what_is_smaller():
    """Runs that differ by a standard deviation of 3 points, where recordings say 0.4: only a large step shows."""
    quiet = [change_points(history(20, None, 0, f"luck{i}", 0.03), shared(20))[0] for i in range(20)]
    assert sum(bool(points) for points in quiet) <= 3
    assert not change_points(history(20, 10, -0.01, "small", 0.03), shared(20))[0]
    assert change_points(history(20, 10, -0.15, "large", 0.03), shared(20))[0]


def test_what_all_runs_share_does_not_hide_a_change():
    """A standard error of two points of every run, all of it common: half a point is seen beside it."""
    values = 0.7 + np.where(np.arange(12) >= 6, -0.005, 0.0) + 1e-4 * stream("common").normal(size=12)
    assert [p.at for p in change_points(values, shared(12, own=1e-4, common=0.02))[0]] == [6]


def test_equal_runs_and_short_histories_have_none():
    assert change_points(np.full(9, 0.7), shared(9, own=0.0)) == ([], pytest.approx(1.0))
    assert change_points(np.array([0.7, 0.7, 0.2]), shared(3)) == ([], None) and LEAST == 4


def test_luck_is_the_spread_beyond_that_of_the_recordings():
    values = 0.7 + stream("luck").normal(size=400) * np.sqrt(0.004**2 + 0.02**2)
    assert luck(values, shared(400)) ** 0.5 == pytest.approx(0.02, rel=0.15)
    several = np.stack([values, np.full(400, 0.7)])
    assert luck(several, shared(400)).shape == (2,) and luck(several, shared(400))[1] == 0.0
