"""Where in a recording a text is heard: scored intervals for each query about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.contract import Heard, Json, Moves, Output, Reading
from benchbed.outputs.moments.asked import IDS, QUERIES, SECONDS, WINDOWS, Asked, behind, windows_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What a model is asked where there is no data set.
PROBE = ("a dog barks", "rain falls on a roof")
_HELD, _LENGTH = "reference_moments", "reference_seconds"


class Located(Reading):
    """Moments as they come, held to the recording."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.counts: tuple[int, ...] | None = None

    def asked(self, side: Mapping[str, tuple]) -> None:
        self.counts = tuple(len(queries) for queries in side[QUERIES]) if QUERIES in side else None

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Moments `[clip]`, each a tuple with an array `[moment, 3]` of start, end and score for each query.

        Raises
        ------
        AdapterError
            Another type or number, a reversed interval, or what is no number.
        """
        given = list(raw) if isinstance(raw, (list, tuple)) or (isinstance(raw, np.ndarray) and raw.ndim) else None
        if given is None or len(given) != clips:
            what = type(raw).__name__ if given is None else f"moments of {len(given)} recordings"
            raise AdapterError(
                f"predict returned {what} for {clips} recordings",
                hint="a list for each recording, with rows of start, end and score for each of its queries",
            )
        answers = np.empty(clips, dtype=object)
        for row, one in enumerate(given):
            if not isinstance(one, (list, tuple, np.ndarray)):
                raise AdapterError(f"predict returned a {type(one).__name__} for a recording, not rows for each query")
            if self.counts is not None and len(one) != self.counts[row]:
                raise AdapterError(f"predict answered {len(one)} queries of a recording, {self.counts[row]} were asked")
            try:
                answers[row] = tuple(windows_of(found, 3) for found in one)
            except DataError as error:
                raise AdapterError(f"predict returned what is no moment: {error.what}") from error
        return answers

    def usable(self, raw: np.ndarray) -> np.ndarray:
        return np.ones(len(raw), bool)

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        """The moments.

        Raises
        ------
        AdapterError
            One lies outside its recording.
        """
        for found, how in zip(raw, heard, strict=True):
            # Of stored answers nothing is heard; their file is held to the lengths that the data set states.
            for windows in found if how.samples > 1 else ():
                if (wrong := behind(windows, how.seconds)) is not None:
                    raise AdapterError(f"predict returned what cannot be: {wrong}", hint="times are in seconds")
        return raw

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Moments(Output):
    """Rows of start, end and score for each query of a recording; references are `Asked`."""

    name = "moments"
    title = "Moment retrieval"
    classes = False
    decides = False
    asks = (QUERIES, IDS)
    moved_by = frozenset({"time"})
    columns = ("scores", _HELD, _LENGTH)

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            hint = f"--set output={self.name}" if self.name in offered else "choose another suite or model"
            raise AdapterError(
                f"{card.name} gives {card.output}; the task needs a model that finds moments by text", hint=hint
            )
        return Located(card)

    def probe(self, clips: int) -> dict[str, tuple]:
        return {QUERIES: (PROBE,) * clips, IDS: (tuple(str(n) for n in range(len(PROBE))),) * clips}

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        truth = np.empty(len(clips), dtype=object)
        if len(clips):
            lengths = clips[SECONDS] if SECONDS in clips else [float("nan")] * len(clips)
            for row, held in enumerate(zip(clips[QUERIES], clips[IDS], clips[WINDOWS], lengths)):
                texts, ids, windows, seconds = held
                checked = tuple(windows_of(one, 2) for one in windows)
                truth[row] = Asked(tuple(texts), tuple(ids), checked, float(seconds))
        return truth

    def placed(self, references: np.ndarray, row: int, seconds: float, moves: Moves | None) -> Asked:
        """Windows where a perturbation put them, cut at the end of the recording; what was cut out is gone."""
        given = references[row]
        windows = given.windows
        if moves is not None:
            windows = tuple(moves.events(one, seconds)[0] if len(one) else one for one in windows)
            windows = tuple(_joined(np.clip(one, 0.0, seconds)) for one in windows)
        # Of stored answers nothing is heard, and the length is what the data set states.
        known = given.seconds if np.isfinite(given.seconds) else seconds
        return Asked(given.queries, given.ids, windows, known)

    def truth(self, references: np.ndarray, placed: np.ndarray | None) -> np.ndarray:
        return references if placed is None else placed

    def identity(self, references: np.ndarray, row: int) -> Json:
        given = references[row]
        return [list(given.queries), list(given.ids), [one.tolist() for one in given.windows]]

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([_gap(a, b) for a, b in zip(one, other, strict=True)])

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        rows = pa.list_(pa.list_(pa.list_(pa.float64())))
        made = {"scores": pa.array([[one.tolist() for one in found] for found in answers], rows)}
        if references is not None:
            held = [
                [
                    {"query": text, "id": name, "windows": windows.tolist()}
                    for text, name, windows in zip(asked.queries, asked.ids, asked.windows)
                ]
                for asked in references
            ]
            kind = pa.struct({"query": pa.string(), "id": pa.string(), "windows": pa.list_(pa.list_(pa.float64()))})
            made[_HELD] = pa.array(held, pa.list_(kind))
            made[_LENGTH] = pa.array([asked.seconds for asked in references], pa.float64())
        return made

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
        answers = np.empty(len(table), dtype=object)
        for row, found in enumerate(table["scores"].to_pylist()):
            answers[row] = tuple(np.array(one, np.float64).reshape(-1, 3) for one in found)
        if _HELD not in table.column_names:
            return answers, None
        references = np.empty(len(table), dtype=object)
        for row, (held, seconds) in enumerate(zip(table[_HELD].to_pylist(), table[_LENGTH].to_pylist())):
            windows = tuple(np.array(one["windows"], np.float64).reshape(-1, 2) for one in held)
            references[row] = Asked(tuple(o["query"] for o in held), tuple(o["id"] for o in held), windows, seconds)
        return answers, references

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * 3 * (60 + 10 * 24), "three queries for each recording, with ten moments each"

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Moments from a jsonl file as DCASE 2026 Task 6 and QVHighlights submit them.

        See `benchbed.outputs.moments.files`.
        """
        from benchbed.outputs.moments.files import answers_of

        return answers_of(path, clips)

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        from benchbed.outputs.moments.files import unused

        return unused(path, clips)

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        asked, found = references[row], answers[row]
        parts = []
        for text, windows, said in list(zip(asked.queries, asked.windows, found))[:2]:
            best = said[np.argmax(said[:, 2])] if len(said) else None
            first = "nowhere" if best is None else f"{best[0]:.1f}–{best[1]:.1f} s"
            true = ", ".join(f"{a:.1f}–{b:.1f} s" for a, b in windows[:2]) or "nowhere"
            parts.append(f"“{text[:50]}” {first}, is {true}")
        return "; ".join(parts) or "nothing was asked"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        answers, truth = np.empty(clips, dtype=object), np.empty(clips, dtype=object)
        for clip in range(clips):
            count = int(random.integers(1, 4))
            truth[clip] = Asked(
                tuple(f"sound {n}" for n in range(count)),
                tuple(f"{clip}_{n}" for n in range(count)),
                tuple(_drawn(random, int(random.integers(1, 4))) for _ in range(count)),
            )
            answers[clip] = tuple(
                np.column_stack([one := _drawn(random, int(random.integers(1, 6))), random.random(len(one))])
                for _ in range(count)
            )
        return answers, truth


def _joined(windows: np.ndarray) -> np.ndarray:
    """Windows without those that have no length left, those that touch as one."""
    made: list[list[float]] = []
    for start, end in sorted(windows.tolist()):
        if end <= start:
            continue
        if made and start <= made[-1][1]:
            made[-1][1] = max(made[-1][1], end)
        else:
            made.append([start, end])
    return np.array(made, np.float64).reshape(-1, 2)


def _drawn(random: np.random.Generator, count: int) -> np.ndarray:
    start = random.integers(0, 50, count).astype(np.float64)
    return np.column_stack([start, start + random.integers(1, 10, count)])


def _gap(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    if len(one) != len(other) or any(len(a) != len(b) for a, b in zip(one, other)):
        return float("inf")
    return max((float(np.abs(a - b).max(initial=0.0)) for a, b in zip(one, other)), default=0.0)


OUTPUT = Moments()
