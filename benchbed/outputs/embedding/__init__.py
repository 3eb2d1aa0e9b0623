"""A vector for each clip, whose neighbours should be clips of its classes; nothing is decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.errors import AdapterError, DataError
from benchbed.outputs.class_scores import narrowest, vectors
from benchbed.outputs.columns import whole
from benchbed.outputs.contract import Heard, Json, Output, Reading
from benchbed.outputs.embedding.described import DescribedClip

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class EmbeddedClips(Reading):
    """Embeddings as they come, all of one width."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.width: int | None = None

    def check(self, raw: object, clips: int, heard: Heard) -> np.ndarray:
        """Embeddings `[clip, feature]`.

        Raises
        ------
        AdapterError
            Another type or shape, or another width than before.
        """
        if not isinstance(raw, np.ndarray) or raw.dtype.kind != "f" or raw.ndim != 2 or len(raw) != clips:
            given = f"{raw.dtype} {list(raw.shape)}" if isinstance(raw, np.ndarray) else type(raw).__name__
            raise AdapterError(
                f"predict returned {given}, expected floats [clip, feature] for {clips} clips",
                hint="run `benchbed check` on the adapter",
            )
        if self.width is None:
            self.width = raw.shape[1]
        if raw.shape[1] != self.width:
            raise AdapterError(
                f"predict returned {raw.shape[1]} features, and {self.width} for clips before",
                hint="the width of embeddings must not depend on the clip",
            )
        return raw

    def usable(self, raw: np.ndarray) -> np.ndarray:
        usable: np.ndarray = np.isfinite(raw).all(1)
        return usable

    def answers(self, raw: np.ndarray, heard: Sequence[Heard]) -> np.ndarray:
        return raw

    def describe(self) -> dict[str, Json]:
        return {"model_output": self.card.output}


class Embedding(Output):
    """Vectors `[clip, feature]`; references are a `DescribedClip` for each clip."""

    name = "embedding"
    title = "Audio embedding"
    classes = False
    decides = False
    displaced = True
    annotated = ("scene", "tags")
    columns = ("embedding",)

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Reading:
        if card.output != self.name:
            raise AdapterError(
                f"{card.name} gives {card.output}; the task needs embeddings",
                hint="--set probe=none gives those of any model that has some",
            )
        return EmbeddedClips(card)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        truth = np.empty(len(clips), dtype=object)
        groups = clips["group"] if "group" in clips else clips["clip_id"]
        for row, (label, group) in enumerate(zip(clips["label"], groups)):
            truth[row] = DescribedClip((label,) if isinstance(label, str) else tuple(label), str(group))
        return truth

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        filled = [part for part in parts if len(part)]
        if len({part.shape[1] for part in filled}) > 1:
            widths = sorted({part.shape[1] for part in filled})
            raise DataError(f"embeddings of {' and '.join(map(str, widths))} features lie in one run")
        return np.concatenate(filled) if filled else np.zeros((0, 0))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.abs(np.asarray(one, np.float64) - other).max(axis=1, initial=0.0)

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        rows = np.asarray(answers)
        offsets = np.arange(len(rows) + 1) * (rows.shape[1] if rows.ndim == 2 else 0)
        return {"embedding": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(narrowest(rows).ravel()))}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        if not len(table):
            return np.zeros((0, 0)), None
        values = vectors(whole(table["embedding"]))
        if len(values) % len(table):
            raise DataError("embeddings of several widths lie in one file")
        return values.reshape(len(table), -1), None

    def stored_bytes(
        self, clips: int, seconds: float, classes: int, card: Card | None, by_second: bool
    ) -> tuple[int, str]:
        return clips * (12 + 4 * 768), "embeddings of 768 features"

    def foreign(self, path: Path, clips: pd.DataFrame, labels: Sequence[str], **options: Json) -> np.ndarray:
        """Embeddings from an npz; see `benchbed.outputs.embedding.files`."""
        from benchbed.outputs.embedding.files import of_clips, read_embeddings

        return of_clips(path, read_embeddings(path), clips["clip_id"].astype(str))

    def unused(self, path: Path, clips: pd.DataFrame) -> list[str]:
        from benchbed.outputs.embedding.files import ends_of, read_embeddings

        known = {end for clip_id in clips["clip_id"].astype(str) for end in ends_of(clip_id)}
        beside = sum(name not in known for name in read_embeddings(path))
        return [f"{beside} embeddings of {path.name} are of none of the clips"] if beside else []

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        truth: DescribedClip = references[row]
        return f"{answers.shape[1]} features of length {np.linalg.norm(answers[row]):.4g}, is {truth}"

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        names = list(labels) or ["dog", "rain"]
        truth, made = np.empty(clips, dtype=object), np.zeros((clips, 4), np.float32)
        for clip in range(clips):
            number = int(random.integers(len(names)))
            truth[clip] = DescribedClip((names[number],), f"recording {clip // 2}")
            made[clip] = random.normal(size=4)
            made[clip, number % 4] += 1.0
        return made, truth


OUTPUT = Embedding()
