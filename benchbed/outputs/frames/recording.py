"""Timed events and frame scores of recordings, in whole microseconds.

Times are rounded to microseconds once, when a recording is made. From then on an onset that lies exactly on a collar or
a segment border is on it for every machine and every way of writing the same number; all bounds include their ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError, did_you_mean

#: Microseconds in a second.
SECOND = 1_000_000


def microseconds(seconds: np.ndarray | Sequence[float] | float) -> np.ndarray:
    """Times in seconds as int64 microseconds, rounded to the nearest.

    Raises
    ------
    CannotMeasure
        A time is not finite.

    Examples
    --------
    >>> microseconds([0.1, 2.0000004]).tolist()
    [100000, 2000000]
    """
    values = np.asarray(seconds, np.float64)
    if not np.isfinite(values).all():
        raise CannotMeasure(f"{int((~np.isfinite(values)).sum())} times are not finite")
    return np.rint(values * SECOND).astype(np.int64)


def whole(value: float, unit: int) -> int:
    """A decimal number in whole units.

    Examples
    --------
    >>> whole(0.29, 1_000_000)
    290000
    """
    return int(Fraction(str(value)) * unit)


@dataclass(frozen=True)
class Events:
    """Events of one recording, in the order of their list: a reference, or a system that gives no scores.

    A recording without events is one of these with empty arrays, never a missing one.

    Attributes
    ----------
    onset, offset : np.ndarray [shape=(event,), int64]
        Times in microseconds.
    label : np.ndarray [shape=(event,), int64]
        Class numbers, in the order of the dataset's labels.
    duration : int, optional
        Length of the recording in microseconds; None where nobody knows it, then it ends with its last event.
    confidence : np.ndarray [shape=(event,), float64], optional
        Share of annotators who heard it, for soft labels; absent where every event is certain.

    Examples
    --------
    >>> len(Events(np.array([0]), np.array([1_000_000]), np.array([2]), 10_000_000))
    1
    """

    onset: np.ndarray
    offset: np.ndarray
    label: np.ndarray
    duration: int | None = None
    confidence: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.onset)


@dataclass(frozen=True)
class FrameScores:
    """Scores of consecutive frames of one recording.

    Arrays of recordings hold one of these per recording (`dtype=object`), because recordings differ in length.

    Attributes
    ----------
    scores : np.ndarray [shape=(frame, class)]
        Finite scores; a detector's are in 0…1.
    edges : np.ndarray [shape=(frame + 1,), int64]
        Borders of the frames in microseconds, rising.
    hop, seconds : float, optional
        Length of a frame and of the recording in seconds, as they were given, where all frames but the last are equally
        long (`frame_scores`); stored recordings are written with them.
    """

    scores: np.ndarray
    edges: np.ndarray
    hop: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or self.edges.shape != (len(self.scores) + 1,):
            raise CannotMeasure(f"{list(self.edges.shape)} frame borders for scores of shape {list(self.scores.shape)}")
        if len(self.scores) and not np.isfinite(self.scores).all():
            raise CannotMeasure(f"scores of {int((~np.isfinite(self.scores)).any(axis=1).sum())} frames are not finite")
        if (np.diff(self.edges) <= 0).any():
            raise CannotMeasure("frame borders do not rise")

    def __len__(self) -> int:
        return len(self.scores)


def frame_scores(scores: np.ndarray, hop: float, duration: float | None = None) -> FrameScores:
    """Scores of frames of equal length that start at zero.

    Parameters
    ----------
    scores : np.ndarray [shape=(frame, class)]
        The scores.
    hop : float
        Length of a frame in seconds.
    duration : float, optional
        Length of the recording in seconds; the last frame is cut there, and frames beyond are left out.

    Examples
    --------
    >>> frame_scores(np.zeros((3, 1)), 0.064, 0.15).edges.tolist()
    [0, 64000, 128000, 150000]
    """
    edges = microseconds(np.arange(len(scores) + 1) * hop)
    if duration is not None:
        end = int(microseconds(duration))
        held = int(np.searchsorted(edges[:-1], end))
        scores, edges = scores[:held], np.minimum(edges[: held + 1], end)
    return FrameScores(np.asarray(scores), edges, hop, duration)


@dataclass(frozen=True)
class Repairs:
    """What was changed in lists of events before they were scored; a record states it, so that nothing is silent.

    Attributes
    ----------
    merged : int
        Events joined with an earlier one of the same class that they overlap.
    clipped : int
        Events cut at the start or end of their recording.
    dropped : int
        Events that do not last, or lie outside their recording.
    unknown : int
        Events of classes that are not scored.
    empty : int
        Recordings without any event, in the list or not.
    missing : int
        Recordings without an answer that were scored as empty.
    """

    merged: int = 0
    clipped: int = 0
    dropped: int = 0
    unknown: int = 0
    empty: int = 0
    missing: int = 0

    def __add__(self, other: Repairs) -> Repairs:
        return Repairs(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def sentences(self) -> list[str]:
        """What happened, in words; nothing about what did not.

        Examples
        --------
        >>> Repairs(merged=2).sentences()
        ['2 events merged with an overlapping one of their class']
        """
        words = {
            "merged": "events merged with an overlapping one of their class",
            "clipped": "events cut at the borders of their recording",
            "dropped": "events without length or outside their recording left out",
            "unknown": "events of classes that are not scored left out",
            "empty": "recordings without events",
            "missing": "recordings without an answer scored as empty",
        }
        return [f"{getattr(self, name)} {text}" for name, text in words.items() if getattr(self, name)]


@dataclass(frozen=True)
class OddEvents:
    """What to do with odd events: repair and count, or stop.

    Attributes
    ----------
    unknown : {"error", "drop"}
        An event of a class that is not scored.
    length : {"error", "drop", "keep"}
        An offset that is not after its onset; `keep` keeps events of no length, as sed_eval does, and drops those of
        negative length.
    outside : {"clip", "error"}
        An event that starts before the recording or ends after it.
    overlap : {"merge", "keep", "error"}
        Two events of one class that overlap.
    missing : {"error", "empty"}
        A recording that the system did not answer for.
    """

    unknown: Literal["error", "drop"] = "error"
    length: Literal["error", "drop", "keep"] = "error"
    outside: Literal["clip", "error"] = "clip"
    overlap: Literal["merge", "keep", "error"] = "merge"
    missing: Literal["error", "empty"] = "error"


def recording(
    onset: Sequence[float] | np.ndarray,
    offset: Sequence[float] | np.ndarray,
    label: Sequence[str] | np.ndarray,
    labels: Sequence[str],
    duration: float | None = None,
    policy: OddEvents | None = None,
    where: str | None = None,
) -> tuple[Events, Repairs]:
    """Events of one recording from times in seconds and class names.

    Parameters
    ----------
    onset, offset : sequence of float [shape=(event,)]
        Times in seconds.
    label : sequence of str [shape=(event,)]
        Class names.
    labels : sequence of str
        Classes that are scored, in their order.
    duration : float, optional
        Length of the recording in seconds.
    policy : OddEvents, optional
        What to do with odd events.
    where : str, optional
        The recording's name, for errors.

    Raises
    ------
    CannotMeasure
        Times that are not finite, or an odd event that the policy does not repair.

    Examples
    --------
    >>> events, repairs = recording([0.5, 1.0], [2.0, 3.5], ["dog", "dog"], ["dog"], duration=3.0)
    >>> events.onset.tolist(), events.offset.tolist(), repairs.merged, repairs.clipped
    ([500000], [3000000], 1, 1)
    """
    policy = policy or OddEvents()
    if not len(onset) == len(offset) == len(label):
        raise CannotMeasure(f"{len(onset)} onsets, {len(offset)} offsets and {len(label)} labels", where=where)
    number = {name: i for i, name in enumerate(labels)}
    strange = sorted({str(name) for name in label} - set(number))
    if strange and policy.unknown == "error":
        raise CannotMeasure(
            f"events of unknown class '{strange[0]}'",
            where=where,
            hint=did_you_mean(strange[0], labels) or f"classes: {', '.join(labels)}",
        )
    known = np.array([str(name) in number for name in label], bool)
    code = np.array([number.get(str(name), -1) for name in label], np.int64)[known]
    try:
        start, stop = (microseconds(np.asarray(times, np.float64)[known]) for times in (onset, offset))
    except CannotMeasure as error:
        raise CannotMeasure(error.what, where=where) from error
    _refuse(stop <= start, policy.length == "error", start, stop, "does not end after it starts", where)
    lasting = stop >= start if policy.length == "keep" else stop > start
    end = None if duration is None else int(microseconds(duration))
    first, last = np.maximum(start, 0), stop if end is None else np.minimum(stop, end)
    outside = lasting & ((first != start) | (last != stop))
    _refuse(outside, policy.outside == "error", start, stop, "leaves its recording", where)
    inside = lasting & ((last > first) | ((last == first) & (start == stop)))
    events = Events(first[inside], last[inside], code[inside], end)
    merged = merge(events)
    overlaps = len(events) - len(merged)
    if overlaps and policy.overlap == "error":
        raise CannotMeasure(f"{overlaps} events overlap one of the same class", where=where)
    if policy.overlap == "merge" and overlaps:
        events = merged
    repairs = Repairs(
        overlaps if policy.overlap == "merge" else 0,
        int((outside & inside).sum()),
        int((~inside).sum()),
        int((~known).sum()),
        int(not len(events)),
    )
    return events, repairs


def recordings(
    names: Sequence[str],
    rows: Mapping[str, Sequence],
    labels: Sequence[str],
    durations: Sequence[float] | None = None,
    policy: OddEvents | None = None,
    answered: Sequence[str] | None = None,
) -> tuple[np.ndarray, Repairs]:
    """Events of many recordings, from a table with one row per event.

    Parameters
    ----------
    names : sequence of str
        Every recording that is scored; one without rows is empty.
    rows : mapping of str to sequence
        Columns `clip_id`, `onset`, `offset` (seconds) and `label`; a data frame will do. A row without a label only
        says that its recording was answered and is empty.
    labels : sequence of str
        Classes that are scored.
    durations : sequence of float, optional
        Length of each recording in seconds.
    policy : OddEvents, optional
        What to do with odd events.
    answered : sequence of str, optional
        Recordings that the system answered for, where that is known apart from the rows.

    Returns
    -------
    np.ndarray [shape=(recording,), object]
        One `Events` for each name.
    Repairs
        What was changed.

    Raises
    ------
    CannotMeasure
        Events of recordings that are not in `names`, missing answers, or odd events that the policy does not repair.

    Examples
    --------
    >>> table = {"clip_id": ["a"], "onset": [0.0], "offset": [1.0], "label": ["dog"]}
    >>> made, repairs = recordings(["a", "b"], table, ["dog"], [2.0, 2.0])
    >>> [len(events) for events in made], repairs.empty
    ([1, 0], 1)
    """
    policy = policy or OddEvents()
    if len(set(names)) != len(names):
        raise ConfigError("recordings are named twice")
    clip = np.asarray(rows["clip_id"], dtype=object)
    place = {name: i for i, name in enumerate(names)}
    strange = sorted({str(name) for name in clip} - set(place))
    if strange:
        raise CannotMeasure(f"events of {len(strange)} recordings that are not scored, e.g. '{strange[0]}'")
    absent = [] if answered is None else sorted(set(names) - set(answered) - {str(name) for name in clip})
    if absent and policy.missing == "error":
        raise CannotMeasure(
            f"no answer for {len(absent)} recordings, e.g. '{absent[0]}'",
            hint="an empty answer must be stated; or score missing answers as empty",
        )
    onset, offset = (np.asarray(rows[name], np.float64) for name in ("onset", "offset"))
    label = np.asarray(rows["label"], dtype=object)
    blank = np.array([name is None or name != name or name == "" for name in label], bool)
    code = np.array([place[str(name)] for name in clip], np.int64)
    order = np.flatnonzero(~blank)[np.argsort(code[~blank], kind="stable")]
    edges = np.searchsorted(code[order], np.arange(len(names) + 1))
    events, repairs = np.empty(len(names), object), Repairs(missing=len(absent))
    for i, name in enumerate(names):
        mine = order[edges[i] : edges[i + 1]]
        length = None if durations is None else float(durations[i])
        events[i], mended = recording(onset[mine], offset[mine], label[mine], labels, length, policy, where=name)
        repairs += mended
    return events, repairs


def merge(events: Events, *, touching: bool = False) -> Events:
    """The events with overlapping ones of a class joined, by class and time; those that only touch stay apart.

    Parameters
    ----------
    touching : bool
        Join those as well, as parts of one event that was cut into seconds.

    Examples
    --------
    >>> three = Events(np.array([0, 5, 10]), np.array([6, 10, 12]), np.zeros(3, int))
    >>> merge(three).onset.tolist(), merge(three, touching=True).onset.tolist()
    ([0, 10], [0])
    """
    if len(events) < 2:
        return events
    order = np.lexsort((events.onset, events.label))
    onset, offset, label = events.onset[order], events.offset[order], events.label[order]
    # Shifting each class beyond the last makes one running maximum serve all classes.
    span = int(offset.max() - min(0, int(onset.min()))) + 1
    reach = np.maximum.accumulate(offset + label * span)
    first = np.ones(len(onset), bool)
    begin = onset[1:] + label[1:] * span
    first[1:] = (begin > reach[:-1]) if touching else (begin >= reach[:-1])
    starts = np.flatnonzero(first)
    return Events(onset[starts], np.maximum.reduceat(offset, starts), label[starts], events.duration)


def _refuse(odd: np.ndarray, refuse: bool, onset: np.ndarray, offset: np.ndarray, what: str, where: str | None) -> None:
    if refuse and odd.any():
        i = int(np.flatnonzero(odd)[0])
        raise CannotMeasure(
            f"the event {onset[i] / SECOND:g}…{offset[i] / SECOND:g} s {what} ({int(odd.sum())} such events)",
            where=where,
            hint="correct the list, or choose a policy that repairs and counts",
        )
