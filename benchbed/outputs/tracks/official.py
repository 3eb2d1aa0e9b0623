"""Files of tracks as the official scripts read them, right or wrong, so that their figures can be reproduced.

The scripts tell forms apart by the number of columns alone. What they misread is kept here: in 2020 and 2021 five
columns of polar outputs are taken for x, y, z or stop the script, in 2020 to 2022 a distance is taken for z, a form
without its year's number of columns is passed over row by row, 2024 lets the last row decide for the whole file, and
2025 drops the first line whatever it is. The scripts of 2020 and 2021 convert outputs to angles, those of 2024 both
sides to vectors, so numbers are kept as they come from these conversions.
"""

from __future__ import annotations

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
    words = [line.strip().split(",") for line in lines]
    try:
        rows = [row for one in words if (row := _row(one, year)) is not None]
    except ValueError as error:
        raise _stops(year, path, str(error)) from error
    if year == 2024:
        return _of_2024(rows, bool(words) and len(words[-1]) == 7, reference, path)
    widths = {len(row[3]) for row in rows}
    if reference:
        if widths - {2}:
            raise _stops(year, path, "annotations in Cartesian coordinates", "annotations of these years are polar")
        azimuth, elevation = np.array([row[3] for row in rows], np.float64).reshape(-1, 2).T
        return _made(rows, azimuth, elevation)
    if widths - {2, 3}:
        raise _stops(year, path, f"rows of {max(widths)} numbers")
    if 2 in widths:
        # The script looks for x, y, z. In 2021 its last number is the source, which it takes for z.
        if year != 2021:
            raise _stops(year, path, "IndexError: polar outputs")
        rows = [(*row[:3], row[3] if len(row[3]) == 3 else [*row[3], float(row[2])]) for row in rows]
    azimuth, elevation = from_vectors(np.array([row[3] for row in rows], np.float64).reshape(-1, 3))
    return _made(rows, azimuth, elevation)


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


def _of_2024(rows: list[_Row], cartesian: bool, reference: bool, path: Path) -> Tracks:
    azimuth, elevation, distance = (np.full(len(rows), np.nan) for _ in range(3))
    for i, (*_, numbers) in enumerate(rows):
        if reference and len(numbers) > 2:
            numbers = [*numbers[:-1], numbers[-1] / 100]
        if not cartesian:
            azimuth[i], elevation[i] = numbers[:2]
            distance[i] = numbers[2] if len(numbers) == 3 else np.nan
            continue
        if len(numbers) < 3:
            raise _stops(2024, path, "IndexError: a last row of seven columns after rows of other forms")
        [azimuth[i]], [elevation[i]] = from_vectors(np.array([numbers[:3]]))
        distance[i] = numbers[3] if len(numbers) == 4 else np.nan
    return _made(rows, azimuth, elevation, distance)


def _stereo(lines: list[str], path: Path) -> Tracks:
    rows: list[_Row] = []
    for line in lines:
        words = line.strip().split(",")
        try:
            numbers = [float(words[3]), float(words[4]), int(words[5])]
            rows.append((int(words[0]), int(words[1]), int(words[2]), numbers))
        except (ValueError, IndexError) as error:
            raise _stops(2025, path, f"{type(error).__name__}: {error}") from error
    values = np.array([row[3] for row in rows], np.float64).reshape(-1, 3)
    return _made(rows, values[:, 0], np.zeros(len(rows)), values[:, 1] / 100, values[:, 2].astype(np.int64))


def _made(
    rows: list[_Row],
    azimuth: np.ndarray,
    elevation: np.ndarray,
    distance: np.ndarray | None = None,
    onscreen: np.ndarray | None = None,
) -> Tracks:
    frame, label, source = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    return Tracks(frame, label, source, azimuth, elevation, distance, onscreen)


def _stops(year: int, path: Path, why: str, hint: str | None = None) -> DataError:
    return DataError(f"the official script of {year} stops at this file: {why}", where=str(path), hint=hint)
