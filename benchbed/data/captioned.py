"""Sets of clips with captions: one table per split becomes a data set.

A suite may hold an answer against a clip's captions in two ways. `all`: against all of them at once, as challenges do;
`each`: against one at a time, so that every pair of clip and caption is an item of its own, as captions are counted in
training. Pairs of one clip are one group, and are resampled together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from benchbed.data.assemble import option, safe_paths
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import Table

#: How answers are held against the captions of a clip.
Protocol = Literal["all", "each"]
PROTOCOLS: tuple[Protocol, ...] = ("all", "each")


@dataclass(frozen=True)
class CaptionedPart:
    """One split.

    Attributes
    ----------
    table : Table
        One row per clip (`caption_1`, `caption_2`, …) or one row per caption (`caption`).
    files : str
        Column of file names.
    folder : str
        Folder of its files below the root.
    exact : bool
        Every clip has as many captions as the table has columns for them; else some may be empty.
    metadata : mapping of str to sequence of str
        Further columns, with a value for every row of the table.
    group : str
        Column, of the table or of `metadata`, that says what resampling draws as one; the file if empty.
    """

    table: Table
    files: str
    folder: str = ""
    exact: bool = False
    metadata: Mapping[str, Sequence[str]] = field(default_factory=dict)
    group: str = ""


@dataclass
class _Clip:
    """One clip on its way from the table."""

    row: int
    path: str
    texts: list[str]


def captioned(
    name: str,
    root: Path,
    parts: Mapping[str, CaptionedPart],
    facts: Facts,
    notes: Sequence[str] = (),
    *,
    references: Protocol = "all",
    version: str | None = None,
) -> Dataset:
    """A data set from tables with one row per clip or one row per caption.

    Parameters
    ----------
    name : str
        Name of the set on records.
    root : Path
        Folder that the folders of the splits are in.
    parts : mapping of str to CaptionedPart
        The splits.
    facts : Facts
        What the publisher says.
    references : {"all", "each"}
        Whether answers are held against all captions of a clip at once, or against one at a time.
    version : str, optional
        Version that was found, in the place of that of `facts`.

    Raises
    ------
    DataError
        A table without captions, a clip without one or with one that has no word, or one clip twice in a table with one
        row per clip.
    ConfigError
        No such protocol.
    """
    import pandas as pd

    from benchbed.data.synthetic import is_synthetic

    option(references, PROTOCOLS, "way to use references")
    synthetic = is_synthetic(root)
    name = f"{name}-synthetic" if synthetic else name
    columns: dict[str, list[object]] = {"clip_id": [], "path": [], "group": [], "captions": []}
    extra = list(dict.fromkeys(column for part in parts.values() for column in part.metadata))
    columns |= {column: [] for column in extra} | ({"reference": []} if references == "each" else {})
    splits: dict[str, list[int]] = {}
    notes = list(notes)
    for split, part in parts.items():
        clips = _clips(part)
        first = len(columns["clip_id"])
        counts = [len(clip.texts) for clip in clips]
        for clip in clips:
            group = part.metadata[part.group][clip.row] if part.group in part.metadata else ""
            group = group or (part.table.frame[part.group].iat[clip.row] if part.group in part.table.frame else "")
            items = [(clip.path, tuple(clip.texts), "")]
            if references == "each":
                items = [(f"{clip.path}#{n}", (text,), str(n)) for n, text in enumerate(clip.texts, start=1)]
            for item, texts, number in items:
                columns["clip_id"].append(f"{name}/{item}")
                columns["path"].append(clip.path)
                columns["group"].append(group or clip.path)
                columns["captions"].append(texts)
                for column in extra:
                    columns[column].append(part.metadata.get(column, {clip.row: ""})[clip.row])
                if references == "each":
                    columns["reference"].append(number)
        splits[split] = list(range(first, len(columns["clip_id"])))
        if counts and min(counts) != max(counts):
            few = sum(count < max(counts) for count in counts)
            notes.append(f"{few} of {len(counts)} clips of {split} have fewer than {max(counts)} captions")
        elif counts and max(counts) == 1 and references == "all":
            notes.append(f"clips of {split} have one caption each: scores are lower than with several")
    if references == "each":
        pairs = len(columns["clip_id"])
        notes.append(f"every caption is a reference of its own: {pairs} pairs of clip and caption")
    captions = np.empty(len(columns["captions"]), dtype=object)
    captions[:] = columns.pop("captions")
    count = len(captions)
    clips_table = pd.DataFrame(
        {
            "clip_id": columns.pop("clip_id"),
            "path": columns.pop("path"),
            "onset": np.zeros(count),
            "duration": np.full(count, np.nan),
            "label": [""] * count,
            "group": columns.pop("group"),
            "captions": captions,
            **columns,
        }
    )
    ids = clips_table["clip_id"].to_numpy()
    counts_said = {} if synthetic or references == "each" else facts.counts.get(name, {})
    return Dataset(
        name=name,
        root=root,
        kind="caption",
        labels=(),
        clips=clips_table,
        splits={split: tuple(ids[rows].tolist()) for split, rows in splits.items()},
        synthetic=synthetic,
        version="" if synthetic else (facts.version if version is None else version),
        licence="generated by benchbed, free of rights" if synthetic else facts.licence,
        citation="" if synthetic else facts.citation,
        source="benchbed's synthetic generator" if synthetic else facts.source,
        notes=tuple(notes),
        official={split: count for split, count in counts_said.items() if split in splits},
    )


def _clips(part: CaptionedPart) -> list[_Clip]:
    """The clips of a table, in its order, with their captions."""
    table, frame = part.table, part.table.frame
    numbered = sorted((c for c in frame.columns if c.startswith("caption_")), key=lambda c: (len(c), c))
    if not numbered and "caption" not in frame.columns:
        raise DataError("the table has no captions", where=f"{table.path}:1", hint="a column caption, or caption_1 …")
    paths = safe_paths(frame[part.files], table.where)
    clips: dict[str, _Clip] = {}
    for row, file in enumerate(paths):
        path = f"{part.folder}/{file}" if part.folder else file
        if numbered and path in clips:
            raise DataError(f"the clip '{file}' is listed twice", where=table.where(row), hint="one row for each clip")
        texts = [(column, frame[column].iat[row]) for column in (numbered or ["caption"])]
        clip = clips.setdefault(path, _Clip(row, path, []))
        for column, text in texts:
            if not text and numbered and not part.exact:
                continue
            if not text:
                raise DataError(f"the clip '{file}' has no {column.replace('_', ' ')}", where=table.where(row))
            if not any(mark.isalnum() for mark in text):
                raise DataError(
                    f"the caption '{text}' of the clip '{file}' has no word",
                    where=table.where(row),
                    hint="correct the table, or take the clip out",
                )
            clip.texts.append(text)
        if not clip.texts:
            raise DataError(f"the clip '{file}' has no caption", where=table.where(row))
    if not clips:
        raise DataError("the table lists no clip", where=str(table.path))
    return list(clips.values())
