"""How many there are: one number a clip, e.g. people in a crowd by what is heard of it.

The reference is a whole number or a sum of a density map; an answer is a number, which need be neither whole nor above
zero, as a regressor gives it: what is impossible is counted as it is, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.clip_number import ClipNumber, NumberReading
from benchbed.outputs.contract import Heard, Reading
from benchbed.tables.columns import column_called
from benchbed.tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

#: Column of the clip table.
COUNT = "count"


class CountedClips(NumberReading):
    """Counts as they come, and a word on those that no clip can have."""

    def remark(self, raw: np.ndarray, heard: Heard) -> str | None:
        if (raw < 0).any():
            return "counts below zero, which no clip can have; they are scored as they are"
        return None


class Count(ClipNumber):
    """A number `[clip, 1]`, float64; references are numbers `[clip]` from the column `count` of the clip table."""

    name = "count"
    title = "Counting"
    number = "count"
    number_columns = ("count", "counts", "predicted_count", "prediction", "estimate")
    clip_columns = ("file_name", "filename", "clip_id", "file", "clip", "image", "id")
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

    def remarks(self, table: Table) -> list[str]:
        numbers = table.numbers(column_called(table, self.number_columns, "counts"))
        below = np.flatnonzero(numbers < 0)
        if not len(below):
            return []
        first = table.where(int(below[0]))
        return [
            f"{len(below)} of {len(numbers)} counts are below zero and are scored as they are, the first at {first}"
        ]

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        return f"counted {float(answers[row, 0]):.4g}, is {float(references[row]):.4g}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        truth = random.integers(0, 200, clips).astype(np.float64)
        return (truth + random.normal(0, 10, clips)).reshape(-1, 1), truth


OUTPUT = Count()
