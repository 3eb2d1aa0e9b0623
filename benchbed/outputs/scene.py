"""One class per clip: probabilities of every class that sum to one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.card import Card
from benchbed.outputs.align import alignment_of, beside
from benchbed.outputs.class_scores import ClassScores
from benchbed.outputs.clip_labels import one_each

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Scene(ClassScores):
    """One class per clip; references are class numbers `[clip]`."""

    name = "scene"
    title = "Audio classification"
    exclusive = True

    def beside(self, card: Card, labels: Sequence[str], *, closed_set: bool) -> tuple[tuple[str, ...], int | None]:
        if card.output == "tags":
            used = {name for match in alignment_of(card, labels).matches for name in match.classes}
            return (), len(card.labels) if len(used) < len(card.labels) else None
        others = beside(card, labels)
        # With a map, a class that no label uses may still mean one.
        if others and (closed_set or card.label_map):
            return (), len(card.labels)
        return others, None

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return one_each(clips["label"], labels)

    def pack(self, answers: np.ndarray, references: np.ndarray | None, labels: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa

        best = np.array(labels, dtype=object)[answers.argmax(1)] if len(answers) else np.array([], dtype=object)
        return {"prediction": pa.array(best, type=pa.string()), **super().pack(answers, references, labels)}

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        weights = random.random((clips, len(labels))).astype(np.float32)
        return weights / weights.sum(axis=1, keepdims=True), random.integers(0, len(labels), clips)

    def _named(self, reference: np.ndarray, labels: Sequence[str]) -> str:
        return str(labels[int(reference)])


OUTPUT = Scene()
