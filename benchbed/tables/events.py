"""Lists of timed events, as annotators and detectors write them: with a header in any order, or in one of a few forms.

A first row is a header only if it names the columns. Anything else in it is data, and an error where it is damaged; so
no event is lost for a header that is none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.tables.cells import CALLED, DELIMITERS, Cells, read_text, split_cells
from benchbed.tables.numbers import is_number
from benchbed.tables.table import Table, read_table, to_frame, without_margins

if TYPE_CHECKING:
    import pandas as pd

#: Role of a column → names that it goes by; the first that a table has is taken.
ROLES: dict[str, tuple[str, ...]] = {
    "file": (
        "filename",
        "file",
        "path",
        "audio",
        "fname",
        "file_name",
        "filepath",
        "audio_file",
        "recording",
        "clip_id",
    ),
    "onset": ("onset", "event_onset", "start", "start_time", "start_time_seconds", "begin", "begin_time"),
    "offset": ("offset", "event_offset", "end", "end_time", "end_time_seconds", "stop"),
    "duration": ("duration", "event_duration"),
    "label": ("event_label", "label", "event", "class", "event_class", "sound_event", "class_name"),
    "confidence": ("confidence", "conf", "score", "probability", "prob"),
}
#: Columns of lists without a header, by their number: a file or scene, numbers, a label.
FORMS = {
    "onset, offset, label": ("onset", "offset", "label"),
    "file, onset, offset, label": ("file", "onset", "offset", "label"),
    "file, scene, onset, offset, label": ("file", "scene", "onset", "offset", "label"),
    "onset, offset, label, confidence": ("onset", "offset", "label", "confidence"),
}
_TIMES = ("onset", "offset", "duration", "confidence")
#: What is written into cells where there is nothing.
BLANK = ("", "nan", "na", "none", "null")


def timed_table(path: Path, *, own: bool, soft: bool = False) -> Table:
    """A table of stretches of time as text, its columns called `file`, `onset`, `offset`, `label` and `confidence`.

    Parameters
    ----------
    path : Path
        Delimited text or parquet; with a header, in which columns go by their usual names in any order, or without.
    own : bool
        Whether the table is about one recording, so that no row needs to say which.
    soft : bool
        Whether a list without header has a fourth column of confidences, which otherwise needs a name.

    Returns
    -------
    Table
        Columns of other names stay as they are. A `duration` in place of an end stays one. No rows for an empty file.

    Raises
    ------
    DataError
        No such table, a row that is neither a header nor an event, or a column that is needed and not there.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = file.write_text('0.5,1.5,"Boat, Water vehicle"')
    >>> timed_table(file, own=True).frame.to_dict("records")
    [{'onset': '0.5', 'offset': '1.5', 'label': 'Boat, Water vehicle'}]
    """
    if path.suffix.lower() in (".parquet", ".pq"):
        table = read_table(path)
        return Table(table.frame.rename(columns=_roles(list(table.frame.columns))), path, table.rows, table.lists)
    text = read_text(path)
    best: tuple[float, Table | DataError] | None = None
    # Blanks part the cells of a table only where no tabs do.
    for delimiter in [d for d in DELIMITERS if d in text and (d != " " or "\t" not in text)] or ["\t"]:
        cells = split_cells(text, delimiter, path)
        if delimiter == " " and cells.rows and '"' not in text:
            # Labels may hold blanks: what stands after two times is one of them.
            cells = Cells([line.split(None, 2) for line in text.splitlines() if line.strip()], cells.lines)
        fit, found = _understood(cells, path, delimiter, own, soft)
        if best is None or fit > best[0]:
            best = fit, found
        if fit == 1 and not isinstance(found, DataError):
            break
    assert best is not None
    if isinstance(best[1], DataError):
        raise best[1]
    return best[1]


def events_in(table: Table) -> pd.DataFrame:
    """Events of a table as `timed_table` gives it, with numbers for times.

    Returns
    -------
    pandas.DataFrame
        `file` if the table has it, `onset`, `offset` (seconds), `label`, `confidence` if the table has it, `where`. A
        row that names a file and nothing else, or nothing at all, has an empty label and NaN for times: it says that
        nothing was found there.

    Raises
    ------
    DataError
        A time that is no number, a row with half an event, or a confidence outside 0…1.
    """
    import pandas as pd

    frame = table.frame
    times = {name: table.numbers(name) for name in _TIMES if name in frame}
    if "offset" not in times:
        times["offset"] = times["onset"] + times.pop("duration")
    times.pop("duration", None)
    label = frame["label"].tolist()
    unsaid = np.isnan(times["onset"]) & np.isnan(times["offset"])
    nothing = unsaid & np.array([name.lower() in BLANK for name in label], bool)
    lacking = ~nothing & (np.isnan(times["onset"]) | np.isnan(times["offset"]))
    unnamed = ~nothing & np.array([not name for name in label], bool)
    for bad, what in (
        (lacking, "an event needs onset and offset as numbers"),
        (unnamed, "an event without a label"),
    ):
        if bad.any():
            raise DataError(
                what,
                where=table.where(int(bad.argmax())),
                hint="seconds from the start of the recording, e.g. 1.25, and a class; a row with the file name alone "
                "says that nothing is there",
            )
    rows = pd.DataFrame({"file": frame["file"].map(tidy)} if "file" in frame else {}, index=range(len(frame)))
    rows["onset"], rows["offset"] = times["onset"], times["offset"]
    rows["label"] = ["" if empty else name for name, empty in zip(label, nothing)]
    if "confidence" in times:
        sure = times["confidence"]
        odd = ~nothing & ~((sure >= 0) & (sure <= 1))
        if odd.any():
            raise DataError(
                "a confidence is not between 0 and 1",
                where=table.where(int(odd.argmax())),
                hint="give probabilities, or call the column something else",
            )
        rows["confidence"] = sure
    return rows.assign(where=[table.where(row) for row in range(len(frame))])


def read_events(path: Path, *, own: bool, soft: bool = False) -> pd.DataFrame:
    """`events_in` of the `timed_table` of a file; no rows for an empty file about one recording.

    Raises
    ------
    DataError
        As those two; also rows of another recording in a table about one.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "events.csv"
    >>> _ = file.write_text("file;start;duration;class\\na.wav;0,5;1,0;dog\\nb.wav;;;\\n")
    >>> read_events(file, own=False)[["file", "onset", "offset", "label"]].values.tolist()
    [['a.wav', 0.5, 1.5, 'dog'], ['b.wav', nan, nan, '']]
    """
    table = timed_table(path, own=own, soft=soft)
    if "label" not in table.frame:
        raise DataError(
            "the table has no column of the label",
            where=f"{path}:1",
            hint=f"one of {', '.join(ROLES['label'])}; its columns are {', '.join(table.frame.columns)}",
        )
    rows = events_in(table)
    if own and "file" in rows:
        other = [stem(file) not in (path.stem, stem(path.name)) for file in rows["file"]]
        if any(other):
            first = rows.iloc[other.index(True)]
            raise DataError(
                f"the row is about '{first['file']}', and the table about {path.stem}",
                where=first["where"],
                hint="one table for each recording, named like it; or one table for all",
            )
        rows = rows.drop(columns="file")
    return rows


def tidy(name: str) -> str:
    """A file's name with forward slashes and without `./`.

    Examples
    --------
    >>> tidy(".\\\\audio\\\\a.wav")
    'audio/a.wav'
    """
    return re.sub(r"^(\./+)+", "", name.replace("\\", "/"))


def stem(name: str) -> str:
    """The last part of a path without its suffix; what follows a point in `a_0.000_10.000` is none.

    Examples
    --------
    >>> stem("x/a.wav"), stem("Yabc_0.000_10.000")
    ('a', 'Yabc_0.000_10.000')
    """
    return re.sub(r"\.[A-Za-z]\w{1,4}$", "", name.rpartition("/")[2])


def _understood(cells: Cells, path: Path, delimiter: str, own: bool, soft: bool) -> tuple[float, Table | DataError]:
    """A share of rows that fit, 1 if all do, and the table or why there is none."""
    rows = cells.rows
    if not rows and cells.broken is not None:
        return 0, cells.broken
    if not rows:
        if own:
            return 1, Table(to_frame(["onset", "offset", "label"], [], str(path)), path, np.zeros(0, np.int64))
        return 0, DataError("the table has no rows", where=str(path), hint="check that the file was written to its end")
    named = _roles(rows[0]) if rows and not any(map(is_number, rows[0])) else {}
    if len(named) > 1 or "onset" in named.values():
        fit, found = _headed(cells, path, named, own)
    else:
        fit, found = _bare(cells, path, delimiter, own, soft)
    return (0.5 * fit, cells.broken) if cells.broken is not None else (fit, found)


def _headed(cells: Cells, path: Path, named: dict[str, str], own: bool) -> tuple[float, Table | DataError]:
    roles = set(named.values())
    header, rows = without_margins(cells.rows[0], cells.rows[1:])
    place = f"{path}:{cells.lines[0]}"
    for role in ("file", "onset", "offset"):
        if role in roles or (role == "offset" and "duration" in roles) or (role == "file" and own):
            continue
        usual = ROLES[role] + (ROLES["duration"] if role == "offset" else ())
        return 0.5, DataError(
            f"the table has no column of the {role}",
            where=place,
            hint=f"one of {', '.join(usual)}; its columns are {', '.join(header)}",
        )
    for row, line in zip(rows, cells.lines[1:]):
        if len(row) > len(header):
            what = f"{len(row)} columns where {len(header)} are expected"
            return 0.5, DataError(what, where=f"{path}:{line}", hint=", ".join(header))
    # A row may stop after the name of a file in which nothing was found.
    whole = [[*row, *[""] * (len(header) - len(row))] for row in rows]
    try:
        frame = to_frame(header, whole, place).rename(columns=named)
    except DataError as error:
        return 0.5, error
    return 1, Table(frame, path, np.array(cells.lines[1:], np.int64))


def _bare(cells: Cells, path: Path, delimiter: str, own: bool, soft: bool) -> tuple[float, Table | DataError]:
    usable = [name for name, roles in FORMS.items() if (own or "file" in roles) and (soft or "confidence" not in roles)]
    fits = {name: [_fits(row, FORMS[name]) for row in cells.rows] for name in usable}
    best = max(usable, key=lambda name: sum(fits[name]))
    share = sum(fits[best]) / max(1, len(cells.rows))
    if share < 1:
        place = fits[best].index(False)
        called = CALLED.get(delimiter, repr(delimiter))
        expected = best if share else " or ".join(f"`{name}`" for name in usable)
        also = " or a header" if place == 0 else ""
        return share, DataError(
            f"the row is not `{expected}`{also} (delimiter: {called})".replace("``", "`"),
            where=f"{path}:{cells.lines[place]}",
            hint=_advice(cells.rows[place], own),
        )
    roles = FORMS[best]
    rows = [[*row[: len(roles)], *[""] * (len(roles) - len(row))] for row in cells.rows]
    return 1, Table(to_frame(roles, rows, str(path)), path, np.array(cells.lines, np.int64))


def _advice(row: Sequence[str], own: bool) -> str:
    if len(row) == 4 and own and is_number(row[0]) and is_number(row[1]) and is_number(row[3]):
        return "a fourth column needs a name: give the table a header, e.g. onset, offset, label, confidence"
    return (
        "mend it, or name the columns in the first row, e.g. " + ("" if own else "filename, ") + "onset, offset, label"
    )


def _fits(row: Sequence[str], roles: Sequence[str]) -> bool:
    """Whether a row without header is of a form; the name of a file alone says that nothing is in it."""
    if roles[0] == "file" and len(row) >= 1 and row[0] and not any(row[1:]):
        return True
    more = "scene" in roles  # the long form of TUT goes on: kind of mixture, identifier, …
    if len(row) != len(roles) and not (more and len(row) > len(roles)):
        return False
    return all(is_number(cell) if role in _TIMES else bool(cell) for cell, role in zip(row, roles))


def _roles(header: Sequence[str]) -> dict[str, str]:
    """Name of a column as it stands → its role; the first name that a role goes by is it, others keep their own."""
    plain = {re.sub(r"[\s_-]+", "_", name.strip().lower()).removesuffix("_(s)"): name for name in reversed(header)}
    found = {}
    for role, usual in ROLES.items():
        name = next((plain[name] for name in usual if name in plain), None)
        if name is not None:
            found[name] = role
    # A score for each class has no label, and a class may be called what a confidence is.
    if "label" not in found.values():
        found = {name: role for name, role in found.items() if role != "confidence"}
    return found
