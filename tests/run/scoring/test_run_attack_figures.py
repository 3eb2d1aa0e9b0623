"""Figures of attacked cells, from flags that are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchbed.metrics.adversarial import Flags, cell_figures, clip_figures
from benchbed.run.scoring.attacks import flags_of
from benchbed.stats.bootstrap import Bootstrap


def test_a_universal_perturbation_has_a_figure_for_each_way_it_is_scored():
    clean, shares = [True, True, True, False], [1 / 3, 1.0, None, None]
    part = pd.DataFrame(
        {
            "clean_correct": clean,
            "noise_correct": clean,
            "robust": [False, True, True, False],
            "shifted_correct": shares,
        }
    )
    flags = flags_of(part, np.arange(4), np.arange(4), Bootstrap(4, draws=0))
    found = cell_figures(flags)
    # The third clip was not attacked and is right, the fourth is wrong when clean.
    assert found["shifted_accuracy"].value == pytest.approx((1 / 3 + 1 + 1 + 0) / 4)
    assert found["robust_accuracy"].value == 0.5


def test_the_rule_names_the_milder_budgets_that_a_figure_includes():
    values = {"clean": np.ones(4), "noise": np.ones(4), "robust": np.array([1, 1, 0, 0]), "score_attacked": np.ones(4)}
    flags = Flags(np.arange(4), values, Bootstrap(4, draws=0))
    alone, carried = cell_figures(flags), cell_figures(flags, "", "or-at-40-30")
    assert alone["robust_accuracy"].info.rule == "robust-accuracy:worst-case-per-clip"
    assert carried["robust_accuracy"].info.rule == "robust-accuracy:worst-case-per-clip:or-at-40-30"
    assert carried["attack_success_rate"].info.rule.endswith("when-clean:or-at-40-30")
    for name in ("noise_accuracy", "clean_accuracy"):
        assert carried[name].info.rule == alone[name].info.rule, "noise and clean clips carry nothing on"
    assert clip_figures(flags, "clip_ap", "or-at-40")["clip_score"].info.rule == "clip-score:clip_ap:or-at-40"
