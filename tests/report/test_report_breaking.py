"""What breaks a model: the order, what stands beside it, and that no figure is made on the way."""

from __future__ import annotations

import pytest

from benchbed.report import breaking
from benchbed.results.record import Condition, Value


def figure(value: float | None, direction: str = "higher", unit: str = "fraction") -> Value:
    return Value(value=value, n=9, direction=direction, unit=unit, rule="r", reason=None if value else "none")


def averaged(record, means: dict[str, float]):
    record.scores |= {f"robustness:mean/{name}": figure(value) for name, value in means.items()}
    return record


MEANS = {
    "white_noise": 0.4,
    "babble": 0.3,
    "hum": 0.5,
    "small_room": 0.45,
    "mp3": 0.52,
    "opus": 0.51,
    "clipping": 0.2,
}


def test_conditions_stand_in_the_order_of_the_recorded_means(result):
    record = averaged(result(conditions=True), MEANS)
    table, attacks = breaking.conditions(record)
    labels = [row.label for row in table.rows]
    assert labels == ["Clipping", "Babble", "White noise", "Small room", "Hum", "Opus", "MP3"]
    assert table.averaged and [row.shown.value for row in table.rows][:2] == [0.2, 0.3]
    assert table.clean is record.cells[0].metrics["macro_accuracy"]
    assert attacks.title == "What attacks leave" and [row.label for row in attacks.rows] == ["APGD"]


def test_the_lowest_figure_stands_with_its_strength_in_its_unit(result):
    record = averaged(result(conditions=True), MEANS)
    rows = {row.label: row for row in breaking.conditions(record)[0].rows}
    hurt = rows["White noise"]
    cells = {cell.key: cell.metrics["macro_accuracy"] for cell in record.cells}
    assert hurt.lowest is cells["scene/test/white_noise@5"] and hurt.where == "0 dB SNR"
    assert hurt.steps == [cells[f"scene/test/white_noise@{level}"] for level in range(1, 6)]


def test_without_a_mean_for_all_the_lowest_figures_order(result):
    record = averaged(result(conditions=True), {"hum": 0.01})
    table = breaking.conditions(record)[0]
    lowest = [row.lowest.value for row in table.rows]
    assert not table.averaged and lowest == sorted(lowest)
    assert all(row.shown is row.lowest for row in table.rows)


def test_where_lower_is_better_the_highest_is_the_worst(result):
    record = result(conditions=True, primary="loss")
    for index, cell in enumerate(record.cells):
        cell.metrics["loss"] = figure(index / 10, "lower", "nats")
    table = breaking.conditions(record)[0]
    assert table.rows[0].label == "Clipping"
    assert [row.lowest.value for row in table.rows] == sorted((row.lowest.value for row in table.rows), reverse=True)


def test_a_cell_without_a_figure_breaks_nothing(result):
    record = result(conditions=True)
    for cell in record.cells:
        if cell.condition.name == "hum":
            cell.metrics["macro_accuracy"] = figure(None)
    assert "Hum" not in [row.label for row in breaking.conditions(record)[0].rows]


def test_attacks_on_features_stand_in_no_ranking(result):
    record = result(conditions=True)
    for cell in record.cells:
        if cell.condition.kind == "attack":
            cell.condition.facts = {"space": "features, not realizable as audio"}
    assert [table.title for table in breaking.conditions(record)] == ["What breaks it"]


def test_one_corruption_with_two_settings_is_two_rows(result):
    record = result(conditions=True)
    again = [cell.model_copy(deep=True) for cell in record.cells if cell.condition.name == "hum"]
    for cell in again:
        cell.key += "#2"
        cell.metrics["macro_accuracy"] = figure(0.01)
    record.cells += again
    rows = breaking.conditions(record)[0].rows
    assert rows[0].label == "Hum, dB SNR (no. 2)" and len(rows) == 8


def test_groups_of_the_clean_cell_the_worst_first(result):
    devices, classes = breaking.groups(result())
    assert [row.label for row in devices.rows[:3]] == ["s6", "s5", "s4"]
    assert devices.metric == "macro_accuracy" and devices.title == "Weakest devices"
    # Classes have no macro accuracy: the first fraction that all of them have.
    assert classes.metric == "accuracy" and classes.rows[0].label == "airport"


def test_more_groups_than_are_shown_are_counted(result):
    record = result()
    cell = record.cells[0]
    cell.groups |= {f"class=c{index}": {"accuracy": figure(0.9)} for index in range(7)}
    (_, classes) = breaking.groups(record)
    assert len(classes.rows) == breaking.GROUPS and classes.left_out == 7


def test_several_splits_have_a_table_each_and_no_groups(result):
    record = result(conditions=True)
    second = [cell.model_copy(deep=True, update={"split": "fold2"}) for cell in record.cells]
    for cell in second:
        cell.key = cell.key.replace("/test/", "/fold2/")
    record.cells += second
    titles = [table.title for table in breaking.conditions(record)]
    assert titles[0] == "What breaks it, Audio classification test"
    assert "What breaks it, Audio classification fold2" in titles
    assert breaking.groups(record) == []


@pytest.mark.parametrize("severity", [None, 3])
def test_a_condition_without_a_parameter_says_its_severity(result, severity):
    record = result()
    cell = record.cells[0].model_copy(deep=True)
    cell.key = "scene/test/odd@3"
    cell.condition = Condition(kind="corruption", name="odd", severity=severity)
    record.cells.append(cell)
    (table,) = breaking.conditions(record)
    assert table.rows[0].where == ("step 3" if severity else "")
