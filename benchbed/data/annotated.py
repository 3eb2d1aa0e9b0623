"""Recordings with a list of events each: what the layouts of street, home and city recordings have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchbed.data.assemble import build
from benchbed.data.dataset import Dataset
from benchbed.data.events import Odd, checked_events, empty_note, header_seconds, tags_of
from benchbed.data.facts import Facts
from benchbed.errors import DataError
from benchbed.tables.events import read_events


@dataclass(frozen=True)
class AnnotatedRecording:
    """One recording and where its events are listed.

    Attributes
    ----------
    path : str
        Audio, relative to the root.
    listed : str
        List of `onset, offset, label` (and confidence), relative to the root.
    group : str
        What resampling draws as one.
    metadata : mapping of str to str
        Further columns.
    """

    path: str
    listed: str
    group: str
    metadata: Mapping[str, str] = field(default_factory=dict)


def annotated(
    name: str,
    root: Path,
    recordings: Sequence[AnnotatedRecording],
    labels: Sequence[str],
    splits: Mapping[str, np.ndarray],
    facts: Facts,
    *,
    aliases: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
    odd: Odd = "error",
    soft: bool = False,
    sure: float | None = None,
) -> Dataset:
    """A dataset of timed events from one list for each recording.

    Parameters
    ----------
    recordings : sequence of AnnotatedRecording
        In the official order.
    splits : mapping of str to np.ndarray
        Split name → numbers of recordings.
    aliases : mapping, optional
        Other spellings of labels → the official one.
    others : mapping, optional
        Labels that are no classes here → why; their events are left out and counted.
    odd : {"error", "drop"}
        What to do with an event that cannot be scored.
    soft : bool, default=False
        Whether the fourth column of the lists is a confidence.
    sure : float, optional
        For lists with confidences: keep what is above, and join the parts of one event; without it confidences stay.

    Raises
    ------
    DataError
        A list is missing, or a row is wrong.
    """
    import pandas as pd

    parts = []
    for row, one in enumerate(recordings):
        if not (root / one.listed).is_file():
            raise DataError("the list of events of a recording is missing", where=str(root / one.listed))
        table_events = read_events(root / one.listed, own=True, soft=soft)
        table_events = table_events[table_events["label"] != ""]
        if len(table_events):
            parts.append(table_events.assign(row=row))
    if not parts:
        raise DataError("no list holds an event", where=str(root))
    rows = pd.concat(parts, ignore_index=True)
    notes = []
    if others:
        left = rows["label"].isin(set(others)).to_numpy()
        if left.any():
            notes.append(f"{int(left.sum())} events of labels that are no classes of this task were left out")
        rows = rows[~left].reset_index(drop=True)
    if sure is not None and "confidence" in rows:
        heard = (rows["confidence"] > sure).to_numpy()
        notes.append(f"{int(heard.sum())} of {len(heard)} soft labels are above {sure:g} and count as events")
        rows = _joined(rows[heard].drop(columns="confidence"))
    where = rows["where"].tolist()
    seconds = header_seconds(root, [one.path for one in recordings])
    events, said = checked_events(
        rows.drop(columns="where"), labels, seconds, where.__getitem__, aliases=aliases, odd=odd
    )
    tags = tags_of(events, len(recordings), labels)
    columns = dict.fromkeys(name for one in recordings for name in one.metadata)
    return build(
        name=name,
        root=root,
        kind="frames",
        labels=labels,
        paths=pd.Series([one.path for one in recordings], dtype=object),
        label=tags,
        group=pd.Series([one.group for one in recordings], dtype=object),
        where=lambda row: str(root / recordings[row].listed),
        splits=splits,
        facts=facts,
        metadata={column: [one.metadata.get(column, "") for one in recordings] for column in columns},
        notes=[*notes, *said, *empty_note(tags)],
        events=events,
    )


def _joined(rows):  # type: ignore[no-untyped-def]
    """Neighbouring parts of one event as one; parts that touch belong together, since one-second labels were cut."""
    rows = rows.sort_values(["row", "label", "onset"], kind="stable").reset_index(drop=True)
    keep, offsets, last = [], rows["offset"].tolist(), -1
    for i, one in enumerate(rows.itertuples()):
        if last >= 0:
            before = rows.iloc[last]
            if (before["row"], before["label"]) == (one.row, one.label) and one.onset <= offsets[last] + 1e-6:
                offsets[last] = max(offsets[last], one.offset)
                continue
        keep.append(i)
        last = i
    return rows.assign(offset=offsets).iloc[keep].reset_index(drop=True)
