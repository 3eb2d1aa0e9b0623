"""Intersection criteria: how much of a detection lies in reference events, and how much of a reference is found.

Bilen et al. 2020 (ICASSP, "A framework for the robust evaluation of sound event detection"); over all thresholds as
Ebbers, Serizel and Haeb-Umbach 2022 (ICASSP). Shares are compared in whole microseconds, ends included: psds_eval and
sed_scores_eval compare rounded floats, which can differ where a share is met exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.sed.flat import FlatEvents
from benchbed.metrics.sed.floors import Floors
from benchbed.metrics.sed.levels import LevelEvents, levels
from benchbed.metrics.steps import Steps, crossings
from benchbed.outputs.frames.recording import Events, FrameScores, merge


@dataclass(frozen=True)
class Criteria:
    """Shares that must be reached.

    Attributes
    ----------
    dtc : float
        Detection tolerance: a detection is relevant if this share of it lies in reference events of its class.
    gtc : float
        Ground-truth intersection: a reference event is found if relevant detections cover this share of it.
    cttc : float, optional
        Cross-trigger tolerance: an irrelevant detection triggers on another class if this share of it lies there.
    """

    dtc: float
    gtc: float
    cttc: float | None = None

    def __post_init__(self) -> None:
        shares = [self.dtc, self.gtc, *([] if self.cttc is None else [self.cttc])]
        if not all(0 < share <= 1 for share in shares):
            raise ConfigError(f"intersection criteria {shares}", hint="shares above 0 and up to 1")

    @property
    def name(self) -> str:
        """For rules: `dtc-0.7:gtc-0.7`."""
        named = f"dtc-{self.dtc:g}:gtc-{self.gtc:g}"
        return named if self.cttc is None else f"{named}:cttc-{self.cttc:g}"


def reached(part: np.ndarray, length: np.ndarray, share: float) -> np.ndarray:
    """Whether `part` is at least `share` of `length`, exactly.

    Examples
    --------
    >>> reached(np.array([7, 6]), np.array([10, 10]), 0.7).tolist()
    [True, False]
    """
    exact = Fraction(str(share))
    return part * exact.denominator >= length * exact.numerator


def references(recordings: np.ndarray) -> np.ndarray:
    """Reference events with overlapping ones of a class joined, as the criteria need them, and none without length."""
    made = np.empty(len(recordings), object)
    for i, events in enumerate(recordings):
        joined = merge(events) if isinstance(events, Events) else events
        lasting = joined.offset > joined.onset
        made[i] = (
            joined
            if lasting.all()
            else Events(joined.onset[lasting], joined.offset[lasting], joined.label[lasting], joined.duration)
        )
    return made


def joined(events: FlatEvents, classes: int) -> FlatEvents:
    """The same as `references`, of the events of many recordings at once.

    Parameters
    ----------
    events : FlatEvents
        Events of all recordings.
    classes : int
        Number of classes.

    Examples
    --------
    >>> two = np.zeros(2, int), np.array([0, 5]), np.array([6, 9]), np.zeros(2, int)
    >>> joined(FlatEvents(*two, np.array([10])), 1).offset.tolist()
    [9]
    """
    # Each class of each recording is a class of its own to the joining.
    merged = merge(Events(events.onset, events.offset, events.clip * classes + events.label))
    clip, label = np.divmod(merged.label, classes)
    made = FlatEvents(clip, merged.onset, merged.offset, label, events.duration)
    lasting = made.offset > made.onset
    return made if lasting.all() else made.only(lasting)


def sweep(
    frames: Sequence[FrameScores], reference: FlatEvents, classes: int, criteria: Criteria
) -> tuple[Steps, Steps, Steps]:
    """Found reference events, irrelevant detections and cross-triggers at every threshold.

    Parameters
    ----------
    frames : sequence of FrameScores
        Scores of each recording.
    reference : FlatEvents
        Reference events without overlaps in a class, see `references`.
    classes : int
        Number of classes.
    criteria : Criteria
        Shares that must be reached.

    Returns
    -------
    tuple of Steps
        Hits, false alarms, cross-triggers; the last ones are empty without a `cttc`.
    """
    return sweep_by(frames, reference, classes, [criteria])[0]


def sweep_by(
    frames: Sequence[FrameScores],
    reference: FlatEvents,
    classes: int,
    several: Sequence[Criteria],
    most: Sequence[float] | None = None,
) -> list[tuple[Steps, Steps, Steps]]:
    """`sweep` by several criteria, for which runs above thresholds and what they cover are found once.

    Parameters
    ----------
    frames, reference, classes
        As in `sweep`.
    several : sequence of Criteria
        Shares that must be reached.
    most : sequence of float, optional
        For each of them, false alarms of a class beyond which no threshold counts. Where the recordings seen so far
        have more at a threshold and at all lower ones, these are left out.
    """
    reference = reference.only(np.lexsort((reference.onset, reference.clip)))
    changes: list[tuple[list, list, list]] = [([], [], []) for _ in several]
    floors, filled = None, []
    if most is not None:
        floors = Floors(frames, reference, classes, most)
        filled = [reached(floors.filled, floors.lasting[:, None], criteria.dtc) for criteria in several]
    for block in levels(frames, None if floors is None else floors.values):
        cover = _cover(block, reference, classes)
        length = block.offset - block.onset
        own = cover[block.stop, block.label] - cover[block.start, block.label]
        there = _there(block, reference)
        for criteria, (hits, false, cross) in zip(several, changes):
            relevant = reached(own, length, criteria.dtc)
            miss = np.flatnonzero(~relevant)
            false.append(block.changes(miss))
            hits.append(_found(block, np.flatnonzero(relevant), there, classes, criteria.gtc))
            if criteria.cttc is not None:
                inside = cover[block.stop[miss]] - cover[block.start[miss]]
                trigger = reached(inside, length[miss, None], criteria.cttc)
                trigger[np.arange(len(miss)), block.label[miss]] = False
                event, other = np.nonzero(trigger)
                cross.append(block.changes(miss[event], other, classes))
        if floors is not None:
            floors.raised(int(block.recording[-1]) + 1, [false for _, false, _ in changes], filled)
    steps = [(Steps.join(hits), Steps.join(false), Steps.join(cross)) for hits, false, cross in changes]
    if floors is None:
        return steps
    # Below the floors as they are in the end not every recording was counted.
    kept = [[part.only(part.score >= floors.values[part.label]) for part in one] for one in steps]
    return [(one[0], one[1], one[2]) for one in kept]


def detected(
    output: FlatEvents, reference: FlatEvents, classes: int, criteria: Criteria
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Found reference events, irrelevant detections and cross-triggers of lists of events, each `[clip, class]`."""
    clips = len(reference.duration)
    length = output.offset - output.onset
    inside = np.stack([_inside(output, reference, classes, c) for c in range(classes)], axis=1)
    own = inside[np.arange(len(output)), output.label]
    relevant = reached(own, length, criteria.dtc) & (length > 0)
    _, found, overlap = _overlaps(output.only(relevant), reference, classes)
    covered = np.bincount(found, weights=overlap, minlength=len(reference)).astype(np.int64)
    hit = reference.only(reached(covered, reference.offset - reference.onset, criteria.gtc))
    miss = output.only(~relevant)
    cross = np.zeros((clips, classes))
    if criteria.cttc is not None:
        trigger = reached(inside[~relevant], length[~relevant, None], criteria.cttc)
        trigger[np.arange(len(miss)), miss.label] = False
        np.add.at(cross, (miss.clip, miss.label), trigger.sum(axis=1))
    return hit.counts(classes), miss.counts(classes), cross


