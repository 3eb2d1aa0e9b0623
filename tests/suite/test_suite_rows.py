"""`view`, `drop` and `sweep` of a suite: what they may say, and the line of what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbed.errors import ConfigError
from benchbed.suite.drop import Drop
from benchbed.suite.load import load_suite
from benchbed.suite.sweep import rows_of
from benchbed.suite.view import GroupView

MINIMAL = "name: toy\nversion: '1'\ntask: {task}\ndata: {{layout: folder}}\n"


def load(tmp_path: Path, text: str, task: str = "scene"):
    (tmp_path / "suite.yaml").write_text(MINIMAL.format(task=task) + text)
    return load_suite(str(tmp_path / "suite.yaml"))


@pytest.mark.parametrize(
    ("text", "task", "line", "words"),
    [
        ("view: {by: []}", "scene", 5, ["view.by", "at least 1 item"]),
        ("view: {}", "scene", 5, ["the key 'view.by' is missing"]),
        ("view:\n  by: [group]\n  rule: sum", "scene", 7, ["view.rule: 'sum' is not one of 'mean', 'log_mean'"]),
        ("view:\n  by: [group]\n  rul: mean", "scene", 7, ["did you mean 'rule'?"]),
        ("view:\n  by: [group, group]", "scene", 6, ["view.by", "repeat"]),
        ("view: {by: [group], name: 10s}", "scene", 5, ["view.name"]),
        ("view: {by: [group]}", "frames", 5, ["cannot decide together", "scene or tags"]),
        ("view:\n  by: [group]\n  rule: vote", "tags", 7, ["have no vote", "mean or log_mean"]),
        (
            "metrics: {family: classification, further: [{family: classification, name: recording}]}\nview: {by: [x]}",
            "scene",
            6,
            ["called 'recording' already"],
        ),
        ("drop: {fractions: [12]}", "scene", 5, ["drop.fractions.0", "less than 1"]),
        ("drop: {fractions: [0]}", "scene", 5, ["drop.fractions.0"]),
        ("drop:\n  fractions: [0.1, 0.02]", "scene", 6, ["are to rise"]),
        ("drop:\n  draws: 1", "scene", 6, ["drop.draws"]),
        ("drop:\n  draws: ten", "scene", 6, ["drop.draws"]),
        ("drop: {unit: clips}", "scene", 5, ["did you mean 'clip'?"]),
        ("drop: {fraction: [0.1]}", "scene", 5, ["did you mean 'fractions'?"]),
        ("sweep:\n  patchout: []", "scene", 6, ["sweep.patchout", "at least 1 item"]),
        ("sweep:\n  patchout: 2", "scene", 6, ["sweep.patchout", "list"]),
        ("sweep:\n  a: [1]\n  patchout: [0, [1]]", "scene", 7, ["sweep.patchout.1", "a text, a number, true or false"]),
        ("sweep:\n  a: [1]\n  patchout: [0, 0]", "scene", 7, ["sweep.patchout", "repeat"]),
        ("sweep: {patch-out: [0]}", "scene", 5, ["'patch-out' is no name of an option"]),
        (
            "sweep: {a: [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15], b: [1,2,3,4,5,6,7,8,9,10,11,12,13,14]}",
            "scene",
            5,
            ["210"],
        ),
        ("sweep: [patchout]", "scene", 5, ["sweep"]),
    ],
)
def test_a_wrong_value_is_shown_with_its_line(tmp_path, text, task, line, words):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, task)
    said = str(caught.value)
    assert f"suite.yaml:{line}:" in said
    for word in words:
        assert word in said


def test_what_a_suite_does_not_say_changes_nothing_about_it(tmp_path):
    plain = load(tmp_path, "").hash
    # The rows that are asked for are no part of what is asked of each.
    assert load(tmp_path, "sweep: {patchout: [0, 2]}").hash == plain
    assert load(tmp_path, "view: null\ndrop: null").hash == plain
    assert len({plain, load(tmp_path, "view: {by: [group]}").hash, load(tmp_path, "drop: {}").hash}) == 3


def test_what_is_left_open_is_what_published_sets_differ_by(tmp_path):
    assert load(tmp_path, "drop: {}").suite.drop == Drop(fractions=[0.02, 0.05, 0.08, 0.12], draws=100, unit="clip")
    assert load(tmp_path, "view: {by: [x]}").suite.view == GroupView(by=["x"], rule="mean", name="recording")


def test_rows_are_every_combination_of_what_is_not_given():
    sweep = {"a": [1, 2], "b": ["x", "y"]}
    assert rows_of(sweep, {}) == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}]
    assert rows_of(sweep, {"a": "2"}) == [{"b": "x"}, {"b": "y"}]
    assert rows_of(sweep, {"a": 1, "b": 2}) == [{}]
