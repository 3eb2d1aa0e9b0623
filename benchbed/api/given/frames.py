"""Timed events of recordings: rows of onset, offset and label; estimates also as scores of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchbed.api.given import Given
from benchbed.errors import ConfigError, did_you_mean

if TYPE_CHECKING:
    from benchbed.outputs.frames.recording import Events, FrameScores

#: A recording's events: rows of onset and offset in seconds and a class.
Rows = Sequence[tuple[float, float, str]]


def given(references: Any, estimates: Any, labels: Sequence[str] | None) -> Given:
    """References and estimates of recordings over time.

    Parameters
    ----------
    references : mapping of str to rows, or DataFrame
        Recording → rows of (onset, offset, label) in seconds; a recording without events has no rows. With the length
        of the recording, which silence counts by, it is a mapping with the keys `events` and `seconds`. A DataFrame has
        the columns `filename`, `onset`, `offset`, `event_label`, as DCASE writes them; there a recording without
        events is a row without a label.
    estimates : the same, or mapping of str to (scores, hop)
        Scores `[frame, class]` in the order of `labels`, `hop` seconds from frame to frame; also as a mapping with
        these two keys.
    labels : sequence of str, optional
        Classes; by default the sorted labels that occur, where both sides are events.

    Raises
    ------
    ConfigError
        Recordings of one side only, labels that are no class, or scores without `labels`.

    Examples
    --------
    >>> one = given({"a": [(0.0, 1.0, "dog")]}, {"a": []}, None)
    >>> len(one.references[0]), len(one.answers[0])
    (1, 0)
    """
    truth = _by_recording(references, "references")
    answers = _by_recording(estimates, "estimates")
    unknown = sorted(set(answers) - set(truth))
    if unknown:
        hint = did_you_mean(unknown[0], truth) or "a recording without events is given with no rows"
        raise ConfigError(f"evaluate: estimates for '{unknown[0]}', which has no reference", hint=hint)
    absent = sorted(set(truth) - set(answers))
    if absent:
        raise ConfigError(
            f"evaluate: no estimate for {len(absent)} of {len(truth)} recordings, e.g. '{absent[0]}'",
            hint="an empty answer is an empty list",
        )
    if labels is None:
        if any(_is_scores(value) for value in answers.values()):
            raise ConfigError("evaluate: columns of scores have no names", hint="labels=(…), in their order")
        labels = sorted({str(row[2]) for side in (truth, answers) for rows in side.values() for row in _rows(rows)})
    clips = tuple(truth)
    target, scores = np.empty(len(clips), object), np.empty(len(clips), object)
    for index, clip in enumerate(clips):
        target[index] = _events(truth[clip], labels, clip)
        value = answers[clip]
        scores[index] = _frames(value, labels, clip) if _is_scores(value) else _events(value, labels, clip)
    return Given(tuple(labels), scores, target, clips)


def _by_recording(side: Any, what: str) -> dict[str, Any]:
    if isinstance(side, Mapping):
        return {str(clip): value for clip, value in side.items()}
    columns = getattr(side, "columns", None)
    if columns is None:
        raise ConfigError(f"evaluate: {what} are neither a mapping of recordings nor a DataFrame")
    wanted = ("filename", "onset", "offset", "event_label")
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise ConfigError(f"evaluate: {what} have no column '{lacking[0]}'", hint=f"columns: {', '.join(wanted)}")
    rows: dict[str, Any] = {}
    for clip, onset, offset, label in zip(*(side[name] for name in wanted)):
        events = rows.setdefault(str(clip), [])
        if label == label and label not in (None, ""):
            events.append((onset, offset, label))
    return rows


def _is_scores(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "scores" in value
    return isinstance(value, tuple) and len(value) == 2 and getattr(value[0], "ndim", 0) == 2


def _rows(value: Any) -> Any:
    return value["events"] if isinstance(value, Mapping) else value


def _events(rows: Any, labels: Sequence[str], clip: str) -> Events:
    from benchbed.outputs.frames.recording import OddEvents, recording

    seconds = None
    if isinstance(rows, Mapping):
        if set(rows) != {"events", "seconds"}:
            raise ConfigError(
                f"evaluate: a recording with the keys {sorted(rows)}",
                where=clip,
                hint="events and seconds, or scores and hop",
            )
        rows, seconds = rows["events"], float(rows["seconds"])
    columns = list(zip(*rows)) or [(), (), ()]
    if len(columns) != 3:
        raise ConfigError(f"evaluate: rows of {len(columns)} values", where=clip, hint="(onset, offset, label)")
    onset, offset, label = columns
    return recording(onset, offset, label, labels, seconds, policy=OddEvents(overlap="keep"), where=clip)[0]


def _frames(value: Any, labels: Sequence[str], clip: str) -> FrameScores:
    from benchbed.outputs.frames.recording import frame_scores

    if isinstance(value, Mapping):
        if set(value) != {"scores", "hop"}:
            raise ConfigError(f"evaluate: scores with the keys {sorted(value)}", where=clip, hint="scores and hop")
        value = value["scores"], value["hop"]
    scores, hop = value
    scores = np.asarray(scores, np.float64)
    if scores.shape[1] != len(labels):
        raise ConfigError(f"evaluate: scores of {scores.shape[1]} classes for {len(labels)} labels", where=clip)
    return frame_scores(scores, float(hop))
