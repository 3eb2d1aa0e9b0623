"""Ranks against scipy, and what ties do to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure
from benchbed.stats.ranks import rank_intervals, ranks, tie_groups
from benchbed.types import Direction


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_ranks_equal_scipy(values: list[int]) -> None:
    from scipy.stats import rankdata

    for ties in ("min", "average"):
        assert ranks(values, "lower", ties=ties).tolist() == rankdata(values, method=ties).tolist()
        expected = rankdata([-v for v in values], method=ties).tolist()
        assert ranks(values, "higher", ties=ties).tolist() == expected


@pytest.mark.parametrize("direction", ["higher", "lower"])
@pytest.mark.parametrize(("models", "figures"), [(1, 2), (2, 2), (9, 4), (40, 7), (40, 10**6)])
def test_rank_intervals_are_those_of_counting_who_is_better(direction: Direction, models: int, figures: int) -> None:
    drawn = np.random.default_rng(models).integers(-1, figures, (models, 60)) / 7
    drawn[drawn == 0] *= -1  # a zero with a sign is no other figure
    signed = drawn if direction == "higher" else -drawn
    best = 1 + (signed[None] > signed[:, None]).sum(axis=1)
    worst = (signed[None] >= signed[:, None]).sum(axis=1)
    # The smallest rank that a share of draws does not exceed: in 60 draws the second and the 59th.
    wanted = list(zip(np.sort(best)[:, 1].tolist(), np.sort(worst)[:, 58].tolist(), strict=True))
    assert rank_intervals(drawn, direction) == wanted


def test_rank_intervals_widen_when_models_cross() -> None:
    generator = np.random.default_rng(0)
    clear, close_a, close_b = generator.normal(0.9, 0.01, 1000), *generator.normal(0.5, 0.01, (2, 1000))
    assert rank_intervals(np.stack([close_a, clear, close_b]), "higher") == [(2, 3), (1, 1), (2, 3)]
    assert rank_intervals(np.stack([close_a, clear, close_b]), "lower") == [(1, 2), (3, 3), (1, 2)]


def test_models_that_always_tie_share_the_whole_range() -> None:
    same = np.linspace(0, 1, 50)
    assert rank_intervals(np.stack([same, same]), "higher") == [(1, 2), (1, 2)]


def test_tie_groups_are_read_against_their_first_member() -> None:
    # 0.80 and 0.78 are not shown to differ, nor 0.78 and 0.76; but 0.80 and 0.76 are.
    values = [0.76, 0.80, 0.78]
    groups = tie_groups(values, lambda a, b: abs(values[a] - values[b]) > 0.03, "higher")
    assert groups == [(1, 2), (0,)]
    assert tie_groups(values, lambda a, b: False, "lower") == [(0, 2, 1)]


def test_undefined_values_are_refused() -> None:
    with pytest.raises(CannotMeasure, match="1 of 2"):
        ranks([1.0, float("nan")], "higher")
    with pytest.raises(CannotMeasure):
        tie_groups([float("nan")], lambda a, b: False, "higher")
    with pytest.raises(CannotMeasure, match="0 usable draws"):
        rank_intervals(np.full((2, 100), np.nan), "higher")
