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
    title = "Audio tagging"
    #: The classes of timed events are tags of their clip, too.
    annotated = ("tags", "frames")
    decided_by = ("threshold",)
    tuned_by = ("f1",)

    def references(self, clips: pd.DataFrame, annotations: pd.DataFrame | None, labels: Sequence[str]) -> np.ndarray:
        return several(clips["label"], labels)

    def changed(
        self, references: np.ndarray, added: Sequence[str], removed: Sequence[str], labels: Sequence[str]
    ) -> np.ndarray:
        """Tags with the classes that were put in, and without those of which nothing is left.

        Examples
        --------
        >>> OUTPUT.changed(np.array([[1.0, 0.0]]), ["b"], ["a"], ("a", "b")).tolist()
        [[0.0, 1.0]]
        """
        number = {label: column for column, label in enumerate(labels)}
        found = np.array(references, copy=True)
        for row, (more, fewer) in enumerate(zip(added, removed)):
            found[row, [number[name] for name in fewer.split(",") if name in number]] = 0.0
            found[row, [number[name] for name in more.split(",") if name in number]] = 1.0
        return found

    def example(self, random: np.random.Generator, clips: int, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        shape = (clips, len(labels))
        return random.random(shape).astype(np.float32), random.integers(0, 2, shape).astype(np.float64)

    def _named(self, reference: np.ndarray, labels: Sequence[str]) -> str:
        return ", ".join(labels[i] for i in np.flatnonzero(reference).tolist()) or "nothing"


OUTPUT = Tags()
