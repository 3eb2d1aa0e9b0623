"""One number for each clip: what outputs of this form share, whatever the number says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError, did_you_mean
from benchbed.outputs.contract import Heard, Json, Output, Reading
from benchbed.tables.columns import column_called
from benchbed.tables.names import clips_named, inner
from benchbed.tables.table import Table, read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class NumberReading(Reading):
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
        if not isinstance(raw, np.ndarray) or raw.dtype.kind != "f" or raw.shape not in ((clips,), (clips, 1)):
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

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class ClipNumber(Output):
    """A number `[clip, 1]`, float64, stored and compared as such.

    Attributes
    ----------
    number, clip : str
        What one is called, and what it is about, in messages.
    number_columns, clip_columns : tuple of str
        How the columns of another program's table may be called.
    """

    classes = False
    decides = False
    number = "number"
    clip = "clip"
    number_columns: tuple[str, ...] = ()
    clip_columns: tuple[str, ...] = ()

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros((0, 1))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        # Beside the number, of one at least: single precision holds no more than seven digits of a crowd.
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
        """Numbers `[clip, 1]` from a table with a column of clips and one of numbers.

        A clip is named as in any other table, see `benchbed.tables.names.clips_named`.

        Raises
        ------
        DataError
            No such columns, a number that is not finite, a clip twice, or one of the data set without a number.
        """
        table, names, places = self._rows(path, clips)
        column = column_called(table, self.number_columns, f"{self.number}s")
        numbers = table.numbers(column)
        if (odd := ~np.isfinite(numbers)).any():
            row = int(odd.argmax())
            given = table.frame[column].iloc[row] or "empty"
            hint = f"a finite number for each {self.clip}"
            raise DataError(f"the {self.number} is {given}", where=table.where(row), hint=hint)
        seen: dict[int, int] = {}
        answers = np.full((len(clips), 1), np.nan)
        for row, place in enumerate(places.tolist()):
            if place < 0:
                continue
            if place in seen:
                where = f"{table.where(seen[place])} and {table.where(row)}"
                raise DataError(f"two {self.number}s for '{names[row]}'", where=where, hint="keep one")
            seen[place] = row
            answers[place] = numbers[row]
        if (lacking := np.isnan(answers[:, 0])).any():
            clip = inner(str(clips["clip_id"].iloc[int(lacking.argmax())]))
            hint = did_you_mean(clip, names) or f"a row for each {self.clip}; the table names them like '{names[0]}'"
            raise DataError(
                f"{int(lacking.sum())} of {len(clips)} {self.clip}s have no {self.number}, the first is '{clip}'",
                where=str(path),
                hint=hint,
            )
        return answers

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        table, names, places = self._rows(path, clips)
        said = []
        if len(lost := np.flatnonzero(places < 0)):
            first = f"'{names[lost[0]]}' ({table.where(int(lost[0]))})"
            said.append(
                f"{len(lost)} of {len(names)} {self.number}s of {Path(path).name} are about no {self.clip} of the data "
                f"set and were not used, the first is {first}"
            )
        return said + self.remarks(table)

    def remarks(self, table: Table) -> list[str]:
        """What else a reader of a table's figures should know of its numbers, in words."""
        return []

    def _rows(self, path: Path, clips: pd.DataFrame) -> tuple[Table, list[str], np.ndarray]:
        """A table, what it calls its clips, and the row of the data set that each of them is, or -1."""
        table = read_table(Path(path))
        names = table.frame[column_called(table, self.clip_columns, f"{self.clip}s")].astype(str).tolist()
        where: Callable[[int], str] = table.where
        return table, names, clips_named(names, clips, where)
