"""Who attacked is part of a figure: robustness found with gradients and without is never held against each other."""

from __future__ import annotations

import pandas as pd
import pytest
from made_traps import Trap, write

from benchbed.compare.runs import condition_mismatch
from benchbed.run.attacking.attackers import ANSWERS, GRADIENTS, SOME, attacker_of, members_of, scope_of
from benchbed.suite.conditions import AttackCondition

STANDARD = AttackCondition(attack="standard", budgets=[25])
CLOSED = Trap(
    extra="""
    forward = None

    def predict(self, batch):
        with torch.inference_mode():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
"""
)


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [([True, True], GRADIENTS), ([False, None], ANSWERS), ([True, False], SOME), ([None, None], "")],
)
def test_rows_say_who_attacked(flags, wanted):
    assert attacker_of(STANDARD, "scene", pd.DataFrame({"with_gradient": flags})) == wanted


def test_an_attack_that_never_uses_gradients_is_the_same_for_all():
    square = AttackCondition(attack="square", budgets=[25])
    assert attacker_of(square, "scene", pd.DataFrame({"with_gradient": [False]})) == ""
    assert scope_of("adversarial:", "") == "adversarial:"


def test_the_attacks_of_a_closed_model_are_those_that_it_met():
    names = [a.name for a in members_of(STANDARD, "scene", pd.DataFrame({"with_gradient": [False]})).attacks]
    assert "apgd" not in names and {"surrogate", "boundary", "square"} <= set(names)


def test_a_closed_twin_is_marked_and_is_no_more_robust_than_ten_points(attacked, tmp_path):
    """The same weights with and without `forward`: today's trap, 100 % beside 35 %."""
    condition = {"attack": "standard", "budgets": [25], "n": 6, "steps": 8}
    open_, _, _ = attacked(condition, adapter=write(tmp_path, "opened", Trap()))
    shut, checks, _ = attacked(condition, adapter=write(tmp_path, "closed", CLOSED))
    assert open_["with_gradient"].all() and not shut["with_gradient"].any()
    assert checks["black_box"].status == "warn"
    assert shut["robust"].mean() - open_["robust"].mean() <= 0.1


def made(attacker, rule="robust-accuracy"):
    from types import SimpleNamespace as Made

    condition = Made(
        kind="attack", name="standard", severity=None, parameter=25.0, unit="dB", draws=1, facts={"attacker": attacker}
    )
    cell = Made(key="scene/test/standard@l2:25dB", condition=condition, metrics={"r": Made(rule=rule, value=1.0)})
    return Made(cells=[cell], suite=Made(definition={}))


def test_a_comparison_says_that_another_attacker_was_there():
    key = "scene/test/standard@l2:25dB"
    assert condition_mismatch(made(GRADIENTS), made(GRADIENTS), key) is None
    assert "attacker" in condition_mismatch(made(GRADIENTS), made(ANSWERS), key)
    assert "rule of r" in condition_mismatch(made(GRADIENTS), made(GRADIENTS, "robust-accuracy:or-at-40"), key)
