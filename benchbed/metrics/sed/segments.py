"""Events on a grid of segments, and what is counted there."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchbed.metrics.sed.flat import FlatEvents
from benchbed.metrics.sed.matching import Clock, whole
from benchbed.outputs.frames.recording import SECOND

#: Segments × classes held at once.
CELLS = 4_000_000


@dataclass(frozen=True)
class Grid:
    """Segments of equal length from the start of each recording.

    Attributes
    ----------
    resolution : float
        Length in seconds.
    clock : {"integer", "float"}
        `integer`: an event is in every segment that it overlaps, to the microsecond. `float`: as sed_eval computes it,
        in binary floating point, where 0.3…0.6 s fills four segments of 0.1 s.
    """

    resolution: float = 1.0
    clock: Clock = "integer"

    def first(self, onset: np.ndarray) -> np.ndarray:
        """First segment of each event."""
        if self.clock == "float":
            return np.floor(onset / SECOND * 1 / self.resolution).astype(np.int64)
        return onset // whole(self.resolution, SECOND)

    def after(self, offset: np.ndarray) -> np.ndarray:
        """Segment after the last one of each event."""
        if self.clock == "float":
            return np.ceil(offset / SECOND * 1 / self.resolution).astype(np.int64)
        return -(-offset // whole(self.resolution, SECOND))

    def lengths(self, reference: FlatEvents, output: FlatEvents) -> np.ndarray:
        """Number of segments of each recording: to its end, or to that of the last event where that is later.

        What a list claims beyond the end of a recording is wrong there, and is counted, as sed_eval does.
        """
        last = np.maximum(reference.duration, 0)
        for events in (reference, output):
            np.maximum.at(last, events.clip, events.offset)
        return self.after(last)


def activity(events: FlatEvents, grid: Grid, lengths: np.ndarray, classes: int) -> np.ndarray:
    """Where each class is on, `[segment, class]` bool, the segments of all recordings one after the other."""
    return by_class(events, grid, lengths, classes).T


def by_class(events: FlatEvents, grid: Grid, lengths: np.ndarray, classes: int) -> np.ndarray:
    """The same as `[class, segment]`, with the segments of a class side by side."""
    base = np.concatenate([[0], np.cumsum(lengths)])
    limit = lengths[events.clip]
    first = np.minimum(grid.first(events.onset), limit)
    after = np.minimum(np.maximum(grid.after(events.offset), first), limit)
    # One running sum over all classes: each ends with nothing on.
    width = int(base[-1]) + 1
    begin = events.label * width + base[events.clip]
    change = np.zeros(width * classes, np.int32)
    # Numbers of the array's own type: others are put in one by one, ten times as slowly.
    one = np.ones(len(begin), np.int32)
    np.add.at(change, begin + first, one)
    np.subtract.at(change, begin + after, one)
    return np.asarray(np.cumsum(change, dtype=np.int32, out=change).reshape(classes, width)[:, :-1] > 0)


def parts(
    reference: FlatEvents, output: FlatEvents, lengths: np.ndarray, classes: int
) -> Iterator[tuple[slice, FlatEvents, FlatEvents]]:
    """Recordings in runs whose segments fit into memory, with their events renumbered."""
    start, clips = 0, len(lengths)
    total = np.cumsum(np.maximum(lengths, 1)) * classes
    while start < clips:
        before = int(total[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + CELLS, "right")))
        run = slice(start, stop)
        yield run, _cut(reference, run), _cut(output, run)
        start = stop


def _cut(events: FlatEvents, run: slice) -> FlatEvents:
    low, high = np.searchsorted(events.clip, [run.start, run.stop])
    part = events.only(np.arange(low, high))
    return FlatEvents(part.clip - run.start, part.onset, part.offset, part.label, events.duration[run])


def totals(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Sum of whole numbers `[…, segment]` over the segments of each recording, `[clip, …]` float64; 0 without any."""
    edges = np.concatenate([[0], np.cumsum(lengths)])
    # One running sum over everything: what came before cancels in the differences, modulo 2³² as well.
    running = np.zeros(values.size + 1, np.uint32)
    np.cumsum(values.reshape(-1), dtype=np.uint32, out=running[1:])
    place = np.arange(math.prod(values.shape[:-1]))[:, None] * values.shape[-1] + edges
    return np.diff(running[place]).reshape(*values.shape[:-1], len(lengths)).T.astype(np.float64)
