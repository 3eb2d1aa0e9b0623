"""Delimited text as rows of cells, each with the line where it begins; quotes as in every csv, and never half of one.

A quote that is never closed makes most readers take the rest of a file for one cell, without a word. Here it is an
error at the row where it was opened.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from benchbed.errors import DataError

#: Delimiters tried, in this order, where nobody names one.
DELIMITERS = ("\t", ";", ",", "|", " ")
#: What they are called in messages.
CALLED = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar", " ": "space"}


@dataclass(frozen=True)
class Cells:
    """Rows of a text.

    Attributes
    ----------
    rows : list of list of str
        Cells without the blanks around them; rows without any content are left out.
    lines : list of int
        Line of the file, counted from 1, where each row begins.
    broken : DataError or None
        Why reading stopped before the end of the text; the rows are those before.
    """

    rows: list[list[str]]
    lines: list[int]
    broken: DataError | None = None


def read_text(path: Path) -> str:
    """A text file in UTF-8, with or without byte order mark.

    Raises
    ------
    DataError
        The file is missing, or another encoding, with the line of the first wrong byte.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"the table cannot be read: {error.strerror}", where=str(path)) from error
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("the table is UTF-16 text", where=str(path), hint="save it as UTF-8")
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError("the table is not UTF-8 text", where=f"{path}:{line}", hint="save it as UTF-8") from error


def split_cells(text: str, delimiter: str, path: Path, *, comment: str = "") -> Cells:
    r"""Cut a text into rows of cells.

    Parameters
    ----------
    delimiter : str
        One character.
    path : Path
        For messages.
    comment : str, optional
        Lines at the top that begin with it are left out.

    Examples
    --------
    >>> cut = split_cells('a.wav, "Boat, Water vehicle"\n\nb.wav,cat\n', ",", Path("t.csv"))
    >>> cut.rows, cut.lines
    ([['a.wav', 'Boat, Water vehicle'], ['b.wav', 'cat']], [1, 3])
    >>> print(split_cells('a,"b\nc,d\n', ",", Path("t.csv")).broken)
    a quote is opened and never closed
      at: t.csv:1
      try: close it; a quote that belongs to the text is written twice inside a quoted cell
    """
    skipped = 0
    if comment:
        while text.startswith(comment):
            text = text.partition("\n")[2]
            skipped += 1
    # Blanks after a delimiter are no part of a cell, and a quote may follow them, as in the lists of AudioSet.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begin = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(cells)
                lines.append(begin + skipped)
            begin = reader.line_num + 1
    except csv.Error as error:
        what, hint = _explained(str(error))
        return Cells(rows, lines, DataError(what, where=f"{path}:{begin + skipped}", hint=hint))
    return Cells(rows, lines)


def _explained(message: str) -> tuple[str, str]:
    if "unexpected end of data" in message:
        return (
            "a quote is opened and never closed",
            "close it; a quote that belongs to the text is written twice inside a quoted cell",
        )
    if "expected after" in message:
        return (
            "text follows a closing quote",
            "quote the whole cell; a quote that belongs to the text is written twice inside it",
        )
    return f"the row cannot be read ({message})", "check that the file is text, and quoted as in csv"
