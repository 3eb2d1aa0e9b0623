"""What must be equal before two runs may be compared, and what is said where it is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_runs import answers, changed, made_run, recordings

from benchbed.compare.answer import Procedure
from benchbed.compare.figure import Figure
from benchbed.compare.pairing import pair
from benchbed.compare.runs import condition_mismatch, mismatches, open_run, require_comparable
from benchbed.errors import CannotMeasure, ConfigError, DamagedError

TARGET, GROUP = recordings(12, 2)
SCORES = {"clean": answers(np.ones(24, bool), TARGET)}


def made(tmp_path, name, **facts):
    return open_run(made_run(tmp_path / name, SCORES, TARGET, facts.pop("group", GROUP), name=name, **facts))


def test_equal_runs_differ_in_nothing(tmp_path):
    assert require_comparable(made(tmp_path, "a"), made(tmp_path, "b")) == []


def test_synthetic_and_real_are_never_compared(tmp_path):
    with pytest.raises(CannotMeasure, match="real recordings against synthetic") as caught:
        require_comparable(made(tmp_path, "a"), made(tmp_path, "b", synthetic=True))
    assert caught.value.exit_code == 3


def test_other_clips_are_listed_by_recording(tmp_path):
    other = np.where(GROUP == "rec0000", "other", GROUP)
    with pytest.raises(CannotMeasure) as caught:
        require_comparable(made(tmp_path, "a"), made(tmp_path, "b", index="f" * 32, group=other))
    message = str(caught.value)
    assert "index hash" in message and "1 only in the first (rec0000)" in message
    assert "1 only in the second (other)" in message


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("suite", "protocol"), "benchbed-0", "random protocol: benchbed-1 against benchbed-0"),
        (("suite", "version"), "2", "version of the suite: 1 against 2"),
        (("suite", "name"), "other", "suite: toy against other"),
        (("suite", "definition", "audio"), {"sample_rate": 8000}, "`audio` of the suite"),
        (("suite", "definition", "metrics", "folds"), "pooled", "`metrics.folds` of the suite"),
        (("cells", 0, "metrics", "accuracy", "rule"), "accuracy:other", "rule of accuracy"),
    ],
)
def test_everything_that_differs_is_named(tmp_path, place, value, words):
    a, b = made(tmp_path, "a"), made(tmp_path, "b")

    def change(node):
        for key in place[:-1]:
            node = node[key]
        node[place[-1]] = value

    changed(b.path.parent, change)
    with pytest.raises(CannotMeasure) as caught:
        require_comparable(a, open_run(b.path))
    assert words in str(caught.value)


def test_a_figure_that_one_run_could_not_measure_has_no_rule_that_matters(tmp_path):
    a, b = made(tmp_path, "a"), made(tmp_path, "b")

    def lost(raw):
        raw["cells"][0]["metrics"]["accuracy"] |= {"rule": "accuracy:other", "value": None, "low": None, "high": None}

    changed(b.path.parent, lost)
    assert require_comparable(a, open_run(b.path)) == []


def test_a_suite_that_only_asks_more_is_no_obstacle(tmp_path):
    a, b = made(tmp_path, "a"), made(tmp_path, "b")
    definition = {"conditions": ["clean", {"corruption": "gain"}]}
    changed(b.path.parent, lambda raw: raw["suite"].update(hash="t" * 32))
    changed(b.path.parent, lambda raw: raw["suite"]["definition"].update(definition))
    [note] = require_comparable(a, open_run(b.path))
    assert not note.blocking and "conditions" in note.what


def test_statistics_of_another_run_are_not_used(tmp_path):
    a, b = made(tmp_path, "a"), made(tmp_path, "b", index="f" * 32)
    (a.path.parent / "statistics.npz").write_bytes((b.path.parent / "statistics.npz").read_bytes())
    with pytest.raises(DamagedError, match="not the one that the record names"):
        open_run(a.path)


def test_damaged_statistics_are_said(tmp_path):
    a = made(tmp_path, "a")
    (a.path.parent / "statistics.npz").write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(DamagedError, match="not the one that the record names") as caught:
        open_run(a.path)
    assert caught.value.exit_code == 2
    (a.path.parent / "statistics.npz").unlink()
    with pytest.raises(DamagedError, match="no statistics beside the record"):
        open_run(a.path)


def test_another_schema_version_is_refused_with_the_reason(tmp_path):
    a = made(tmp_path, "a")
    raw = json.loads(a.path.read_text()) | {"schema_version": 99}
    a.path.write_text(json.dumps(raw))
    with pytest.raises(ConfigError, match="schema version 99") as caught:
        open_run(a.path)
    assert "upgrade benchbed" in caught.value.hint


def test_mismatches_are_symmetric(tmp_path):
    a, b = made(tmp_path, "a"), made(tmp_path, "b", version="2", synthetic=True)
    one, other = mismatches(a.result, b.result), mismatches(b.result, a.result)
    assert [(m.what, m.a, m.b) for m in one] == [(m.what, m.b, m.a) for m in other]


@pytest.mark.parametrize(
    ("what", "mine", "theirs"),
    [
        ("attacks", ["apgd loss=ce steps=50 restarts=1"], ["apgd loss=ce steps=1 restarts=1"]),
        ("goal", "hide", "everything"),
        ("success", {"rule": "f20", "fraction": 0.5}, {"rule": "f20", "fraction": 0.1}),
        ("channels", "each has the budget by itself", None),
    ],
)
def test_attacks_of_other_strength_are_other_conditions(tmp_path, what, mine, theirs):
    runs = []
    for name, fact in (("a", mine), ("b", theirs), ("c", mine)):
        run = made(tmp_path, name)
        facts = {} if fact is None else {what: fact}
        changed(run.path.parent, lambda raw, facts=facts: raw["cells"][0]["condition"].update(facts=facts))
        runs.append(open_run(run.path))
    key = runs[0].result.cells[0].key
    assert condition_mismatch(runs[0].result, runs[2].result, key) is None
    why = condition_mismatch(runs[0].result, runs[1].result, key)
    assert why is not None and why.startswith(f"{what} of {key} is ") and "in the other" in why
    with pytest.raises(CannotMeasure, match=f"{what} of"):
        pair(runs[0], runs[1], Figure("clean"), Procedure(draws=10))
