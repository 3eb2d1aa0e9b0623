"""What `benchbed doctor` says of the programs and models that caption metrics need."""

from __future__ import annotations

import pytest

from benchbed.run.doctor import diagnose


def test_what_is_not_given_is_named_and_no_problem(monkeypatch: pytest.MonkeyPatch):
    for name in ("METEOR", "SPICE", "SENTENCES", "FLUENCY", "CLAP"):
        monkeypatch.delenv(f"BENCHBED_{name}", raising=False)
    facts = diagnose()
    assert set(facts["captions"]) == {"meteor", "spice", "sentences", "fluency", "clap"}
    assert "exact+stem" in facts["captions"]["meteor"] and "BENCHBED_SPICE" in facts["captions"]["spice"]
    assert not any("caption" in problem for problem in facts["problems"])


def test_what_is_given_and_cannot_be_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("BENCHBED_SPICE", str(tmp_path))
    monkeypatch.setenv("BENCHBED_METEOR", str(tmp_path / "none.jar"))
    facts = diagnose()
    assert f"{tmp_path} has no spice-1.0.jar" in facts["captions"]["spice"]
    assert [problem for problem in facts["problems"] if "spice" in problem]
    assert "METEOR: there is no such jar of METEOR" in facts["problems"]
