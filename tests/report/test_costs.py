"""The table of what several models cost."""

from __future__ import annotations

from benchbed.report.costs import cost_rows


def model(name: str, macs: float | None, seconds: float, **more):
    figure = {"value": macs, "unit": "MACs", "seconds": seconds}
    profile = {"parameters": {"value": 1e6}, "macs": figure, "parameter_memory": {"value": 4e6}}
    return {"model": name, "family": "cnn", "untrained": False, "profile": profile, **more}


def test_the_cheapest_second_comes_first_and_what_is_unknown_last():
    rows = cost_rows([model("ten", 5e6, 10.0), model("one", 1e6, 1.0), model("none", None, 1.0)])
    assert [line[0] for line in rows.lines] == ["ten", "one", "none"]
    # 5 million in ten seconds are half a million a second.
    assert rows.lines[0][4].startswith("500") and rows.lines[0][4].endswith("k")
    assert rows.lines[2][3] == "–"


def test_a_model_that_could_not_be_loaded_says_why():
    rows = cost_rows([model("one", 1e6, 1.0), {"model": "two", "reason": "no file", "hint": "give one"}])
    assert rows.notes == [("two", "no file · give one")] and len(rows.lines) == 1


def test_a_list_of_options_stays_with_the_command_on_that_model():
    refused = {"model": "two", "reason": "unknown adapter option 'weights'", "hint": "options are:\n  file: Path"}
    rows = cost_rows([refused])
    assert rows.notes == [("two", "unknown adapter option 'weights' · its options: benchbed profile --model two")]


def test_random_weights_are_called_untrained():
    assert cost_rows([model("one", 1e6, 1.0) | {"untrained": True}]).lines[0][-1] == "untrained"


def test_times_are_a_column_where_they_were_taken():
    timed = model("one", 1e6, 1.0)
    timed["profile"]["latency"] = {"batch_1": {"median": {"value": 2.25, "unit": "ms"}}}
    rows = cost_rows([timed])
    assert rows.columns[-2] == "ms per clip" and rows.lines[0][-2] == "2.25"
