"""Any number of classes per clip: a probability for each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.outputs.class_scores import ClassScores
from benchbed.outputs.clip_labels import several

if TYPE_CHECKING:
    import pandas as pd


class Tags(ClassScores):
    """Any number of classes per clip; references are 1 where a class is present `[clip, class]`."""

    name = "tags"
    #: The classes of timed events are tags of their clip, too.
    annotated = ("tags", "frames")
    decided_by = ("threshold",)
    tuned_by = ("f1",)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return several(clips["label"], labels)

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        shape = (clips, len(labels))
        return random.random(shape).astype(np.float32), random.integers(0, 2, shape).astype(np.float64)

    def _named(self, reference: np.ndarray, labels: Sequence[str]) -> str:
        return ", ".join(labels[i] for i in np.flatnonzero(reference).tolist()) or "nothing"


OUTPUT = Tags()
