"""Sets of recordings with sentences and the moments that each of them tells of: jsonl files, one query a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.assemble import safe_paths
from benchbed.data.dataset import SECONDS, Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.outputs.moments.asked import IDS, QUERIES, WINDOWS, outside, windows_of
from benchbed.tables.cells import read_text

#: Keys that a line must have.
KEYS = ("qid", "query", "vid", "duration", "relevant_windows")
Beyond = Literal["error", "cut"]


def with_moments(
    name: str, root: Path, files: Mapping[str, Path], facts: Facts, *, audio: str, beyond: Beyond = "error"
) -> Dataset:
    """A data set from a jsonl file for each split, a line for each query.

    Parameters
    ----------
    name : str
        Name of the set on records.
    root : Path
        Folder that the audio is in.
    files : mapping of str to Path
        Split → its file, with lines of `qid`, `query`, `vid`, `duration` in seconds and `relevant_windows`, rows of
        start and end.
    facts : Facts
        What the publisher says.
    audio : str
        Where the audio of a recording lies below the root, e.g. `audio/{vid}.wav`.
    beyond : {"error", "cut"}
        What becomes of a window that ends more than two seconds beyond its recording.

    Raises
    ------
    DataError
        A line is none of these, a query stands twice, a window is reversed or outside of its recording, a query has no
        window, or a recording has two lengths.
    """
    import pandas as pd

    ids: dict[str, dict[str, list]] = {}
    splits: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    lines = 0
    for split, path in files.items():
        here: dict[str, None] = {}
        seen: set[str] = set()
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            row = _line(line, where)
            query, vid, seconds = str(row["qid"]), str(row["vid"]), float(row["duration"])
            if query in seen:
                raise DataError(f"the query '{query}' stands twice", where=where)
            seen.add(query)
            lines += 1
            windows = _windows(row["relevant_windows"], seconds, beyond, where, notes)
            held = ids.setdefault(vid, {"seconds": [seconds], QUERIES: [], IDS: [], WINDOWS: []})
            if held["seconds"][0] != seconds:
                raise DataError(
                    f"the recording '{vid}' has two lengths: {held['seconds'][0]:g} and {seconds:g}", where=where
                )
            if vid in here or not held[QUERIES]:
                held[QUERIES].append(str(row["query"]))
                held[IDS].append(query)
                held[WINDOWS].append(windows)
            else:
                raise DataError(f"the recording '{vid}' is in two splits", where=where)
            here[vid] = None
        if not here:
            raise DataError("the file has no queries", where=str(path), hint="check that it was written to its end")
        splits[split] = tuple(here)
    paths = [audio.format(vid=vid) for vid in ids]
    checked = safe_paths(pd.Series(paths), lambda index: paths[index])
    clip_ids = dict(zip(ids, (name + "/" + checked).tolist()))
    columns = {key: np.empty(len(ids), dtype=object) for key in (QUERIES, IDS, WINDOWS)}
    for row_number, held in enumerate(ids.values()):
        for key in columns:
            columns[key][row_number] = tuple(held[key])
    clips = pd.DataFrame(
        {
            "clip_id": list(clip_ids.values()),
            "path": checked.to_numpy(),
            "onset": 0.0,
            "duration": np.nan,
            "label": "",
            "group": checked.to_numpy(),
            SECONDS: [held["seconds"][0] for held in ids.values()],
            **columns,
        }
    )
    if len(notes) > 3:
        notes = [*notes[:3], f"… and {len(notes) - 3} more windows were cut"]
    counts = facts.counts.get(name, {})
    return Dataset(
        name=name,
        root=root,
        kind="moments",
        labels=(),
        clips=clips,
        splits={split: tuple(clip_ids[vid] for vid in vids) for split, vids in splits.items()},
        version=facts.version,
        licence=facts.licence,
        citation=facts.citation,
        source=facts.source,
        notes=(f"{lines} queries about {len(ids)} recordings", *notes),
        official={split: count for split, count in counts.items() if split in splits},
    )


def _line(line: str, where: str) -> dict:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the line is no JSON ({error})", where=where, hint="one JSON object a line") from error
    lacking = [key for key in KEYS if not isinstance(row, dict) or key not in row]
    if lacking:
        raise DataError(f"the line has no '{lacking[0]}'", where=where, hint=f"a JSON object with {', '.join(KEYS)}")
    seconds = row["duration"]
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < 1e6:
        raise DataError(f"the duration is {seconds!r}", where=where, hint="seconds of the recording")
    if not isinstance(row["query"], str) or not row["query"].strip():
        raise DataError("the query has no text", where=where)
    return row


def _windows(
    given: object, seconds: float, beyond: Beyond, where: str, notes: list[str]
) -> tuple[tuple[float, float], ...]:
    if not isinstance(given, list) or not given:
        raise DataError("the query has no moment", where=where, hint="relevant_windows: rows of start and end")
    try:
        windows = windows_of(given, 2)
    except DataError as error:
        raise DataError(error.what, where=where, hint=error.hint) from error
    wrong = outside(windows, seconds)
    if wrong is not None and (beyond == "error" or (windows[:, 0] > seconds).any()):
        raise DataError(wrong, where=where, hint="start and end in seconds")
    if wrong is not None:
        notes.append(f"{wrong} ({where.rpartition('/')[2]}): cut at its end")
        windows[:, 1] = np.minimum(windows[:, 1], seconds)
        windows = windows[windows[:, 1] > windows[:, 0]]
        if not len(windows):
            raise DataError(f"{wrong}, and the query has no other", where=where, hint="start and end in seconds")
    return tuple((float(start), float(end)) for start, end in windows)
