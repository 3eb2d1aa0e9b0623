"""No deceptive model is reported more robust than its undefended twin without a badge that gives the reason."""

from __future__ import annotations

import os

import pytest
from made_traps import TRAPS, Trap, write

#: One mild budget alone, and three.
ALONE, SEVERAL = [25], [40, 25, 10]
#: Budgets and what stands before the network → robust accuracy of a twin, which is asked once.
_TWINS: dict[tuple[str, ...], list[float]] = {}
BUDGETS = [ALONE, SEVERAL] if os.environ.get("BENCHBED_LONG") else [ALONE]


def robust(rows):
    """Robust accuracy at each budget, mildest first."""
    found = []
    for _, part in rows.groupby("cell", sort=False):
        shares = part["correct_share"] if part["clean_share"].notna().any() else part["robust"]
        found.append(float(shares.mean()))
    return found


@pytest.fixture
def tried(attacked, tmp_path):
    def run(name: str, trap: Trap, budgets):
        condition = {"attack": "standard", "budgets": budgets, "n": 6, "steps": 8}
        rows, checks, failures = attacked(condition, adapter=write(tmp_path, name, trap), every=True)
        assert not failures
        doubts = [{name: c for name, c in own.items() if c.status in ("fail", "warn")} for own in checks]
        return robust(rows), doubts

    return run


@pytest.mark.parametrize("budgets", BUDGETS, ids=lambda b: "-".join(map(str, b)))
def test_the_network_itself_falls_and_fails_no_check(tried, budgets):
    accuracy, doubts = tried("undefended", Trap(), budgets)
    assert accuracy[budgets.index(25)] <= 0.35 and not any(doubts)
    assert accuracy == sorted(accuracy, reverse=True)


@pytest.mark.parametrize("budgets", BUDGETS, ids=lambda b: "-".join(map(str, b)))
@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_no_more_robust_or_says_why(tried, name, budgets):
    """At every budget: no more robust there than its undefended twin, or a badge on that very cell that says why."""
    trap = TRAPS[name]
    accuracy, doubts = tried(name, trap, budgets)
    asked = (trap.honest, *map(str, budgets))
    if asked not in _TWINS:
        _TWINS[asked] = tried("undefended", Trap(trap.honest or "pass"), budgets)[0]
    twin = _TWINS[asked]
    for budget, own, other, said in zip(budgets, accuracy, twin, doubts, strict=True):
        print(name, budget, own, other, {k: f"{c.status}: {c.message}" for k, c in said.items()})
    for budget, own, other, said in zip(budgets, accuracy, twin, doubts, strict=True):
        assert own <= other + 1e-9 or set(said) & set(TRAPS[name].told_by), (budget, own, other, said)
