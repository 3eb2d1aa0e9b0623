"""Files of tracks as the official scripts read them, right or wrong, so that their figures can be reproduced.

The scripts tell forms apart by the number of columns alone. What they misread is kept here: in 2020 and 2021 five
columns of polar outputs are taken for x, y, z or stop the script, in 2020 to 2022 a distance is taken for z, a form
without its year's number of columns is passed over row by row, 2024 lets the last row decide for the whole file, and
2025 drops the first line whatever it is. The scripts of 2020 and 2021 convert outputs to angles, those of 2024 both
sides to vectors, so numbers are kept as they come from these conversions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.tracks.forms import check_year
from benchbed.outputs.tracks.recording import Tracks, from_vectors

_Row = tuple[int, int, int, list[float]]


def read(path: Path, year: int, *, reference: bool) -> Tracks:
    """One csv file as the script of a year reads it.

    Parameters
    ----------
    path : Path
        The file.
    year : int
        2020 … 2025.
    reference : bool
        Whether it holds annotations; scripts convert outputs from Cartesian coordinates and annotations not, and take
        distances of annotations for centimetres.

    Returns
    -------
    Tracks
        Rows in the order of the file, of any class and frame and not checked; on-screen as the file's whole number.

    Raises
    ------
    DataError
        The script would stop at the file.
    """
    check_year(year)
    lines = path.read_text(encoding="utf-8").splitlines()
    if year == 2025:
        return _stereo(lines[1:], path)
    try:
        rows, last = _rows(lines, year)
    except ValueError as error:
        raise _stops(year, path, str(error)) from error
    if year == 2024:
        return _of_2024(rows, last == 7, reference, path)
    widths = set(np.unique(rows.width).tolist())
    if reference:
        if widths - {2}:
            raise _stops(year, path, "annotations in Cartesian coordinates", "annotations of these years are polar")
        return _made(rows, rows.numbers[:, 0], rows.numbers[:, 1])
    numbers = rows.numbers[:, :3]
    if 2 in widths:
        # The script looks for x, y, z. In 2021 its last number is the source, which it takes for z.
        if year != 2021:
            raise _stops(year, path, "IndexError: polar outputs")
        numbers[:, 2] = np.where(rows.width == 2, rows.source, numbers[:, 2])
    return _made(rows, *from_vectors(numbers))


@dataclass(frozen=True)
class _Rows:
    """Rows that the script reads: whole numbers, and what follows them, `width` numbers each, NaN beyond."""

    frame: np.ndarray
    label: np.ndarray
    source: np.ndarray
    numbers: np.ndarray
    width: np.ndarray


#: Numbers after frame, class and source.
_MOST = 4


def _rows(lines: list[str], year: int) -> tuple[_Rows, int]:
    """The rows, and the number of columns of the last line.

    Raises
    ------
    ValueError
        The script cannot read one of them.
    """
    columns = {line.count(",") + 1 for line in lines}
    if len(columns) == 1 and (count := columns.pop()) in _USED and year in _USED[count]:
        fast = _alike(lines, count, _USED[count][year])
        if fast is not None:
            return fast, count
    words = [line.strip().split(",") for line in lines]
    read = [row for one in words if (row := _row(one, year)) is not None]
    numbers = np.full((len(read), _MOST), np.nan)
    for i, row in enumerate(read):
        numbers[i, : len(row[3])] = row[3]
    whole = np.array([row[:3] for row in read], np.int64).reshape(-1, 3)
    width = np.array([len(row[3]) for row in read], np.int64)
    return _rows_of(whole, numbers, width), len(words[-1]) if words else 0


#: Number of columns of a line with a source → year → numbers that are used after it.
_USED: dict[int, dict[int, int]] = {
    5: dict.fromkeys((2020, 2021, 2022, 2023, 2024), 2),
    6: {2020: 3, 2021: 3, 2022: 3, 2023: 2, 2024: 3},
    7: {2023: 3, 2024: 4},
}


def _alike(lines: list[str], columns: int, used: int) -> _Rows | None:
    """Rows of one form in one go; None where a line has to be looked at by itself."""
    table = _table(lines, [("whole", np.int64, (3,)), ("numbers", np.float64, (columns - 3,))])
    if table is None:
        return None
    numbers = np.full((len(table), _MOST), np.nan)
    numbers[:, :used] = table["numbers"][:, :used]
    return _rows_of(table["whole"], numbers, np.full(len(table), used))


def _table(lines: list[str], columns: list[tuple]) -> np.ndarray | None:
    if not lines or not all(map(str.strip, lines)):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.loadtxt(lines, delimiter=",", dtype=np.dtype(columns), ndmin=1, comments=None)
    except (ValueError, Warning):
        return None


def _rows_of(whole: np.ndarray, numbers: np.ndarray, width: np.ndarray) -> _Rows:
    return _Rows(whole[:, 0], whole[:, 1], whole[:, 2], numbers, width)


def _row(words: list[str], year: int) -> _Row | None:
    frame, columns = int(words[0]), len(words)
    if columns == 4 and year == 2024:
        return frame, int(words[1]), 0, [float(words[2]), float(words[3])]
    if columns == 5:
        return frame, int(words[1]), int(words[2]), [float(word) for word in words[3:5]]
    if columns == 6:
        used = 5 if year == 2023 else 6
        return frame, int(words[1]), int(words[2]), [float(word) for word in words[3:used]]
    if columns == 7 and year >= 2023:
        used = 6 if year == 2023 else 7
        return frame, int(words[1]), int(words[2]), [float(word) for word in words[3:used]]
    return None


def _of_2024(rows: _Rows, cartesian: bool, reference: bool, path: Path) -> Tracks:
    numbers, width = rows.numbers.copy(), rows.width
    if reference:
        ranged = np.flatnonzero(width > 2)
        numbers[ranged, width[ranged] - 1] /= 100
    if not cartesian:
        # In a row of seven columns x and y are taken for angles, and no distance is left.
        return _made(rows, numbers[:, 0], numbers[:, 1], np.where(width == 3, numbers[:, 2], np.nan))
    if (width < 3).any():
        raise _stops(2024, path, "IndexError: a last row of seven columns after rows of other forms")
    return _made(rows, *from_vectors(numbers[:, :3]), np.where(width == 4, numbers[:, 3], np.nan))


def _stereo(lines: list[str], path: Path) -> Tracks:
    table = _table(lines, [("whole", np.int64, (3,)), ("numbers", np.float64, (2,)), ("seen", np.int64)])
    if table is not None:
        whole, numbers, seen = table["whole"], table["numbers"], table["seen"]
    else:
        words = [line.strip().split(",") for line in lines]
        try:
            whole = np.array([[int(word) for word in one[:3]] for one in words], np.int64).reshape(-1, 3)
            numbers = np.array([[float(one[3]), float(one[4])] for one in words], np.float64).reshape(-1, 2)
            seen = np.array([int(one[5]) for one in words], np.int64)
        except (ValueError, IndexError) as error:
            raise _stops(2025, path, f"{type(error).__name__}: {error}") from error
    rows = _rows_of(whole, numbers, np.full(len(whole), 2))
    return _made(rows, numbers[:, 0], np.zeros(len(whole)), numbers[:, 1] / 100, seen)


def _made(
    rows: _Rows,
    azimuth: np.ndarray,
    elevation: np.ndarray,
    distance: np.ndarray | None = None,
    onscreen: np.ndarray | None = None,
) -> Tracks:
    return Tracks(rows.frame, rows.label, rows.source, azimuth, elevation, distance, onscreen)


def _stops(year: int, path: Path, why: str, hint: str | None = None) -> DataError:
    return DataError(f"the official script of {year} stops at this file: {why}", where=str(path), hint=hint)
