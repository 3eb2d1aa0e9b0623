"""From rows of references and outputs to the counters of each recording, all of which are sums over units."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.seld.angles import angle
from benchbed.metrics.seld.chains import chains
from benchbed.metrics.seld.flat import CellGrid, FlatTracks, flatten, grid, official, within
from benchbed.metrics.seld.pairing import Pairs, cells, pairs
from benchbed.metrics.seld.rules import ANGLE_TOLERANCE, RATIO_TOLERANCE, SeldRule

#: Added to every denominator by the scripts.
EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class TrackCounts:
    """Summed counters, `[…, class]` and, for errors over all classes, `[…]`.

    Attributes
    ----------
    hit, misplaced, false, missed : np.ndarray [shape=(…, class)]
        Sources found in their place, found elsewhere, output without a reference, and not found.
    reference, output : np.ndarray [shape=(…, class)]
        Sources of the reference and of the output.
    matched : np.ndarray [shape=(…, class)]
        Sources found at all, whose errors are summed in the next four.
    angle, distance, relative, onscreen : np.ndarray [shape=(…, class)]
        Degrees, metres, relative distance errors, and how often being seen was told right.
    substitutions, deletions, insertions : np.ndarray [shape=(…,)]
        Errors of all classes together, paired within each unit.
    recordings : np.ndarray [shape=(…,)]
        Recordings that were scored.
    stopped : np.ndarray [shape=(…,)]
        Recordings at which the official script stops.
    unanswered : np.ndarray [shape=(…,)]
        Recordings without an answer.
    beyond : np.ndarray [shape=(…,)]
        Rows of outputs after the end of their recording, which the rule leaves out.
    """

    hit: np.ndarray
    misplaced: np.ndarray
    false: np.ndarray
    missed: np.ndarray
    reference: np.ndarray
    output: np.ndarray
    matched: np.ndarray
    angle: np.ndarray
    distance: np.ndarray
    relative: np.ndarray
    onscreen: np.ndarray
    substitutions: np.ndarray
    deletions: np.ndarray
    insertions: np.ndarray
    recordings: np.ndarray
    stopped: np.ndarray
    unanswered: np.ndarray
    beyond: np.ndarray


#: Counters over all classes, the last of the statistics.
OVERALL = ("substitutions", "deletions", "insertions", "recordings", "stopped", "unanswered", "beyond")
BY_CLASS = len(fields(TrackCounts)) - len(OVERALL)


def width(classes: int) -> int:
    """Number of statistics of a recording."""
    return BY_CLASS * classes + len(OVERALL)


def read(sums: np.ndarray, classes: int) -> TrackCounts:
    """Statistics `[…, statistic]` by name."""
    each = [sums[..., i * classes : (i + 1) * classes] for i in range(BY_CLASS)]
    return TrackCounts(*each, *(sums[..., BY_CLASS * classes + i] for i in range(len(OVERALL))))


def counted(reference: np.ndarray, output: np.ndarray, classes: int, rule: SeldRule) -> np.ndarray:
    """Counters of each recording, `[recording, statistic]` float64.

    Parameters
    ----------
    reference, output : np.ndarray [shape=(recording,), object]
        `Tracks` of each recording.
    classes : int
        Number of classes.
    rule : SeldRule
        How sources are counted.

    Raises
    ------
    CannotMeasure
        Something else than tracks, classes outside the labels, or distances that the rule asks for and rows lack.

    Examples
    --------
    >>> from benchbed.metrics.seld.rules import rule
    >>> from benchbed.outputs.tracks.recording import tracks
    >>> there, said = np.empty(1, object), np.empty(1, object)
    >>> there[0], said[0] = tracks([0], [0], [30.0]), tracks([0], [0], [35.0])
    >>> counts = read(counted(there, said, 1, rule(2022, "segment"))[0], 1)
    >>> counts.hit.tolist(), counts.angle.round(9).tolist()
    ([1.0], [5.0])
    """
    beyond = np.zeros(len(reference))
    if not rule.official:
        output, beyond = within(reference, output)
    place = grid(reference, output, classes)
    if rule.official:
        there, said, stopped = official(reference, output, place, rule)
        scored = np.array([recording.answered for recording in output], bool)
    else:
        there, said = flatten(reference, place), flatten(output, place)
        stopped, scored = np.zeros(len(reference), bool), np.ones(len(reference), bool)
    matches = pairs(there, said, angle(there, said, rule), official=rule.official)
    if rule.distances:
        # Several places of this table of errors rest on distances, so one that is lacking is no small thing.
        lacking = np.isnan(there.distance[matches.reference]) | np.isnan(said.distance[matches.output])
        if rule.official:
            stopped = stopped | (np.bincount(_recording(there, matches, place)[lacking], minlength=len(stopped)) > 0)
        else:
            _refuse_lacking(there, said)
    units = _Units(there, said, matches, place, rule)
    unanswered = [not recording.answered for recording in output]
    return np.concatenate(
        [units.by_class(), units.errors(), np.column_stack([scored, stopped, unanswered, beyond])], axis=1
    )


class _Units:
    """Counts of each unit and class that either side has."""

    def __init__(self, there: FlatTracks, said: FlatTracks, found: Pairs, place: CellGrid, rule: SeldRule) -> None:
        self.place, self.rule = place, rule
        held, _, sizes = cells(there)
        other, _, other_sizes = cells(said)
        groups = [self._group(cell) for cell in (held, other)]
        both = np.sort(np.concatenate(groups))
        self.group = both[np.flatnonzero(np.diff(both, prepend=-1))]
        here, there_at = (np.searchsorted(self.group, group) for group in groups)
        track = self._tracks(there)
        self.reference = self._most(here, sizes) if rule.official else self._several(there, track)
        self.output = self._most(there_at, other_sizes)
        if rule.by_class:
            self.reference, self.output = (np.minimum(count, 1) for count in (self.reference, self.output))
        errors = self._errors(there, said, found)
        owner, errors = self._by_source(there, found, track, errors)
        at = np.searchsorted(self.group, owner)
        self.matched = np.bincount(at, minlength=len(self.group))
        self.hit = np.bincount(at[self._hits(errors)], minlength=len(self.group))
        self.sums = [np.bincount(at, weights=error, minlength=len(self.group)) for error in errors[:4]]

    def by_class(self) -> np.ndarray:
        """Counters of each class, `[recording, counter · class]`."""
        false, missed, misplaced = self._outcomes()
        columns = [self.hit, misplaced, false, missed, self.reference, self.output, self.matched, *self.sums]
        units = self.place.frames // self.rule.frames
        at = self.group // (units * self.place.classes) * self.place.classes + self.group % self.place.classes
        cells = self.place.recordings * self.place.classes
        made = [np.bincount(at, weights=column, minlength=cells) for column in columns]
        return np.concatenate([column.reshape(self.place.recordings, -1) for column in made], axis=1)

    def errors(self) -> np.ndarray:
        """Substitutions, deletions and insertions of each recording, `[recording, 3]`."""
        false, missed, misplaced = self._outcomes()
        if not self.rule.by_class:
            false = false + misplaced
        unit, at = np.unique(self.group // self.place.classes, return_inverse=True)
        added, lost = (np.bincount(at, weights=count, minlength=len(unit)) for count in (false, missed))
        kinds = np.minimum(added, lost), np.maximum(0, lost - added), np.maximum(0, added - lost)
        recording = unit // (self.place.frames // self.rule.frames)
        return np.column_stack(
            [np.bincount(recording, weights=kind, minlength=self.place.recordings) for kind in kinds]
        )

    def _outcomes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """False outputs, misses and misplaced sources of each unit and class."""
        there, said, matched = self.reference, self.output, self.matched
        if self.rule.by_class:
            # A class in the wrong place is a miss, and no false output beside.
            return np.where(there == 0, said, 0), there - self.hit, np.zeros(len(there))
        misplaced = matched - self.hit
        if not self.rule.official:
            return np.maximum(0, said - matched), there - matched, misplaced
        apart = (there > 0) & (said > 0) & (matched == 0)
        false = np.where(apart, 0, np.maximum(0, said - there))
        missed = np.where(apart, said, np.maximum(0, there - said))
        return false, missed, misplaced

    def _group(self, cell: np.ndarray) -> np.ndarray:
        classes = self.place.classes
        return cell // classes // self.rule.frames * classes + cell % classes

    def _most(self, at: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        """Largest number of rows in a frame."""
        most = np.zeros(len(self.group), np.int64)
        np.maximum.at(most, at, sizes)
        return most

    def _several(self, rows: FlatTracks, track: np.ndarray) -> np.ndarray:
        """Number of sources in a unit."""
        _, first = np.unique(track, return_index=True)
        at = np.searchsorted(self.group, self._group(rows.cell[first]))
        return np.bincount(at, minlength=len(self.group))

    def _tracks(self, rows: FlatTracks) -> np.ndarray:
        """Number of the source of each row: equal numbers are one source within a unit and class."""
        group = self._group(rows.cell)
        if self.rule.official:
            _, starts, sizes = cells(rows)
            source = np.arange(len(rows)) - np.repeat(starts, sizes)
        else:
            source = chains(rows, group)
        return group * (int(source.max(initial=0)) + 1) + source

    def _errors(self, there: FlatTracks, said: FlatTracks, found: Pairs) -> list[np.ndarray]:
        """Angle, distance error, relative distance error, right about being seen, and too far off, of each pair."""
        if not self.rule.distances:
            return [found.angle, *(np.zeros(len(found.angle)) for _ in range(4))]
        distance, other = there.distance[found.reference], said.distance[found.output]
        if self.rule.official and self.rule.year == 2025:
            # The script keeps the centimetres of the files.
            distance, other = np.rint(distance * 1e8) / 1e6, np.rint(other * 1e8) / 1e6
        error = np.abs(distance - other)
        relative = error / (distance + EPS)
        if self.rule.official and self.rule.year == 2025:
            error = error / 100
        seen = (there.onscreen[found.reference] == said.onscreen[found.output]) * 1.0
        return [found.angle, *map(np.nan_to_num, (error, relative)), seen, self._far(distance, other, relative) * 1.0]

    def _far(self, distance: np.ndarray, other: np.ndarray, relative: np.ndarray) -> np.ndarray:
        assert self.rule.distance is not None
        if self.rule.official:
            return relative > self.rule.distance
        most = (1 + self.rule.distance) * (1 + RATIO_TOLERANCE)
        return (other > most * distance) | (distance > most * other)

    def _by_source(
        self, there: FlatTracks, found: Pairs, track: np.ndarray, errors: list[np.ndarray]
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Mean errors of each matched source in its unit, and the group that it belongs to."""
        pair = track[found.reference]
        if self.rule.by_class:
            errors, pair = self._by_frame(there, found, errors)
        elif self.rule.frames == 1:
            return self._group(there.cell[found.reference]), errors
        sources, first, at = np.unique(pair, return_index=True, return_inverse=True)
        counts = np.bincount(at, minlength=len(sources))
        means = [np.bincount(at, weights=error, minlength=len(sources)) / counts for error in errors]
        if self.rule.by_class:
            return sources, means
        return self._group(there.cell[found.reference[first]]), means

    def _by_frame(
        self, there: FlatTracks, found: Pairs, errors: list[np.ndarray]
    ) -> tuple[list[np.ndarray], np.ndarray]:
        """Errors of a class in each frame, and its group."""
        cell, at, counts = np.unique(there.cell[found.reference], return_inverse=True, return_counts=True)
        sums = [np.bincount(at, weights=error, minlength=len(cell)) for error in errors]
        return [total if self.rule.official else total / counts for total in sums], self._group(cell)

    def _hits(self, errors: list[np.ndarray]) -> np.ndarray:
        degrees = self.rule.degrees if self.rule.official else self.rule.degrees + ANGLE_TOLERANCE
        hits = errors[0] <= degrees
        if self.rule.distances:
            hits &= errors[4] == 0
        if self.rule.onscreen:
            hits &= errors[3] > 0.5
        return hits


def _recording(there: FlatTracks, found: Pairs, place: CellGrid) -> np.ndarray:
    return there.cell[found.reference] // (place.frames * place.classes)


def _refuse_lacking(there: FlatTracks, said: FlatTracks) -> None:
    for rows, whose in ((there, "reference"), (said, "output")):
        count = int(np.isnan(rows.distance).sum())
        if count:
            raise CannotMeasure(
                f"{count} of {len(rows)} rows of the {whose} have no distance",
                hint="from 2024 on distances are scored; seld2022 scores directions alone",
            )
