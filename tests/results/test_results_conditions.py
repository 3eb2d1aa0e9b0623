"""What was done to the audio, in its unit: hand-written records and what they must say."""

from __future__ import annotations

import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.compare.runs import open_run
from benchbed.compare.show import lines
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.results.conditions import amount, setting, settings
from benchbed.results.record import Condition
from benchbed.results.store import read


@pytest.mark.parametrize(
    ("parameter", "unit", "text"),
    [
        (10.0, "dB SNR", "10 dB SNR"),
        (None, "dB SNR", ""),
        ({"share": 0.1}, "dB", "share 0.1"),
        ((2, 4), "kHz", "2, 4 kHz"),
        ("8k", None, "8k"),
        (0.25, "", "0.25"),
    ],
)
def test_a_strength_is_written_in_its_unit(parameter, unit, text):
    what = Condition(kind="corruption", name="x", severity=3, parameter=parameter, unit=unit)
    assert setting(what) == text
    assert text.startswith(amount(what))


def test_severities_are_said_by_key_and_not_where_runs_differ(tmp_path):
    target, group = recordings(20, 2)
    scores = answers(lucky(20, 2, 0.7, 0.2, "a"), target)
    one = read(made_run(tmp_path / "one", {"clean": scores, "noise@2": scores}, target, group, name="one"))
    assert settings([one]) == {"noise@2": setting(one.cells[1].condition)}
    other = one.model_copy(deep=True)
    other.cells[1].condition.parameter = 17
    assert settings([one, other]) == {}


def test_a_comparison_names_models_and_units(tmp_path):
    target, group = recordings(20, 2)
    runs = [
        open_run(made_run(tmp_path / n, {"clean": s, "noise@2": s}, target, group, name=n))
        for n, s in ((n, answers(lucky(20, 2, 0.7, 0.2, n), target)) for n in ("small", "large"))
    ]
    text = "\n".join(lines(compare([Side(run.name, (run,)) for run in runs])))
    strength = setting(runs[0].result.cells[1].condition)
    assert f"noise, {strength}" in text and "@" not in text
    head = next(line for line in text.splitlines() if line.split()[:2] == ["condition", "metric"])
    assert head.split()[2:5] == ["small", "large", "difference"]
