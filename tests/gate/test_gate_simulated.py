"""The gate as a whole on populations with a known truth: false alarms, losses found, wrong proofs of non-inferiority.

A share of n data sets of a true share p is known to √(p · (1 − p) / n); four of these standard errors bound what chance
does. tests/benchmarks has the large versions.
"""

from __future__ import annotations

import numpy as np
import pytest
from made_worlds import runs, world

from benchbed.gate.judge import judge
from benchbed.gate.load import LoadedRules
from benchbed.gate.rules import Rule, Rules
from benchbed.gate.verdict import Answer
from benchbed.rng import stream

ALPHA = 0.05


def gate(*each: dict) -> LoadedRules:
    made = [Rule(**{"name": f"r{i}"} | rule) for i, rule in enumerate(each)]
    return LoadedRules(Rules(rules=made, draws=100, alpha=ALPHA, correction="none"))


@pytest.mark.parametrize(
    ("name", "metric", "groups", "data_sets"),
    [
        ("scenes", "macro_f1", 60, 40),
        ("tags", "map", 60, 40),
        ("events", "micro_f1", 60, 40),
        ("psds", "psds1", 30, 20),
    ],
)
def test_equal_models_pass_and_a_loss_is_found(name: str, metric: str, groups: int, data_sets: int) -> None:
    rules, alarms, found = gate({"metric": metric}), 0, 0
    same, worse, generator = world(name), world(name, 1.5), stream("test-gate", name)
    for number in range(data_sets):
        key = f"{name} {number}"
        alarms += judge(rules, *runs(same, same.draw(generator, groups), key, 100)).exit_code == 1
        found += judge(rules, *runs(worse, worse.draw(generator, groups), key, 100)).exit_code == 1
    assert alarms <= data_sets * ALPHA + 4 * np.sqrt(data_sets * ALPHA * (1 - ALPHA))
    assert found >= 0.9 * data_sets


def test_a_loss_of_just_the_margin_is_rarely_taken_for_less_or_for_more() -> None:
    """Both rules have the same margin, and the true loss is exactly this margin."""
    worse, generator, regressed, proved = world("scenes", 0.3), stream("test-gate-edge"), 0, 0
    margin = {"margin": {"absolute": f"{-100 * worse.difference('accuracy')} pt"}}
    rules = gate({"metric": "accuracy"} | margin, {"metric": "accuracy", "non_inferiority": True} | margin)
    for number in range(60):
        report = judge(rules, *runs(worse, worse.draw(generator, 100), f"edge {number}"), strict=True)
        regressed += report.outcomes[0].answer is Answer.REGRESSED
        proved += report.outcomes[1].answer is Answer.PASSED and report.outcomes[1].conclusive
    bound = 60 * ALPHA + 4 * np.sqrt(60 * ALPHA * (1 - ALPHA))
    assert regressed <= bound
    assert proved <= bound
