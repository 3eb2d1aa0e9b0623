"""Read and write the csv of one recording, in the form of any year; a file of another year is named, not guessed at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.tracks.forms import (
    FORMS,
    MOST_METRES,
    REFERENCE,
    UNITS,
    Form,
    Unit,
    check_year,
    recognise,
    unit_of,
)
from benchbed.outputs.tracks.recording import Tracks, from_vectors, tracks


@dataclass(frozen=True)
class TrackColumns:
    """The numbers of a file, before they mean anything.

    Attributes
    ----------
    path : Path
        The file.
    values : np.ndarray [shape=(row, column)]
        Its numbers.
    form : Form or None
        What it is; None for a file without rows and header.
    """

    path: Path
    values: np.ndarray
    form: Form | None

    @property
    def distances(self) -> np.ndarray:
        """Distances in the file's own unit; none where it has none."""
        if self.form is None or not self.form.distance or not len(self.values):
            return np.zeros(0)
        return self.values[:, 4] if self.form.kind == "stereo" else self.values[:, -1]


def read_table(path: Path, year: int, *, form: str | None = None) -> TrackColumns:
    """The numbers of a csv file of one year.

    Parameters
    ----------
    path : Path
        The file.
    year : int
        2020 … 2025.
    form : str, optional
        Name of its form, where that is known; by default it is recognised.

    Raises
    ------
    DataError
        No numbers, rows of different lengths, or the form of another year.
    """
    check_year(year)
    lines = _text(path).splitlines()
    header = None
    if lines and _names(lines[0]):
        header, lines = lines[0].strip(), lines[1:]
    if header is not None:
        _refuse_year(recognise(np.zeros((0, 0)), header), year, path)
    above = 2 if header is not None else 1
    values = _numbers(path, lines, above)
    if not len(values) and header is None:
        return TrackColumns(path, np.zeros((0, 0)), None)
    layout = recognise(values, header) if form is None else FORMS[form]
    if layout is None:
        known = ", ".join(other.name for other in FORMS.values() if year in other.years)
        raise DataError(f"{values.shape[1]} columns", where=str(path), hint=f"files of {year} are {known}")
    _refuse_year(layout, year, path)
    if len(values) and values.shape[1] != layout.columns:
        raise DataError(f"{values.shape[1]} columns, where {layout.describe} is read", where=str(path))
    numbers = values[:, : _whole(layout)]
    if (numbers != np.rint(numbers)).any():
        row = int(np.flatnonzero((numbers != np.rint(numbers)).any(axis=1))[0])
        at = f"{path}:{_line(lines, row) + above}"
        raise DataError("frame, class and source must be whole numbers", where=at)
    return TrackColumns(path, values, layout)


def from_table(
    table: TrackColumns,
    unit: Unit = "m",
    *,
    frames: int | None = None,
    classes: int | None = None,
    most: int | None = None,
) -> Tracks:
    """Tracks of a file's numbers.

    Parameters
    ----------
    table : TrackColumns
        The numbers.
    unit : {"m", "cm"}
        Unit of the distances.
    frames, classes, most : int, optional
        Length of the recording, number of classes, sources of a class at a time: what lies outside is an error.

    Raises
    ------
    DataError
        Rows outside the recording, the classes, or the range of an angle.
    """
    values, form = table.values, table.form
    if form is None or not len(values):
        return Tracks(frames=frames)
    frame, label = values[:, 0], values[:, 1]
    source = np.zeros(len(values)) if form.columns == 4 else values[:, 2]
    distance = table.distances / (100.0 if unit == "cm" else 1.0) if form.distance else None
    onscreen = None
    if form.kind == "stereo":
        azimuth, elevation, onscreen = values[:, 3], np.zeros(len(values)), values[:, 5] > 0
    elif form.kind == "cartesian":
        length = np.linalg.norm(values[:, 3:6], axis=1)
        if (length == 0).any():
            row = int(np.flatnonzero(length == 0)[0])
            raise DataError("a direction 0, 0, 0 points nowhere", where=f"{table.path}:{row + 1}")
        azimuth, elevation = from_vectors(values[:, 3:6])
    else:
        first = 2 if form.columns == 4 else 3
        azimuth, elevation = values[:, first], values[:, first + 1]
    return tracks(
        frame.astype(np.int64),
        label.astype(np.int64),
        azimuth,
        elevation,
        source=source.astype(np.int64),
        distance=distance,
        onscreen=onscreen,
        frames=frames,
        classes=classes,
        most=most,
        where=str(table.path),
    )


def read_reference(path: Path, year: int, *, frames: int | None = None, classes: int | None = None) -> Tracks:
    """The annotations of one recording of a year's data set.

    Parameters
    ----------
    path : Path
        The csv file.
    year : int
        2020 … 2025.
    frames, classes : int, optional
        Length of the recording and number of classes: what lies outside is an error.

    Raises
    ------
    DataError
        Another year's form, values out of range, or distances that cannot be in the year's unit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("0,3,0,-50,30,187\\n")
    ...     read_reference(path, 2023).distance.tolist()
    [1.87]
    """
    table = read_table(path, year)
    unit = UNITS.get(year, "m")
    suspect(table.distances, unit, str(path))
    return from_table(table, unit, frames=frames, classes=classes)


