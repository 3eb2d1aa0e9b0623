"""Sound events in time: a probability of every class in every frame of a recording, or a list of events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.outputs.align import alignment_of, refuse_output
from benchbed.outputs.contract import Json, Moves, Output
from benchbed.outputs.frames.grid import hop_of
from benchbed.outputs.frames.hardened import certain
from benchbed.outputs.frames.listed import framed_within, same_list, within
from benchbed.outputs.frames.reading import FrameReading
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, frame_scores
from benchbed.outputs.frames.references import moved, overlapping, placed, timed_references
from benchbed.outputs.frames.stored import COLUMNS, LISTED, pack, unpack

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


#: Bytes beside the scores of a recording: its reference events, times and tags.
ROW_BYTES = 160
#: Seconds from one frame to the next where no model says it: detectors give frames of 20 to 160 ms.
FRAME_SECONDS = 0.02


class Frames(Output):
    """Sound events in time.

    Answers are `FrameScores`, or `Events` of a system that lists what it found; references are `Timed` as the dataset
    gives them; beside each answer, `Events`. Metrics take the events that are certain, and of a recording with tags
    alone its tags `[class]`.
    """

    name = "frames"
    title = "Sound event detection"
    hears = "windows"
    #: Nothing but the audio says how long a recording is.
    unheard = False
    moved_by = frozenset({"time"})
    columns = (*COLUMNS, *LISTED)
    needs = ("frame_seconds",)
    class_scores = "time"
    decided_by = ("threshold", "median_seconds")
    tuned_by = ("f1", "segment_f1", "event_f1", "intersection_f1")
    reader = "detections"
    deposited = frozenset({"file", "folder"})

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> FrameReading:
        refuse_output(card, self.name, offered)
        return FrameReading(alignment_of(card, labels, self.name), hop_of(card))

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return timed_references(clips, annotations, labels)

    def placed(self, references: np.ndarray, row: int, seconds: float, moves: Moves | None) -> Events:
        given = references[row]
        # What a perturbation cut or doubled is one event again, but for those that were given as several.
        join = moves is not None and not overlapping(given)
        return placed(moved(given, moves, seconds), seconds, join=join)

    def truth(self, references: np.ndarray, placed: np.ndarray | None) -> np.ndarray:
        if placed is None:
            raise ValueError("timed references lie beside the answers")
        known = np.empty(len(references), dtype=object)
        known[:] = [
            certain(lies) if reference.tags is None else reference.tags
            for reference, lies in zip(references, placed, strict=True)
        ]
        return known

    def coarse(self, references: np.ndarray) -> np.ndarray:
        return np.array([reference.tags is not None for reference in references], bool)

    def identity(self, references: np.ndarray, row: int) -> Json:
        timed = references[row]
        if not len(timed.times):
            return []
        confidence = [] if timed.confidence is None else timed.confidence.tolist()
        return [timed.times.tolist(), timed.label.tolist(), confidence]

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([_gap(a, b) for a, b in zip(one, other, strict=True)])

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        return pack(list(answers), None if references is None else list(references), labels)

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        return unpack(table, labels)

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        hop = 1.0 if by_second else FRAME_SECONDS if card is None else hop_of(card)
        # Scores of frames hardly shrink on disk: noise to nine tenths, those of a sure model further.
        own = card is not None and card.scores == "probabilities" and not by_second
        size = round(clips * ROW_BYTES + seconds / hop * (4 if own else 8) * classes)
        return size, f"frames of {1000 * hop:g} ms" if card is None and not by_second else ""

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        from benchbed.outputs.frames.foreign import answers_of, read_tables

        return answers_of(read_tables(path), clips, labels, **options).answers  # type: ignore[arg-type]

    def within(self, answer: object, seconds: float) -> tuple[object, str | None]:
        if isinstance(answer, Events):
            return within(answer, seconds)
        if not isinstance(answer, FrameScores) or answer.hop is None:
            raise TypeError("a foreign answer over time is a list of events, or scores of even frames")
        return framed_within(answer, seconds), None

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        answer, truth = answers[row], references[row]
        if isinstance(answer, Events):
            return f"{_listed(answer, labels) or 'nothing'}, is {_listed(truth, labels) or 'nothing'}"
        scores = answer.scores
        heard = ", ".join(
            f"{labels[c]} {100 * scores[:, c].max():.0f} %" for c in np.flatnonzero(scores.max(0) >= 0.5).tolist()
        )
        return f"{heard or 'nothing'}, is {_listed(truth, labels) or 'nothing'}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        answers, references = np.empty(clips, dtype=object), np.empty(clips, dtype=object)
        for row in range(clips):
            frames = int(random.integers(1, 40))
            scores = random.random((frames, len(labels))).astype(np.float32)
            answers[row] = frame_scores(scores, 0.1, frames * 0.1)
            onset = random.integers(0, frames, int(random.integers(0, 4))) * (SECOND // 10)
            label = random.permutation(len(labels))[: len(onset)]
            onset = onset[: len(label)]
            references[row] = Events(onset, onset + SECOND // 10, label, frames * (SECOND // 10))
        return answers, references


def _gap(one: FrameScores | Events, other: FrameScores | Events) -> float:
    if isinstance(one, Events) or isinstance(other, Events):
        return 0.0 if same_list(one, other) else float("inf")
    if one.scores.shape != other.scores.shape:
        return float("inf")
    return float(np.abs(np.asarray(one.scores, np.float64) - other.scores).max(initial=0.0))


def _listed(truth: Events | np.ndarray, labels: Sequence[str]) -> str:
    if isinstance(truth, np.ndarray):
        return ", ".join(labels[c] for c in np.flatnonzero(truth).tolist())
    times = zip(truth.label, truth.onset / SECOND, truth.offset / SECOND)
    return ", ".join(f"{labels[label]} {onset:g}–{offset:g} s" for label, onset, offset in times)


OUTPUT = Frames()
