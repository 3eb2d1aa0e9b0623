"""Files of retrieval systems: similarities of queries and files, ranked files for each query, or embeddings.

- A table with a row for each query and a column for each file, as DCASE 2025 Task 6 submits it.
- A table with a row for each query and columns `file_name_1`, `file_name_2`, …, best first, as DCASE 2022 to 2024 did.
- A table of `query`, `file` and `score`, one row for each pair.
- An npz with `queries`, `files` and `similarity` [query, file], or with the embeddings `text` and `audio`, whose
  cosines
  are taken.

What a list does not name is −∞: it stands behind all that is named, at no rank.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError, did_you_mean
from benchbed.outputs.similarity.wanted import QUERIES
from benchbed.tables.cells import DELIMITERS, read_text, split_cells
from benchbed.tables.names import clips_named
from benchbed.types import Queries

if TYPE_CHECKING:
    import pandas as pd

#: Names of a column of queries, of files, and of scores.
TEXTS = ("query", "caption", "text", "raw_text", "index", "")
FILES = ("file_name", "filename", "file", "fname", "audio", "clip_id")
SCORES = ("score", "similarity", "scores")
#: Columns of ranked files.
RANKED = re.compile(r"(file_?name|fname|file|rank|top)?[_ ]?(\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class SimilarityFile:
    """What a file says.

    Attributes
    ----------
    path : Path
        The file.
    queries, files : tuple of str
        As the file names them.
    matrix : np.ndarray [shape=(file, query), float32]
        Similarities; −∞ where a list does not name a file.
    lines : tuple of str
        Place of each query.
    lists : bool
        The file ranks and does not score.
    """

    path: Path
    queries: tuple[str, ...]
    files: tuple[str, ...]
    matrix: np.ndarray
    lines: tuple[str, ...]
    lists: bool = False


def answers_of(path: Path, clips: pd.DataFrame) -> np.ndarray:
    """Similarities of clips to the queries that they are asked, an object array with a vector for each.

    Parameters
    ----------
    path : Path
        The file.
    clips : DataFrame
        With `clip_id` and `queries`.

    Raises
    ------
    DataError
        The file cannot be read, says nothing about a clip or a query, or two things about one.
    """
    told = read(path)
    rows = _clip_rows(told, clips)
    answers = np.empty(len(clips), dtype=object)
    for index, (clip, queries) in enumerate(zip(clips["clip_id"].astype(str), clips[QUERIES])):
        at = rows[index]
        if at < 0 and not told.lists:
            name = clip.rpartition("/")[2]
            # The nearest name would be that of a neighbour, which has similarities of its own.
            hint = f"similarities for each clip; the file names them like '{told.files[0]}'"
            raise DataError(f"no similarities for the clip '{name}'", where=str(path), hint=hint)
        columns = _columns(told, queries)
        answers[index] = np.full(len(columns), -np.inf, np.float32) if at < 0 else told.matrix[at, columns]
    return answers


def unused(path: Path, clips: pd.DataFrame) -> list[str]:
    """What of a file is about no clip or query of a split, in words.

    Raises
    ------
    DataError
        A ranked list names a file that is none of the gallery.
    """
    told = read(path)
    known = np.array([row >= 0 for row in clips_named(told.files, clips, lambda _: str(path))], bool)
    said = []
    if not known.all():
        lost = [name for name, ok in zip(told.files, known) if not ok]
        if told.lists:
            hint = did_you_mean(lost[0], clips["clip_id"].map(lambda clip: str(clip).rpartition("/")[2]).tolist())
            raise DataError(
                f"the lists rank '{lost[0]}', which is no clip of the data set",
                where=str(path),
                hint=hint or "a file from outside the gallery takes a rank from one of it",
            )
        said.append(f"{len(lost)} of {len(known)} files of {path.name} are no clips of the data set: {_some(lost)}")
    asked = {text for queries in set(clips[QUERIES]) for text in queries}
    beside = [text for text in told.queries if text not in asked and _plain(text) not in {_plain(t) for t in asked}]
    if beside:
        said.append(f"{len(beside)} of {len(told.queries)} queries of {path.name} are not asked: {_some(beside)}")
    if told.lists:
        said.append(
            f"{path.name} ranks and does not score: what its lists do not name has no rank, and the other direction "
            "cannot be measured"
        )
    return said


def read(path: Path) -> SimilarityFile:
    """Read a file; read once as long as it stays as it is.

    Raises
    ------
    DataError
        Another form, what is no number, a query or file twice, or shapes that do not fit.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("there is no such file of similarities", where=str(path))
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int, size: int) -> SimilarityFile:
    return _archive(path) if path.suffix == ".npz" else _table(path)


