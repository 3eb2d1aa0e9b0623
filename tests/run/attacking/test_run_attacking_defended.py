"""Models behind a defence, attacked by those who know it; certificates beside what attacks leave."""

from __future__ import annotations

import pytest
from made_traps import TRAPS, Trap, write

from benchbed.run.attacking.certifying import CERTIFIED, LEVEL


@pytest.mark.parametrize("defence", ["quantise", "denoise", "codec", "squeeze", "detector", "smoothing", "noise"])
def test_a_defence_is_no_more_robust_than_the_model_behind_it_without_saying_why(attacked, tmp_path, defence):
    """At a budget that leaves nothing of the model behind it, the attacker who knows the defence gets through too."""
    inner = write(tmp_path, "plain", Trap())
    text = f"""
from benchbed.adapter.load import load_adapter

ADAPTER = lambda: load_adapter("defended", {{"model": {str(inner)!r}, "defence": {defence!r}, "votes": "8"}}).adapter
"""
    path = tmp_path / "made.py"
    path.write_text(text)
    condition = {"attack": "standard", "budgets": [25], "n": 3, "steps": 10}
    rows, checks, failures = attacked(condition, adapter=path)
    assert not failures
    left = (rows["correct_share"] if rows["clean_share"].notna().any() else rows["robust"]).mean()
    doubts = {name for name, check in checks.items() if check.status in ("fail", "warn")}
    print(defence, left, {n: checks[n].message for n in doubts}, rows["broken_by"].tolist())
    assert left <= 0.35 or doubts & {"audit", "black_box", "randomness", "gradient_zero"}
    if defence == "smoothing":
        assert checks["certificate"].status == "pass" and rows["certified"].sum() <= rows["robust"].sum()


def test_what_is_certified_stands_and_is_counted(attacked, tmp_path):
    """Under noise of 0.02 the vote of the toy is certain at 60 dB, and not at 5 dB; a wrong certificate fails."""
    from benchbed.run.attacking.believed import certificate
    from benchbed.run.attacking.noted import FactSum

    inner = write(tmp_path, "plain", Trap())
    path = tmp_path / "smoothed.py"
    path.write_text(f"""
from benchbed.adapter.load import load_adapter

OPTIONS = {{"model": {str(inner)!r}, "defence": "smoothing", "votes": "8", "strength": "0.02"}}
ADAPTER = lambda: load_adapter("defended", OPTIONS).adapter
""")
    assert (CERTIFIED, LEVEL) == ("certified", "certified_snr")
    rows, checks, _ = attacked({"attack": "fast", "budgets": [60, 5], "n": 3, "steps": 4}, adapter=path)
    mild, strong = (rows[rows["cell"].str.endswith(f":{level}dB")] for level in (60, 5))
    assert mild["certified"].sum() > 0 and strong["certified"].sum() == 0
    assert (mild["certified_snr"].dropna() < 60).all()
    assert checks["certificate"].status == "pass" and "abstains" in checks["certificate"].message
    facts = {"certificate_of": FactSum(3, 0, 0.0, "noise")}
    assert certificate(FactSum(2, 1, 0.0, ""), facts)[0] == "fail"


def test_a_model_that_states_what_it_defends_is_not_asked_for_jumps(attacked, tmp_path):
    """A codec passed straight through has the gradient of a stand-in; a gate that states no defence has its own."""
    codec = tmp_path / "coded.py"
    codec.write_text(f"""
from benchbed.adapter.load import load_adapter

OPTIONS = {{"model": {str(write(tmp_path, "plain", Trap()))!r}, "defence": "codec"}}
ADAPTER = lambda: load_adapter("defended", OPTIONS).adapter
""")
    condition = {"attack": "standard", "budgets": [25], "n": 6, "steps": 4}
    assert "jumps" not in attacked(condition, adapter=codec)[1]
    gate = write(tmp_path, "gate", TRAPS["spectral_gate"])
    assert attacked(condition, adapter=gate)[1]["jumps"].status in ("fail", "warn")
