"""Tables in every dialect, and the row of everything that is wrong with one."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import DataError
from benchbed.tables.cells import split_cells
from benchbed.tables.table import read_plain, read_table

CELL = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs"), exclude_characters="\ufeff"),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8),
    delimiter=st.sampled_from("\t,;|"),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
    last=st.booleans(),
)
def test_every_dialect_gives_the_same_table(
    cells: list[tuple[str, str]], delimiter: str, ending: str, mark: bool, last: bool
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows([("filename", "label"), *cells])
    content = text.getvalue() if last else text.getvalue().removesuffix(ending)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "meta.csv"
        file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + content.encode())
        table = read_table(file, ("filename", "label"))
    assert list(zip(table.frame["filename"], table.frame["label"])) == cells
    assert table.rows.tolist() == list(range(2, len(cells) + 2))


def read(tmp_path: Path, content: bytes, *required: str, **options: object) -> pd.DataFrame:
    file = tmp_path / "meta.csv"
    file.write_bytes(content)
    return read_table(file, required, **options).frame  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "message", "place"),
    [
        (b"", "is empty", ""),
        (b"\n\n", "is empty", ""),
        (b"filename,label\n", "has no rows", ""),
        (b"filname,label\na,b\n", "no column 'filename'", ":1"),
        (b"filename:label\na:b\n", r"no column 'filename' \(one column only", ":1"),
        (b"filename,label\na,b\nc\n", "1 fields and the header 2", ":3"),
        (b"filename,label\na,b\n\nc,d,e\n", "3 fields and the header 2", ":4"),
        (b"filename,label,label\na,b,c\n", "'label' occurs twice", ":1"),
        (b"\xff\xfef\0i\0", "UTF-16", ""),
        (b"filename,label\nK\xf6ln,b\n", "not UTF-8", ":2"),
    ],
)
def test_one_clear_error(tmp_path: Path, content: bytes, message: str, place: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content, "filename", "label")
    assert str(caught.value.where).endswith(f"meta.csv{place}")


def test_missing_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(tmp_path, b"filname,label\na,b\n", "filename")
    assert caught.value.hint == "did you mean 'filname'? columns found: filname, label"


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="missing"):
        read_table(tmp_path / "no.csv")


def test_blank_lines_keep_row_numbers_true(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b"filename,label\n\na,b\n\n\nc,d\n\n")
    table = read_table(tmp_path / "m.csv", ("filename",))
    assert [table.where(i).rpartition(":")[2] for i in range(2)] == ["3", "6"]


def test_text_stays_text(tmp_path: Path) -> None:
    """pandas would read these as missing, a number without its zero, and a boolean."""
    frame = read(tmp_path, b"filename,label\nNA,007\nnull,True\n", "filename")
    assert frame.to_dict("list") == {"filename": ["NA", "null"], "label": ["007", "True"]}


def test_a_semicolon_table_with_commas_inside(tmp_path: Path) -> None:
    assert read(tmp_path, b"filename;label\na;x,y\n", "filename", "label")["label"].tolist() == ["x,y"]


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"path": ["a.wav", "b.wav"], "label": ["x", None], "take": [1, 2]}).to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet", ("path",))
    assert table.frame.to_dict("list") == {"path": ["a.wav", "b.wav"], "label": ["x", ""], "take": ["1", "2"]}
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "broken.parquet")


def test_numbers(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("a,b\n1.5,x\n,y\n")
    table = read_table(tmp_path / "m.csv")
    assert table.numbers("a")[0] == 1.5 and table.numbers("a")[1] != table.numbers("a")[1]
    with pytest.raises(DataError, match="'x' in column b is not a number") as caught:
        table.numbers("b")
    assert str(caught.value.where).endswith("m.csv:2")


def test_row_names_and_empty_margins_are_no_columns(tmp_path: Path) -> None:
    expected = {"filename": ["a.wav", "b.wav"], "label": ["x", "y,z"]}
    for content in (
        b'"","filename","label"\n"1","a.wav","x"\n"7","b.wav","y,z"\n',
        b'"filename"\t"label"\n"1"\t"a.wav"\t"x"\n"7"\t"b.wav"\t"y,z"\n',
        b'"filename" "label"\n"1" "a.wav" "x"\n"7" "b.wav" "y,z"\n',
        b"filename;label;;\na.wav;x;;\nb.wav;y,z;;\n",
        b"filename\tlabel\na.wav\tx\t\nb.wav\ty,z\t\n",
    ):
        assert read(tmp_path, content, "filename", "label").to_dict("list") == expected
    with pytest.raises(DataError, match="column 2 has no name"):
        read(tmp_path, b"filename,,label\na.wav,1,x\n", "filename")
    with pytest.raises(DataError, match="3 fields and the header 2"):
        read(tmp_path, b"filename,label\na.wav,Boat, Water vehicle\n", "filename")


@pytest.mark.parametrize(
    ("content", "message", "line"),
    [
        (b'filename,label\na,"b\nc,d\n', "a quote is opened and never closed", 2),
        (b'filename,label\na,b\nc,"d"e\n', "text follows a closing quote", 3),
    ],
)
def test_quotes_end_where_they_should(tmp_path: Path, content: bytes, message: str, line: int) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, content, "filename", "label")
    assert str(caught.value.where).endswith(f"meta.csv:{line}")


def test_rows_keep_their_lines_beside_cells_of_several(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(b'filename,label\n"a\nb",x\nc,d\n')
    table = read_table(tmp_path / "m.csv", ("filename",))
    assert table.rows.tolist() == [2, 4] and table.frame["filename"].tolist() == ["a\nb", "c"]


@settings(max_examples=40, deadline=None)
@given(
    cells=st.lists(st.tuples(CELL, CELL).filter(lambda two: '"' not in two[0] + two[1]), min_size=1, max_size=8),
    delimiter=st.sampled_from("\t,;"),
)
def test_large_and_small_tables_are_read_alike(cells: list[tuple[str, str]], delimiter: str) -> None:
    lines = ["filename" + delimiter + "label", *(delimiter.join(row) for row in cells)]
    fast = read_plain("\n".join(lines) + "\n", delimiter)
    slow = split_cells("\n".join(lines) + "\n", delimiter, Path("t"))
    if any(len(row) != 2 for row in slow.rows):
        assert fast is None
    else:
        assert fast is not None
        assert fast[0].to_numpy().tolist() == slow.rows[1:] and fast[1].tolist() == slow.lines[1:]


def test_lists_of_a_parquet_file_are_not_cut_at_commas(tmp_path: Path) -> None:
    labels = [["Boat, Water vehicle", "Dog"], ["Cat"]]
    pd.DataFrame({"path": ["a", "b"], "labels": labels, "take": [1.0, None]}).to_parquet(tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert table.several("labels") == [("Boat, Water vehicle", "Dog"), ("Cat",)]
    assert table.frame["take"].tolist() == ["1", ""]
