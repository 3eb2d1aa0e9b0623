"""The rows of many recordings as flat arrays, by recording, frame and class, so that all are paired at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.seld.rules import FIXED_FRAMES, SEGMENT, SeldRule
from benchbed.outputs.tracks.recording import Tracks


@dataclass(frozen=True)
class FlatTracks:
    """Rows of many recordings, sorted by cell.

    Attributes
    ----------
    cell : np.ndarray [shape=(row,), int64]
        `(recording · frames + frame) · classes + class`, rising.
    source : np.ndarray [shape=(row,), int64]
        Source number.
    azimuth, elevation, distance : np.ndarray [shape=(row,), float64]
        Degrees and metres; NaN where there is no distance.
    onscreen : np.ndarray [shape=(row,), bool]
        Whether it is seen; False where nobody says.
    """

    cell: np.ndarray
    source: np.ndarray
    azimuth: np.ndarray
    elevation: np.ndarray
    distance: np.ndarray
    onscreen: np.ndarray

    def __len__(self) -> int:
        return len(self.cell)

    def only(self, chosen: np.ndarray) -> FlatTracks:
        """The chosen rows, by index or mask."""
        columns = (self.cell, self.source, self.azimuth, self.elevation, self.distance, self.onscreen)
        return FlatTracks(*(column[chosen] for column in columns))


@dataclass(frozen=True)
class CellGrid:
    """How cells are numbered.

    Attributes
    ----------
    recordings, frames, classes : int
        Their numbers; `frames` is a whole number of segments, at least as many as the longest recording has.
    """

    recordings: int
    frames: int
    classes: int


def grid(reference: np.ndarray, output: np.ndarray, classes: int) -> CellGrid:
    """The smallest grid that holds all rows.

    Parameters
    ----------
    reference, output : np.ndarray [shape=(recording,), object]
        `Tracks` of each recording.
    classes : int
        Number of classes.

    Raises
    ------
    CannotMeasure
        Something else than tracks in the arrays, or as many outputs as there are not recordings.
    """
    if len(reference) != len(output):
        raise CannotMeasure(f"{len(output)} outputs for {len(reference)} recordings")
    strange = sorted({type(held).__name__ for held in (*reference, *output) if not isinstance(held, Tracks)})
    if strange:
        raise CannotMeasure(f"recordings must be tracks, not {strange[0]}")
    last = max((int(held.frame.max()) for held in (*reference, *output) if len(held)), default=0)
    return CellGrid(len(reference), SEGMENT * (last // SEGMENT + 1), classes)


def within(reference: np.ndarray, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outputs without rows after the end of their recording, where that is known, and how many each had."""
    if len(reference) != len(output):
        raise CannotMeasure(f"{len(output)} outputs for {len(reference)} recordings")
    made, beyond = output, np.zeros(len(output))
    for i, (there, said) in enumerate(zip(reference, output)):
        frames = there.frames if isinstance(there, Tracks) else None
        if frames is None or not isinstance(said, Tracks) or not len(said) or said.frame.max() < frames:
            continue
        made = made.copy() if made is output else made
        made[i] = said.only(said.frame < frames)
        beyond[i] = len(said) - len(made[i])
    return made, beyond


def flatten(recordings: np.ndarray, place: CellGrid) -> FlatTracks:
    """Rows of all recordings by cell, in each cell by source, direction and distance, so that no order of rows matters.

    Raises
    ------
    CannotMeasure
        Classes outside the grid.
    """
    made, _ = _columns(recordings, place)
    order = np.lexsort((made.onscreen, made.distance, made.elevation, made.azimuth, made.source, made.cell))
    return made.only(order)