def _archive(path: Path) -> SimilarityFile:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        # `TypeError`: a single array is no archive.
        raise DataError(
            f"the archive cannot be read ({error})",
            where=str(path),
            hint="write it with numpy.savez, names as arrays of text (dtype str)",
        ) from error
    for name in ("queries", "files"):
        if name not in arrays:
            raise DataError(
                f"the archive has no '{name}'",
                where=str(path),
                hint="queries, files, and similarity [query, file] or text [query, dim] with audio [file, dim]",
            )
    queries, files = ([str(one) for one in arrays[name].reshape(-1)] for name in ("queries", "files"))
    if "similarity" in arrays:
        matrix = _real(arrays["similarity"], "similarity", path)
    elif "text" in arrays and "audio" in arrays:
        text, sound = (_real(arrays[name], name, path) for name in ("text", "audio"))
        if text.ndim != 2 or sound.ndim != 2 or text.shape[1] != sound.shape[1]:
            raise DataError(
                f"embeddings of texts {list(text.shape)} and of clips {list(sound.shape)} have no width in common",
                where=str(path),
                hint="[query, dim] and [file, dim]",
            )
        matrix = _unit(text) @ _unit(sound).T
    else:
        raise DataError("the archive has neither 'similarity' nor 'text' and 'audio'", where=str(path))
    if matrix.shape != (len(queries), len(files)):
        raise DataError(
            f"similarities of shape {list(matrix.shape)} for {len(queries)} queries and {len(files)} files",
            where=str(path),
            hint="[query, file]: a row for each query, a column for each file",
        )
    if not matrix.size:
        raise DataError("the archive has no similarities", where=str(path), hint="check that it was written to its end")
    lines = tuple(f"{path}: query {number}" for number in range(len(queries)))
    return _checked(SimilarityFile(path, tuple(queries), tuple(files), _narrow(matrix.T), lines))


def _narrow(matrix: np.ndarray) -> np.ndarray:
    """Similarities as they are kept; what is too large becomes infinite, and is refused as such."""
    with np.errstate(over="ignore"):
        return matrix.astype(np.float32)


