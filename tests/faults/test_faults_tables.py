"""Tables of strangers that are wider than anything that is meant."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchbed.errors import DataError
from benchbed.tables.table import MOST_COLUMNS, read_table


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_million_columns_are_refused_before_they_are_read(tmp_path: Path, delimiter: str):
    width = 1_000_000
    path = tmp_path / "scores.csv"
    path.write_text(delimiter.join(["file", *(f"c{i}" for i in range(width))]) + "\n")
    began = time.process_time()
    with pytest.raises(DataError, match=r"1,000,001 columns, at most") as refused:
        read_table(path)
    assert time.process_time() - began < 10 and refused.value.where == f"{path}:1"


def test_as_many_as_are_read_take_no_square_of_their_number(tmp_path: Path):
    names = [f"c{i}" for i in range(MOST_COLUMNS - 1)]
    path = tmp_path / "scores.csv"
    path.write_text(",".join(["file", *names]) + "\n" + ",".join(["a.wav", *["0.5"] * len(names)]) + "\n")
    began = time.process_time()
    assert len(read_table(path).frame.columns) == MOST_COLUMNS
    assert time.process_time() - began < 10  # 20 s by a search for each name among all
