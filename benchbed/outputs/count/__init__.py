"""How many there are: one number a clip, e.g. people in a crowd by what is heard of it.

The reference is a whole number or a sum of a density map; an answer is a number, which need be neither whole nor above
zero, as a regressor gives it: what is impossible is counted as it is, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.contract import Heard, Json, Output, Reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Column of the clip table.
COUNT = "count"


class CountedClips(Reading):
    """Numbers as they come."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Numbers `[clip, 1]` in the model's own precision.

        Raises
        ------
        AdapterError
            Another type or shape.
        """
        fits = isinstance(raw, np.ndarray) and raw.dtype.kind == "f" and raw.shape in ((clips,), (clips, 1))
        if not isinstance(raw, np.ndarray) or not fits:
            given = f"{raw.dtype} {list(raw.shape)}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise AdapterError(
                f"predict returned {given}, expected floats [clip] for {clips} clips", hint="a number for each clip"
            )
        return raw.reshape(clips, 1)

    def usable(self, raw: np.ndarray) -> np.ndarray:
        usable: np.ndarray = np.isfinite(raw[:, 0])
        return usable

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return raw

    def remark(self, raw: np.ndarray, heard: Heard) -> str | None:
        if (raw < 0).any():
            return "counts below zero, which no clip can have; they are scored as they are"
        return None

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Count(Output):
    """A number `[clip, 1]`, float64; references are numbers `[clip]` from the column `count` of the clip table."""

    name = "count"
    title = "Counting"
    classes = False
    decides = False
    by_gap = True

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            hint = (
                f"--set output={self.name}" if self.name in offered else "choose another suite, or a model that counts"
            )
            raise AdapterError(f"{card.name} gives {card.output}; the task needs a model that counts", hint=hint)
        return CountedClips(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        if not len(clips):
            return np.zeros(0)
        if COUNT not in clips:
            raise DataError(
                "the data set does not say how many there are in a clip",
                hint=f"a column '{COUNT}' of the table of clips, or a suite of another task",
            )
        truth: np.ndarray = clips[COUNT].to_numpy(np.float64)
        odd = ~(np.isfinite(truth) & (truth >= 0))
        if odd.any():
            row = int(odd.argmax())
            raise DataError(
                f"the count of '{clips['clip_id'].iloc[row]}' is {truth[row]:g}", hint="a finite number, 0 or more"
            )
        return truth

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros((0, 1))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        # Beside the count, of one at least: single precision holds no more than seven digits of a crowd.
        former, latter = np.asarray(one, np.float64).reshape(len(one)), np.asarray(other, np.float64).reshape(len(one))
        return np.abs(former - latter) / np.maximum(1.0, np.maximum(np.abs(former), np.abs(latter)))

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        return {"scores": pa.array(np.asarray(answers, np.float64).reshape(-1))}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        return table["scores"].to_numpy().astype(np.float64).reshape(-1, 1), None

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * (12 + 8), ""

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Numbers from a table of clips and counts.

        See `benchbed.outputs.count.files`.
        """
        from benchbed.outputs.count.files import answers_of

        return answers_of(path, clips)

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        from benchbed.outputs.count.files import unused

        return unused(path, clips)

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        return f"counted {float(answers[row, 0]):.4g}, is {float(references[row]):.4g}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        truth = random.integers(0, 200, clips).astype(np.float64)
        return (truth + random.normal(0, 10, clips)).reshape(-1, 1), truth


OUTPUT = Count()
