"""Directions over time of the worst and some typical recordings, and errors by distance, overlap and direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from benchbed.metrics.seld.angles import fold
from benchbed.metrics.seld.family import Seld
from benchbed.metrics.seld.following import Followed, FollowedSide, followed
from benchbed.metrics.seld.rules import SeldRule
from benchbed.outputs.tracks.recording import FRAME_SECONDS, Tracks, from_vectors
from benchbed.results.directions import (
    Bin,
    Breakdown,
    CellDirections,
    Directions,
    DrawnSource,
    Patch,
    Point,
    SourceSpan,
)
from benchbed.results.record import Value
from benchbed.run.showing.shelf import Recordings
from benchbed.stats.bootstrap import Bootstrap
from benchbed.types import Direction

#: Recordings with the lowest F20° and recordings near the median that are kept.
WORST, TYPICAL = 3, 2
#: Longest part of a recording that is shown, in frames, most classes in it, and most stretches.
LONGEST, MOST_CLASSES, MOST_STRETCHES = 600, 8, 400
#: Degrees and metres by which a drawn line may differ from the values.
DEGREES, METRES = 1.0, 0.05
#: Borders of distances in metres.
DISTANCES = (0.0, 1.0, 2.0, 3.0, 4.0)
#: Most sources at a time that are told apart.
OVERLAP = 4
#: Width of a field of directions in degrees.
FIELD = 30


def cell_directions(family: Seld, recordings: Recordings, cell: str) -> CellDirections:
    """The worst and some typical recordings of a cell, and errors over all of its recordings.

    The worst have the lowest micro F20°, of equal ones those with the most sources; typical ones have an F20° near the
    median. A recording where nothing sounds and nothing was output has none.

    Parameters
    ----------
    family : Seld
        What is right, and how activities are decided.
    recordings : Recordings
        The cell.
    cell : str
        Its key.
    """
    said = family.decision.apply(recordings.answers, len(family.labels))
    rule = replace(family.rule, unit="frame", official=False, decided="")
    paired = followed(recordings.references, said, len(family.labels), rule)
    f20 = recording_f20(family, recordings.answers, recordings.references)
    known = np.flatnonzero(~np.isnan(f20))
    kept = CellDirections(
        cell=cell,
        rule=f"pair-of-a-frame:{rule.name}",
        by=family.metrics["micro_f20"].rule,
        recordings=len(known),
        elevations=not rule.azimuth_only,
        swaps=int(paired.swapped.sum()),
        breakdowns=breakdowns(paired, recordings, rule),
        sphere=[] if rule.azimuth_only else sphere(paired),
    )
    if not len(known):
        return kept
    median = float(np.median(f20[known]))
    names = np.asarray(recordings.clip_ids, dtype=str)
    rows = np.array([len(there) + len(out) for there, out in zip(recordings.references, said)])
    worst = known[np.lexsort((names[known], -rows[known], f20[known]))]
    worst = worst[f20[worst] < 1][:WORST]
    rest = np.setdiff1d(known, worst)
    typical = rest[np.lexsort((names[rest], np.abs(f20[rest] - median)))][:TYPICAL]
    picked: list[tuple[Literal["worst", "typical"], np.ndarray]] = [("worst", worst), ("typical", typical)]
    shown = [
        _directions(
            paired, clip, family.labels, str(names[clip]), why, float(f20[clip]), recordings.references[clip], rule
        )
        for why, clips in picked
        for clip in clips.tolist()
    ]
    return kept.model_copy(update={"median_f20": round(median, 6), "shown": shown})


def recording_f20(family: Seld, answers: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Micro F20° of each recording alone, `[recording]`; NaN where nothing is there and nothing was output."""
    if not len(answers):
        return np.zeros(0)
    alone = Seld(family.labels, replace(family.rule, official=False), None, decided=family.decision)
    return alone.values(alone.statistics(answers, references))["micro_f20"]


def breakdowns(paired: Followed, made: Recordings, rule: SeldRule) -> list[Breakdown]:
    """Errors by distance, number of sources at a time, azimuth and elevation of the reference."""
    there = paired.reference
    azimuth = fold(there.rows.azimuth) if rule.azimuth_only else there.rows.azimuth
    half = 90 if rule.azimuth_only else 180
    parts = [_by("sources at a time", "", _overlap(there), tuple(range(1, OVERLAP + 1)), None)]
    distance = there.rows.distance
    if not np.isnan(distance).all():
        parts.append(_by("distance", "m", distance, DISTANCES, None))
    parts.append(_by("azimuth", "degrees", azimuth, tuple(range(-half, half, FIELD)), half))
    if not rule.azimuth_only:
        parts.append(_by("elevation", "degrees", there.rows.elevation, tuple(range(-90, 90, FIELD)), 90))
    return [_broken_down(paired, made, *part) for part in parts]


