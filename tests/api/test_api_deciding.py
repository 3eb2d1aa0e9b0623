"""Comparing and gating from Python."""

from __future__ import annotations

import benchbed as bb

WORSE = "batch.waveforms[::2] = 0"


def test_a_comparison_is_a_table(toy_run, adapter_file):
    good, bad = toy_run(adapter_file("good")), toy_run(adapter_file("bad", WORSE))
    frame = bb.compare(good, bad).frame()
    clean = frame[(frame["condition"] == "clean") & (frame["metric"] == "macro_accuracy")].iloc[0]
    assert (clean["model"], clean["against"]) == ("good", "bad")
    assert clean["difference"] == clean["value_model"] - clean["value_against"] > 0
    assert "good" in str(bb.compare(str(good.path), bad.path))
    saved = bb.compare(good, bad).save(good.path.parent / "compared.json")
    assert bb.leaderboard([good, bad], good.path.parent / "site", comparisons=[saved]).is_file()


def test_a_gate_is_passed_or_not(toy_run, adapter_file):
    good, same, bad = (
        toy_run(adapter_file("good")),
        toy_run(adapter_file("same")),
        toy_run(adapter_file("bad", WORSE)),
    )
    assert bb.gate(same, good).passed
    judged = bb.gate(bad, good)
    assert not judged.passed and judged.exit_code == 1 and not judged
    assert "regressed" in set(judged.frame()["answer"]) or len(judged.frame())
