"""Answers and references of a cell as a page is told them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.plan import CellPlan


@dataclass(frozen=True)
class CellAnswers:
    """What a model answered in one cell.

    Attributes
    ----------
    plan : CellPlan
        The cell.
    clip_ids : np.ndarray [shape=(row,), str]
        The clip of each row.
    draw : np.ndarray [shape=(row,), int]
        Its random draw.
    answers, references : np.ndarray [shape=(row, …)]
        As metric families take them.
    """

    plan: CellPlan
    clip_ids: np.ndarray
    draw: np.ndarray
    answers: np.ndarray
    references: np.ndarray

    @cached_property
    def _places(self) -> dict[str, int]:
        return {str(name): row for row, name in reversed(list(enumerate(self.clip_ids)))}

    def first(self, clip_id: str) -> int | None:
        """The first row of a clip, or None where it was not scored."""
        return self._places.get(clip_id)


@dataclass(frozen=True)
class Recordings:
    """What the directions of a cell are drawn from.

    Attributes
    ----------
    answers, references : np.ndarray [shape=(recording,), object]
        Outputs and reference `Tracks`.
    clip_ids : sequence of str
        Their names.
    group : np.ndarray [shape=(recording,), int]
        Recording group of each, for intervals.
    bootstrap : Bootstrap
        Draws of these groups.
    """

    answers: np.ndarray
    references: np.ndarray
    clip_ids: Sequence[str]
    group: np.ndarray
    bootstrap: Bootstrap
