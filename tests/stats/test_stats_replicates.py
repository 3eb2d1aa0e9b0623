"""What intervals and tests ask of the same replicates is made once, and is the same as made of the draws each time."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.replicates import Replicates, quantile
from benchbed.stats.swaps import bootstrap_critical, bootstrap_tail

DRAWS = np.random.default_rng(3).normal(0.2, 0.1, 999)


def odd() -> np.ndarray:
    made = DRAWS.copy()
    made[::100], made[1::200], made[2::200] = np.nan, np.inf, -np.inf
    return made


@pytest.mark.parametrize("drawn", [DRAWS, DRAWS.round(1), odd(), np.zeros(999)])
@pytest.mark.parametrize("value", [0.1, None, np.inf])
def test_shared_replicates_answer_like_the_draws_themselves(drawn: np.ndarray, value: float | None) -> None:
    shared, boot = Replicates(drawn, value), Bootstrap(60, 999)
    assert boot.interval(shared) == boot.interval(drawn, value=value)
    for side in ("less", "greater"):
        for bound in (0.0, 0.2):
            alone = bootstrap_tail(drawn, bound, 60, side, value=value)
            assert bootstrap_tail(shared, bound, 60, side) == alone is not None
    assert bootstrap_critical(shared, 0.1, 60) == bootstrap_critical(Replicates(drawn, value), 0.1, 60)


def test_a_size_that_is_called_does_not_depend_on_the_order_of_the_draws() -> None:
    called = bootstrap_critical(DRAWS, 0.2, 60)
    assert called is not None and called == bootstrap_critical(DRAWS[::-1].copy(), 0.2, 60)
    assert bootstrap_critical(odd(), 0.2, 60) is None


def test_infinite_draws_have_no_bias() -> None:
    assert Replicates(np.r_[np.linspace(0, 1, 90), np.full(10, np.inf)], 0.9).bias == 0.0
    # One draw beyond reason counts as the end of the middle 95 %.
    assert Replicates(np.r_[np.linspace(0, 1, 999), 1e30], 0.5).bias == 0.0
    assert Replicates(DRAWS, np.inf).bias == Replicates(DRAWS).bias == 0.0


def test_quantiles_are_those_of_numpy_by_its_rule_of_weibull() -> None:
    ordered = np.sort(DRAWS)
    for share in (0.0, 0.025, 0.4, 0.975, 1.0):
        assert quantile(ordered, share) == pytest.approx(np.quantile(ordered, share, method="weibull"), abs=1e-12)


def test_undefined_draws_are_left_out() -> None:
    made = Replicates(np.array([np.nan, 0.3, -np.inf, 0.1, -0.5]))
    assert made.defined.tolist() == [0.3, -np.inf, 0.1, -0.5] and made.ordered.tolist() == [-np.inf, -0.5, 0.1, 0.3]
    assert made.largest == 0.5 and Replicates(np.array([np.inf])).largest == 0.0
