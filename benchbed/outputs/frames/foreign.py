"""Answers over time from tables of another program: lists of events, which stay lists, or scores over time.

One table for all recordings, or a folder with one for each, named like it. Events keep their times to the microsecond,
their order and their number; whatever metric follows, nothing is laid on a grid, joined, filtered or cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.outputs.contract import Foreign
from benchbed.outputs.frames.recording import Events, FrameScores, frame_scores, microseconds
from benchbed.tables.events import events_in, tidy, timed_table
from benchbed.tables.names import clips_named, inner
from benchbed.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

#: Suffixes of tables.
ENDINGS = (".tsv", ".csv", ".txt", ".ann", ".parquet")
#: Columns that are about times and no class.
TIMED = ("file", "onset", "offset", "label", "confidence")
#: How far, in seconds, the times of a table of scores may be from even ones: tables round to milliseconds.
UNEVEN = 1e-3


@dataclass(frozen=True)
class Tables:
    """Tables of one system.

    Attributes
    ----------
    rows : pandas.DataFrame
        `file`, `onset`, `offset` (seconds), `where`, and `label` (empty where nothing was found) with perhaps
        `confidence`, or a column of scores for each class.
    classes : tuple of str
        In their order where the tables hold scores, else sorted.
    path : Path
        The file or folder.
    """

    rows: pd.DataFrame
    classes: tuple[str, ...]
    path: Path

    @property
    def lists(self) -> bool:
        """Whether these are lists of events."""
        return "label" in self.rows

    @property
    def confident(self) -> bool:
        """Whether the listed events have confidences."""
        return "confidence" in self.rows


def read_tables(path: Path) -> Tables:
    """Read a table of events or of scores over time, or a folder of such tables.

    Raises
    ------
    ConfigError
        No such table, or one of an unknown suffix.
    DataError
        A row that is none, a table that mixes what others do not, or two tables about one recording.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "found.tsv"
    >>> _ = file.write_text("a.wav\\t0.5\\t1.5\\tdog\\na.wav\\t1.0\\t1.2\\tdog\\nb.wav\\n")
    >>> held = read_tables(file)
    >>> held.lists, held.classes, len(held.rows)
    (True, ('dog',), 3)
    """
    import pandas as pd

    own = path.is_dir()
    files = sorted(p for p in path.iterdir() if p.suffix.lower() in ENDINGS and p.name[0] != ".") if own else [path]
    if not files or not files[0].is_file():
        raise ConfigError(
            "there is no table of events", where=str(path), hint=f"give {', '.join(ENDINGS)}, or a folder"
        )
    parts = [_table(file, own) for file in files]
    first = next((part for part in parts if len(part) and "where" in part), parts[0])
    about: dict[str, Path] = {}
    for file, part in zip(files, parts):
        if own and about.setdefault(file.stem, file) != file:
            raise DataError(f"two tables are about {file.stem}", where=f"{about[file.stem]} and {file}")
        alike = {"label", "confidence"} & set(part.columns) == {"label", "confidence"} & set(first.columns)
        if len(part) and not alike and not (own and (part.get("label", "") == "").all()):
            raise DataError("the table has other columns than the others", where=str(file), hint=str(files[0]))
    if any("label" not in part for part in parts):
        parts = [part.drop(columns="label", errors="ignore") for part in parts]
    rows = pd.concat(parts, ignore_index=True)
    if "label" in rows:
        classes = tuple(sorted({str(label) for label in rows["label"]} - {""}))
    else:
        classes = tuple(str(column) for column in rows.columns if column not in (*TIMED, "where"))
    return Tables(rows, classes, path)


def answers_of(
    tables: Tables,
    clips: pd.DataFrame,
    labels: Sequence[str],
    means: Mapping[str, Sequence[str]] | None = None,
    missing: Literal["error", "empty"] = "error",
    resolution: float = 0.001,
    needed: Sequence[str] | None = None,
) -> Foreign:
    """Answers of a system for some clips.

    Parameters
    ----------
    tables : Tables
        What it found.
    clips : pandas.DataFrame
        Table of all clips that the tables may be about, with `clip_id`.
    labels : sequence of str
        Classes of the dataset.
    means : mapping, optional
        Class of the dataset → classes of the tables that mean it; by default those of its name.
    missing : {"error", "empty"}
        What a clip without a row is: an error, or one in which nothing was found.
    resolution : float
        Seconds from one frame to the next, for scores over time that have no even frames of their own.
    needed : sequence of str, optional
        Ids of the clips that an answer is asked for; all by default.

    Raises
    ------
    DataError
        A name that could mean several clips, a clip without a row, or an event that ends before it begins.
    """
    rows, ids = tables.rows, clips["clip_id"].astype(str).tolist()
    places = rows["where"].tolist()
    row_of = clips_named(rows["file"], clips, places.__getitem__)
    order = np.flatnonzero(row_of >= 0)
    order = order[np.argsort(row_of[order], kind="stable")]
    edges = np.searchsorted(row_of[order], np.arange(len(ids) + 1))
    asked = set(ids if needed is None else needed)
    lacking = [clip for clip, (low, high) in zip(ids, pairwise(edges)) if low == high and clip in asked]
    if missing == "error" and lacking and len(lacking) < len(asked):
        raise DataError(
            f"{lacking[0]} has no row" + (f", nor have {len(lacking) - 1} others" if len(lacking) > 1 else ""),
            where=str(tables.path),
            hint="a row with the file name alone says that nothing was found; or --set missing=empty if that holds for "
            "every recording without a row",
        )
    if len(lacking) == len(asked):
        example = rows["file"].iloc[0] if len(rows) else "none"
        raise DataError(
            "no row is about a recording of the data set",
            where=places[0] if places else str(tables.path),
            hint=f"its names look like {example}, those of the data set like {inner(ids[0])}",
        )
    remarks = _unused(tables, row_of)
    if lacking:
        remarks.append(f"{len(lacking)} of {len(asked)} recordings have no row and count as empty: {_some(lacking)}")
    answers = np.empty(len(ids), dtype=object)
    form = _lists if tables.lists else _frames
    chosen = [order[low:high] for low, high in pairwise(edges)]
    answers[:], said = form(tables, chosen, labels, means, resolution)
    return Foreign(answers, (*remarks, *said))


def _lists(
    tables: Tables,
    chosen: Sequence[np.ndarray],
    labels: Sequence[str],
    means: Mapping[str, Sequence[str]] | None,
    resolution: float,
) -> tuple[list[Events], list[str]]:
    rows = tables.rows
    onset, offset = rows["onset"].to_numpy(np.float64), rows["offset"].to_numpy(np.float64)
    labelled = (rows["label"] != "").to_numpy()
    for bad, what in ((onset < 0, "a negative onset"), (offset < onset, "an event that ends before it begins")):
        if (bad & labelled).any():
            raise DataError(what, where=rows["where"].iloc[int((bad & labelled).argmax())], hint="seconds, e.g. 1.25")
    numbers = _numbers(labels, means)
    sure = rows["confidence"].to_numpy(np.float64) if tables.confident else None
    names = rows["label"].tolist()
    lost = {name for name in tables.classes if not numbers.get(name)}
    answers = []
    for mine in chosen:
        picked = [(row, number) for row in mine if labelled[row] for number in numbers.get(names[row], ())]
        at = np.array([row for row, _ in picked], np.int64)
        label = np.array([number for _, number in picked], np.int64)
        confidence = None if sure is None else sure[at]
        answers.append(Events(microseconds(onset[at]), microseconds(offset[at]), label, None, confidence))
    left = sorted(int(row) for mine in chosen for row in mine if names[row] in lost)
    remarks = []
    if left:
        some, first = _some(sorted({names[row] for row in left})), names[left[0]]
        guess = did_you_mean(first, labels)
        remarks.append(
            f"{len(left)} events of classes that the data set does not have were left out: {some} (first '{first}' in "
            f"{rows['where'].iloc[left[0]]}{f'; {guess}' if guess else ''})"
        )
    return answers, remarks


def _frames(
    tables: Tables,
    chosen: Sequence[np.ndarray],
    labels: Sequence[str],
    means: Mapping[str, Sequence[str]] | None,
    resolution: float,
) -> tuple[list[FrameScores | Events], list[str]]:
    rows, place = tables.rows, {name: column for column, name in enumerate(tables.classes)}
    onset, offset = rows["onset"].to_numpy(np.float64), rows["offset"].to_numpy(np.float64)
    own = [[place[name] for name in _meant(label, means) if name in place] for label in labels]
    given = rows[list(tables.classes)].to_numpy(np.float64)
    scores = np.stack([given[:, columns].max(axis=1) if columns else np.zeros(len(rows)) for columns in own], axis=1)
    answers: list[FrameScores | Events] = []
    for mine in chosen:
        mine = mine[np.isfinite(onset[mine])]
        bad = (onset[mine] < 0) | (offset[mine] <= onset[mine])
        if bad.any():
            where = rows["where"].iloc[mine[int(bad.argmax())]]
            raise DataError("scores of a time that is none", where=where, hint="onset before offset, in seconds")
        answers.append(_framed(onset[mine], offset[mine], scores[mine], resolution))
    return answers, []


def _framed(onset: np.ndarray, offset: np.ndarray, scores: np.ndarray, resolution: float) -> FrameScores:
    """Scores of stretches of time as frames: their own where these are even, else of `resolution`."""
    if not len(onset):
        return frame_scores(np.zeros((1, scores.shape[1])), resolution)
    order = np.argsort(onset, kind="stable")
    onset, offset, scores = onset[order], offset[order], scores[order]
    count = len(onset)
    hop = (onset[-1] - onset[0]) / (count - 1) if count > 1 else offset[0] - onset[0]
    even = abs(onset[0]) <= UNEVEN and np.abs(onset - np.arange(count) * hop).max() <= UNEVEN
    joined = count == 1 or np.abs(offset[:-1] - onset[1:]).max() <= UNEVEN
    if hop > 0 and even and joined and offset[-1] - onset[-1] <= hop + UNEVEN:
        return frame_scores(scores, float(hop), float(offset[-1]))
    laid = np.zeros((max(1, round(float(offset.max()) / resolution)), scores.shape[1]))
    for begin, end, value in zip(np.rint(onset / resolution), np.rint(offset / resolution), scores):
        part = laid[int(begin) : max(int(begin) + 1, int(end))]
        np.maximum(part, value, out=part)
    return frame_scores(laid, resolution)


def _unused(tables: Tables, row_of: np.ndarray) -> list[str]:
    lost = row_of < 0
    if not lost.any():
        return []
    names = list(dict.fromkeys(tables.rows["file"][lost]))
    return [
        f"{int(lost.sum())} of {len(lost)} rows of {tables.path.name} are about no recording of the data set and were "
        f"not used: {_some(names)} ({tables.rows['where'][lost].iloc[0]})"
    ]


def _table(path: Path, own: bool) -> pd.DataFrame:
    import pandas as pd

    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(
            f"events in {path.suffix or 'a file without ending'} are unknown",
            where=str(path),
            hint=f"give {', '.join(ENDINGS)}, or a folder of them",
        )
    table = timed_table(path, own=own)
    rows = events_in(table) if "label" in table.frame else _scores(table)
    if own:
        nothing = pd.DataFrame(
            [{"file": path.stem, "onset": np.nan, "offset": np.nan, "label": "", "where": str(path)}]
        )
        rows = rows.assign(file=path.stem) if len(rows) else nothing
    return rows


def _scores(table: Table) -> pd.DataFrame:
    """A table of scores over time, every number of it looked at."""
    import pandas as pd

    classes = [name for name in table.frame.columns if name not in TIMED]
    rows = pd.DataFrame({"file": table.frame["file"].map(tidy)} if "file" in table.frame else {})
    for name in ("onset", "offset", *classes):
        rows[name] = table.numbers(name)
    silent = rows[["onset", "offset", *classes]].isna().all(axis=1).to_numpy()
    found = rows[classes].to_numpy(np.float64)
    for bad, what in (
        (~silent & rows[["onset", "offset"]].isna().any(axis=1).to_numpy(), "a time is no number"),
        (~silent & np.isnan(found).any(axis=1), "a score is no number"),
        (((found < 0) | (found > 1)).any(axis=1), "a score outside 0…1"),
    ):
        if bad.any():
            raise DataError(what, where=table.where(int(bad.argmax())))
    return rows.assign(where=[table.where(row) for row in range(len(rows))])


def _meant(label: str, means: Mapping[str, Sequence[str]] | None) -> Sequence[str]:
    return (label,) if means is None else means.get(label, ())


def _numbers(labels: Sequence[str], means: Mapping[str, Sequence[str]] | None) -> dict[str, list[int]]:
    """Class of a table → the classes of the dataset that it means."""
    found: dict[str, list[int]] = {}
    for number, label in enumerate(labels):
        for name in _meant(label, means):
            found.setdefault(name, []).append(number)
    return found


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
