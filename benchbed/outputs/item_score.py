"""The score that another program gave an item: one number, e.g. decibels of a mixture, or 1 for a right answer.

The door for tasks that are not scored here. Whoever has a scorer of separated sources or of answered questions gives
the score of each item; means, intervals, comparisons, gates and pages are then those of any other task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.clip_number import ClipNumber, NumberReading
from benchbed.outputs.contract import Reading

if TYPE_CHECKING:
    import pandas as pd


class ItemScore(ClipNumber):
    """A score `[item, 1]`, float64; there is nothing to hold it against, so that references are zeros."""

    name = "item_score"
    title = "Scores of items by another program"
    number = "score"
    clip = "item"
    number_columns = ("score", "value", "correct")
    clip_columns = ("item", "name", "source_clip_id", "id", "fname", "filename", "file")
    unattacked = "the scores are another program's, and nothing is heard here"

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            raise AdapterError(
                f"{card.name} gives {card.output}; this suite takes scores that another program gave to its items",
                hint="benchbed score SUITE scores.csv",
            )
        return NumberReading(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return np.zeros(len(clips))

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        return f"scored {float(answers[row, 0]):.4g}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        return random.normal(8, 3, clips).reshape(-1, 1), np.zeros(clips)


OUTPUT = ItemScore()
