"""References of recordings with timed events: as the dataset gives them, and as they lie in the audio of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.clip_labels import numbers, present
from benchbed.outputs.contract import Moves
from benchbed.outputs.frames.recording import Events, merge, microseconds

if TYPE_CHECKING:
    import pandas as pd

#: Column of a clip table that says which recordings have tags alone.
WEAK = "weak"


@dataclass(frozen=True)
class Timed:
    """What one recording is annotated with, in seconds.

    Attributes
    ----------
    times : np.ndarray [shape=(event, 2), float64]
        Onset and offset.
    label : np.ndarray [shape=(event,), int64]
        Class numbers.
    confidence : np.ndarray [shape=(event,), float64], optional
        Of soft labels.
    tags : np.ndarray [shape=(class,)], optional
        1 where a class is present, of a recording that has tags alone; nobody said when its events are.
    """

    times: np.ndarray
    label: np.ndarray
    confidence: np.ndarray | None = None
    tags: np.ndarray | None = None


NOTHING = Timed(np.zeros((0, 2)), np.zeros(0, np.int64))


def timed_references(clips: pd.DataFrame, events: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
    """What each clip is annotated with [shape=(clip,), object of `Timed`].

    Parameters
    ----------
    clips : pandas.DataFrame
        With `clip_id`, and where some have tags alone with `weak` and `label`.
    events : pandas.DataFrame, optional
        With `clip_id`, `onset` and `offset` in seconds, `label` and perhaps `confidence`.
    labels : sequence of str
        Class names in the order of the scores.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": ["x"], "onset": [0.5], "offset": [1.0], "label": ["dog"]})
    >>> clips = pd.DataFrame({"clip_id": ["x", "y"]})
    >>> [one.label.tolist() for one in timed_references(clips, table, ("cat", "dog"))]
    [[1], []]
    """
    number = numbers(labels)
    references = np.empty(len(clips), dtype=object)
    references[:] = [NOTHING] * len(clips)
    if events is not None and len(events):
        place = {str(clip_id): row for row, clip_id in enumerate(clips["clip_id"])}
        at = np.array([place.get(clip_id, -1) for clip_id in events["clip_id"].astype(str)], np.int64)
        order = np.flatnonzero(at >= 0)
        order = order[np.argsort(at[order], kind="stable")]
        edges = np.searchsorted(at[order], np.arange(len(clips) + 1))
        times = events[["onset", "offset"]].to_numpy(np.float64)[order]
        label = events["label"].map(number).to_numpy(np.float64)[order].astype(np.int64)
        confidence = events["confidence"].to_numpy(np.float64)[order] if "confidence" in events else None
        for row in np.flatnonzero(np.diff(edges)):
            mine = slice(edges[row], edges[row + 1])
            references[row] = Timed(times[mine], label[mine], None if confidence is None else confidence[mine])
    if WEAK in clips:
        for row in np.flatnonzero(clips[WEAK].to_numpy(bool)):
            references[row] = replace(references[row], tags=present(clips["label"].iloc[row], number))
    return references


def placed(reference: Timed, seconds: float, *, join: bool = False) -> Events:
    """A reference as it stands in a recording of `seconds`: cut at its end, and every event of it kept.

    Parameters
    ----------
    join : bool
        Whether overlapping events of one class are one, as those are that a perturbation cut or moved.

    Examples
    --------
    >>> times = np.array([[0.0, 1.0], [0.5, 9.0]])
    >>> made = placed(Timed(times, np.array([0, 0])), 2.0)
    >>> made.onset.tolist(), made.offset.tolist()
    ([0, 500000], [1000000, 2000000])
    >>> placed(Timed(times, np.array([0, 0])), 2.0, join=True).offset.tolist()
    [2000000]
    """
    length = int(microseconds(seconds))
    onset, offset = microseconds(reference.times).T.clip(0, length)
    # What has no length was given so; what has none left lies outside.
    kept = (offset > onset) | (reference.times[:, 0] == reference.times[:, 1])
    onset, offset, label = onset[kept], offset[kept], reference.label[kept]
    if reference.confidence is not None:
        # Soft labels of one class are a curve, not an on and off: neighbours with other confidences stay apart, and
        # those with the same one are one stretch of it, so that a class that everybody heard is one event.
        confidence = reference.confidence[kept]
        order = np.lexsort((onset, label))
        onset, offset, label, confidence = onset[order], offset[order], label[order], confidence[order]
        same = (label[1:] == label[:-1]) & (onset[1:] == offset[:-1]) & (confidence[1:] == confidence[:-1])
        first = np.flatnonzero(np.append(True, ~same)[: len(onset)])
        offset = offset[np.append(first[1:], len(onset))[: len(first)] - 1]
        onset, label, confidence = onset[first], label[first], confidence[first]
        order = np.lexsort((label, onset))
        return Events(onset[order], offset[order], label[order], length, confidence[order])
    events = Events(onset, offset, label, length)
    events = merge(events) if join else events
    order = np.lexsort((events.label, events.onset))
    return Events(events.onset[order], events.offset[order], events.label[order], length)


def overlapping(reference: Timed) -> bool:
    """Whether events of one class overlap in a reference as it was given.

    Examples
    --------
    >>> overlapping(Timed(np.array([[0.0, 1.0], [1.0, 2.0]]), np.array([0, 0])))
    False
    """
    onset, offset = microseconds(reference.times).T
    events = Events(onset, offset, reference.label)
    return len(merge(events)) < len(events)


def moved(reference: Timed, moves: Moves | None, seconds: float) -> Timed:
    """The reference after a perturbation that moves sounds in time; unchanged without one."""
    if moves is None:
        return reference
    if len(reference.times):
        times, rows = moves.events(reference.times, seconds)
        confidence = None if reference.confidence is None else reference.confidence[rows]
        reference = Timed(times, reference.label[rows], confidence, reference.tags)
    added = moves.added()
    if not added:
        return reference
    new = np.array([(onset, offset) for onset, offset, _ in added], np.float64)
    classes = np.array([number for _, _, number in added], np.int64)
    confidence = None if reference.confidence is None else np.append(reference.confidence, np.ones(len(added)))
    tags = reference.tags
    if tags is not None:
        tags = tags.copy()
        tags[classes] = 1.0
    return Timed(np.vstack([reference.times, new]), np.append(reference.label, classes), confidence, tags)
