"""Sums before the last axis, against numpy's over the last."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics.pairwise import summed


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 10, 15, 16, 50, 127, 128, 129, 136, 137, 257, 527, 1000])
def test_the_order_of_adding_is_numpys(count: int) -> None:
    values = np.random.default_rng(count).standard_normal((2, count, 11)) * 10.0 ** np.arange(11)
    expected = np.ascontiguousarray(np.swapaxes(values, -1, -2)).sum(axis=-1)
    assert np.array_equal(summed(values), expected)


def test_another_order_would_be_seen() -> None:
    values = np.random.default_rng(3).random((10, 1000))
    assert not np.array_equal(values.sum(axis=0), summed(values))
