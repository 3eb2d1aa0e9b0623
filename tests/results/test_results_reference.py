"""Published figures: the shipped files hold, their known errata are marked, and planted ones are found."""

from __future__ import annotations

import pytest

from benchbed.data import LAYOUTS
from benchbed.errors import ConfigError
from benchbed.results.reference import Reference, asked_references, parse, problems, read_reference

MINIMAL = {
    "source": {"id": "s", "citation": "A. Author: A Title, 2020"},
    "tables": [
        {
            "id": "t1",
            "where": "Table 1",
            "title": "Detection",
            "protocol": {"id": "p", "task": "tags", "dataset": "d", "split": "test"},
            "metrics": {
                name: {"unit": "%", "direction": "higher"}
                for name in ("precision", "recall", "f1", "cider", "spice", "spider")
            },
            "rows": [{"system": "a", "values": {"precision": "19.6", "recall": "26.1", "f1": "22.4"}}],
            "checks": [
                {"rule": "f1", "result": "f1", "parts": ["precision", "recall"]},
                {"rule": "half_sum", "result": "spider", "parts": ["cider", "spice"]},
            ],
        }
    ],
}


def reference(**row) -> Reference:
    """The small file with one row changed."""
    made = Reference.model_validate(MINIMAL)
    raw = made.model_dump()
    raw["tables"][0]["rows"][0] |= row
    return Reference.model_validate(raw)


@pytest.fixture(scope="module")
def shipped(repository) -> dict[str, Reference]:
    return {path.stem: read_reference(path) for path in sorted((repository / "leaderboards/reference").glob("*.yaml"))}


def row(files: dict[str, Reference], file: str, table: str, system: str):
    held = next(held for held in files[file].tables if held.id == table)
    return next(row for row in held.rows if row.system == system)


def test_shipped_files_hold(shipped):
    assert [problem for held in shipped.values() for problem in problems(held)] == []
    assert sum(held.cells for held in shipped.values()) > 900


@pytest.mark.parametrize(
    ("file", "table", "system", "metric", "recomputed"),
    [
        ("event-detection-thesis", "t4.2", "TALNet max", "f1", "38.9"),
        ("event-detection-thesis", "t4.2", "TALNet linear", "f1", "47.3"),
        ("event-detection-thesis", "t2.2", "Average", "dnn", "83.5"),
        ("event-detection-thesis", "t3.2", "M11-fc", "parameters", None),
        ("marvel-d3.1", "t22", "Contr_CF-G", "ndcg100", ".0085"),
        ("marvel-d3.1", "t6", "CRNN-desed, 16 kHz", "bus", None),
        ("piovesan2024", "t5.3", "Large_ViT, larger augmentation", "std_all", None),
    ],
)
def test_known_errata_are_marked(shipped, file, table, system, metric, recomputed):
    found = row(shipped, file, table, system)
    assert found.status(metric) == "disputed"
    assert found.doubts[metric].recomputed == recomputed


def test_a_mark_that_is_taken_away_is_missed(shipped):
    raw = shipped["event-detection-thesis"].model_dump()
    for table in raw["tables"]:
        for held in table["rows"]:
            held["doubts"] = {}
    found = problems(Reference.model_validate(raw))
    # By hand: 2 · 49.0 · 32.2 / 81.2 = 38.86, printed 42.2; the mean of the DNN column is 1252.6 / 15 = 83.51.
    assert "t4.2: TALNet max: f1 42.2 does not follow, f1 gives 38.86" in found
    assert "t2.2: Average: dnn 84.2 does not follow, the column's mean is 83.51" in found
    assert len(found) == 8


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({"precision": "19.6", "recall": "26.1", "f1": "22.4"}, True),
        # 31.46 rounds to 31.5, but inputs are rounded too: 31.4 is possible.
        ({"precision": "25.4", "recall": "41.3", "f1": "31.4"}, True),
        ({"precision": "25.4", "recall": "41.3", "f1": "31.9"}, False),
        ({"cider": "26.8", "spice": "9.5", "spider": "18.2"}, True),
        ({"cider": "26.8", "spice": "9.5", "spider": "18.4"}, False),
        ({"precision": "25.4", "f1": "31.9"}, True),
    ],
)
def test_arithmetic_with_rounding(values, holds):
    assert (problems(reference(values=values)) == []) == holds


def test_what_cannot_be_read_is_named():
    found = problems(reference(values={"f1": "about 3", "nonsense": "1"}))
    assert len(found) == 2 and "about 3" in found[0] and "unknown metric 'nonsense'" in found[1]


def test_a_doubt_needs_a_value():
    found = problems(reference(doubts={"spice": {"status": "damaged", "note": "lost"}}))
    assert found == ["t1: a: a doubt about 'spice', which has no value"]


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("0.31", (0.31, None, 0.005)),
        (".0085", (0.0085, None, 0.00005)),
        ("1,934,187", (1934187.0, None, 0.5)),
        ("−3.6", (-3.6, None, 0.05)),
    ],
)
def test_printed_numbers(printed, value):
    assert parse(printed) == pytest.approx(value)


@pytest.mark.parametrize("text", ["[1, 2", "source: 1\nsource: 2", "tables: []", "- 1"])
def test_a_file_that_does_not_fit_is_one_clear_error(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_reference(path)
    assert error.value.where == str(path)


def test_tables_name_layouts_that_exist(shipped):
    layouts = {table.protocol.layout for one in shipped.values() for table in one.tables if table.protocol.layout}
    assert layouts <= set(LAYOUTS.names()) and "tau2022" in layouts


@pytest.mark.parametrize(("asked", "count"), [(None, 8), (["none"], 0), (["dcase-task1.yaml"], 1)])
def test_references_are_asked_by_file_or_switched_off(repository, asked, count):
    folder = repository / "leaderboards/reference"
    assert len(asked_references([one if one == "none" else folder / one for one in asked] if asked else asked)) == count


def test_references_that_are_none_stand_beside_no_file():
    with pytest.raises(ConfigError, match="stands beside files"):
        asked_references(["none", "x.yaml"])
    with pytest.raises(ConfigError, match="no file of published figures") as raised:
        asked_references(["nowhere.yaml"])
    assert "--references none" in raised.value.hint


def test_the_board_of_dcase_2025_task_1_has_all_teams_and_the_baseline_by_device(shipped):
    """Figures of the results page: twelve teams and the baseline; its intervals are binomial ones of all clips."""
    tables = {table.id: table for table in shipped["dcase2025-task1"].tables}
    teams = {row.system: float(row.values["accuracy"]) for row in tables["evaluation-teams"].rows}
    assert len(teams) == 13 and max(teams, key=teams.get) == "Karasin_JKU" and teams["DCASE2025 baseline"] == 53.24
    assert sum(value > teams["DCASE2025 baseline"] for value in teams.values()) == 11
    assert len([name for name in tables["development-devices"].metrics if name.startswith("device_")]) == 9
    for row in tables["evaluation-systems"].rows:
        share = float(row.values["accuracy"]) / 100
        width = float(row.values["high"]) - float(row.values["low"])
        assert width == pytest.approx(2 * 196 * (share * (1 - share) / 149_000) ** 0.5, abs=0.11)


def test_what_contradicts_itself_in_2026_is_marked(shipped):
    tables = {table.id: table for table in shipped["dcase2026"].tables}
    assert tables["task7-paper"].rows[0].status("accuracy") == "disputed"
    assert tables["task7-development"].rows[1].status("mean") == "as printed"
