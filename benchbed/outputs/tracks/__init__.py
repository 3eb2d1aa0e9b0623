"""Sound events localised over time: who sounds in which direction, how far away, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, did_you_mean
from benchbed.outputs.contract import Json, Moves, Output
from benchbed.outputs.tracks.reading import TracksReading
from benchbed.outputs.tracks.recording import Tracks as Recorded
from benchbed.outputs.tracks.recording import tracks
from benchbed.outputs.tracks.references import moved, references
from benchbed.outputs.tracks.stored import COLUMNS, pack, unpack
from benchbed.outputs.tracks.vectors import FLOOR, decided

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Bytes of a row of a reference or answer on disk, and rows of both in a second, measured on STARSS22.
ROW_BYTES, ROWS_A_SECOND = 12, 25


class TracksOutput(Output):
    """Sound events localised over time: answers and references are `benchbed.outputs.tracks.recording.Tracks`."""

    name = "tracks"
    title = "Sound event localisation"
    version = 2
    hears = "windows"
    unheard = True
    moved_by = frozenset({"time", "space"})
    columns = COLUMNS
    #: Length of each recording, which stored answers are held against.
    asks = ("frames",)
    needs = ("frame_seconds",)
    decided_by = ("threshold", "unify_degrees")
    tuned_by = ("f20",)
    reader = "tracks"
    deposited = frozenset({"folder"})

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> TracksReading:
        _refuse(card, offered)
        return TracksReading(card, _numbers(card, labels))

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return references(clips, annotations, labels)

    def placed(self, references: np.ndarray, row: int, seconds: float, moves: Moves | None) -> Recorded:
        reference: Recorded = references[row]
        return reference if moves is None else moved(reference, moves, seconds)

    def truth(self, references: np.ndarray, placed: np.ndarray | None) -> np.ndarray:
        return references if placed is None else placed

    def identity(self, references: np.ndarray, row: int) -> Json:
        one: Recorded = references[row]
        columns = (one.frame, one.label, one.source, one.azimuth, one.elevation, one.distance, one.onscreen)
        return [one.frames, *(None if column is None else column.tolist() for column in columns)]

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([_gap(a, b) for a, b in zip(one, other, strict=True)])

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        return pack(list(answers), None if references is None else list(references), labels)

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        return unpack(table, labels)

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return round(clips * 100 + seconds * ROWS_A_SECOND * ROW_BYTES), "25 rows a second"

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        heard, truth = decided(answers[row]), references[row]
        return f"{_listed(heard, labels) or 'nothing'}, is {_listed(truth, labels) or 'nothing'}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        made = np.empty((2, clips), dtype=object)
        for row in range(clips):
            frames = int(random.integers(1, 40))
            for side in range(2):
                count = int(random.integers(0, 6))
                made[side, row] = tracks(
                    random.integers(0, frames, count),
                    random.integers(0, len(labels), count),
                    random.uniform(-180, 180, count),
                    random.uniform(-90, 90, count),
                    source=random.integers(0, 3, count),
                    distance=random.uniform(0.5, 5, count),
                    onscreen=random.random(count) < 0.5,
                    frames=frames,
                )
        return made[0], made[1]


def _refuse(card: Card, offered: Sequence[str]) -> None:
    if card.output != TracksOutput.name:
        named = "--set output=tracks" if TracksOutput.name in offered else "choose another suite"
        raise AdapterError(
            f"{card.name} gives {card.output}; localising sounds needs a model whose output is tracks", hint=named
        )


def _numbers(card: Card, labels: Sequence[str]) -> np.ndarray:
    """Class of the dataset that each of the model's means."""
    place = {label: i for i, label in enumerate(labels)}
    meant = {name: label for label, names in card.label_map.items() if label in place for name in names}
    number = np.array([place.get(meant.get(name, name), -1) for name in card.labels], np.int64)
    lacking = [label for i, label in enumerate(labels) if i not in set(number.tolist())]
    if lacking:
        raise AdapterError(
            f"{card.name} has no class that means '{lacking[0]}'"
            + (f", nor {len(lacking) - 1} others of the dataset" if len(lacking) > 1 else ""),
            hint=did_you_mean(lacking[0], card.labels) or f"its classes: {', '.join(card.labels[:14])}",
        )
    return number


def _gap(one: Recorded, other: Recorded) -> float:
    """Largest difference of a number, infinite between other rows; of undecided ones, of a vector or of a distance.

    A row that one of two undecided answers lacks lies at the floor there, so that what is near it is no gap.
    """
    if one.activity is not None and other.activity is not None:
        return _gap_undecided(one, other)
    if len(one) != len(other) or (one.activity is None) != (other.activity is None):
        return float("inf") if len(one) or len(other) else 0.0
    for name in ("frame", "label", "source"):
        if not np.array_equal(getattr(one, name), getattr(other, name)):
            return float("inf")
    differences = [(one.azimuth - other.azimuth + 180) % 360 - 180, one.elevation - other.elevation]
    if one.distance is not None and other.distance is not None:
        differences.append(one.distance - other.distance)
    return max(float(np.nan_to_num(np.abs(difference)).max(initial=0.0)) for difference in differences)


def _gap_undecided(one: Recorded, other: Recorded) -> float:
    assert one.activity is not None and other.activity is not None
    sides = [np.stack([made.frame, made.label, made.source]) for made in (one, other)]
    rows, at = np.unique(np.concatenate(sides, axis=1), axis=1, return_inverse=True)
    at = at.reshape(-1)
    place = at[: len(one)], at[len(one) :]
    said = np.full((2, rows.shape[1], 4), np.nan)
    for values, mine, made in zip(said, place, (one, other)):
        assert made.activity is not None
        values[mine, :3] = made.vectors * made.activity[:, None]
        values[mine, 3] = 0.0 if made.distance is None else made.distance
    difference = np.abs(said[0] - said[1])
    for values, lacking in ((said[0], np.isnan(said[1, :, 0])), (said[1], np.isnan(said[0, :, 0]))):
        difference[lacking, 0] = np.linalg.norm(values[lacking, :3], axis=1) - FLOOR
    return float(np.nan_to_num(difference).max(initial=0.0))


def _listed(made: Recorded, labels: Sequence[str]) -> str:
    parts = []
    for label in np.unique(made.label).tolist():
        mine = made.only(made.label == label)
        middle = np.median(mine.azimuth)
        parts.append(f"{labels[label]} in {len(np.unique(mine.frame)) / 10:g} s at {middle:.0f}°")
    return ", ".join(parts)


OUTPUT = TracksOutput()
