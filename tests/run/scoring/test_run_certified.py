"""Certified accuracy against the radius: shares counted by hand, abstentions beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.metrics.adversarial import Flags
from benchbed.run.scoring.certified import SHARES, certified_figures
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.plan import CellPlan

SIGMA = 0.02
RADII = [0.0, 0.004, 0.011, 0.021, 0.049, 0.0, 0.03, 0.016]


def cells(radii=RADII, split="test"):
    plan = CellPlan(f"scene/{split}/fast@l2:30dB", "scene", split, "attack", "fast", None, 1, budget=30.0)
    abstained = [i == 5 for i in range(len(radii))]
    table = pd.DataFrame({"certified_radius": radii, "certificate_abstained": abstained})
    flags = Flags(np.arange(len(radii)), {"robust": np.ones(len(radii))}, Bootstrap(len(radii), draws=100))
    return plan, flags, table


def figures(*made, sigma=SIGMA):
    keyed = {plan.key: (flags, table) for plan, flags, table in made}
    flags, tables = ({key: pair[i] for key, pair in keyed.items()} for i in (0, 1))
    return certified_figures([plan for plan, _, _ in made], flags, tables, sigma)


def test_a_clip_counts_up_to_its_radius():
    found = figures(cells())
    by_hand = {share: sum(radius > share * SIGMA for radius in RADII) / 8 for share in SHARES}
    told = {float(name.partition("/")[2]): one for name, one in found.items() if "/" in name}
    assert {reach: one.value for reach, one in told.items()} == pytest.approx(
        {share * SIGMA: value for share, value in by_hand.items()}
    )
    assert by_hand[0.0] == 6 / 8 and by_hand[2.4] == 1 / 8
    assert found["certified:abstains"].value == 1 / 8 and found["certified:abstains"].info.direction == "lower"
    one = found["certified:accuracy/0.02"]
    assert one.n == 8 and one.low < one.value < one.high and "confidence 0.999 per clip" in one.note


def test_splits_are_apart_and_the_cell_with_most_clips_counts():
    both = figures(cells(), cells([0.05, 0.05], split="dev"))
    assert both["certified:dev:accuracy/0.02"].value == 1.0 and both["certified:test:abstains"].value == 1 / 8
    assert figures(cells(RADII[:3]), cells())["certified:accuracy/0"].n == 8


def test_a_model_without_a_vote_has_none():
    assert figures(cells(), sigma=None) == {}
    plan, flags, table = cells()
    assert certified_figures([plan], {plan.key: flags}, {plan.key: table[[]]}, SIGMA) == {}
