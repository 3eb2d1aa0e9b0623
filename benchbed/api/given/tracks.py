"""Sound sources with directions: rows of frames of 100 ms, a table of them, or what `benchbed` reads from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from benchbed.outputs.tracks.recording import Tracks

#: Columns of a table, and the values of a row in their order; the first three are always there.
COLUMNS = ("frame", "label", "azimuth", "elevation", "distance", "source", "onscreen")


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of recordings with localised sources.

    Parameters
    ----------
    references : mapping of str to rows, or DataFrame
        Recording → rows of (frame, label, azimuth), each perhaps followed by elevation, distance, source and whether it
        is on screen: frames of 100 ms from 0, degrees, metres. A recording without sources has no rows. With its
        length, after which estimates do not count, it is a mapping with the keys `tracks` and `frames`; without, it
        ends with its last row on either side. In place of rows also `Tracks` of `benchbed.outputs.tracks.recording`,
        whose classes are numbers. A DataFrame has the column `filename` and columns called like the values of a row;
        there a recording without sources is a row without a label.
    estimates : the same
        Of the same recordings.
    labels : sequence of str, optional
        Classes; by default the sorted labels that occur, where both sides are rows.

    Raises
    ------
    ConfigError
        Recordings of one side only, rows that are none, labels that are no class, or class numbers without `labels`.
    DataError
        Rows outside the recording or the range of an angle.

    Examples
    --------
    >>> one = given({"a": [(0, "dog", 30.0)]}, {"a": []}, None)
    >>> one.labels, len(one.references[0]), len(one.answers[0])
    (('dog',), 1, 0)
    """
    truth, answers = _by_recording(references, "references"), _by_recording(estimates, "estimates")
    unknown = sorted(set(answers) - set(truth))
    if unknown:
        hint = did_you_mean(unknown[0], truth) or "a recording without sources is given with no rows"
        raise ConfigError(f"evaluate: estimates for '{unknown[0]}', which has no reference", hint=hint)
    absent = sorted(set(truth) - set(answers))
    if absent:
        raise ConfigError(
            f"evaluate: no estimate for {len(absent)} of {len(truth)} recordings, e.g. '{absent[0]}'",
            hint="an empty answer is an empty list",
        )
    names = tuple(labels) if labels is not None else _labels([*truth.values(), *answers.values()])
    clips = tuple(truth)
    target, found = np.empty(len(clips), object), np.empty(len(clips), object)
    for index, clip in enumerate(clips):
        target[index], found[index] = _tracks(truth[clip], names, clip), _tracks(answers[clip], names, clip)
        if target[index].frames is None:
            last = [int(one.frame.max()) + 1 for one in (target[index], found[index]) if len(one)]
            target[index] = replace(target[index], frames=max(last, default=0))
    return Given(names, found, target, clips)


def _by_recording(side: Any, what: str) -> dict[str, Any]:
    if isinstance(side, Mapping):
        return {str(clip): value for clip, value in side.items()}
    columns = getattr(side, "columns", None)
    if columns is None:
        raise ConfigError(f"evaluate: {what} are neither a mapping of recordings nor a DataFrame")
    lacking = [name for name in ("filename", *COLUMNS[:3]) if name not in columns]
    if lacking:
        raise ConfigError(
            f"evaluate: {what} have no column '{lacking[0]}'", hint=f"columns: filename, {', '.join(COLUMNS)}"
        )
    known = [name for name in COLUMNS if name in columns]
    rows: dict[str, list[dict[str, Any]]] = {}
    for clip, *values in zip(side["filename"], *(side[name] for name in known)):
        mine = rows.setdefault(str(clip), [])
        row = dict(zip(known, values))
        if row["label"] == row["label"] and row["label"] not in (None, ""):
            mine.append(row)
    return dict(rows)


def _rows(value: Any, clip: str = "") -> list[dict[str, Any]]:
    """Rows as mappings of column to value."""
    made: list[dict[str, Any]] = []
    for given in value:
        row = (
            dict(given)
            if isinstance(given, Mapping)
            else dict(zip(COLUMNS, given))
            if len(given) <= len(COLUMNS)
            else {}
        )
        if not set(COLUMNS[:3]) <= set(row) <= set(COLUMNS):
            raise ConfigError("evaluate: a row that is none", where=clip or None, hint=f"({', '.join(COLUMNS)})")
        made.append(row)
    if len({frozenset(row) for row in made}) > 1:
        raise ConfigError("evaluate: rows of different lengths", where=clip or None, hint=f"({', '.join(COLUMNS)})")
    return made


def _labels(values: Sequence[Any]) -> tuple[str, ...]:
    from benchbed.outputs.tracks.recording import Tracks

    inner = [value["tracks"] if isinstance(value, Mapping) and "tracks" in value else value for value in values]
    if any(isinstance(value, Tracks) for value in inner):
        raise ConfigError("evaluate: numbers of classes have no names", hint="labels=(…), in their order")
    return tuple(sorted({str(row["label"]) for value in inner for row in _rows(value)}))


def _tracks(value: Any, labels: Sequence[str], clip: str) -> Tracks:
    from benchbed.outputs.tracks.recording import Tracks, tracks

    frames = None
    if isinstance(value, Mapping):
        if set(value) != {"tracks", "frames"}:
            raise ConfigError(
                f"evaluate: a recording with the keys {sorted(value)}", where=clip, hint="tracks and frames"
            )
        value, frames = value["tracks"], int(value["frames"])
    if isinstance(value, Tracks):
        if len(value) and value.label.max() >= len(labels):
            raise ConfigError(f"evaluate: class {value.label.max()} of {len(labels)} labels", where=clip)
        return value if frames is None else replace(value, frames=frames)
    rows = _rows(value, clip)
    number = {str(label): place for place, label in enumerate(labels)}
    strange = next((str(row["label"]) for row in rows if str(row["label"]) not in number), None)
    if strange is not None:
        hint = did_you_mean(strange, number) or ", ".join(number)
        raise ConfigError(f"evaluate: '{strange}' is no class", where=clip, hint=hint)
    columns: dict[str, Any] = {name: [row[name] for row in rows] for name in (rows[0] if rows else COLUMNS[:3])}
    columns["label"] = [number[str(label)] for label in columns["label"]]
    recording = tracks(**columns, classes=len(labels), where=clip)
    return replace(recording, frames=frames)