def _there(block: LevelEvents, reference: FlatEvents) -> FlatEvents:
    # The reference events of the recordings of a block; they are sorted by recording.
    low, high = np.searchsorted(reference.clip, [block.recording[0], block.recording[-1] + 1])
    return reference.only(slice(int(low), int(high)))


def _cover(block: LevelEvents, reference: FlatEvents, classes: int) -> np.ndarray:
    # Microseconds of reference events of each class before each frame border, [position, class], up to what is the same
    # within a recording: the border's time less the onset of an event that is on there, and the length of one that is
    # over. Sums run on from recording to recording.
    reference = _there(block, reference)
    span = int(max(block.times.max(), reference.offset.max(initial=0))) + 1
    borders, base = block.recording * span + block.times, reference.clip * span
    begins, ends = (
        np.searchsorted(borders, base + moment) * classes + reference.label
        for moment in (reference.onset, reference.offset)
    )
    on, known = np.zeros((2, (len(borders) + 1) * classes), np.int64)
    np.add.at(on, begins, np.ones_like(begins))
    np.subtract.at(on, ends, np.ones_like(ends))
    np.subtract.at(known, begins, reference.onset)
    np.add.at(known, ends, reference.offset)
    on, known = (np.cumsum(part.reshape(-1, classes)[:-1], axis=0) for part in (on, known))
    return np.asarray(block.times[:, None] * on + known)


def _found(
    block: LevelEvents, relevant: np.ndarray, reference: FlatEvents, classes: int, gtc: float
) -> tuple[np.ndarray, ...]:
    # How much of each reference event is covered, as a function of the threshold; a hit begins and ends where that
    # function crosses the criterion.
    events = FlatEvents(
        block.clip[relevant], block.onset[relevant], block.offset[relevant], block.label[relevant], reference.duration
    )
    event, target, overlap = _overlaps(events, reference, classes)
    event = relevant[event]
    length = reference.offset - reference.onset
    score, target, amount = crossings(
        target, block.high[event], block.low[event], overlap, lambda total, which: reached(total, length[which], gtc)
    )
    return score, reference.clip[target], reference.label[target], np.zeros(len(target), np.int64), amount


def _keyed(events: FlatEvents, classes: int, span: int) -> np.ndarray:
    return (events.clip * classes + events.label) * span


def _overlaps(events: FlatEvents, reference: FlatEvents, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    # Every pair of an event and a reference event of its class that overlap: indices, and microseconds.
    if not len(events) or not len(reference):
        return (np.zeros(0, np.int64),) * 3
    span = int(max(events.offset.max(), reference.offset.max())) + 1
    key = _keyed(reference, classes, span)
    order = np.argsort(key + reference.onset, kind="stable")
    onset, offset = (key + reference.onset)[order], (key + reference.offset)[order]
    mine = _keyed(events, classes, span)
    first = np.searchsorted(offset, mine + events.onset, "right")
    sizes = np.maximum(np.searchsorted(onset, mine + events.offset, "left") - first, 0)
    event = np.repeat(np.arange(len(events)), sizes)
    found = order[np.arange(len(event)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + np.repeat(first, sizes)]
    overlap = np.minimum(events.offset[event], reference.offset[found]) - np.maximum(
        events.onset[event], reference.onset[found]
    )
    return event, found, overlap


def _inside(events: FlatEvents, reference: FlatEvents, classes: int, label: int) -> np.ndarray:
    # Microseconds of each event within reference events of one class.
    moved = FlatEvents(events.clip, events.onset, events.offset, np.full(len(events), label), events.duration)
    event, _, overlap = _overlaps(moved, reference.only(reference.label == label), classes)
    return np.bincount(event, weights=overlap, minlength=len(events)).astype(np.int64)
