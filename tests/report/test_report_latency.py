"""Boards have a column of times where the suite asked for them."""

from __future__ import annotations

from pathlib import Path

from benchbed.report.board import arrange


def test_a_row_says_what_a_call_takes_where_that_was_measured(result):
    timed, plain = result(), result()
    timed.profile["latency"] = {"batch_1": {"median": {"value": 12.5, "unit": "ms", "method": "wall clock"}}}
    (page,) = arrange([(Path("a"), timed)])
    (board,) = page.boards
    assert "latency" in board.columns and board.rows[0].figures["latency"].value == 12.5
    assert board.rows[0].figures["latency"].direction == "lower"
    (page,) = arrange([(Path("b"), plain)])
    assert "latency" not in page.boards[0].columns
