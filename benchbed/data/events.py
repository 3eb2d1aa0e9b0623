"""Timed events of a dataset, checked once for every layout: what is odd is an error at its row, or mended and counted.

An event past the end of its recording is cut there; events of one class that overlap are one event, unless they are to
stay as they are listed. Both are counted in the notes of the dataset, since scores change with them. An event that does
not last, lies outside its recording or is of an unknown class is an error, unless the user says that such rows are to
be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchbed import audio
from benchbed.errors import AudioError, DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.tables.table import Table

#: Columns of a table of weak labels, by the names that they go by.
WEAK_COLUMNS = ("event_labels", "event_label", "labels", "label")
#: What to do with an event that cannot be scored.
Odd = Literal["error", "drop", "keep"]
#: What to do with events of one class that overlap.
Overlap = Literal["merge", "keep"]


def checked_events(
    rows: pd.DataFrame,
    labels: Sequence[str],
    durations: np.ndarray,
    where: Callable[[int], str],
    *,
    aliases: Mapping[str, str] | None = None,
    odd: Odd = "error",
    overlap: Overlap = "merge",
) -> tuple[pd.DataFrame, list[str]]:
    """Events that can be scored, and what was done to make them so.

    Parameters
    ----------
    rows : pandas.DataFrame
        A row per event: `row` (position of its clip), `onset`, `offset` (seconds), `label`; `confidence` for soft
        labels; further columns are kept.
    labels : sequence of str
        The classes.
    durations : np.ndarray [shape=(clip,)]
        Seconds of every clip; NaN where nobody knows it.
    where : callable
        Position of an event → its place in the source, for messages.
    aliases : mapping, optional
        Other spellings of labels → the official one.
    odd : {"error", "drop", "keep"}
        An event of an unknown class, that does not last, or outside its recording; `keep` keeps events of no length,
        which count as events and fill no segment, and refuses the rest.
    overlap : {"merge", "keep"}
        Events of one class that overlap are one, or stay as they are listed.

    Returns
    -------
    pandas.DataFrame
        Events by clip and onset.
    list of str
        Notes for the record.

    Raises
    ------
    DataError
        A time that is no number, or an odd event that is not to be dropped, with its row.

    Examples
    --------
    >>> import pandas as pd
    >>> given = pd.DataFrame({"row": [0, 0, 0], "onset": [1.0, 1.5, 8.0], "offset": [2.0, 3.0, 12.0],
    ...                       "label": ["dog", "dog", "cat"]})
    >>> events, notes = checked_events(given, ("cat", "dog"), np.array([10.0]), str)
    >>> events[["onset", "offset", "label"]].values.tolist()
    [[1.0, 3.0, 'dog'], [8.0, 10.0, 'cat']]
    >>> notes
    ['1 event was cut at the end of its recording', '1 event was merged with an overlapping one of its class']
    """
    rows = rows.reset_index(drop=True)
    notes: list[str] = []
    if aliases:
        used = {a: b for a, b in aliases.items() if a != b and (rows["label"] == a).any()}
        notes += [f"label '{a}' was read as '{b}' ({int((rows['label'] == a).sum())} events)" for a, b in used.items()]
        rows = rows.assign(label=rows["label"].replace(used))
    onset, offset = rows["onset"].to_numpy(np.float64), rows["offset"].to_numpy(np.float64)
    blank = ~np.isfinite(onset) | ~np.isfinite(offset)
    if blank.any():
        raise DataError(
            "an event needs onset and offset as numbers",
            where=where(int(blank.argmax())),
            hint="seconds from the start of the recording, e.g. 1.25",
        )
    known = rows["label"].isin(set(labels)).to_numpy()
    end = durations[rows["row"].to_numpy(np.int64)]
    kept = np.ones(len(rows), bool)
    problems = (
        (~known, "of unknown classes", lambda i: _unknown(str(rows["label"].iloc[i]), labels)),
        (
            (offset < onset) if odd == "keep" else (offset <= onset),
            "that do not end after they start",
            lambda i: (f"the event {onset[i]:g} to {offset[i]:g} s does not end after it starts", None),
        ),
        (
            onset < 0,
            "that start before their recording",
            lambda i: (f"the event starts at {onset[i]:g} s, before its recording", None),
        ),
        (
            onset >= end,
            "that start after their recording has ended",
            lambda i: (f"the event starts at {onset[i]:g} s, its recording ends at {end[i]:g} s", None),
        ),
    )
    for bad, called, say in problems:
        bad = bad & kept
        if bad.any() and odd != "drop":
            first = int(bad.argmax())
            what, hint = say(first)
            also = f" ({int(bad.sum())} such events)" if bad.sum() > 1 else ""
            raise DataError(what + also, where=where(first), hint=hint or "mend the row, or say odd: drop")
        if bad.any():
            count = int(bad.sum())
            notes.append(
                f"{count} event{'' if count == 1 else 's'} {called} {'was' if count == 1 else 'were'} left out"
            )
        kept &= ~bad
    none = int((kept & (offset == onset)).sum())
    if none:
        notes.append(f"{_events(none)} of no length kept")
    late = kept & (offset > end)
    # Tables round times, files end at a sample: two milliseconds are no event past the end.
    told = int((late & (offset > end + 0.002)).sum())
    if told:
        notes.append(f"{_events(told)} cut at the end of {_its(told)} recording")
    rows = rows.assign(offset=np.where(late, end, offset))[kept]
    joined, merged = _merged(rows) if "confidence" not in rows else (rows, 0)
    if merged and overlap == "keep":
        notes.append(f"{_events(merged)} kept beside an overlapping one of {_its(merged)} class")
    else:
        rows = joined
    if merged and overlap == "merge":
        notes.append(f"{_events(merged)} merged with an overlapping one of {_its(merged)} class")
    return rows.sort_values(["row", "onset", "label"], kind="stable").reset_index(drop=True), notes


def tags_of(events: pd.DataFrame, clips: int, labels: Sequence[str]) -> pd.Series:
    """The classes that occur in each clip, in the order of `labels` [shape=(clip,), tuples].

    Examples
    --------
    >>> import pandas as pd
    >>> tags_of(pd.DataFrame({"row": [1, 1], "label": ["b", "a"]}), 2, ("a", "b")).tolist()
    [(), ('a', 'b')]
    """
    import pandas as pd

    place = {label: i for i, label in enumerate(labels)}
    found: list[set[str]] = [set() for _ in range(clips)]
    for row, label in zip(events["row"].tolist(), events["label"].tolist()):
        found[row].add(label)
    return pd.Series([tuple(sorted(tags, key=place.__getitem__)) for tags in found], dtype=object)


def weak_tags(table: Table, found: Sequence[int], known: Collection[str]) -> dict[int, tuple[str, ...]]:
    """Number of a recording → its classes, from a row for each recording or for each of its classes.

    Parameters
    ----------
    table : Table
        With a column of labels, of which commas part several.
    found : sequence of int [shape=(row,)]
        Number of each row's recording.
    known : collection of str
        Classes; one that holds a comma stays whole.

    Raises
    ------
    DataError
        There is no column of labels.

    Examples
    --------
    >>> import pandas as pd
    >>> from benchbed.tables.table import Table
    >>> given = Table(pd.DataFrame({"event_labels": ["dog", "cat,dog"]}), Path("weak.tsv"), np.array([2, 3]))
    >>> weak_tags(given, [7, 7], ())
    {7: ('dog', 'cat')}
    """
    column = next((name for name in WEAK_COLUMNS if name in table.frame), None)
    if column is None:
        raise DataError(
            "the table has no column of the labels", where=f"{table.path}:1", hint=f"one of {', '.join(WEAK_COLUMNS)}"
        )
    tags: dict[int, tuple[str, ...]] = {}
    for row, names in zip(found, table.several(column, known=known)):
        tags[row] = tuple(dict.fromkeys((*tags.get(row, ()), *names)))
    return tags


def with_weak(
    tags: pd.Series, weak: Mapping[int, Sequence[str]], labels: Sequence[str], where: str
) -> tuple[pd.Series, list[str]]:
    """Tags of all recordings where some have weak labels, and a note of how many.

    Parameters
    ----------
    tags : pandas.Series [shape=(clip,), tuples]
        Those that follow from events.
    weak : mapping of int to sequence of str
        Number of a recording → its classes.

    Raises
    ------
    DataError
        A label that is no class.

    Examples
    --------
    >>> import pandas as pd
    >>> made, notes = with_weak(pd.Series([("a",), ()]), {1: ["b", "a"]}, ("a", "b"), "weak.tsv")
    >>> made.tolist(), notes
    ([('a',), ('a', 'b')], ['1 of 2 recordings have weak labels alone: metrics of events leave them out'])
    """
    place = {label: i for i, label in enumerate(labels)}
    tags = tags.copy()
    for row, names in weak.items():
        lost = [name for name in names if name not in place]
        if lost:
            raise DataError(f"unknown label '{lost[0]}'", where=where, hint=did_you_mean(lost[0], labels))
        tags.iat[row] = tuple(sorted(set(names), key=place.__getitem__))
    told = f"{len(weak)} of {len(tags)} recordings have weak labels alone: metrics of events leave them out"
    return tags, [told]


def header_seconds(root: Path, paths: Sequence[str]) -> np.ndarray:
    """Length of each file in seconds from its header [shape=(file,)]; NaN where it cannot be read."""
    found = np.full(len(paths), np.nan)
    for index, path in enumerate(paths):
        try:
            found[index] = audio.info(root / path).seconds
        except AudioError:
            continue  # said where the clip is decoded
    return found


def empty_note(tags: pd.Series) -> list[str]:
    """How many recordings hold no event: they are scored like any other."""
    empty = int(sum(not one for one in tags))
    return [f"{empty} of {len(tags)} recordings hold no event"] if empty else []


def _merged(rows: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    if len(rows) < 2:
        return rows, 0
    rows = rows.sort_values(["row", "label", "onset"], kind="stable")
    onset, offset = rows["onset"].to_numpy(), rows["offset"].to_numpy().copy()
    same = (rows["row"].to_numpy()[1:] == rows["row"].to_numpy()[:-1]) & (
        rows["label"].to_numpy()[1:] == rows["label"].to_numpy()[:-1]
    )
    kept = np.ones(len(rows), bool)
    last = 0
    for i in range(1, len(rows)):
        if same[i - 1] and onset[i] < offset[last]:
            offset[last], kept[i] = max(offset[last], offset[i]), False
        else:
            last = i
    return rows.assign(offset=offset)[kept], int((~kept).sum())


def _unknown(label: str, labels: Sequence[str]) -> tuple[str, str]:
    known = ", ".join(labels[:12]) + (", …" if len(labels) > 12 else "")
    what = f"unknown label '{label}'" if label else "the label is empty"
    return what, did_you_mean(label, labels) or f"labels of this dataset: {known}; or say odd: drop"


def _events(count: int) -> str:
    return f"{count} event{' was' if count == 1 else 's were'}"


def _its(count: int) -> str:
    return "its" if count == 1 else "their"
