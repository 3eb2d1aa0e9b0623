"""Conditions of other libraries, whose parameter is a set of arguments, among the figures over corruptions."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbed.report.terms import setting
from benchbed.results import record
from benchbed.run.scoring.robust import _corrupted


def cell(**condition) -> record.Cell:
    made = record.Condition(kind="corruption", name="x", severity=1, group="noise", **condition)
    counts = record.Counts(clips=1, scored=1)
    return record.Cell(key="scene/test/x@1", task="scene", split="test", condition=made, counts=counts, metrics={})


SCORED = SimpleNamespace(scores=SimpleNamespace(metrics={"accuracy": None}, replicates={}))


@pytest.mark.parametrize(
    ("condition", "level"),
    [
        ({"parameter": 10.0, "unit": "dB SNR"}, 10.0),
        ({"parameter": {"min_snr_db": 10}, "unit": "dB SNR, whole clip", "achieved": {"median": 9.9}}, 9.9),
        ({"parameter": {"min_snr_db": 10}, "unit": "dB SNR, whole clip"}, None),
        ({"parameter": {"cutoff_freq": 1000}, "unit": "Hz cut-off (−3 dB)", "achieved": {"median": 990.0}}, None),
    ],
)
def test_the_noise_curve_takes_what_was_measured(condition, level):
    assert _corrupted(cell(**condition), SCORED, "accuracy").snr == level


def test_the_unit_of_a_measure_is_not_put_behind_arguments():
    made = cell(parameter={"cutoff_freq": 1000}, unit="Hz cut-off (−3 dB)").condition
    assert setting(made) == "cutoff_freq 1000"