def official(
    reference: np.ndarray, output: np.ndarray, place: CellGrid, rule: SeldRule
) -> tuple[FlatTracks, FlatTracks, np.ndarray]:
    """Rows that the year's script reads, in each cell in the order of the file.

    Returns
    -------
    FlatTracks
        The reference.
    FlatTracks
        The outputs.
    np.ndarray [shape=(recording,), bool]
        Recordings at which the script stops.
    """
    made, frames = [], []
    for recordings in (reference, output):
        rows, frame = _columns(_within(recordings, place.classes), place)
        order = np.argsort(rows.cell, kind="stable")
        made.append(rows.only(order))
        frames.append(frame[order])
    last = np.array([int(held.frame.max()) if len(held) else -1 for held in reference])
    answered = np.array([held.answered for held in output], bool)
    stopped = (last < 0) if 2022 <= rule.year < 2025 else np.zeros(len(last), bool)
    ends = _ends(last, rule)
    kept = []
    for rows, frame in zip(made, frames):
        recording = rows.cell // (place.frames * place.classes)
        kept.append(rows.only((frame < ends[recording]) & answered[recording]))
    if rule.year == 2025:
        kept = [_ten_slots(rows) for rows in kept]
    return kept[0], kept[1], stopped


def _within(recordings: np.ndarray, classes: int) -> np.ndarray:
    """The rows that scripts look at: they pass over classes that they do not know."""
    made = np.empty(len(recordings), object)
    for i, held in enumerate(recordings):
        inside = (held.label >= 0) & (held.label < classes) & (held.frame >= 0)
        made[i] = held if inside.all() else held.only(inside)
    return made


def _ends(last: np.ndarray, rule: SeldRule) -> np.ndarray:
    if rule.year < 2022:
        return np.full(len(last), FIXED_FRAMES)
    counted = np.maximum(last, 0)
    # Segments start before the largest index and are read whole; frames are read up to it, without it.
    return -(-counted // SEGMENT) * SEGMENT if rule.unit == "segment" else counted


def _ten_slots(rows: FlatTracks) -> FlatTracks:
    # Ten places for sources of a class in a frame; what finds no place takes the first one.
    _, first, counts = np.unique(rows.cell, return_index=True, return_counts=True)
    crowded = np.flatnonzero(counts > 10)
    if not len(crowded):
        return rows
    order = np.arange(len(rows))
    kept = np.ones(len(rows), bool)
    for cell in crowded:
        slots: dict[int, int] = {}
        members = range(first[cell], first[cell] + counts[cell])
        for row in members:
            source = int(rows.source[row])
            free = [slot for slot in range(10) if slot not in slots]
            slots[source if source not in slots and source < 10 else free[0] if free else 0] = row
        kept[list(members)] = False
        # A row that takes the place of another also takes its turn.
        held = list(slots.values())
        places = list(members)[: len(held)]
        order[places], kept[places] = held, True
    return rows.only(order[kept])


def _columns(recordings: np.ndarray, place: CellGrid) -> tuple[FlatTracks, np.ndarray]:
    sizes = np.array([len(tracks) for tracks in recordings], np.int64)
    count = int(sizes.sum())

    def joined(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, kind), *(getattr(tracks, name) for tracks in recordings)])

    def optional(name: str, absent: float | bool, kind: type) -> np.ndarray:
        values = [getattr(tracks, name) for tracks in recordings]
        if all(value is None for value in values):
            return np.full(count, absent, kind)
        parts = [np.full(size, absent, kind) if value is None else value for size, value in zip(sizes, values)]
        return np.concatenate([np.zeros(0, kind), *parts])

    frame, label = joined("frame", np.int64), joined("label", np.int64)
    if len(label) and (label.min() < 0 or label.max() >= place.classes):
        raise CannotMeasure(f"classes outside 0…{place.classes - 1}")
    if len(frame) and frame.min() < 0:
        raise CannotMeasure("frames before the recording")
    recording = np.repeat(np.arange(len(recordings)), sizes)
    cell = (recording * place.frames + frame) * place.classes + label
    columns = joined("source", np.int64), joined("azimuth", np.float64), joined("elevation", np.float64)
    return FlatTracks(
        cell, *columns, optional("distance", np.nan, np.float64), optional("onscreen", False, bool)
    ), frame
