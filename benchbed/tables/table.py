"""Tables that other people wrote: csv, tsv and parquet, read strictly, with every complaint at `file:row`.

pandas quietly takes a wrong delimiter for one long column, a row that is too long for an index, and `NA` for a missing
value. A label list read like that gives wrong numbers without a word, so tables are read as text, row by row checked.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError, did_you_mean
from benchbed.tables.cells import CALLED, DELIMITERS, read_text, split_cells
from benchbed.tables.numbers import numbers

if TYPE_CHECKING:
    import pandas as pd
#: Columns of a table; the largest set of labels has a tenth of that many classes.
MOST_COLUMNS = 20_000
#: Characters from which on speed counts.
LARGE = 1 << 17


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
        Line of the file where each row begins; the header is row 1.
    lists : mapping of str to list of tuple of str
        Columns of a parquet file that hold lists.
    """

    frame: pd.DataFrame
    path: Path
    rows: np.ndarray
    lists: Mapping[str, list[tuple[str, ...]]] = field(default_factory=dict)

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
        return numbers(self.frame[column].tolist(), column, self.where)

    def counted(self, column: str) -> None:
        """Hold a column of class numbers to 0, 1, 2, …, the order in which scores stand.

        Raises
        ------
        DataError
            A number that is not that of its row.
        """
        given = self.numbers(column)
        odd = given != np.arange(len(given))
        if odd.any():
            first = int(odd.argmax())
            raise DataError(
                f"class number '{self.frame[column].iloc[first]}' where {first} is expected",
                where=self.where(first),
                hint="number the classes from 0, in the order of their rows",
            )

    def several(self, column: str, separator: str = ",", known: Collection[str] = ()) -> list[tuple[str, ...]]:
        """A column of several names in each cell, parted by `separator`; lists of a parquet file as they are.

        Parameters
        ----------
        known : collection of str
            Names that exist: one that holds the separator itself stays whole.
        """
        if column in self.lists:
            return self.lists[column]
        return [split_names(cell, separator, known) for cell in self.frame[column]]


def split_names(cell: str, separator: str = ",", known: Collection[str] = ()) -> tuple[str, ...]:
    """Names in one cell; one of the `known` names that holds the separator stays whole.

    Examples
    --------
    >>> split_names("dog,cat"), split_names("Boat, Water vehicle,Dog", known=("Dog", "Boat, Water vehicle"))
    (('dog', 'cat'), ('Boat, Water vehicle', 'Dog'))
    """
    parts = cell.split(separator)
    found, at = [], 0
    while at < len(parts):
        whole = 1
        for count in range(len(parts) - at, 1, -1) if known else ():
            if separator.join(parts[at : at + count]).strip() in known:
                whole = count
                break
        found.append(separator.join(parts[at : at + whole]).strip())
        at += whole
    return tuple(name for name in found if name)


