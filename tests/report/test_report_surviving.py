"""What is left of breaks stands beside the attacked cells: on the page with intervals, at a terminal as counts."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchbed.report import terminal
from benchbed.report.folding import unfolded
from benchbed.report.page import report_html
from benchbed.report.surviving import counted_breaks, survival_tables
from benchbed.results.record import Condition, Matrix

COLUMNS = ["broken", "left", "clean clips that it breaks"]


@pytest.fixture
def attacked(result):
    """A record with two attacked cells: four breaks at 20 dB, none at 40 dB."""
    record = result("cnn", conditions=True)
    clean = record.cells[0]
    value = clean.metrics["macro_accuracy"]
    for budget, kept in ((40.0, 1.0), (20.0, 0.5)):
        what = Condition(kind="attack", name="fast", parameter=budget, unit="dB SNR", group="attack")
        metrics = {
            "macro_accuracy": value,
            "robust_accuracy": value.model_copy(update={"value": kept, "title": "Robust accuracy"}),
        }
        matrices = {}
        if kept < 1:
            for way, title, left in (
                ("int16", "a 16-bit file", 1.0),
                ("mp3", "MP3 <112> kbit/s, of any channel", 0.25),
            ):
                told = {"value": left, "n": 4, "direction": "lower", "low": None, "high": None, "reason": "no draws"}
                words = {"title": f"Breaks left after {title}", "note": f"{4 * left:g} of 4 breaks are left"}
                metrics[f"left_after_{way}"] = value.model_copy(update=told | words)
            matrices["survival"] = Matrix(
                rows=["a 16-bit file", "MP3 <112> kbit/s, of any channel"],
                columns=COLUMNS,
                values=[[4, 4, 0], [4, 1, 2]],
                row_title="way",
                column_title="breaks",
                unit="clips",
            )
        key = f"{clean.task}/{clean.split}/fast@l2:{budget:g}dB"
        update = {"key": key, "condition": what, "metrics": metrics, "matrices": matrices}
        record.cells.append(clean.model_copy(update=update))
    return record


def test_a_cell_with_breaks_has_a_row_with_what_it_left_right(attacked):
    [table] = survival_tables(attacked)
    assert [row.label for row in table.rows] == ["Fast, 20 dB SNR"]
    assert table.metrics == ["robust_accuracy", "left_after_int16", "left_after_mp3"]
    assert [table.rows[0].metrics[name].value for name in table.metrics] == [0.5, 1.0, 0.25]


def test_the_page_says_shares_and_counts(attacked):
    text = unfolded(report_html(attacked))
    part = text[text.index('id="surviving-1"') :]
    part = part[: part.index("</table>")]
    assert "breaks that are left" in part and "After a 16-bit file" in part and "After MP3 &lt;112&gt; kbit/s" in part
    assert "1 of 4*" in part and "4 of 4<" in part and "Fast, 20 dB SNR" in part and "Fast, 40 dB SNR" not in part


def test_a_terminal_says_counts_and_marks_what_a_way_breaks_by_itself(attacked):
    stream = io.StringIO()
    terminal.print_runs([attacked], Console(file=stream, width=160))
    lines = [line.split("  ") for line in stream.getvalue().splitlines()]
    rows = [[part.strip() for part in line if part.strip()] for line in lines]
    assert ["breaks left after", "a 16-bit file", "MP3 <112> kbit/s"] in rows
    assert ["Fast, 20 dB SNR", "4 of 4", "1 of 4*"] in rows
    assert ["* breaks some of these clips without any attack too"] in rows


def test_a_split_is_named_where_there_are_several_and_a_run_without_breaks_says_nothing(attacked, result):
    other = attacked.cells[-1].model_copy(update={"split": "other", "key": "scene/other/fast@l2:20dB"})
    attacked.cells.append(other)
    assert [table.family.rpartition(", ")[2] for table in survival_tables(attacked)] == ["split test", "split other"]
    assert "Fast, 20 dB SNR, other" in counted_breaks(attacked)
    plain = result("cnn", conditions=True)
    assert survival_tables(plain) == [] and counted_breaks(plain) == {}
    assert "surviving-1" not in unfolded(report_html(plain))
