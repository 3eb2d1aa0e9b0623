"""How well each clip of a gallery fits each of the queries of its split: retrieval in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs.contract import Heard, Json, Output, Reading
from benchbed.outputs.similarity.wanted import OWN, QUERIES, RELEVANT, WantedQueries, numbered
from benchbed.types import Queries

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: What a model is asked where there is no data set.
PROBE = Queries(("a sound", "a dog barks", "rain falls on a roof", "a car passes by"))


class ComparedAnswers(Reading):
    """Similarities of clips to the queries of a batch, as they come: only their order counts."""

    def __init__(self, card: Card) -> None:
        self.card = card
        #: Queries of the last batch; None as long as nobody asked.
        self.width: int | None = None

    def asked(self, side: Mapping[str, tuple]) -> None:
        if QUERIES in side:
            self.width = len(side[QUERIES][0])

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Similarities `[clip, query]`.

        Raises
        ------
        AdapterError
            Another type or shape, or another number of queries than before.
        """
        if isinstance(raw, np.ndarray) and raw.dtype == object and raw.ndim == 1 and len(raw):
            raw = _stacked(raw)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind != "f" or raw.ndim != 2 or len(raw) != clips:
            given = f"{raw.dtype} {list(raw.shape)}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise AdapterError(
                f"predict returned {given}, expected floats [clip, query] for {clips} clips",
                hint="similarities of each clip to each text of batch.side['queries'][0]",
            )
        if self.width is not None and raw.shape[1] != self.width:
            raise AdapterError(
                f"predict returned similarities to {raw.shape[1]} queries, {self.width} were asked",
                hint="a column for each text of batch.side['queries'][0], in its order",
            )
        self.width = raw.shape[1]
        return raw

    def usable(self, raw: np.ndarray) -> np.ndarray:
        # −∞ is what no list names; NaN and ∞ are no similarities.
        usable: np.ndarray = ~(np.isnan(raw) | np.isposinf(raw)).any(axis=1)
        return usable

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return vectors(raw)

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Similarity(Output):
    """A vector of similarities `[query]` for each clip, float32; references are `WantedQueries`.

    Any data set of captions is a task of this kind: its captions are the queries, and each is answered by its own clip.
    A column `relevant` of the clip table says otherwise: texts that each clip answers.
    """

    name = "similarity"
    title = "Audio–text retrieval"
    classes = False
    decides = False
    asks = (QUERIES,)
    annotated = ("caption", "similarity")

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            hint = f"--set output={self.name}" if self.name in offered else "choose another suite, or a dual encoder"
            raise AdapterError(
                f"{card.name} gives {card.output}; retrieval needs a model that gives similarities to texts", hint=hint
            )
        return ComparedAnswers(card)

    def asking(self, clips: pd.DataFrame) -> pd.DataFrame:
        """With all queries of the split, and the numbers of those that each clip brings and answers."""
        if QUERIES in clips:
            return clips
        relevant = clips["relevant"].tolist() if "relevant" in clips else None
        queries, own, answered = numbered(clips["captions"].tolist(), relevant)
        made = {name: np.empty(len(clips), dtype=object) for name in (QUERIES, OWN, RELEVANT)}
        for row in range(len(clips)):
            made[QUERIES][row], made[OWN][row], made[RELEVANT][row] = queries, own[row], answered[row]
        return clips.assign(**made)

    def probe(self, clips: int) -> dict[str, tuple]:
        return {QUERIES: (PROBE,) * clips}

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        truth = np.empty(len(clips), dtype=object)
        if len(clips):
            held = self.asking(clips)
            for row, values in enumerate(zip(held["clip_id"], held[QUERIES], held[OWN], held[RELEVANT])):
                clip, queries, own, relevant = values
                truth[row] = WantedQueries(str(clip), queries, np.array(own, np.int64), np.array(relevant, np.int64))
        return truth

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.array([_gap(a, b) for a, b in zip(one, other, strict=True)])

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        return {"scores": pa.array([np.asarray(row, np.float32) for row in answers], pa.list_(pa.float32()))}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        from benchbed.outputs.columns import whole

        column = whole(table["scores"])
        ends, values = column.offsets.to_numpy(), column.values.to_numpy(zero_copy_only=False)
        answers = np.empty(len(column), dtype=object)
        for row in range(len(column)):
            answers[row] = np.asarray(values[ends[row] : ends[row + 1]], np.float32)
        return answers, None

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * (40 + 4 * 5 * clips), "five queries for each clip of a split"

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Similarities from a table queries × files, a table of ranked files, or an npz of either or of embeddings.

        See `benchbed.outputs.similarity.files`.
        """
        from benchbed.outputs.similarity.files import answers_of

        return answers_of(path, clips)

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        from benchbed.outputs.similarity.files import unused

        return unused(path, clips)

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        answer, wanted = answers[row], references[row]
        if not len(answer):
            return "no query"
        best = int(np.argmax(answer))
        own = ", ".join(f"“{_short(wanted.queries[n])}” {answer[n]:.3g}" for n in wanted.relevant[:2])
        return f"fits “{_short(wanted.queries[best])}” best ({answer[best]:.3g}), answers {own or 'nothing'}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        queries, own, relevant = numbered([[f"sound {clip}", f"noise {clip}"] for clip in range(clips)])
        truth = np.empty(clips, dtype=object)
        for clip in range(clips):
            truth[clip] = WantedQueries(f"made/{clip}", queries, np.array(own[clip]), np.array(relevant[clip]))
        return vectors(random.random((clips, len(queries))).astype(np.float32)), truth


def vectors(matrix: np.ndarray) -> np.ndarray:
    """Rows of a matrix as an object array [shape=(clip,)].

    Examples
    --------
    >>> [row.tolist() for row in vectors(np.eye(2, dtype=np.float32))]
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows = np.empty(len(matrix), dtype=object)
    for index, row in enumerate(matrix):
        rows[index] = np.asarray(row, np.float32)
    return rows


def _stacked(rows: np.ndarray) -> np.ndarray:
    """Vectors of one width as a matrix.

    Raises
    ------
    AdapterError
        Their widths differ.
    """
    widths = sorted({np.shape(row) for row in rows})
    if len(widths) > 1 or len(widths[0]) != 1:
        raise AdapterError(f"predict returned vectors of different shapes: {widths[0]} and {widths[-1]}")
    return np.stack([np.asarray(row, np.float32) for row in rows])


def _gap(one: np.ndarray, other: np.ndarray) -> float:
    if one.shape != other.shape:
        return float("inf")
    with np.errstate(invalid="ignore"):
        apart = np.abs(one.astype(np.float64) - other)
    # What no list names is −∞ on either side.
    return float(np.where(one == other, 0.0, apart).max(initial=0.0))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


OUTPUT = Similarity()
