"""Checks of perturbations are made once for the same code, options and clips, and again for others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbed.run.scoring import selfchecks
from benchbed.suite.conditions import CorruptionCondition


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Names of the corruptions whose checks are made and not remembered."""
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    names, make = [], selfchecks._checked

    def counted(condition, probes, context):
        names.append(condition.corruption)
        return make(condition, probes, context)

    monkeypatch.setattr(selfchecks, "_checked", counted)
    return names


def job(toy_table, tmp_path, *conditions):
    return SimpleNamespace(
        conditions=["clean", *conditions],
        pools={"test": toy_table},
        root=tmp_path / "data",
        audio_rate=None,
        dataset="toy",
        facts=[{}] * (1 + len(conditions)),
    )


def test_checks_are_remembered_by_all_that_they_depend_on(toy_table, tmp_path, made):
    two = [CorruptionCondition(corruption="gain"), CorruptionCondition(corruption="white_noise")]
    first = selfchecks.self_checks(job(toy_table, tmp_path, *two))
    assert made == ["gain", "white_noise"] and len(first) == 10
    assert any(check.name == "perturb:gain:canary" for check in first)
    again = selfchecks.self_checks(job(toy_table, tmp_path, *two))
    assert made == ["gain", "white_noise"] and again == first
    other = CorruptionCondition(corruption="gain", parameters=[-3, -6])
    selfchecks.self_checks(job(toy_table, tmp_path, other))
    selfchecks.self_checks(job(toy_table.iloc[5:10].reset_index(drop=True), tmp_path, two[0]))
    assert made == ["gain", "white_noise", "gain", "gain"]


def test_what_is_not_as_it_was_written_is_made_again(toy_table, tmp_path, made):
    condition = CorruptionCondition(corruption="gain")
    first = selfchecks.self_checks(job(toy_table, tmp_path, condition))
    [path] = (tmp_path / "cache" / "selfchecks").iterdir()
    path.write_text(path.read_text().replace('"pass"', '"fail"', 1))
    assert selfchecks.self_checks(job(toy_table, tmp_path, condition)) == first
    assert made == ["gain", "gain"]


def test_transforms_of_another_library_are_checked_each_time(toy_table, tmp_path, made):
    condition = CorruptionCondition(
        corruption="audiomentations:Gain", parameters=[{"min_gain_db": -6, "max_gain_db": -6}]
    )
    for _ in range(2):
        selfchecks.self_checks(job(toy_table, tmp_path, condition))
    assert made == ["audiomentations:Gain"] * 2