def read_table(
    path: Path,
    required: Sequence[str] = (),
    *,
    delimiter: str | None = None,
    names: Sequence[str] | None = None,
    comment: str = "",
) -> Table:
    """Read a csv, tsv or parquet file.

    Parameters
    ----------
    path : Path
        `.parquet` or `.pq` is read as such, anything else as delimited text (UTF-8, with or without byte order mark,
        any line ending, quotes as usual, with or without names of rows as R and pandas write them).
    required : sequence of str
        Columns that must be there.
    delimiter : str, optional
        One character; found from the header if not given.
    names : sequence of str, optional
        Column names of a file without header.
    comment : str, optional
        Lines at the top that begin with it are left out.

    Raises
    ------
    DataError
        Missing, empty or undecodable file, a missing or doubled column, a row of the wrong length, an open quote.

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
        frame, lists = _read_parquet(path)
        rows = np.arange(1, len(frame) + 1)
    else:
        frame, rows = _read_text(path, required, delimiter, names, comment)
        lists = {}
    _check_columns(frame.columns, required, path)
    if not len(frame):
        raise DataError("the table has no rows", where=str(path), hint="check that the file was written to its end")
    return Table(frame, path, rows, lists)


def _read_parquet(path: Path) -> tuple[pd.DataFrame, dict[str, list[tuple[str, ...]]]]:
    import pandas as pd
    import pyarrow

    try:
        frame = pd.read_parquet(path)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise DataError(f"the parquet file cannot be read ({error})", where=str(path)) from error
    texts = {str(name): frame[name].map(_text).astype(object) for name in frame.columns}
    lists = {
        str(name): [tuple(str(v).strip() for v in value) for value in frame[name]]
        for name in frame.columns
        if len(frame) and all(isinstance(value, list | tuple | np.ndarray) for value in frame[name])
    }
    return pd.DataFrame(texts), lists


def _text(value: object) -> str:
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, list | tuple | np.ndarray):
        return ",".join(str(v) for v in value)
    if isinstance(value, float | np.floating) and abs(float(value)) < 2**53 and float(value).is_integer():
        return str(int(value))  # ids and folds that pandas made floats for the sake of one missing value
    return str(value).strip()


def _read_text(
    path: Path, required: Sequence[str], delimiter: str | None, names: Sequence[str] | None, comment: str
) -> tuple[pd.DataFrame, np.ndarray]:
    text = read_text(path)
    if not text.strip():
        raise DataError("the table is empty", where=str(path), hint="check that the file was written to its end")
    first = next(line for line in io.StringIO(text) if line.strip() and not (comment and line.startswith(comment)))
    parted = delimiter or _delimiter(first.rstrip("\r\n"), required, names)
    if first.count(parted) > MOST_COLUMNS:
        raise DataError(
            f"the table has {first.count(parted) + 1:,} columns, at most {MOST_COLUMNS:,} are read",
            where=f"{path}:1",
            hint="a table of scores has a column for each class; was it written the wrong way round?",
        )
    if len(text) > LARGE and '"' not in text and not names and not comment:
        frame = read_plain(text, parted)
        if frame is not None:
            return frame
    cells = split_cells(text, parted, path, comment=comment)
    if cells.broken is not None:
        raise cells.broken
    rows, lines = cells.rows, cells.lines
    header, place = (list(names), "") if names else (rows[0], f"{path}:{lines[0]}")
    if not names:
        rows, lines = rows[1:], lines[1:]
    if not names:
        header, rows = without_margins(header, rows)
    else:
        rows = [row[: len(names)] if not any(row[len(names) :]) else row for row in rows]
    for row, line in zip(rows, lines):
        if len(row) != len(header):
            called = CALLED.get(parted, repr(parted))
            raise DataError(
                f"the row has {len(row)} fields and the header {len(header)} (delimiter: {called})",
                where=f"{path}:{line}",
                hint="quote fields that contain the delimiter, or name another delimiter",
            )
    return to_frame(header, rows, place or f"{path}:1"), np.array(lines, np.int64)


def read_plain(text: str, delimiter: str) -> tuple[pd.DataFrame, np.ndarray] | None:
    r"""A large table without any quote, with its header, seven times faster than row by row; None if anything is odd.

    Examples
    --------
    >>> frame, rows = read_plain("a,b\n\n1, x\n", ",")
    >>> frame.to_dict("list"), rows.tolist()
    ({'a': ['1'], 'b': ['x']}, [3])
    >>> read_plain("a,b\n1,x,y\n", ",") is None
    True
    """
    import pyarrow
    from pyarrow import compute
    from pyarrow import csv as arrow

    header = [cell.strip() for cell in text[: text.index("\n")].split(delimiter)] if "\n" in text else []
    if not header or not all(header) or len(set(header)) < len(header):
        return None
    # One thread, so that rows keep their order and number.
    reading = arrow.ReadOptions(use_threads=False, column_names=header, skip_rows=1)
    parsing = arrow.ParseOptions(delimiter=delimiter, quote_char=False, ignore_empty_lines=False)
    types = dict.fromkeys(header, pyarrow.string())
    converting = arrow.ConvertOptions(column_types=types, strings_can_be_null=False)
    try:
        table = arrow.read_csv(pyarrow.py_buffer(text.encode()), reading, parsing, converting)
    except pyarrow.ArrowException:
        return None
    frame = pyarrow.table([compute.utf8_trim_whitespace(c) for c in table.columns], header).to_pandas(use_threads=False)
    blank = np.ones(len(frame), bool)
    for column in frame.columns:
        blank[blank] = (frame[column][blank] == "").to_numpy()
    rows = np.arange(2, len(frame) + 2)
    return frame[~blank].reset_index(drop=True), rows[~blank]


def to_frame(header: Sequence[str], rows: Sequence[Sequence[str]], place: str) -> pd.DataFrame:
    """Rows of cells, as long as their header, as a frame of str.

    Raises
    ------
    DataError
        A column occurs twice, or has no name and content.
    """
    import pandas as pd

    double = {name for name, times in Counter(header).items() if name and times > 1}
    if double:
        raise DataError(f"column '{sorted(double)[0]}' occurs twice", where=place)
    columns = list(zip(*rows)) if rows else [()] * len(header)
    for number, (name, column) in enumerate(zip(header, columns), start=1):
        if not name and any(column):
            raise DataError(f"column {number} has no name", where=place, hint="name every column in the header")
    named = {name: list(column) for name, column in zip(header, columns) if name}
    return pd.DataFrame(named, dtype=object)


def without_margins(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """A table without what programs put beside it: names of rows, as R and pandas write them, and empty last columns.

    Examples
    --------
    >>> without_margins(["", "file", "label"], [["1", "a.wav", "dog"]])
    (['file', 'label'], [['a.wav', 'dog']])
    >>> without_margins(["file", "label"], [["1", "a.wav", "dog"], ["2", "b.wav", "cat"]])
    (['file', 'label'], [['a.wav', 'dog'], ['b.wav', 'cat']])
    """
    width = len(header)
    while width > 1 and not header[width - 1]:
        width -= 1
    if all(not any(row[width:]) for row in rows):
        header, rows = header[:width], [row[:width] for row in rows]
    if len(header) > 2 and not header[0]:
        return header[1:], [row[1:] for row in rows]
    # A header that is one name short: R leaves out the one of the row names, which are numbers if nobody names them.
    short = bool(rows) and all(len(row) == len(header) + 1 and row[0].isdecimal() for row in rows)
    if short and len({row[0] for row in rows}) == len(rows):
        return header, [row[1:] for row in rows]
    return header, rows


def _delimiter(header: str, required: Sequence[str], names: Sequence[str] | None) -> str:
    """The delimiter under which the header has the required columns, else the one that occurs most."""
    if not names:
        for delimiter in DELIMITERS:
            columns = {c.strip() for c in _split(header, delimiter)}
            if required and set(required) <= columns and (len(columns) > 1 or delimiter == DELIMITERS[-1]):
                return delimiter
    counts = {d: header.count(d) for d in DELIMITERS if d != " "}
    return max(counts, key=lambda d: counts[d]) if any(counts.values()) else ","


def _split(header: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([header], delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        return []


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
