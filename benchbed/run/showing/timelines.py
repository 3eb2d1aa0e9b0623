"""Which recordings a detector got most wrong, and which are typical of it, with their events for the page."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.families.sed_event import EventBased
from benchbed.metrics.families.sed_event import family as event_based
from benchbed.metrics.families.sed_intersection import IntersectionBased
from benchbed.metrics.families.sed_segment import SegmentBased
from benchbed.metrics.sed.decision import Decision, decision
from benchbed.metrics.sed.flat import FlatEvents, answers, flatten
from benchbed.metrics.sed.segments import activity
from benchbed.outputs.frames.recording import SECOND, FrameScores
from benchbed.results.timelines import CellTimelines, Stretch, Timeline, Track

#: Recordings with the lowest F1 and recordings near the median that are kept.
WORST, TYPICAL = 4, 3
#: Longest part of a recording that is shown, in seconds, and most classes and events in it.
LONGEST, MOST_TRACKS, MOST_EVENTS = 120.0, 16, 300
#: Parts of equal length that a line of scores has.
BINS = 100

Judge = EventBased | SegmentBased
Decided = TypeVar("Decided", bound=EventBased | SegmentBased | IntersectionBased)


def judge_of(family: Family, options: dict) -> tuple[Judge, str]:
    """The metrics of a suite that say which events are right, and their prefix in the record.

    The first that decide by the suite's post-processing, else the first that decide by something else; a suite whose
    metrics decide nothing gets the usual collars.

    Parameters
    ----------
    family : Family
        All metrics of the suite.
    options : dict
        Its declared post-processing, with the thresholds that a run has chosen.

    Examples
    --------
    >>> from benchbed.metrics.families.sed_segment import family
    >>> judge_of(family(("dog",)), {})[0].primary
    'macro_f1'
    """
    judges = [(part, prefix) for prefix, part in family.parts.items() if isinstance(part, EventBased | SegmentBased)]
    asked = decision(**options)
    as_asked = [held for held in judges if held[0].decision == asked]
    return next(iter([*as_asked, *judges]), (event_based(family.labels, **options), ""))


def cell_timelines(
    judge: Judge, scores: np.ndarray, target: np.ndarray, clip_ids: Sequence[str], cell: str
) -> CellTimelines:
    """The worst and some typical recordings of a cell.

    The worst have the lowest F1, of equal ones those with the most events; typical ones have an F1 near the median of
    all recordings, of equal ones those with a usual number of events. A recording where nothing was and nothing was
    detected has no F1.

    Parameters
    ----------
    judge : EventBased or SegmentBased
        What is right and what is wrong.
    scores : np.ndarray [shape=(recording,), object]
        `FrameScores` or `Events` of each recording.
    target : np.ndarray [shape=(recording,), object]
        Reference `Events` of each recording.
    clip_ids : sequence of str
        Name of each recording.
    cell : str
        Key of the cell.
    """
    classes = len(judge.labels)
    plain, filtered = unfiltered(judge, scores)
    rule = judge.metrics["micro_f1"].rule
    per: Literal["event", "segment"] = "event" if isinstance(judge, EventBased) else "segment"
    f1 = plain.values(plain.statistics(filtered, target))["micro_f1"]
    reference, output = flatten(target, classes), answers(filtered, plain.decision, classes)
    there, said = (events.counts(classes).sum(axis=1) for events in (reference, output))
    known = np.flatnonzero(~np.isnan(f1))
    if not len(known):
        return CellTimelines(cell=cell, rule=rule, per=per, recordings=0)
    median = float(np.median(f1[known]))
    names = np.asarray(clip_ids, dtype=str)
    worst = known[np.lexsort((names[known], -(there + said)[known], f1[known]))]
    worst = worst[f1[worst] < 1][:WORST]
    rest = np.setdiff1d(known, worst)
    usual = np.abs(there - np.median(there[known]))
    typical = rest[np.lexsort((names[rest], usual[rest], np.abs(f1[rest] - median)))][:TYPICAL]
    picked: list[tuple[Literal["worst", "typical"], np.ndarray]] = [("worst", worst), ("typical", typical)]
    timelines = [
        _timeline(plain, filtered[[clip]], target[[clip]], str(names[clip]), why, float(f1[clip]))
        for why, clips in picked
        for clip in clips
    ]
    return CellTimelines(
        cell=cell, rule=rule, per=per, recordings=len(known), median_f1=round(median, 6), timelines=timelines
    )


def unfiltered(family: Decided, scores: np.ndarray) -> tuple[Decided, np.ndarray]:
    """The same metrics without their median filter, and the scores with it, for deciding more than once."""
    median = family.decision.median
    plain = copy.copy(family)
    plain.decision = Decision(family.decision.thresholds)
    if median is None:
        return plain, scores
    made = np.empty(len(scores), object)
    for i, item in enumerate(scores):
        made[i] = median.apply(item) if isinstance(item, FrameScores) else item
    return plain, made


@dataclass(frozen=True)
class _Side:
    """Events of one side of one recording, and the parts of each that are wrong, in microseconds."""

    events: FlatEvents
    lost: list[list[tuple[int, int]]]


def judged(judge: Judge, scores: np.ndarray, target: np.ndarray) -> tuple[_Side, _Side]:
    """Which parts of the reference events of one recording were missed, and which of the detected ones are false.

    Parameters
    ----------
    judge : EventBased or SegmentBased
        By collars an event is right or wrong as a whole. On segments the parts of an event that lie in segments where
        the other side is silent are wrong.
    scores, target : np.ndarray [shape=(1,), object]
        The recording.
    """
    classes = len(judge.labels)
    reference, output = flatten(target, classes), answers(scores, judge.decision, classes)
    if isinstance(judge, EventBased):
        matched = judge.match(judge.collar.pairs(reference, output, classes))
        sides = []
        for column, events in enumerate((reference, output)):
            wrong = ~np.isin(np.arange(len(events)), matched[:, column])
            ends = zip(events.onset.tolist(), events.offset.tolist(), wrong.tolist())
            sides.append(_Side(events, [[(on, off)] if bad else [] for on, off, bad in ends]))
        return sides[0], sides[1]
    lengths = judge.grid.lengths(reference, output)
    active = [activity(events, judge.grid, lengths, classes) for events in (reference, output)]
    width = judge.grid.resolution * SECOND
    made = []
    for events, other in ((reference, active[1]), (output, active[0])):
        columns = (events.onset, events.offset, judge.grid.first(events.onset), judge.grid.after(events.offset))
        rows = zip(*(column.tolist() for column in columns), events.label.tolist())
        lost = [_silent(on, off, range(first, after), other[:, label], width) for on, off, first, after, label in rows]
        made.append(_Side(events, lost))
    return made[0], made[1]


def _silent(onset: int, offset: int, segments: range, other: np.ndarray, width: float) -> list[tuple[int, int]]:
    """Parts of an event in segments where the other side is off, neighbours joined."""
    found: list[tuple[int, int]] = []
    for segment in segments:
        # What lies beyond the last segment is not scored.
        if segment >= len(other) or other[segment]:
            continue
        start, stop = max(onset, round(segment * width)), min(offset, round((segment + 1) * width))
        if start >= stop:
            continue
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, stop))
    return found


def _timeline(
    judge: Judge,
    scores: np.ndarray,
    target: np.ndarray,
    clip_id: str,
    why: Literal["worst", "typical"],
    f1: float,
) -> Timeline:
    sides = judged(judge, scores, target)
    length = _length(scores[0], sides)
    start, stop = _window(sides, length)
    within = [_within(side, start, stop) for side in sides]
    busy = sum(side.events.counts(len(judge.labels))[0] for side in within)
    labels = np.flatnonzero(busy)
    # Of many classes those with the most events, in the dataset's order.
    shown = np.sort(labels[np.argsort(-busy[labels], kind="stable")][:MOST_TRACKS])
    limits = np.broadcast_to(np.array(judge.decision.thresholds), len(judge.labels))
    framed = scores[0] if isinstance(scores[0], FrameScores) else None
    by_event = isinstance(judge, EventBased)
    tracks = [
        Track(
            label=judge.labels[label],
            reference=_stretches(within[0], label),
            output=_stretches(within[1], label),
            missed=_wrong(within[0], label, by_event),
            false=_wrong(within[1], label, by_event),
            threshold=None if framed is None else float(limits[label]),
            scores=[] if framed is None else _line(framed, int(label), start, stop),
        )
        for label in shown
    ]
    return Timeline(
        clip_id=clip_id,
        why=why,
        f1=f1,
        seconds=_seconds(length),
        start=_seconds(start),
        stop=_seconds(stop),
        tracks=tracks,
        left_out=len(labels) - len(shown),
    )


def _length(output: object, sides: tuple[_Side, _Side]) -> int:
    """Length of a recording in microseconds: as stated, else to the end of its frames or of its last event."""
    if sides[0].events.duration[0] >= 0:
        return int(sides[0].events.duration[0])
    ends = [int(side.events.offset.max()) for side in sides if len(side.events)]
    return max([*ends, int(output.edges[-1]) if isinstance(output, FrameScores) else 0])


def _window(sides: tuple[_Side, _Side], length: int) -> tuple[int, int]:
    """The part of a recording that is shown: all of it, or of a long one the part with the most errors."""
    span = min(length, round(LONGEST * SECOND))
    wrong = np.sort(np.array([part[0] for side in sides for lost in side.lost for part in lost], np.int64))
    start = 0
    if span < length and len(wrong):
        # A window that begins at an error holds at least as many as any other.
        begins = np.minimum(wrong, length - span)
        inside = np.searchsorted(wrong, begins + span, "left") - np.searchsorted(wrong, begins, "left")
        start = int(begins[inside.argmax()])
    onsets = np.sort(np.concatenate([side.events.onset for side in sides]))
    later = onsets[np.searchsorted(onsets, start, "left") :]
    stop = start + span
    if len(later) > MOST_EVENTS:
        stop = min(stop, max(int(later[MOST_EVENTS]), start + 1))
    return start, stop


def _within(side: _Side, start: int, stop: int) -> _Side:
    events = side.events
    chosen = np.flatnonzero((events.onset < stop) & (events.offset > start))
    cut = replace(
        events.only(chosen),
        onset=np.maximum(events.onset[chosen], start),
        offset=np.minimum(events.offset[chosen], stop),
    )
    lost = [[(max(on, start), min(off, stop)) for on, off in side.lost[i] if on < stop and off > start] for i in chosen]
    return _Side(cut, lost)


def _stretches(side: _Side, label: int) -> list[Stretch]:
    mine = np.flatnonzero(side.events.label == label)
    order = mine[np.argsort(side.events.onset[mine], kind="stable")]
    return [
        Stretch(
            onset=_seconds(int(side.events.onset[i])),
            offset=_seconds(int(side.events.offset[i])),
            lost=[(_seconds(on), _seconds(off)) for on, off in side.lost[i]],
        )
        for i in order
    ]


def _wrong(side: _Side, label: int, by_event: bool) -> float:
    """Wrong events of a class, or the seconds in which they are."""
    parts = [side.lost[i] for i in np.flatnonzero(side.events.label == label)]
    if by_event:
        return float(sum(bool(lost) for lost in parts))
    return _seconds(sum(off - on for lost in parts for on, off in lost))


def _line(frames: FrameScores, label: int, start: int, stop: int) -> list[int]:
    """The highest score of the frames that reach into each of equal parts, per cent."""
    borders = start + (stop - start) * np.arange(BINS + 1) // BINS
    first = np.maximum(np.searchsorted(frames.edges, borders[:-1], "right") - 1, 0)
    after = np.minimum(np.searchsorted(frames.edges, borders[1:], "left"), len(frames))
    values = frames.scores[:, label]
    found = [float(values[a:b].max()) if b > a else 0.0 for a, b in zip(first, after)]
    return [round(100 * min(max(value, 0.0), 1.0)) for value in found]


def _seconds(time: int) -> float:
    return round(time / SECOND, 3)
