"""Answers that are one vector of class probabilities per clip, and their form on disk.

Scores are stored as float32 where every one of them is a float32 number, as a network's probabilities are, and as
float64 otherwise: a softmax or sigmoid in float32 makes ties of scores that rank. Float64 takes twice the disk: 7.6
bytes a score after compression where float32 takes 3.7. Either way the scores that are read are those that were
written.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.outputs.align import Alignment, alignment_of, refuse_output
from benchbed.outputs.columns import whole
from benchbed.outputs.contract import Output

if TYPE_CHECKING:
    import pyarrow as pa


class ClassScores(Output):
    """Probabilities of every class `[clip, class]`, in the order of the dataset's labels."""

    class_scores = "clip"
    reader = "predictions"

    def read(self, card: Card, labels: Sequence[str], offered: Sequence[str] = ()) -> Alignment:
        refuse_output(card, self.name, offered)
        return alignment_of(card, labels, self.name)

    def join(self, parts: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        return np.concatenate(parts) if parts else np.zeros((0, len(labels)))

    def gap(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.abs(np.asarray(one, np.float64) - other).max(axis=1, initial=0.0)

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        flat = narrowest(np.asarray(answers)).ravel()
        return {"scores": pa.FixedSizeListArray.from_arrays(pa.array(flat), len(labels))}

    def unpack(self, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, None]:
        return vectors(whole(table["scores"])).reshape(len(table), len(labels)), None

    def told(self, answers: np.ndarray, references: np.ndarray, row: int, labels: Sequence[str]) -> str:
        best = int(answers[row].argmax())
        return f"{labels[best]} {100 * float(answers[row][best]):.0f} %, is {self._named(references[row], labels)}"

    @abstractmethod
    def _named(self, reference: np.ndarray, labels: Sequence[str]) -> str:
        """A reference in words."""


def vectors(column: pa.Array) -> np.ndarray:
    """The numbers of a column of vectors in a row, in the type of the file."""
    import pyarrow as pa

    flat = column.values if isinstance(column, pa.FixedSizeListArray) else column.flatten()
    return np.asarray(flat)


def narrowest(scores: np.ndarray) -> np.ndarray:
    """Scores as float32 where that changes none of them."""
    narrow = scores.astype(np.float32)
    # Compared as float64: by value, not by how it prints.
    return np.ascontiguousarray(narrow if np.array_equal(narrow.astype(np.float64), scores) else scores)
