"""Scores that rank the wrong way round are suspected where areas are far below one half, and nowhere else."""

from __future__ import annotations

import pytest

from benchbed.results import record
from benchbed.run.scoring.inverted import inverted_checks


def value(area, high=None, rule="auc:ties-half"):
    return record.Value(value=area, high=high, n=10, direction="higher", unit="fraction", rule=rule, title="AUC")


def cell(whole, section=None, kind="clean", **metrics):
    return record.Cell(
        key="anomaly/test/clean",
        task="anomaly",
        split="test",
        condition=record.Condition(kind=kind, name=kind),
        counts=record.Counts(clips=10, scored=10),
        metrics={"score": value(0.1, 0.2, "dcase-task2:2023"), **({"auc": whole} if whole else {}), **metrics},
        groups={
            "class=fan section_00": {"section_auc": section or value(0.7, 0.9)},
            "machine=fan": {"auc": value(0.1)},
        },
    )


@pytest.mark.parametrize(
    ("whole", "section", "status", "said"),
    [
        (value(0.1, 0.2), None, "warn", "AUC 0.100 is far below one half"),
        (value(0.3), None, "warn", "Turn the sign"),
        (value(0.45, 0.48), None, "pass", "no area"),
        (value(0.3, 0.6), None, "pass", "no area"),
        (value(0.8, 0.9), value(0.2, 0.4), "warn", "fan section_00 (0.20)"),
        (value(None), None, "skipped", "no area under a curve is defined"),
    ],
)
def test_an_area_far_below_one_half_is_suspected(whole, section, status, said):
    [check] = inverted_checks([cell(whole, section)])
    assert check.name == "answers:inverted" and check.status == status and said in check.message


def test_perturbed_cells_and_other_metrics_are_left_alone():
    assert inverted_checks([cell(value(0.1), kind="corruption")]) == []
    assert inverted_checks([cell(None)]) == []
