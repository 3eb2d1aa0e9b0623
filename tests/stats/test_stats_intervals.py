"""Intervals of many values at once, against those of each alone."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.stats.bootstrap import Bootstrap, effective_freedom
from benchbed.stats.intervals import intervals


def drawn(boot: Bootstrap, values: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Shares of some groups: smooth ones, rare ones, one that never moves, one beyond what was measured."""
    generator = np.random.default_rng(boot.groups)
    right = generator.random((boot.groups, values)) < np.linspace(0.02, 0.9, values)
    there = generator.random((boot.groups, values)) < np.linspace(0.1, 1, values)
    right[:, 3], there[:, 3] = True, True
    over, under = (boot.replicates(each.astype(float)) for each in (right & there, there))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (over / under).T
        points = (right & there).sum(axis=0) / there.sum(axis=0)
    shares[5, :30] = np.inf
    return np.ascontiguousarray(shares), points


@pytest.mark.parametrize("groups", [3, 12, 60, 299, 301])
@pytest.mark.parametrize("method", ["centred", "expanded", "percentile"])
def test_each_interval_is_the_same_to_the_bit_as_alone(groups: int, method) -> None:
    boot = Bootstrap(groups, 300, "many", method=method)
    replicates, values = drawn(boot)
    rests = np.linspace(1, groups, len(values)).astype(int)
    found = intervals(boot, replicates, values, rests.tolist())
    alone = [boot.interval(r, groups=int(g), value=float(v)) for r, v, g in zip(replicates, values, rests)]
    assert found == alone
    assert groups < 60 or sum(one.low is not None for one in found) > 4
    assert groups < 12 or found[3].reason == "every draw gives the same value"


def test_values_that_hardly_differ_share_no_interval() -> None:
    boot = Bootstrap(40, 200, "pair")
    base = boot.replicates(np.random.default_rng(1).random((40, 1)))[:, 0] / 40
    found = intervals(boot, np.stack([base, base + 0.25]), [base.mean(), base.mean() + 0.25], [40, 40])
    assert found[1].low - found[0].low == pytest.approx(0.25)
    assert found[0] == boot.interval(base, value=float(base.mean()))


def test_no_values_have_no_intervals() -> None:
    assert intervals(Bootstrap(10, 100), np.zeros((0, 100)), [], []) == []
    assert intervals(Bootstrap(10, 0), np.zeros((1, 0)), [0.5], [10])[0].reason == "intervals are turned off"


def test_equal_influences_have_as_many_degrees_of_freedom_as_there_are_groups_less_one() -> None:
    # Normal influences: Σu⁴ = 3/G of (Σu²)², so that 2 / (3/G − 1/G) = G, held at G − 1.
    assert effective_freedom(1.0, 3 / 100, 100, 10**12, 100) == pytest.approx(99)
    # Half carried by one group: 2 / (1/4 + small − 1/100).
    assert effective_freedom(1.0, 0.25, 100, 10**12, 100) == pytest.approx(2 / 0.24)
    assert effective_freedom(0.4, 0.25, 100, 10**12, 100) == 99
