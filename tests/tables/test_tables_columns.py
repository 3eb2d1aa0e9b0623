"""Columns of other programs' tables are found by any of their names."""

from __future__ import annotations

import pytest

from benchbed.errors import DataError
from benchbed.tables.columns import column_called
from benchbed.tables.table import read_table


def test_the_likeliest_name_goes_first_in_letters_of_any_case(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("File,Count,Number\na.wav,3,4\n")
    table = read_table(path)
    assert column_called(table, ("count", "number"), "counts") == "Count"
    assert column_called(table, ("people", "number"), "counts") == "Number"
    with pytest.raises(DataError, match="has no column of scores") as caught:
        column_called(table, ("score",), "scores")
    assert caught.value.where == f"{path}:1" and "it has File, Count, Number" in caught.value.hint
