"""JAMS files of sound events, which may hold several annotations: the timed ones count together, and it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.errors import DataError
from benchbed.nesting import json_of
from benchbed.tables.cells import read_text

if TYPE_CHECKING:
    import pandas as pd

#: Namespaces of events in time, and of tags, which are about a whole clip unless they say otherwise.
TIMED = ("scaper", "sound_event", "segment_open")
TAGS = ("tag_open",)


@dataclass(frozen=True)
class Jams:
    """Events of one JAMS file.

    Attributes
    ----------
    rows : pandas.DataFrame
        `onset`, `offset`, `label`, `where`, and `confidence` if one of them is not certain.
    annotations : int
        How many annotations of events they come from.
    tags : int
        Tags of the whole clip that are beside them, and no events.
    """

    rows: pd.DataFrame
    annotations: int
    tags: int = 0


def read_jams(path: Path) -> Jams:
    """Events of one recording from all its timed annotations; the background of Scaper is left out.

    Tags count where they are timed and nothing else is; those that last as long as the clip are no events.

    Raises
    ------
    DataError
        Not a JAMS file, without events in time, or with a confidence outside 0…1 or beside events that have none.
    """
    import pandas as pd

    try:
        content = json_of(read_text(path))
        kept = [a for a in content["annotations"] if a["namespace"] in TIMED + TAGS]
        length = (content.get("file_metadata") or {}).get("duration")
        rows = {id(a): _rows(a, f"{path}: annotation {i + 1}") for i, a in enumerate(kept)}
        timed = [a for a in kept if a["namespace"] in TIMED]
        tags = [a for a in kept if a["namespace"] in TAGS]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"not a JAMS file of events ({type(error).__name__}: {error})", where=str(path)) from error
    if not kept:
        raise DataError(
            "the JAMS file has no annotation of events",
            where=str(path),
            hint=f"namespaces that are read: {', '.join(TIMED + TAGS)}",
        )
    spread = sum(len(rows[id(a)]) for a in tags)
    if not timed:
        tag_rows = [row for a in tags for row in rows[id(a)]]
        if tag_rows and all(_whole(row, length) for row in tag_rows):
            raise DataError(
                "the JAMS file has tags of the whole clip, and no events in time",
                where=str(path),
                hint="list it among the recordings with weak labels (option weak)",
            )
        return Jams(_frame(tag_rows, path, pd.DataFrame), len(tags))
    return Jams(_frame([row for a in timed for row in rows[id(a)]], path, pd.DataFrame), len(timed), spread)


_Row = tuple[float, float, str, float | None, str]


def _rows(annotation: Mapping[str, object], where: str) -> list[_Row]:
    data = annotation["data"]
    if isinstance(data, Mapping):  # a column for each field, as dense annotations are written
        data = [dict(zip(data, values)) for values in zip(*data.values())]
    if not isinstance(data, list):
        raise TypeError("data is no list")
    found: list[_Row] = []
    for place, item in enumerate(data):
        value = item["value"]
        if isinstance(value, dict) and value.get("role") == "background":
            continue
        label = str(value["label"] if isinstance(value, dict) else value)
        onset, confidence = float(item["time"]), item.get("confidence")
        sure = None if confidence is None else float(confidence)
        found.append((onset, onset + float(item["duration"]), label, sure, f"{where}, event {place + 1}"))
    return found


def _whole(row: _Row, length: float | None) -> bool:
    return row[0] == 0 and (row[1] == 0 or (length is not None and row[1] >= float(length)))


def _frame(rows: list[_Row], path: Path, frame: type[pd.DataFrame]) -> pd.DataFrame:
    columns = ["onset", "offset", "label", "confidence", "where"]
    made = frame(rows, columns=columns)
    told = [row[3] for row in rows if row[3] is not None]
    if all(value == 1 for value in told):
        return made.drop(columns="confidence")
    if len(told) < len(rows):
        raise DataError("some events have a confidence and some have none", where=str(path))
    odd = next((row for row in rows if row[3] is not None and not 0 <= row[3] <= 1), None)
    if odd is not None:
        raise DataError(f"a confidence of {odd[3]:g} is not between 0 and 1", where=odd[4])
    return made.astype({"confidence": float})
