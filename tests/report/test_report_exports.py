"""Tables for papers and pull requests: figures with intervals, escaped names, and no mixing of what differs."""

from __future__ import annotations

import csv
import io

import pytest

from benchbed.errors import ConfigError
from benchbed.report.exports import csv_table, flat_rows, latex_table, markdown_table

METRICS = ["macro_accuracy", "log_loss"]


def test_markdown(result):
    lines = markdown_table([result("cnn"), result("passt", 0.6)], METRICS).splitlines()
    assert lines[0] == "| Model | Macro accuracy, % ↑ | Log loss, nats ↓ |"
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == r"| cnn | 57.3 \[54.3, 60.3\] | 1.234 \[1.180, 1.290\] |"
    assert lines[5].startswith("Synthetic data, not comparable with real recordings: DCASE Task 1 (b2:5117e)")


def test_latex(result):
    text = latex_table([result("cnn_a")], METRICS)
    assert r"Model & Macro accuracy, \% $\uparrow$ & Log loss, nats $\downarrow$ \\" in text
    assert r"cnn\_a & 57.3 [54.3, 60.3] & 1.234 [1.180, 1.290] \\" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1


def test_names_cannot_leave_their_cell(result):
    evil = "a|b\n| x | \\input{/etc/passwd} & y \\\\ <img src=x>"
    markdown = markdown_table([result(evil)], METRICS).splitlines()
    assert len(markdown) == 5 and r"a\|b" in markdown[2] and r"\<img" in markdown[2]
    latex = latex_table([result(evil, suite__title=evil)], METRICS).splitlines()
    assert len(latex) == 8
    assert r"\input" not in latex[4] and r"\textbackslash{}input\{/etc/passwd\} \& y" in latex[4]
    assert latex[7].startswith("% ")


def lacking(record, failed=3):
    cell = record.cells[0]
    cell.complete, cell.counts.failed, cell.counts.scored = False, failed, cell.counts.clips - failed
    return record


@pytest.mark.parametrize("table", [markdown_table, latex_table])
def test_a_run_that_lacks_clips_and_a_limited_one_carry_their_mark(result, table):
    limited = [result(name, dataset__limit=10) for name in ("cnn", "passt")]
    text = table([lacking(limited[0]), limited[1]], METRICS)
    assert "cnn (incomplete, limit 10)" in text and "passt (limit 10)" in text
    assert "cnn: 3 of 1,000 clips" in text and "its figures are over the others" in text
    assert "limit: a subset of" in text


def test_rows_for_programs_carry_the_marks(result):
    head = csv_table([lacking(result("cnn", dataset__limit=10))]).splitlines()
    rows = list(csv.DictReader(io.StringIO("\n".join(head))))
    assert {row["incomplete"] for row in rows} == {"3 of 1,000 clips failed"} and {row["limit"] for row in rows} == {
        "10"
    }
    assert flat_rows([result("cnn")])[0]["incomplete"] is None


@pytest.mark.parametrize(
    "change", [{"dataset__synthetic": False}, {"suite__hash": "b2:other"}, {"suite__protocol": "9"}]
)
def test_what_differs_is_refused(result, change):
    with pytest.raises(ConfigError, match="do not belong in one table"):
        markdown_table([result("a"), result("b", **change)], METRICS)


def test_a_figure_that_no_run_has_is_refused(result):
    with pytest.raises(ConfigError, match="no run has the figure 'psds1'"):
        latex_table([result()], ["psds1"])


def test_a_wrong_figure_is_answered_with_those_that_there_are(result):
    with pytest.raises(ConfigError, match="no run has the figure 'macro_acc'") as raised:
        markdown_table([result("cnn", conditions=True)], ["macro_acc"])
    hint = raised.value.hint
    assert "did you mean 'macro_accuracy'" in hint and "log_loss" in hint and "white_noise@3" in hint
    assert "scene/test/" not in hint.partition("there are")[2]


def test_single_conditions_are_columns(result):
    text = markdown_table([result("cnn", conditions=True)], ["macro_accuracy", "white_noise@5", "mp3@1:macro_accuracy"])
    head, _, row = text.splitlines()[:3]
    columns = [
        "Macro accuracy, % ↑",
        "Macro accuracy, white noise, 0 dB SNR, % ↑",
        "Macro accuracy, MP3, 128 kbit/s, % ↑",
    ]
    assert head.split(" | ")[1:] == [*columns[:2], f"{columns[2]} |"]
    assert row.count("[") == 3 and "33.8" in row


def test_strengths_and_units_are_columns_of_the_csv(result):
    rows = list(csv.DictReader(io.StringIO(csv_table([result("cnn", conditions=True)]))))
    (row,) = [row for row in rows if row["cell"] == "scene/test/small_room@4"]
    assert (row["condition"], row["severity"], row["parameter"], row["parameter_unit"]) == (
        "small_room",
        "4",
        "0.9",
        "s T60",
    )
    assert row["family"] == "transformer" and row["metric"] == "macro_accuracy"