def sphere(paired: Followed) -> list[Patch]:
    """Errors in every field of directions in which a source of the reference sounds."""
    there, said, at = paired.reference.rows, paired.output.rows, paired.pairs.reference
    columns = 360 // FIELD
    column = np.minimum(((there.azimuth + 180) // FIELD).astype(np.int64), columns - 1)
    row = np.minimum(((there.elevation + 90) // FIELD).astype(np.int64), 180 // FIELD - 1)
    field = row * columns + column
    matched = np.zeros(len(there), bool)
    matched[at] = True
    patches = []
    for number in np.unique(field).tolist():
        mine, up, side = field == number, number // columns, number % columns
        pairs = field[at] == number
        place = [_middle(there.azimuth[at[pairs]], there.elevation[at[pairs]])]
        place.append(_middle(said.azimuth[paired.pairs.output[pairs]], said.elevation[paired.pairs.output[pairs]]))
        patches.append(
            Patch(
                azimuth=(side * FIELD - 180.0, (side + 1) * FIELD - 180.0),
                elevation=(up * FIELD - 90.0, (up + 1) * FIELD - 90.0),
                frames=int(mine.sum()),
                error=round(float(paired.pairs.angle[pairs].mean()), 3) if pairs.any() else None,
                found=round(float(matched[mine].mean()), 5),
                there=place[0],
                said=place[1],
            )
        )
    return patches


def _middle(azimuth: np.ndarray, elevation: np.ndarray) -> Point:
    if not len(azimuth):
        return (0.0, 0.0)
    none = np.zeros(len(azimuth), np.int64)
    total = Tracks(none, none, none, azimuth, elevation).vectors.sum(axis=0)
    turn, up = from_vectors(total)
    return (round(float(turn[0]), 2), round(float(up[0]), 2))


def _overlap(there: FollowedSide) -> np.ndarray:
    """Sources of the reference that sound in the frame of each of its rows."""
    frames = int(there.frame.max(initial=0)) + 1
    _, at, counts = np.unique(there.recording * frames + there.frame, return_inverse=True, return_counts=True)
    return counts[at.reshape(-1)].astype(np.float64) if len(there) else np.zeros(0)


def _by(
    by: str, unit: str, values: np.ndarray, borders: tuple[float, ...], end: float | None
) -> tuple[str, str, np.ndarray, list[tuple[float, float | None]]]:
    """A property with the number of the bin of each row (−1 for none) and the bins."""
    edges = np.array(borders, np.float64)
    at = np.searchsorted(edges, np.nan_to_num(values, nan=-np.inf), side="right") - 1
    return by, unit, np.where(np.isnan(values), -1, at), list(zip(borders, [*borders[1:], end]))


#: Name → sum, count of what it is a mean over, unit, direction, title.
_FIGURES: Mapping[str, tuple[str, str, str, Direction, str]] = {
    "found": ("found", "frames", "fraction", "higher", "Found"),
    "within": ("right", "frames", "fraction", "higher", "Found in its place"),
    "angle": ("angle", "found", "degrees", "lower", "Localisation error"),
    "relative_distance": ("relative", "told", "fraction", "lower", "Relative distance error"),
}


def _broken_down(
    paired: Followed,
    pool: Recordings,
    by: str,
    unit: str,
    at: np.ndarray,
    bins: list[tuple[float, float | None]],
) -> Breakdown:
    there, place = paired.reference, paired.pairs.reference
    groups, count = pool.bootstrap.groups, len(bins)
    group = pool.group[there.recording] if len(there) else np.zeros(0, np.int64)
    key = np.where(at >= 0, group * count + at, groups * count)
    told = ~np.isnan(paired.relative)

    def summed(rows: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        made_ = np.bincount(key[rows], weights=weights, minlength=groups * count + 1)
        return made_[: groups * count].reshape(groups, count).astype(np.float64)

    sums = {
        "frames": summed(np.arange(len(there))),
        "found": summed(place),
        "right": summed(place[paired.right]),
        "angle": summed(place, paired.pairs.angle),
        "relative": summed(place[told], paired.relative[told]),
        "told": summed(place[told]),
    }
    names = list(sums)
    table = np.stack([sums[name] for name in names], axis=2).reshape(groups, -1)
    drawn = pool.bootstrap.replicates(table).reshape(-1, count, len(names)) if pool.bootstrap.draws else None
    recordings = [len(np.unique(there.recording[at == number])) for number in range(count)]
    kept = []
    for number, (low, high) in enumerate(bins):
        frames = int(sums["frames"][:, number].sum())
        if not frames:
            continue
        figures = {}
        for name, (over, under, unit_of, direction, title) in _FIGURES.items():
            below = float(sums[under][:, number].sum())
            if not below and name == "relative_distance":
                continue
            value = float(sums[over][:, number].sum()) / below if below else None
            interval = None
            if drawn is not None and value is not None:
                with np.errstate(invalid="ignore", divide="ignore"):
                    replicates = drawn[:, number, names.index(over)] / drawn[:, number, names.index(under)]
                holding = int((sums[under][:, number] > 0).sum())
                interval = pool.bootstrap.interval(replicates, groups=holding, value=value)
            figures[name] = Value(
                value=None if value is None else round(value, 6),
                low=_inside(interval.low if interval else None, 0.0),
                high=_inside(interval.high if interval else None, 1.0 if direction == "higher" else np.inf),
                n=recordings[number],
                direction=direction,
                unit=unit_of,
                rule=f"mean-over-frames-of-sources:{by.replace(' ', '-')}",
                title=title,
                interval=None if interval is None else interval.method,
                reason=_reason(value, pool.bootstrap, interval.reason if interval is not None else None),
            )
        kept.append(Bin(name=_named(by, low, high), low=low, high=high, frames=frames, figures=figures))
    return Breakdown(by=by, unit=unit, bins=kept)


def _inside(end: float | None, limit: float) -> float | None:
    """An end of an interval inside what the figure can be."""
    if end is None:
        return None
    return round(max(end, limit) if limit == 0 else min(end, limit), 6)


def _reason(value: float | None, bootstrap: Bootstrap, why: str | None) -> str | None:
    if value is None:
        return "no source was found"
    return why if bootstrap.draws else "intervals are turned off"


def _named(by: str, low: float, high: float | None) -> str:
    if by == "sources at a time":
        return f"{low:g}" if high is not None else f"{low:g} or more"
    unit = " m" if by == "distance" else "°"
    return f"from {low:g}{unit}" if high is None else f"{low:g} to {high:g}{unit}"


@dataclass(frozen=True)
class _Row:
    """Rows of one side in a part of one recording."""

    frame: np.ndarray
    label: np.ndarray
    source: np.ndarray
    azimuth: np.ndarray
    elevation: np.ndarray
    distance: np.ndarray
    state: np.ndarray

    def only(self, chosen: np.ndarray) -> _Row:
        return _Row(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _sides(paired: Followed, clip: int) -> tuple[_Row, _Row, np.ndarray]:
    """Rows of one recording on both sides, and its pairs."""
    states = []
    pairs = np.flatnonzero(paired.reference.recording[paired.pairs.reference] == clip)
    for side, place, alone, fit in (
        (paired.reference, paired.pairs.reference, "missed", "found"),
        (paired.output, paired.pairs.output, "false", "right"),
    ):
        state = np.full(len(side), alone, dtype=object)
        state[place[pairs]] = np.where(paired.right[pairs], fit, "misplaced")
        mine = np.flatnonzero(side.recording == clip)
        rows = side.rows
        columns = side.frame, side.label, side.source, rows.azimuth, rows.elevation, rows.distance, state
        states.append(_Row(*(column[mine] for column in columns)))
    return states[0], states[1], pairs


def _directions(
    paired: Followed,
    clip: int,
    labels: Sequence[str],
    clip_id: str,
    why: Literal["worst", "typical"],
    f20: float,
    reference: Tracks,
    rule: SeldRule,
) -> Directions:
    there, said, pairs = _sides(paired, clip)
    last = int(max(there.frame.max(initial=-1), said.frame.max(initial=-1))) + 1
    frames = reference.frames or last
    start, stop = _window(there, said, frames)
    sides = [side.only((side.frame >= start) & (side.frame < stop)) for side in (there, said)]
    busy = np.bincount(np.concatenate([side.label for side in sides]), minlength=len(labels))
    present = np.flatnonzero(busy)
    kept = np.sort(present[np.argsort(-busy[present], kind="stable")][:MOST_CLASSES])
    at = paired.pairs.reference[pairs]
    inside = (paired.reference.frame[at] >= start) & (paired.reference.frame[at] < stop)
    sources = []
    for label in kept.tolist():
        mine = pairs[inside & (paired.reference.label[at] == label)]
        swaps = paired.reference.frame[paired.pairs.reference[mine[paired.swapped[mine]]]]
        rows = [side.only(side.label == label) for side in sides]
        counts = {state: float(np.sum(rows[number].state == state)) for number, state in _COUNTED}
        sources.append(
            DrawnSource(
                label=labels[label],
                reference=_stretches(rows[0], rule),
                output=_stretches(rows[1], rule),
                swaps=[round(frame * FRAME_SECONDS, 1) for frame in sorted(swaps.tolist())],
                error=round(float(paired.pairs.angle[mine].mean()), 2) if len(mine) else None,
                **{state: round(count * FRAME_SECONDS, 1) for state, count in counts.items()},
            )
        )
    return Directions(
        clip_id=clip_id,
        why=why,
        f20=f20,
        seconds=round(frames * FRAME_SECONDS, 1),
        start=round(start * FRAME_SECONDS, 1),
        stop=round(stop * FRAME_SECONDS, 1),
        sources=sources,
        left_out=len(present) - len(kept),
    )


#: Side of the rows that are counted, and their state.
_COUNTED = ((0, "missed"), (0, "misplaced"), (1, "false"))


def _window(there: _Row, said: _Row, frames: int) -> tuple[int, int]:
    """The part of a recording that is shown: all of it, or of a long one the part with the most errors."""
    span = min(frames, LONGEST)
    wrong = np.sort(np.concatenate([side.frame[~np.isin(side.state, ("found", "right"))] for side in (there, said)]))
    start = 0
    if span < frames and len(wrong):
        begins = np.minimum(wrong, frames - span)
        inside = np.searchsorted(wrong, begins + span, "left") - np.searchsorted(wrong, begins, "left")
        start = int(begins[inside.argmax()])
    first = np.sort(np.concatenate([side.frame[_starts(side)] for side in (there, said)]))
    later = first[np.searchsorted(first, start, "left") :]
    stop = start + span
    if len(later) > MOST_STRETCHES:
        stop = min(stop, max(int(later[MOST_STRETCHES]), start + 1))
    return start, stop


def _order(rows: _Row) -> np.ndarray:
    return np.lexsort((rows.frame, rows.source, rows.label))


def _starts(rows: _Row) -> np.ndarray:
    """Rows at which a stretch begins."""
    order = _order(rows)
    new = np.ones(len(order), bool)
    same = [np.diff(column[order]) == 0 for column in (rows.source, rows.label)]
    new[1:] = (
        ~(np.diff(rows.frame[order]) == 1) | ~np.all(same, axis=0) | (rows.state[order][1:] != rows.state[order][:-1])
    )
    return order[new]


def _stretches(rows: _Row, rule: SeldRule) -> list[SourceSpan]:
    order = _order(rows)
    begins = np.flatnonzero(np.isin(order, _starts(rows)))
    stretches = []
    for first, last in zip(begins, [*begins[1:], len(order)]):
        part = order[first:last]
        frame = rows.frame[part]
        times = np.append(frame, frame[-1] + 1) * FRAME_SECONDS
        azimuth = _held(rows.azimuth[part])
        turns = np.flatnonzero(np.abs(np.diff(azimuth)) > 180) + 1
        lines = zip(np.split(times, turns), np.split(azimuth, turns))
        distance = _held(rows.distance[part])
        stretches.append(
            SourceSpan(
                state=rows.state[part[0]],
                onset=round(float(times[0]), 1),
                offset=round(float(times[-1]), 1),
                azimuth=[_line(at, values, DEGREES, 1) for at, values in lines],
                elevation=[] if rule.azimuth_only else _line(times, _held(rows.elevation[part]), DEGREES, 1),
                distance=[] if np.isnan(distance).any() else _line(times, distance, METRES, 2),
            )
        )
    return sorted(stretches, key=lambda one: one.onset)


def _held(values: np.ndarray) -> np.ndarray:
    """Values at the starts of frames, the last one held to the end of its frame."""
    return np.append(values, values[-1])


def _line(times: np.ndarray, values: np.ndarray, tolerance: float, digits: int) -> list[Point]:
    """Few points whose line is nowhere farther from the values than the tolerance (Douglas and Peucker 1973)."""
    kept = {0, len(values) - 1}
    spans = [(0, len(values) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        between = np.arange(first + 1, last)
        straight = np.interp(times[between], times[[first, last]], values[[first, last]])
        far = np.abs(values[between] - straight)
        worst = int(far.argmax())
        if far[worst] > tolerance:
            middle = first + 1 + worst
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return [(round(float(times[i]), 1), round(float(values[i]), digits)) for i in sorted(kept)]