def _real(numbers: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Numbers of an archive in float64."""
    if numbers.dtype.kind not in "fiub":
        raise DataError(f"'{name}' is of {numbers.dtype}, no real numbers", where=str(path), hint="an array of float32")
    return np.asarray(numbers, np.float64)


def _table(path: Path) -> SimilarityFile:
    text = read_text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS[:4], key=first.count)
    cells = split_cells(text, delimiter, path)
    if cells.broken is not None:
        raise cells.broken
    if len(cells.rows) < 2:
        raise DataError("the table has no rows", where=str(path), hint="check that the file was written to its end")
    header, rows, lines = cells.rows[0], cells.rows[1:], [f"{path}:{line}" for line in cells.lines[1:]]
    for row, line in zip(rows, lines):
        if len(row) != len(header):
            raise DataError(
                f"the row has {len(row)} fields and the header {len(header)}",
                where=line,
                hint="a field for each file of the header; quote texts that hold the delimiter",
            )
    lower = [name.lower() for name in header]
    score = next((lower.index(name) for name in SCORES if name in lower), None)
    column = next((lower.index(name) for name in FILES if name in lower), None)
    at = next((lower.index(name) for name in TEXTS if name in lower), None)
    ranked = [number for number, name in enumerate(header) if number != at and RANKED.fullmatch(name)]
    if at is None and all(name.isdecimal() for name in header):
        # A frame without names of columns: the text, then the files.
        at, ranked = 0, list(range(1, len(header)))
    if at is None:
        raise DataError(
            "the table has no column of queries",
            where=f"{path}:1",
            hint=f"one of {', '.join(name for name in TEXTS if name)}, then a column for each file, or file_name_1, …",
        )
    if score is not None and column is not None and len(header) <= 4:
        return _pairs(path, rows, lines, (at, column, score))
    others = [number for number in range(len(header)) if number != at]
    queries = [row[at] for row in rows]
    if ranked and len(ranked) == len(others):
        ranked.sort(key=lambda number: int(RANKED.fullmatch(header[number])[2]))  # type: ignore[index]
        return _ranked(path, queries, [[row[number] for number in ranked] for row in rows], lines)
    files = [header[number] for number in others]
    values = [_numbers([row[number] for number in others], files, line) for row, line in zip(rows, lines)]
    matrix = _narrow(np.array(values, np.float64).reshape(len(rows), len(files)).T)
    return _checked(SimilarityFile(path, tuple(queries), tuple(files), matrix, tuple(lines)))


def _ranked(path: Path, queries: list[str], lists: list[list[str]], lines: list[str]) -> SimilarityFile:
    places: dict[str, int] = {}
    for row, line in zip(lists, lines):
        named = [name for name in row if name]
        if len(set(named)) < len(named):
            twice = next(name for name in named if named.count(name) > 1)
            raise DataError(f"the list ranks '{twice}' twice", where=line)
        for name in named:
            places.setdefault(name, len(places))
    matrix = np.full((len(places), len(lists)), -np.inf, np.float32)
    for query, row in enumerate(lists):
        named = [name for name in row if name]
        for rank, name in enumerate(named):
            matrix[places[name], query] = len(named) - rank
    return _checked(SimilarityFile(path, tuple(queries), tuple(places), matrix, tuple(lines), True))


def _pairs(path: Path, rows: list[list[str]], lines: list[str], at: tuple[int, int, int]) -> SimilarityFile:
    queries: dict[str, int] = {}
    files: dict[str, int] = {}
    similarities: dict[tuple[int, int], float] = {}
    first: dict[int, str] = {}
    for row, line in zip(rows, lines):
        text, name, value = (row[number] for number in at)
        pair = queries.setdefault(text, len(queries)), files.setdefault(name, len(files))
        first.setdefault(pair[0], line)
        if pair in similarities:
            raise DataError(f"two scores for '{name}' and one query", where=line)
        similarities[pair] = _numbers([value], [name], line)[0]
    matrix = np.full((len(files), len(queries)), np.nan, np.float64)
    for (query, file), number in similarities.items():
        matrix[file, query] = number
    if np.isnan(matrix).any():
        file, query = (int(one[0]) for one in np.nonzero(np.isnan(matrix)))
        raise DataError(
            f"no score for '{list(files)[file]}' and the query '{list(queries)[query]}'",
            where=first[query],
            hint="a row for each pair of query and file",
        )
    lines = [first[number] for number in range(len(queries))]
    return _checked(SimilarityFile(path, tuple(queries), tuple(files), _narrow(matrix), tuple(lines)))


def _numbers(cells: Sequence[str], names: Sequence[str], line: str) -> np.ndarray:
    try:
        made = np.array(cells, np.float64)
    except ValueError:
        made = np.array([_number(cell) for cell in cells])
    wrong = ~np.isfinite(made)
    if wrong.any():
        odd = int(np.argmax(wrong))
        raise DataError(
            f"the similarity to '{names[odd]}' is '{cells[odd]}', no finite number", where=line, hint="a number each"
        )
    return made


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _checked(told: SimilarityFile) -> SimilarityFile:
    """No NaN, and no file twice."""
    wrong = np.isnan(told.matrix) | np.isposinf(told.matrix)
    if wrong.any():
        file, query = (int(one[0]) for one in np.nonzero(wrong))
        raise DataError(
            f"the similarity to '{told.files[file]}' is {told.matrix[file, query]:g}",
            where=told.lines[query],
            hint="a finite number for each pair",
        )
    if len(set(told.files)) < len(told.files):
        twice = next(name for name in told.files if told.files.count(name) > 1)
        raise DataError(f"the file '{twice}' stands in two columns", where=str(told.path))
    return told


def _clip_rows(told: SimilarityFile, clips: pd.DataFrame) -> np.ndarray:
    """Row of the matrix for each clip, −1 for none."""
    rows = np.full(len(clips), -1, np.int64)
    for row, clip in enumerate(clips_named(told.files, clips, lambda _: str(told.path))):
        if clip >= 0:
            rows[clip] = row
    return rows


#: The last file, the queries of a split, and the column of each.
_LAST: list[tuple[SimilarityFile, Queries, np.ndarray]] = []


def _columns(told: SimilarityFile, queries: Queries) -> np.ndarray:
    """Column of the matrix for each query of a split; found once for all batches of clips."""
    if not _LAST or _LAST[0][0] is not told or _LAST[0][1] != queries:
        _LAST[:] = [(told, queries, _matched(told, queries))]
    return _LAST[0][2]


def _matched(told: SimilarityFile, queries: Queries) -> np.ndarray:
    exact: dict[str, list[int]] = {}
    plain: dict[str, list[int]] = {}
    for number, text in enumerate(told.queries):
        exact.setdefault(text, []).append(number)
        plain.setdefault(_plain(text), []).append(number)
    wanted: dict[str, int] = {}
    for text in queries:
        wanted[text.strip()] = wanted.get(text.strip(), 0) + 1
    seen: dict[str, int] = {}
    columns = np.empty(len(queries), np.int64)
    for number, given in enumerate(queries):
        text = given.strip()
        rows = exact.get(text) or plain.get(_plain(text), [])
        if not rows:
            taken = {_plain(other) for other in queries}
            near = did_you_mean(text, [other for other in told.queries if _plain(other) not in taken])
            hint = near or f"the file asks like '{told.queries[0]}'"
            raise DataError(f"no answers to the query '{text}'", where=str(told.path), hint=hint)
        turn = seen.get(text, 0)
        seen[text] = turn + 1
        if len(rows) not in (1, wanted[text]) and len({_plain(told.queries[row]) for row in rows}) == 1:
            raise DataError(
                f"two rows for the query '{text}'", where=told.lines[rows[1]], hint="one row for each query"
            )
        columns[number] = rows[0] if len(rows) == 1 else rows[turn]
    return columns


def _plain(text: str) -> str:
    """A text without case and punctuation, as systems put it into files."""
    return " ".join(re.sub(r"[^\w\s]", "", text.casefold()).split())


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:3]) + (", …" if len(names) > 3 else "")
