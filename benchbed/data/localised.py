"""Recordings with a file of tracks each: what the sets of sound event localisation have in common.

A set has a folder of annotations and one of audio for each format, with equal names below them; the number in
`fold4_room23_mix001` says which split a recording is in. Annotations alone are enough to score stored outputs: without
audio a recording ends with its last annotated frame, and the notes say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.data.assemble import build, find_root, natural, option
from benchbed.data.dataset import Dataset
from benchbed.data.events import empty_note, header_seconds, tags_of
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.outputs.tracks.files import from_table, read_table, suspect
from benchbed.outputs.tracks.forms import UNITS
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks, tracks
from benchbed.tables.table import read_table as read_columns

if TYPE_CHECKING:
    import pandas as pd

#: Folders of annotations, and of audio by format.
METADATA = ("metadata_dev", "metadata_eval")
FORMATS = {"foa": ("foa_dev", "foa_eval"), "mic": ("mic_dev", "mic_eval"), "stereo": ("stereo_dev", "stereo_eval")}

#: From a file of annotations to its tracks.
Reader = Callable[[Path], Tracks]


def localised(
    name: str,
    root: Path,
    *,
    audio: str,
    labels: Sequence[str],
    folds: Mapping[str, tuple[int, ...]],
    facts: Facts,
    read: Reader,
    inner: Sequence[str] = (),
) -> Dataset:
    """A dataset of tracks.

    Parameters
    ----------
    name : str
        Name on records.
    root : Path
        The folder with `metadata_dev`.
    audio : str
        Format, a key of `FORMATS`.
    labels : sequence of str
        Classes in the order of their numbers.
    folds : mapping of str to tuple of int
        Split → numbers in the names of its recordings.
    facts : Facts
        Of the set.
    read : callable
        Reads one file of annotations.
    inner : sequence of str
        Folders of archives that `root` may be one above of.

    Raises
    ------
    DataError
        No annotations, or a file that cannot be read.
    """
    import pandas as pd

    option(audio, tuple(FORMATS), "audio")
    root = find_root(Path(root), name, facts, METADATA[:1], inner)
    listed = [
        (path, f"{sound}/{path.relative_to(root / folder).with_suffix('.wav').as_posix()}", folder == METADATA[1])
        for folder, sound in zip(METADATA, FORMATS[audio])
        for path in sorted((root / folder).rglob("*.csv"), key=lambda p: natural(str(p)))
    ]
    if not listed:
        raise DataError("no file of annotations is there", where=str(root / METADATA[0]))
    paths = [sound for _, sound, _ in listed]
    tables = [read(path) for path, _, _ in listed]
    seconds = header_seconds(root, paths)
    frames, cut, notes = _lengths(tables, seconds)
    rows = pd.concat(
        [_rows(recording, i, labels) for i, recording in enumerate(cut) if len(recording)]
        or [_rows(Tracks(), 0, labels)]
    )
    tags = tags_of(rows, len(paths), labels)
    stems = [Path(path).stem for path in paths]
    numbers = [_number(stem) for stem in stems]
    evaluation = np.array([late for _, _, late in listed])
    splits = {
        split: np.flatnonzero([number in wanted and not late for number, late in zip(numbers, evaluation)])
        for split, wanted in folds.items()
    }
    splits |= {"evaluation": np.flatnonzero(evaluation)}
    return build(
        name=name,
        root=root,
        kind="tracks",
        labels=labels,
        paths=pd.Series(paths, dtype=object),
        label=tags,
        group=pd.Series([_recording(stem) for stem in stems], dtype=object),
        where=lambda row: str(listed[row][0]),
        splits={split: at for split, at in splits.items() if len(at)},
        facts=facts,
        duration=np.where(np.isnan(seconds), frames * FRAME_SECONDS, np.nan),
        metadata={
            "frames": frames,
            "room": [_part(stem, "room") for stem in stems],
            "site": [_site(path) for path in paths],
            "overlap": [_overlap(recording) for recording in cut],
        },
        notes=[*notes, *empty_note(tags)],
        events=rows.reset_index(drop=True),
    )


def track_files(year: int, classes: int) -> Reader:
    """A reader of the files of a year."""

    def read(path: Path) -> Tracks:
        table = read_table(path, year)
        unit = UNITS.get(year, "m")
        suspect(table.distances, unit, str(path))
        return from_table(table, unit, classes=classes)

    return read


def event_lists(labels: Sequence[str]) -> Reader:
    """A reader of the lists of 2019, one line for each event: an event is in every frame whose middle it covers."""
    place = {label: i for i, label in enumerate(labels)}

    def read(path: Path) -> Tracks:
        columns = ("sound_event_recording", "start_time", "end_time", "ele", "azi", "dist")
        table = read_columns(path, columns, delimiter=",")
        names = table.frame["sound_event_recording"].tolist()
        start, end, elevation, azimuth, distance = (table.numbers(column) for column in columns[1:])
        first, last = (np.ceil(np.round(t / FRAME_SECONDS - 0.5, 6)).astype(np.int64) for t in (start, end))
        count = np.maximum(0, last - first)
        event = np.repeat(np.arange(len(names)), count)
        for i, name in enumerate(names):
            if name not in place:
                raise DataError(f"unknown class '{name}'", where=table.where(i), hint=f"classes: {', '.join(labels)}")
        frame = np.repeat(first, count) + np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        label = np.array([place[name] for name in names], np.int64)
        return tracks(
            frame,
            label[event],
            azimuth[event],
            elevation[event],
            source=event,
            distance=distance[event],
            where=str(path),
        )

    return read


def _lengths(held: Sequence[Tracks], seconds: np.ndarray) -> tuple[np.ndarray, list[Tracks], list[str]]:
    """Frames of each recording, its tracks inside them, and what was found."""
    last = np.array([int(made.frame.max()) + 1 if len(made) else 0 for made in held])
    known = ~np.isnan(seconds)
    frames = np.where(known, np.ceil(np.round(np.nan_to_num(seconds) / FRAME_SECONDS, 6)), last).astype(np.int64)
    cut = [made.only(made.frame < length) for made, length in zip(held, frames)]
    notes = []
    lost = sum(len(made) - len(kept) for made, kept in zip(held, cut))
    if lost:
        notes.append(f"{lost} annotated rows beyond the end of their recording were left out")
    if not known.all():
        notes.append(f"{int((~known).sum())} recordings have no audio here: they end with their last annotated frame")
    return frames, cut, notes


def _rows(made: Tracks, row: int, labels: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    names = np.array(labels, dtype=object)
    columns = {
        "row": np.full(len(made), row),
        "frame": made.frame,
        "label": names[made.label],
        "source": made.source,
        "azimuth": made.azimuth,
        "elevation": made.elevation,
    }
    if made.distance is not None:
        columns["distance"] = made.distance
    if made.onscreen is not None:
        columns["onscreen"] = made.onscreen
    return pd.DataFrame(columns)


def _number(stem: str) -> int:
    found = re.match(r"(?:fold|split)(\d+)", stem)
    return int(found.group(1)) if found else -1


def _recording(stem: str) -> str:
    """The recording that a clip was cut from: clips of the stereo set name theirs first."""
    found = re.match(r"fold\d+_room\d+_mix\d+", stem)
    return found.group(0) if found else stem


def _part(stem: str, name: str) -> str:
    found = re.search(rf"{name}(\w+?)(?:_|$)", stem)
    return found.group(1) if found else ""


def _site(path: str) -> str:
    folder = path.split("/")[1] if path.count("/") > 1 else ""
    return folder.rpartition("-")[2] if folder.count("-") > 1 else ""


def _overlap(made: Tracks) -> str:
    """Most sources at a time."""
    return str(int(np.bincount(made.frame).max())) if len(made) else "0"