def suspect(distances: np.ndarray, unit: Unit, where: str) -> None:
    """Stop at distances whose range says that they are in another unit than stated.

    Raises
    ------
    DataError
        In metres, or in centimetres, the middle one lies beyond any room; in centimetres, within a hand's breadth.
    """
    found = unit_of(distances)
    if found is None:
        return
    middle = float(np.median(distances[np.isfinite(distances) & (distances > 0)]))
    if unit == "cm" and middle > 100 * MOST_METRES:
        raise DataError(
            f"distances are read in cm, and the middle one is {middle:g}, beyond any room: are they in mm?",
            where=where,
            hint="write distances in cm or m",
        )
    if found != unit:
        raise DataError(
            f"distances are read in {unit}, and the middle one is {middle:g}: are they in {found}?",
            where=where,
            hint=f"state the unit of the distances ({found}), or convert the file",
        )


def write(path: Path, made: Tracks, year: int, *, form: str | None = None, unit: Unit | None = None) -> None:
    """Write tracks in a form of one year.

    Parameters
    ----------
    path : Path
        The file.
    made : Tracks
        The rows.
    year : int
        2020 … 2025.
    form : str, optional
        Name of the form; that of the year's references by default.
    unit : {"m", "cm"}, optional
        Unit of distances; the references' by default, in whole centimetres, or metres.

    Raises
    ------
    DataError
        The form needs distances that the rows do not have.
    """
    path.write_text(written(made, year, form=form, unit=unit, where=str(path)), encoding="utf-8")


def written(
    made: Tracks, year: int, *, form: str | None = None, unit: Unit | None = None, where: str | None = None
) -> str:
    """The text of a file; arguments as in `write`.

    Examples
    --------
    >>> written(tracks([0], [3], [-50.0], [30.0], distance=[1.87]), 2023)
    '0,3,0,-50,30,187\\n'
    """
    check_year(year)
    chosen = FORMS[form or REFERENCE[year]]
    unit = unit or UNITS.get(year, "m")
    if chosen.distance and len(made) and (made.distance is None or np.isnan(made.distance).any()):
        raise DataError(f"no distances, and {chosen.describe} needs them", where=where)
    lines = [chosen.header] if chosen.header else []
    order = np.lexsort((made.source, made.label, made.frame))
    lines += [",".join(words) for words in zip(*_words(made.only(order), chosen, unit))]
    return "".join(f"{line}\n" for line in lines)


def _refuse_year(found: Form | None, year: int, path: Path) -> None:
    if found is not None and year not in found.years:
        raise DataError(
            f"a file of another year: {found.describe}, where {FORMS[REFERENCE[year]].describe} is read",
            where=str(path),
            hint=f"score it with the rules of {found.years[-1]}, or write it in the form of {year}",
        )


def _words(made: Tracks, form: Form, unit: Unit) -> list[list[str]]:
    columns = [made.frame, made.label] if form.columns == 4 else [made.frame, made.label, made.source]
    words = [list(map(str, column.tolist())) for column in columns]
    if form.kind == "cartesian":
        angles = list(made.vectors.T)
    else:
        angles = [made.azimuth] if form.kind == "stereo" else [made.azimuth, made.elevation]
    words += [[_short(value) for value in column] for column in angles]
    if form.distance:
        distance = np.zeros(len(made)) if made.distance is None else made.distance
        if unit == "cm":
            words.append([str(round(value)) for value in distance * 100])
        else:
            words.append([_short(value) for value in distance])
    if form.kind == "stereo":
        seen = np.zeros(len(made), bool) if made.onscreen is None else made.onscreen
        words.append([str(int(value)) for value in seen])
    return words


def _short(value: float) -> str:
    # Whole degrees stay whole; everything else keeps all its digits.
    return str(int(value)) if value == int(value) else repr(float(value))


def _whole(form: Form) -> int:
    return 2 if form.columns == 4 else 3


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the file cannot be read ({error})", where=str(path)) from error


def _names(line: str) -> bool:
    """Whether a line names columns: a row with one wrong value is none, and would be lost as a header."""
    words = line.split(",")
    return any(word.strip() for word in words) and not any(re.match(r"[-+.\d]|nan|inf", word.strip()) for word in words)


def _line(lines: list[str], row: int) -> int:
    """Where a row is among lines, of which blank ones are no rows."""
    return [i for i, line in enumerate(lines) if line.strip()][row]


def _numeric(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _numbers(path: Path, lines: list[str], first: int) -> np.ndarray:
    if not any(line.strip() for line in lines):
        return np.zeros((0, 0))
    try:
        values = np.loadtxt(lines, delimiter=",", ndmin=2, comments=None)
    except ValueError as error:
        raise DataError(*_wrong_row(lines, str(error)), where=_where(path, lines, first)) from error
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise DataError("a value that is no number", where=f"{path}:{_line(lines, row) + first}")
    return values


def _wrong_row(lines: list[str], message: str) -> tuple[str]:
    at = _odd(lines)
    if at is None:
        return (message,)
    line = lines[at].strip()
    return (f"a row that does not fit the others: '{line[:60]}'",)


def _where(path: Path, lines: list[str], first: int) -> str:
    at = _odd(lines)
    return str(path) if at is None else f"{path}:{at + first}"


def _odd(lines: list[str]) -> int | None:
    """The first line that is no row of numbers, or has another number of them than the first."""
    columns = None
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        words = line.split(",")
        columns = columns or len(words)
        if len(words) != columns or not all(map(_numeric, words)):
            return i
    return None
