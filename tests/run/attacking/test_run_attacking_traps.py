"""No deceptive model is reported more robust than the network inside it without a badge that gives the reason."""

from __future__ import annotations

import os

import pytest
from made_traps import TRAPS, Trap, write

#: One mild budget alone, and three.
ALONE, SEVERAL = [25], [40, 25, 10]
BUDGETS = [ALONE, SEVERAL] if os.environ.get("BENCHBED_LONG") else [ALONE]


def robust(rows):
    """Robust accuracy at the mildest budget that was asked for."""
    first = rows[rows["cell"] == rows["cell"].iloc[0]]
    shares = first["correct_share"] if first["clean_share"].notna().any() else first["robust"]
    return float(shares.mean())


@pytest.fixture
def tried(attacked, tmp_path):
    def run(name: str, trap: Trap, budgets):
        condition = {"attack": "standard", "budgets": budgets, "n": 6, "steps": 8}
        rows, checks, failures = attacked(condition, adapter=write(tmp_path, name, trap))
        assert not failures
        return robust(rows), {name: check for name, check in checks.items() if check.status in ("fail", "warn")}

    return run


def test_the_network_itself_falls_and_fails_no_check(tried):
    accuracy, doubts = tried("undefended", Trap(), ALONE)
    assert accuracy <= 0.35 and not doubts


@pytest.mark.parametrize("budgets", BUDGETS, ids=lambda b: "-".join(map(str, b)))
@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_no_more_robust_or_says_why(tried, name, budgets):
    accuracy, doubts = tried(name, TRAPS[name], budgets)
    print(name, budgets, accuracy, {k: f"{c.status}: {c.message}" for k, c in doubts.items()})
    assert accuracy <= 0.35 or set(doubts) & set(TRAPS[name].told_by), (accuracy, doubts)
