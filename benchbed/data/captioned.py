"""Sets of clips with captions: one table per split becomes a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchbed.data.assemble import safe_paths
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.table import Table

#: One split: its table, the column of file names, the folder of its files below the root.
Part = tuple[Table, str, str]


def captioned(name: str, root: Path, parts: Mapping[str, Part], facts: Facts, notes: Sequence[str] = ()) -> Dataset:
    """A data set from tables with one row per clip (`caption_1`, `caption_2`, …) or one row per caption (`caption`).

    Parameters
    ----------
    name : str
        Name of the set on records.
    root : Path
        Folder that the folders of the splits are in.
    parts : mapping of str to (Table, str, str)
        Split → table, column of file names, folder of the files.
    facts : Facts
        What the publisher says.

    Raises
    ------
    DataError
        A table without captions, a clip without one, or one clip twice in a table with one row per clip.
    """
    import pandas as pd

    paths: list[str] = []
    texts: list[tuple[str, ...]] = []
    splits: dict[str, list[int]] = {}
    for split, (table, column, folder) in parts.items():
        frame = table.frame
        numbered = sorted((c for c in frame.columns if c.startswith("caption_")), key=lambda c: (len(c), c))
        rows: dict[str, list[str]] = {}
        for index, file in enumerate(frame[column]):
            if numbered and file in rows:
                raise DataError(f"the clip '{file}' is listed twice", where=table.where(index))
            said = [frame[c].iat[index] for c in numbered] if numbered else [frame["caption"].iat[index]]
            rows.setdefault(file, []).extend(text for text in said if text)
            if not rows[file]:
                raise DataError(f"the clip '{file}' has no caption", where=table.where(index))
        splits[split] = list(range(len(paths), len(paths) + len(rows)))
        paths += [f"{folder}/{file}" if folder else file for file in rows]
        texts += [tuple(clip_texts) for clip_texts in rows.values()]
    checked = safe_paths(pd.Series(paths), lambda index: paths[index])
    ids = (name + "/" + checked).to_numpy()
    captions = np.empty(len(texts), dtype=object)
    captions[:] = texts
    clips = pd.DataFrame(
        {
            "clip_id": ids,
            "path": checked.to_numpy(),
            "onset": 0.0,
            "duration": np.nan,
            "label": "",
            "group": checked.to_numpy(),
            "captions": captions,
        }
    )
    counts = facts.counts.get(name, {})
    return Dataset(
        name=name,
        root=root,
        kind="caption",
        labels=(),
        clips=clips,
        splits={split: tuple(ids[rows].tolist()) for split, rows in splits.items()},
        version=facts.version,
        licence=facts.licence,
        citation=facts.citation,
        source=facts.source,
        notes=tuple(notes),
        official={split: count for split, count in counts.items() if split in splits},
    )
