"""Orders of scores and numbers against stable sorts."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.sed.segments import totals
from benchbed.metrics.steps import falling_order, stable_order


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_scores_fall_as_a_stable_sort_has_them(decimals: int) -> None:
    scores = np.round(np.random.default_rng(decimals).standard_normal(500), decimals)
    scores[::50], scores[::70] = 0.0, -0.0
    assert np.array_equal(falling_order(scores), np.argsort(-scores, kind="stable"))
    assert falling_order(scores[:0]).tolist() == []


@pytest.mark.parametrize("step", [1, 10**4])
def test_whole_numbers_keep_the_order_in_which_they_came(step: int) -> None:
    numbers = 10**6 - step * np.random.default_rng(1).integers(0, 9, 300)
    assert np.array_equal(stable_order(numbers), np.argsort(numbers, kind="stable"))
    assert stable_order(numbers[:0]).tolist() == []


def test_segments_are_added_up_by_recording_whether_or_not_it_has_any() -> None:
    values = np.array([[1, 0, 1], [2, 5, 7]])
    assert totals(values, np.array([0, 2, 0, 1])).tolist() == [[0, 0], [1, 7], [0, 0], [1, 7]]
    assert totals(values[:, :0], np.array([0])).tolist() == [[0, 0]]
