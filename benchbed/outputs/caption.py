"""One sentence per clip, held against the sentences that people wrote about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.contract import Heard, Json, Output, Reading
from benchbed.tables.table import Table, read_table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Names that a column of clips, and one of captions, have in files of captioning systems.
CLIP_COLUMNS = ("file_name", "filename", "clip_id", "file", "fname", "audio", "youtube_id")
CAPTION_COLUMNS = ("caption_predicted", "caption", "caption_1", "prediction", "text")


class Captioned(Reading):
    """Captions as they come; a text is an answer, also an empty one."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        texts = list(raw) if isinstance(raw, (list, tuple, np.ndarray)) else None
        if texts is None or len(texts) != clips:
            shape = type(raw).__name__ if texts is None else f"{len(texts)} captions"
            raise AdapterError(f"predict returned {shape} for {clips} clips", hint="a list with one text for each clip")
        odd = next((text for text in texts if text is not None and not isinstance(text, str)), None)
        if odd is not None:
            raise AdapterError(f"predict returned a {type(odd).__name__} as a caption", hint="a str for each clip")
        answers = np.empty(clips, dtype=object)
        answers[:] = texts
        return answers

    def usable(self, raw: np.ndarray) -> np.ndarray:
        return np.array([text is not None for text in raw], bool)

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return raw

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Caption(Output):
    """A text `[clip]`; references are a tuple of texts for each clip, from the column `captions` of the clip table."""

    name = "caption"
    title = "Audio captioning"
    classes = False

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            hint = (
                f"--set output={self.name}" if self.name in offered else "choose another suite, or a captioning model"
            )
            raise AdapterError(
                f"{card.name} gives {card.output}; a captioning task needs a model that gives captions", hint=hint
            )
        return Captioned(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        truth = np.empty(len(clips), dtype=object)
        truth[:] = [tuple(texts) for texts in clips["captions"]]
        return truth

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([float(a != b) for a, b in zip(one, other)])

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        return {"scores": pa.array(list(answers), pa.string())}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        answers = np.empty(len(table), dtype=object)
        answers[:] = table["scores"].to_pylist()
        return answers, None

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * 80, "captions of about a dozen words"

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Captions from a csv, tsv or parquet file with a column of clips and one of captions.

        A clip is found by its id, its path, or its file name where that is unique, with or without its ending.

        Raises
        ------
        DataError
            No such columns, a clip twice, a clip of the data set without a caption, a name that several clips have.
        """
        table = read_table(path)
        clip_column = _column(table.frame.columns, CLIP_COLUMNS, "clips", path)
        text_column = _column(table.frame.columns, CAPTION_COLUMNS, "captions", path)
        said: dict[str, int] = {}
        for row, name in enumerate(table.frame[clip_column]):
            if name in said:
                raise DataError(f"two captions for '{name}'", where=table.where(row), hint="one caption for each clip")
            said[name] = row
        texts = table.frame[text_column].tolist()
        answers = np.empty(len(clips), dtype=object)
        ids = clips["clip_id"].astype(str).tolist()
        _refuse_shared(ids, said, table)
        for index, clip in enumerate(ids):
            names = _names(clip)
            rows = list(dict.fromkeys(said[name] for name in names if name in said))
            if len(rows) > 1:
                twice = f"two captions for the clip '{names[1]}', under two of its names"
                raise DataError(twice, where=table.where(rows[1]), hint="one caption for each clip")
            if not rows:
                # The nearest name would be that of a neighbour, which has a caption of its own.
                hint = f"a caption for each clip; the file names them like '{next(iter(said), '')}'"
                raise DataError(f"no caption for the clip '{names[-2]}'", where=str(path), hint=hint)
            answers[index] = texts[rows[0]]
        return answers

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        table = read_table(path)
        column = _column(table.frame.columns, CLIP_COLUMNS, "clips", path)
        ids = clips["clip_id"].astype(str).tolist()
        _refuse_shared(ids, {name: row for row, name in enumerate(table.frame[column])}, table)
        known = {name for clip in ids for name in _names(clip)}
        lost = [row for row, name in enumerate(table.frame[column]) if name not in known]
        if not lost:
            return []
        some = ", ".join(table.frame[column].iloc[lost[:3]]) + (", …" if len(lost) > 3 else "")
        return [
            f"{len(lost)} of {len(table.frame)} captions of {path.name} are about no clip of the data set and were not "
            f"used: {some} ({table.where(lost[0])})"
        ]

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        truth = references[row][0] if len(references[row]) else ""
        return f"“{answers[row]}”, is “{truth}”"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        words = np.array(["a", "dog", "barks", "rain", "falls", "on", "the", "roof"])
        answers, truth = np.empty(clips, dtype=object), np.empty(clips, dtype=object)
        for clip in range(clips):
            answers[clip] = " ".join(random.choice(words, 4))
            truth[clip] = tuple(" ".join(random.choice(words, 5)) for _ in range(2))
        return answers, truth


def _names(clip: str) -> list[str]:
    """What a file may call a clip: id, path in the data set, file name, file name without its ending.

    Where answers are held against one reference at a time, an id ends with its number; the file knows the clip alone.
    """
    path = clip.partition("/")[2] or clip
    name = path.rpartition("/")[2]
    whole = re.sub(r"#\d+$", "", name)
    pair = [whole, whole.rpartition(".")[0] or whole] if whole != name else []
    return [clip, path, *pair, name, name.rpartition(".")[0] or name]


def _refuse_shared(clips: Sequence[str], rows: Mapping[str, int], table: Table) -> None:
    """Refuse a name in a file that several clips have: a caption would count for all of them."""
    owner: dict[str, str] = {}
    for clip in clips:
        # Pairs with one reference each are about one recording.
        recording = re.sub(r"#\d+$", "", clip)
        for name in dict.fromkeys(_names(clip)):
            other = owner.setdefault(name, recording)
            if other != recording and name in rows:
                what = f"'{name}' is the name of several clips, e.g. '{_names(other)[1]}' and '{_names(clip)[1]}'"
                raise DataError(what, where=table.where(rows[name]), hint="name clips by their path in the data set")


def _column(columns: Sequence[str], known: Sequence[str], what: str, path: Path) -> str:
    held = {str(column).lower(): str(column) for column in columns}
    for name in known:
        if name in held:
            return held[name]
    raise DataError(f"no column of {what}", where=f"{path}:1", hint=f"one of {', '.join(known)}")


OUTPUT = Caption()
