"""Suites read from YAML: every mistake is one error that points at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchbed.errors import ConfigError
from benchbed.suite.load import find_suite, load_suite, shipped_folder

MINIMAL = "name: toy\nversion: '1'\ntask: scene\ndata: {layout: folder}\n"


@pytest.fixture
def write(tmp_path: Path):
    def _write(text: str, name: str = "suite.yaml") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return _write


def message(path: str, overrides: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load_suite(path, overrides)
    return str(caught.value)


def test_minimal_suite_runs_the_clean_condition(write):
    loaded = load_suite(write(MINIMAL))
    assert [c.kind for c in loaded.suite.conditions] == ["clean"]
    assert loaded.suite.data.splits == ["test"]
    assert loaded.suite.data.key == "folder"


def test_every_shipped_suite_is_valid_and_names_its_schema():
    files = sorted(shipped_folder("suites").glob("*.yaml"))
    assert files
    for path in files:
        loaded = load_suite(str(path))
        assert loaded.suite.name == path.stem
        assert path.read_text().startswith("# yaml-language-server: $schema=./suite.schema.json\n"), path.name


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (MINIMAL + "conditons: [clean]\n", 5, ["unknown key 'conditons'", "did you mean 'conditions'?"]),
        ("name: toy\nversion: '1'\nname: toy2\n", 3, ["duplicate key", "written twice"]),
        ("name: toy\nversion: 1.10\ntask: scene\ndata: {layout: x}\n", 2, ["version", "quotes"]),
        (MINIMAL + "profile: yes\n", 5, ["profile", "true or false"]),
        ("name: toy\nversion: '1'\ntask: scenes\ndata: {layout: x}\n", 3, ["task: 'scenes'", "did you mean 'scene'?"]),
        ("name: toy\n\tversion: 1\n", 2, ["not valid YAML"]),
        ("name: toy\nversion: '1'\ntask: scene\n", 1, ["the key 'data' is missing"]),
        (MINIMAL + "statistics: {draws: -1}\n", 5, ["statistics.draws"]),
        (MINIMAL + "conditions: [clean, {corruptoin: gain}]\n", 5, ["a condition is the word `clean`"]),
        (
            MINIMAL + "conditions:\n  - corruption: gain\n    severity: 1\n",
            7,
            ["unknown key 'severity'", "did you mean 'severities'?"],
        ),
        (MINIMAL + "conditions:\n  - attack: apgd\n    budget: [30]\n", 7, ["did you mean 'budgets'?"]),
        (MINIMAL + "conditions:\n  - {corruption: gain, severities: [1, 1]}\n", 6, ["repeat"]),
        (
            MINIMAL + "conditions:\n  - {corruption: gain, severities: [3], parameters: [1]}\n",
            6,
            ["needs 3 parameters"],
        ),
        ("name: !!python/object:os.system x\n", 1, []),
        ("name: ../escape\nversion: '1'\ntask: scene\ndata: {layout: x}\n", 1, ["name"]),
        ("1: toy\n", 1, ["not text"]),
    ],
)
def test_a_mistake_is_shown_with_its_line(write, text, line, words):
    path = write(text)
    said = message(path)
    assert f"{path}:{line}:" in said
    for word in words:
        assert word in said


def test_several_mistakes_are_all_listed(write):
    said = message(write("name: toy\nversion: 1\ntask: scne\ndata: {layoutt: x}\n"))
    assert said.count("suite.yaml:") == 4


def test_yaml_words_that_other_readers_take_for_booleans_stay_text(write):
    loaded = load_suite(write(MINIMAL + "label_map: {on: [off], no: ['yes', y]}\n"))
    assert loaded.suite.label_map == {"on": ["off"], "no": ["yes", "y"]}


@pytest.mark.parametrize("content", [b"", b"- a\n- b\n", b"\xff\xfe\x00", b"just text\n"])
def test_files_that_hold_no_suite(tmp_path, content):
    path = tmp_path / "suite.yaml"
    path.write_bytes(content)
    assert str(path) in message(str(path))


def test_a_missing_suite_suggests_a_shipped_one():
    with pytest.raises(ConfigError, match="did you mean 'unseen_devices'"):
        find_suite("unseen_device")
    assert find_suite("dcase_task1").name == "dcase_task1.yaml"
    assert find_suite("suites/dcase_task1.yaml").name == "dcase_task1.yaml"


def test_inheritance_merges_mappings_and_replaces_lists(write):
    write(
        "name: base\nversion: '1'\ntask: scene\ndata:\n  layout: folder\n  splits: [a, b]\n  options: {k: 1}\n",
        "base.yaml",
    )
    child = write("extends: base\nname: child\ndata:\n  splits: [c]\n", "child.yaml")
    loaded = load_suite(child)
    assert loaded.suite.name == "child"
    assert loaded.suite.data.layout == "folder"
    assert loaded.suite.data.splits == ["c"]
    assert loaded.suite.data.options == {"k": 1}


def test_a_suite_may_join_a_task_and_conditions(write):
    write("conditions:\n  - clean\n  - {corruption: gain}\n", "part.yaml")
    loaded = load_suite(write("extends: [dcase_task1, part]\nname: both\n"))
    assert loaded.suite.data.layout == "tau2022"
    assert len(loaded.suite.conditions) == 2
    shipped = load_suite(write("extends: [esc10, conditions/noise]\nname: noisy\n"))
    assert {c.corruption for c in shipped.suite.conditions if hasattr(c, "corruption")} >= {"white_noise", "pink_noise"}
    assert "a list of names" in message(write("extends: {a: b}\nname: c\n"))


def test_a_mistake_in_an_inherited_file_names_that_file(write):
    write("name: base\nversion: '1'\ntask: scene\ndata: {layuot: folder}\n", "base.yaml")
    said = message(write("extends: base.yaml\nname: child\n", "child.yaml"))
    assert "base.yaml:4:8" in said


def test_circles_and_escapes_are_refused(write):
    write("extends: b\nname: a\n", "a.yaml")
    assert "circle" in message(write("extends: a\nname: b\n", "b.yaml"))
    assert "leaves the folder" in message(write("extends: ../dcase_task1\nname: c\n", "c.yaml"))
    assert "did you mean 'unseen_devices'" in message(write("extends: unseen_device\nname: c\n", "c.yaml"))


def test_a_shipped_suite_can_be_extended_from_anywhere(write):
    loaded = load_suite(write("extends: dcase_task1\nname: mine\n"))
    assert loaded.suite.data.layout == "tau2022"


def test_overrides_change_one_value_and_the_hash(write):
    path = write(MINIMAL)
    plain, changed = load_suite(path), load_suite(path, {"statistics.draws": "200", "data.options.x": "[1, 2]"})
    assert changed.suite.statistics.draws == 200
    assert changed.suite.data.options == {"x": [1, 2]}
    assert changed.hash != plain.hash
    assert changed.overrides == {"statistics.draws": 200, "data.options.x": [1, 2]}


def test_a_title_does_not_change_the_hash(write):
    assert load_suite(write(MINIMAL)).hash == load_suite(write(MINIMAL + "title: Words\n", "b.yaml")).hash


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("statistics.drawz", "1", "did you mean 'draws'"),
        ("name.x", "1", "has no parts"),
        ("conditions.7", "clean", "no item"),
        ("statistics.draws", "[", "not valid YAML"),
        ("statistics.draws", "many", "statistics.draws"),
    ],
)
def test_wrong_overrides_name_the_flag(write, key, value, words):
    said = message(write(MINIMAL + "conditions: [clean]\n"), {key: value})
    assert words in said and f"--set suite.{key}={value}" in said


def test_the_committed_schema_is_the_models_schema(repository):
    import json

    from benchbed.suite.model import Suite

    stored = json.loads((repository / "suites" / "suite.schema.json").read_text())
    assert stored == Suite.model_json_schema(), "run: benchbed schema suite > suites/suite.schema.json"
