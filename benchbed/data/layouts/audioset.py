"""AudioSet and sets in its form: segments of videos with several labels each, listed as `YTID, start, end, labels`.

The audio has no official form. Most people keep one file per segment; `audio` says how yours are named.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed.data.assemble import build, find_root, option
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import ConfigError, DataError
from benchbed.tables.table import Table, read_table

if TYPE_CHECKING:
    import pandas as pd

CLASSES = "class_labels_indices.csv"
#: Official segment lists → name of their split.
SEGMENTS = {
    "balanced_train_segments.csv": "train",
    "unbalanced_train_segments.csv": "train_unbalanced",
    "eval_segments.csv": "test",
}
_FIELDS = ("ytid", "start", "end", "split")

FACTS = Facts(
    title="AudioSet",
    source="https://research.google.com/audioset (labels; the audio stays with the videos)",
    licence="labels CC BY 4.0; the audio under the terms of each video",
    citation="J. F. Gemmeke et al.: Audio Set: An ontology and human-labeled dataset for audio events. ICASSP 2017.",
    version="2017",
    # As the headers of the two lists say (num_segs).
    counts={"audioset": {"train": 22_160, "test": 20_371}},
    steps="put class_labels_indices.csv and the segment lists into one folder with your audio, and say by the layout's "
    "option audio how the files are named, e.g. audio: '{split}/{ytid}.wav'",
)


def read(
    root: Path,
    *,
    audio: str = "audio/{ytid}.wav",
    segments: Mapping[str, str] | None = None,
    whole_videos: bool = False,
    missing: Literal["keep", "drop"] = "keep",
    name: str = "audioset",
) -> Dataset:
    """Read a set in AudioSet's form; labels are display names in the order of `class_labels_indices.csv`.

    Parameters
    ----------
    root : Path
        Folder with `class_labels_indices.csv`, the segment lists and the audio.
    audio : str
        Relative path of a segment's file, made of `{ytid}`, `{start}`, `{end}` (seconds as in the list) and `{split}`.
    segments : mapping of str to str, optional
        Split name → segment list; else the official lists that are there, as `train` (balanced), `train_unbalanced`
        and `test`.
    whole_videos : bool
        Files are whole videos, of which the segment is cut; else files are the segments.
    missing : {"keep", "drop"}
        What to do with segments whose file is not there, as many videos are gone: keep them (each is then an error of
        the run, by its policy) or leave them out, with their number noted on every record.
    name : str
        Name on records.

    Raises
    ------
    DataError
        Files missing, or a label id that is not in the class list.
    """
    import pandas as pd

    option(missing, ("keep", "drop"), "value of missing:")
    unknown = {field for _, field, _, _ in string.Formatter().parse(audio) if field is not None} - set(_FIELDS)
    if unknown:
        raise ConfigError(f"unknown field {{{sorted(unknown)[0]}}} in audio", hint=f"known: {', '.join(_FIELDS)}")
    root = find_root(Path(root), name, FACTS, (CLASSES,))
    listed = read_table(root / CLASSES, ("index", "mid", "display_name"), delimiter=",")
    listed.counted("index")
    classes = listed.frame
    names = dict(zip(classes["mid"], classes["display_name"]))
    lists = dict(segments) if segments else {split: file for file, split in SEGMENTS.items() if (root / file).is_file()}
    if not lists:
        raise DataError("no segment list is there", where=str(root), hint=f"one or more of {', '.join(SEGMENTS)}")
    parts = [_segments(root / file, split) for split, file in lists.items()]
    frame = pd.concat(parts, ignore_index=True)
    columns = {field: frame[field].tolist() for field in _FIELDS}
    paths = [audio.format(**dict(zip(_FIELDS, row))) for row in zip(*columns.values())]
    labels = [
        tuple(names.get(mid.strip(), mid.strip()) for mid in text.split(",")) for text in frame["positive_labels"]
    ]
    start, end = frame["start"].astype(float).to_numpy(), frame["end"].astype(float).to_numpy()
    notes = []
    keep = np.ones(len(frame), bool)
    if missing == "drop":
        keep = np.array([(root / path).is_file() for path in paths], bool)
        notes = [f"{int((~keep).sum())} of {len(keep)} segments left out: their audio is not there"]
        if not keep.any():
            raise DataError("none of the audio files is there", where=str(root / paths[0]), hint="check option audio")
    rows = np.flatnonzero(keep)
    frame = frame[keep].reset_index(drop=True)
    split = frame["split"].to_numpy()
    return build(
        name=name,
        root=root,
        kind="tags",
        labels=tuple(classes["display_name"]),
        paths=pd.Series([paths[row] for row in rows], dtype=object),
        label=pd.Series([labels[row] for row in rows], dtype=object),
        group=frame["ytid"],
        where=lambda row: frame["where"].iloc[row],
        splits={"all": np.arange(len(frame)), **{s: np.flatnonzero(split == s) for s in lists}},
        facts=FACTS,
        onset=start[keep] if whole_videos else None,
        duration=(end - start)[keep] if whole_videos else None,
        metadata={"split": frame["split"], "start": start[keep], "end": end[keep], "mids": frame["positive_labels"]},
        notes=notes,
    )


def _segments(file: Path, split: str) -> pd.DataFrame:
    """One segment list; comment lines start with `#`, and a quote may follow a space."""
    if not file.is_file():
        raise DataError("the segment list is missing", where=str(file), hint=f"get it from {FACTS.source}")
    names = ("ytid", "start", "end", "positive_labels")
    table = read_table(file, delimiter=",", names=names, comment="#")
    # A list kept with a plain header instead of the commented one.
    headed = int(table.frame["ytid"].iloc[0].lower() == "ytid")
    table = Table(table.frame[headed:].reset_index(drop=True), file, table.rows[headed:])
    frame = table.frame.assign(where=[table.where(row) for row in range(len(table.frame))])
    if not len(frame):
        raise DataError("the segment list has no rows", where=str(file))
    start, end = table.numbers("start"), table.numbers("end")
    bad = ~(end > start) | (frame["positive_labels"] == "").to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            "the row is not `YTID, start, end, labels` with start before end",
            where=frame["where"].iloc[row],
            hint='a row looks like: 0abcDEFghij, 30.000, 40.000, "/m/09x0r,/m/04rlf"',
        )
    return frame.assign(split=split)
