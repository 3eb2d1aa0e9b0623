"""Cells of a suite."""

from __future__ import annotations

from benchbed.results.conditions import curve_of
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells


def suite(**parts) -> Suite:
    return Suite(name="s", version="1", task="scene", **{"data": {"layout": "folder"}, **parts})


def test_cells_are_splits_times_conditions_times_severities():
    conditions = ["clean", {"corruption": "gain", "severities": [1, 3, 5], "draws": 2}]
    made = plan_cells(suite(data={"layout": "esc50", "splits": ["fold1", "fold2"]}, conditions=conditions))
    assert [cell.key for cell in made] == [
        "scene/fold1/clean",
        "scene/fold1/gain@1",
        "scene/fold1/gain@3",
        "scene/fold1/gain@5",
        "scene/fold2/clean",
        "scene/fold2/gain@1",
        "scene/fold2/gain@3",
        "scene/fold2/gain@5",
    ]
    assert {cell.draws for cell in made if cell.kind == "corruption"} == {2}


def test_the_same_corruption_twice_gets_two_names():
    made = plan_cells(
        suite(
            conditions=[
                {"corruption": "gain", "severities": [1]},
                {"corruption": "gain", "severities": [1], "options": {"a": 1}},
            ]
        )
    )
    assert [cell.key for cell in made] == ["scene/test/gain@1", "scene/test/gain@1#2"]


def test_own_parameters_say_how_many_severities_there_are():
    made = plan_cells(suite(conditions=[{"corruption": "gain", "parameters": [-3, -6]}]))
    assert [cell.key for cell in made] == ["scene/test/gain@1", "scene/test/gain@2"]


def test_budgets_of_two_attacks_that_differ_in_options_alone_make_two_curves():
    attack = {"attack": "fgsm", "threat": "l2"}
    made = plan_cells(
        suite(conditions=[{**attack, "budgets": [40, 30]}, {**attack, "budgets": [30, 20], "options": {"steps": 2}}])
    )
    keys = [cell.key for cell in made]
    assert keys == [f"scene/test/fgsm@l2:{b}" for b in ("40dB", "30dB", "30dB#2", "20dB#2")]
    assert [curve_of(key) for key in keys] == ["fgsm@l2", "fgsm@l2", "fgsm@l2#2", "fgsm@l2#2"]
