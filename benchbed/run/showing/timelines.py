"""Which recordings a detector got most wrong, and which are typical of it, with their events for the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.families.sed_event import family as event_based
from benchbed.metrics.sed.decision import decision
from benchbed.metrics.timeline import EventJudge, JudgedEvents
from benchbed.outputs.frames.recording import SECOND, FrameScores
from benchbed.results.timelines import CellTimelines, Stretch, Timeline, Track

#: Recordings with the lowest F1 and recordings near the median that are kept.
WORST, TYPICAL = 4, 3
#: Longest part of a recording that is shown, in seconds, and most classes and events in it.
LONGEST, MOST_TRACKS, MOST_EVENTS = 120.0, 16, 300
#: Parts of equal length that a line of scores has.
BINS = 100


def judge_of(family: Family, options: dict) -> tuple[EventJudge, str]:
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
    judges = [(part.judge, prefix) for prefix, part in family.parts.items() if part.judge is not None]
    asked = decision(**options)
    as_asked = [one for one in judges if one[0].decides_as(asked)]
    return next(iter([*as_asked, *judges]), (event_based(family.labels, **options).judge, ""))


def cell_timelines(
    judge: EventJudge, scores: np.ndarray, target: np.ndarray, clip_ids: Sequence[str], cell: str
) -> CellTimelines:
    """The worst and some typical recordings of a cell.

    The worst have the lowest F1, of equal ones those with the most events; typical ones have an F1 near the median of
    all recordings, of equal ones those with a usual number of events. A recording where nothing was and nothing was
    detected has no F1.

    Parameters
    ----------
    judge : EventJudge
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
    plain, filtered = judge.filtered(scores)
    rule, per = judge.f1_rule, judge.per
    f1 = plain.f1(filtered, target)
    there, said = plain.numbers(filtered, target)
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


def _timeline(
    judge: EventJudge,
    scores: np.ndarray,
    target: np.ndarray,
    clip_id: str,
    why: Literal["worst", "typical"],
    f1: float,
) -> Timeline:
    sides = judge.judged(scores, target)
    length = _length(scores[0], sides)
    start, stop = _window(sides, length)
    within = [_within(side, start, stop) for side in sides]
    busy = np.sum([side.counts(len(judge.labels)) for side in within], axis=0)
    labels = np.flatnonzero(busy)
    # Of many classes those with the most events, in the dataset's order.
    shown = np.sort(labels[np.argsort(-busy[labels], kind="stable")][:MOST_TRACKS])
    limits = np.broadcast_to(np.array(judge.thresholds), len(judge.labels))
    framed = scores[0] if isinstance(scores[0], FrameScores) else None
    by_event = judge.per == "event"
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


def _length(output: object, sides: tuple[JudgedEvents, JudgedEvents]) -> int:
    """Length of a recording in microseconds: as stated, else to the end of its frames or of its last event."""
    if sides[0].duration >= 0:
        return sides[0].duration
    ends = [int(side.offset.max()) for side in sides if len(side)]
    return max([*ends, int(output.edges[-1]) if isinstance(output, FrameScores) else 0])


def _window(sides: tuple[JudgedEvents, JudgedEvents], length: int) -> tuple[int, int]:
    """The part of a recording that is shown: all of it, or of a long one the part with the most errors."""
    span = min(length, round(LONGEST * SECOND))
    wrong = np.sort(np.array([part[0] for side in sides for lost in side.wrong for part in lost], np.int64))
    start = 0
    if span < length and len(wrong):
        # A window that begins at an error holds at least as many as any other.
        begins = np.minimum(wrong, length - span)
        inside = np.searchsorted(wrong, begins + span, "left") - np.searchsorted(wrong, begins, "left")
        start = int(begins[inside.argmax()])
    onsets = np.sort(np.concatenate([side.onset for side in sides]))
    later = onsets[np.searchsorted(onsets, start, "left") :]
    stop = start + span
    if len(later) > MOST_EVENTS:
        stop = min(stop, max(int(later[MOST_EVENTS]), start + 1))
    return start, stop


def _within(side: JudgedEvents, start: int, stop: int) -> JudgedEvents:
    chosen = np.flatnonzero((side.onset < stop) & (side.offset > start))
    wrong = [
        [(max(on, start), min(off, stop)) for on, off in side.wrong[i] if on < stop and off > start] for i in chosen
    ]
    onset, offset = np.maximum(side.onset[chosen], start), np.minimum(side.offset[chosen], stop)
    return JudgedEvents(onset, offset, side.label[chosen], wrong, side.duration)


def _stretches(side: JudgedEvents, label: int) -> list[Stretch]:
    mine = np.flatnonzero(side.label == label)
    order = mine[np.argsort(side.onset[mine], kind="stable")]
    return [
        Stretch(
            onset=_seconds(int(side.onset[i])),
            offset=_seconds(int(side.offset[i])),
            lost=[(_seconds(on), _seconds(off)) for on, off in side.wrong[i]],
        )
        for i in order
    ]


def _wrong(side: JudgedEvents, label: int, by_event: bool) -> float:
    """Wrong events of a class, or the seconds in which they are."""
    parts = [side.wrong[i] for i in np.flatnonzero(side.label == label)]
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
