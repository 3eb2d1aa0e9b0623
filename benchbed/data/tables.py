"""Tables that other people wrote: csv, tsv and parquet, read strictly, with every complaint at `file:row`.

pandas quietly takes a wrong delimiter for one long column, a row that is too long for an index, and `NA` for a missing
value. A label list read like that gives wrong numbers without a word, so tables are read as text, row by row checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

#: Delimiters tried, in this order, where the caller names none.
DELIMITERS = ("\t", ",", ";", "|")


@dataclass(frozen=True)
class Table:
    """A table as text, with the place of every row.

    Attributes
    ----------
    frame : pandas.DataFrame
        All values as str, stripped; no missing values.
    path : Path
        The file.
    rows : np.ndarray [shape=(row,), int64]
        Number of each row in the file; the header is row 1.
    """

    frame: pd.DataFrame
    path: Path
    rows: np.ndarray

    def where(self, index: int) -> str:
        """`file:row` of a row by its position in the frame."""
        return f"{self.path}:{self.rows[index]}"

    def numbers(self, column: str) -> np.ndarray:
        """A column as float64 [shape=(row,)]; an empty cell is NaN.

        Raises
        ------
        DataError
            A cell that is no number.
        """
        import pandas as pd

        text = self.frame[column].replace("", "nan")
        values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
        bad = np.isnan(values) & (text.str.lower() != "nan").to_numpy()
        if bad.any():
            first = int(bad.argmax())
            raise DataError(
                f"'{self.frame[column].iloc[first]}' in column {column} is not a number", where=self.where(first)
            )
        return values


def read_table(
    path: Path,
    required: Sequence[str] = (),
    *,
    delimiter: str | None = None,
    names: Sequence[str] | None = None,
) -> Table:
    """Read a csv, tsv or parquet file.

    Parameters
    ----------
    path : Path
        `.parquet` or `.pq` is read as such, anything else as delimited text (UTF-8, with or without byte order mark,
        any line ending, quotes as usual).
    required : sequence of str
        Columns that must be there.
    delimiter : str, optional
        One character; found from the header if not given.
    names : sequence of str, optional
        Column names of a file without header.

    Raises
    ------
    DataError
        Missing, empty or undecodable file, a missing or doubled column, a row of the wrong length.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "meta.csv"
    >>> _ = file.write_bytes(b"\\xef\\xbb\\xbffilename;label\\r\\na.wav;bus\\r\\n")
    >>> table = read_table(file, ["filename"])
    >>> table.frame.to_dict("list"), table.rows.tolist()
    ({'filename': ['a.wav'], 'label': ['bus']}, [2])
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(
            "the table of clips is missing", where=str(path), hint="check that the whole dataset is there and unpacked"
        )
    if path.suffix.lower() in (".parquet", ".pq"):
        frame, rows = _read_parquet(path)
    else:
        frame, rows = _read_text(path, required, delimiter, names)
    _check_columns(frame.columns, required, path)
    if not len(frame):
        raise DataError("the table has no rows", where=str(path), hint="check that the file was written to its end")
    return Table(frame, path, rows)


def _read_parquet(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    import pandas as pd
    import pyarrow

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the parquet file cannot be read ({error})", where=str(path)) from error
    texts = {str(name): frame[name].map(_text).astype(object) for name in frame.columns}
    return pd.DataFrame(texts), np.arange(1, len(frame) + 1)


def _text(value: object) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    if isinstance(value, list | tuple | np.ndarray):
        return ",".join(str(v) for v in value)
    return str(value).strip()


def _read_text(
    path: Path, required: Sequence[str], delimiter: str | None, names: Sequence[str] | None
) -> tuple[pd.DataFrame, np.ndarray]:
    import pyarrow
    from pyarrow import compute, csv

    header = _first_line(path)
    delimiter = delimiter or _delimiter(header, required, names)
    # One thread, so that the reader knows row numbers.
    reading = csv.ReadOptions(use_threads=False, column_names=list(names) if names else None)
    parsing = csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False)
    columns = list(names) if names else _split(header, delimiter)
    double = {c for c in columns if columns.count(c) > 1}
    if double:
        raise DataError(f"column '{sorted(double)[0]}' occurs twice", where=f"{path}:1")
    converting = csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pyarrow.string()), strings_can_be_null=False, check_utf8=True
    )
    try:
        table = csv.read_csv(path, reading, parsing, converting)
    except (pyarrow.ArrowInvalid, UnicodeDecodeError) as error:
        raise _malformed(path, str(error), delimiter) from error
    # Stripped by arrow, which is ten times faster at it than pandas.
    frame = pyarrow.table([compute.utf8_trim_whitespace(c) for c in table.columns], table.column_names).to_pandas()
    frame.columns = [str(c).strip() for c in frame.columns]
    rows = np.arange(len(frame)) + (1 if names else 2)
    # Blank lines arrive as rows of empty cells, which keeps the numbering true.
    blank = np.ones(len(frame), bool)
    for column in frame.columns:
        blank[blank] = (frame[column][blank] == "").to_numpy()
    if blank.any():
        frame, rows = frame[~blank].reset_index(drop=True), rows[~blank]
    return frame, rows


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(1 << 16)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("the table is UTF-16 text", where=str(path), hint="save it as UTF-8")
    lines = start.removeprefix(b"\xef\xbb\xbf").splitlines()
    if not start.strip() or not lines:
        raise DataError("the table is empty", where=str(path), hint="check that the file was written to its end")
    try:
        return lines[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError("the table is not UTF-8 text", where=f"{path}:1", hint="save it as UTF-8") from error


def _split(header: str, delimiter: str) -> list[str]:
    import csv

    return next(csv.reader([header], delimiter=delimiter))


def _delimiter(header: str, required: Sequence[str], names: Sequence[str] | None) -> str:
    """The delimiter under which the header has the required columns, else the one that occurs most."""
    if not names:
        for delimiter in DELIMITERS:
            columns = {c.strip() for c in _split(header, delimiter)}
            if required and set(required) <= columns and (len(columns) > 1 or delimiter == DELIMITERS[-1]):
                return delimiter
    counts = {d: header.count(d) for d in DELIMITERS}
    return max(counts, key=lambda d: counts[d]) if any(counts.values()) else ","


def _check_columns(have: Iterable[str], required: Sequence[str], path: Path) -> None:
    have = list(have)
    for column in required:
        if column not in have:
            known = f"columns found: {', '.join(have)}"
            near = did_you_mean(column, have)
            other = " (one column only: is the delimiter right?)" if len(have) == 1 and len(required) > 1 else ""
            raise DataError(
                f"the table has no column '{column}'{other}",
                where=f"{path}:1",
                hint=f"{near} {known}" if near else known,
            )


def _malformed(path: Path, message: str, delimiter: str) -> DataError:
    import re

    found = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
    name = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}.get(delimiter, repr(delimiter))
    if found:
        row, expected, got = found.groups()
        return DataError(
            f"the row has {got} fields and the header {expected} (delimiter: {name})",
            where=f"{path}:{row}",
            hint="quote fields that contain the delimiter, or name another delimiter",
        )
    if "UTF8" in message or "utf-8" in message.lower():
        return DataError("the table is not UTF-8 text", where=str(path), hint="save it as UTF-8")
    return DataError(f"the table cannot be read ({message})", where=str(path))
