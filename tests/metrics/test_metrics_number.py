"""A number keeps its interval within the range of its metric, and its interval says on how little it rests."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import derived, number
from benchbed.stats.bootstrap import Bootstrap

SHARE = MetricInfo("F1", "f1", "fraction", "higher", None, 0.0, 1.0)


def test_a_centred_interval_stays_in_the_range_of_its_metric() -> None:
    # The draws lie 0.05 below the value of 0.97: moved onto it, their upper end would be 1.04.
    drawn = np.random.default_rng(0).normal(0.92, 0.035, 500)
    made = number(0.97, SHARE, 100, replicates=drawn, bootstrap=Bootstrap(80, 500))
    assert made.high == 1.0
    assert 0.88 < made.low < 0.92
    free = number(0.97, derived(SHARE, "gap", bounded=False), 100, replicates=drawn, bootstrap=Bootstrap(80, 500))
    assert free.high > 1.02


def test_few_recordings_are_named_as_such() -> None:
    drawn = np.random.default_rng(1).normal(0.5, 0.05, 500)
    for groups, few in ((49, True), (50, False)):
        made = number(0.5, SHARE, 100, replicates=drawn, bootstrap=Bootstrap(groups, 500))
        assert ("(few, known to be narrow)" in made.interval) is few
