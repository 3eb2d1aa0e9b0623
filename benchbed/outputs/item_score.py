"""The score that another program gave an item: one number, e.g. decibels of a mixture, or 1 for a right answer.

The door for tasks that are not scored here. Whoever has a scorer of separated sources or of answered questions gives
the score of each item; means, intervals, comparisons, gates and pages are then those of any other task.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError, did_you_mean
from benchbed.outputs.contract import Heard, Json, Output, Reading
from benchbed.tables.columns import column_called
from benchbed.tables.names import ID_COLUMNS, clips_named
from benchbed.tables.table import read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Columns that may hold the scores, where none is called so.
SCORES = ("score", "value", "correct")
#: Columns that may name items, beside those of clips.
ITEMS = ("item", "name")


class ScoredItems(Reading):
    """Scores as they come."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Scores `[item, 1]`.

        Raises
        ------
        AdapterError
            Another type or shape.
        """
        if not isinstance(raw, np.ndarray) or raw.dtype.kind != "f" or raw.shape not in ((clips,), (clips, 1)):
            given = f"{raw.dtype} {list(raw.shape)}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise AdapterError(f"predict returned {given}, expected floats [item] for {clips} items")
        return raw.reshape(clips, 1)

    def usable(self, raw: np.ndarray) -> np.ndarray:
        usable: np.ndarray = np.isfinite(raw[:, 0])
        return usable

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return raw

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class ItemScore(Output):
    """A score `[item, 1]`, float64; there is nothing to hold it against, so that references are zeros."""

    name = "item_score"
    title = "Scores of items by another program"
    classes = False
    decides = False
    unattacked = "the scores are another program's, and nothing is heard here"

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            raise AdapterError(
                f"{card.name} gives {card.output}; this suite takes scores that another program gave to its items",
                hint="benchbed score SUITE scores.csv",
            )
        return ScoredItems(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return np.zeros(len(clips))

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros((0, 1))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
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
        """Scores from a table of items and scores.

        Raises
        ------
        DataError
            No such columns, a score that is no finite number, an item twice, or one of the data set without a score.
        """
        table = read_table(Path(path))
        names = table.frame[column_called(table, (*ITEMS, *ID_COLUMNS), "items")].astype(str).tolist()
        column = column_called(table, SCORES, "scores")
        numbers = table.numbers(column)
        if (odd := ~np.isfinite(numbers)).any():
            row = int(odd.argmax())
            given = table.frame[column].iloc[row] or "empty"
            raise DataError(f"the score is {given}", where=table.where(row), hint="a finite number for each item")
        seen: dict[int, int] = {}
        answers = np.full((len(clips), 1), np.nan)
        for row, place in enumerate(clips_named(names, clips, table.where).tolist()):
            if place < 0:
                continue
            if place in seen:
                where = f"{table.where(seen[place])} and {table.where(row)}"
                raise DataError(f"two scores for '{names[row]}'", where=where, hint="keep one")
            seen[place] = row
            answers[place] = numbers[row]
        if (lacking := np.isnan(answers[:, 0])).any():
            item = str(clips["clip_id"].iloc[int(lacking.argmax())]).partition("/")[2]
            raise DataError(
                f"{int(lacking.sum())} of {len(clips)} items have no score, the first is '{item}'",
                where=str(path),
                hint=did_you_mean(item, names) or f"a row for each item; the table names them like '{names[0]}'",
            )
        return answers

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        table = read_table(Path(path))
        names = table.frame[column_called(table, (*ITEMS, *ID_COLUMNS), "items")].astype(str).tolist()
        lost = np.flatnonzero(clips_named(names, clips, table.where) < 0)
        if not len(lost):
            return []
        first = f"'{names[lost[0]]}' ({table.where(int(lost[0]))})"
        return [f"{len(lost)} of {len(names)} scores are about no item of the data set, the first is {first}"]

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        return f"scored {float(answers[row, 0]):.4g}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        return random.normal(8, 3, clips).reshape(-1, 1), np.zeros(clips)


OUTPUT = ItemScore()
