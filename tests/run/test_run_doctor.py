"""What `benchbed doctor` says of the programs and models that caption metrics need."""

from __future__ import annotations

import pytest

from benchbed.run.doctor import diagnose, missing, unusable_packages


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


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Two packages that cannot be imported: one raises, and one takes its process along."""
    for name, text in {"raises": "print('noise')\nraise OSError('no libx')", "dies": "import os; os.abort()"}.items():
        (tmp_path / f"{name}_of_doctor").mkdir()
        (tmp_path / f"{name}_of_doctor" / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_packages_are_tried_and_one_that_takes_its_process_along_is_named(broken):
    found = unusable_packages(["json", "dies_of_doctor", "raises_of_doctor", "csv"])
    assert list(found) == ["dies_of_doctor", "raises_of_doctor"]
    assert "its import ended the process" in found["dies_of_doctor"]
    assert "cannot be imported: OSError: no libx" in found["raises_of_doctor"]
    assert all("--force-reinstall" in said for said in found.values())


def test_a_package_that_is_there_and_broken_is_a_problem_and_not_missing(broken, monkeypatch):
    monkeypatch.setattr("benchbed.run.doctor.OPTIONAL", {"raises_of_doctor": "something"})
    monkeypatch.setattr("benchbed.run.doctor.NEEDED", ("json",))
    facts = diagnose()
    assert facts["optional"] == {"raises_of_doctor": False} and "raises_of_doctor" not in missing(facts)
    assert "'raises_of_doctor' cannot be imported" in facts["unusable"]["raises_of_doctor"]
    (problem,) = [said for said in facts["problems"] if "raises_of_doctor" in said]
    assert "; try: pip install --force-reinstall" in problem and "\n" not in problem
