"""Neighbours on a board: whether each system differs from the one below it by more than the choice of recordings.

Each pair is compared by recording (`benchbed.compare.contrast`), and p-values are corrected after Holm over the pairs
of neighbours, which are the only ones that are asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.matrix import judged
from benchbed.compare.runs import OpenRun, require_comparable
from benchbed.errors import CannotMeasure
from benchbed.stats.correction import adjust


@dataclass(frozen=True)
class NeighbourPair:
    """Two systems that stand one below the other on a board.

    Attributes
    ----------
    above, below : str
        Their names.
    value, low, high : float or None
        Difference above − below and its interval, recordings resampled.
    p, p_adjusted : float or None
        Before and after Holm's correction.
    verdict : str
        `win` where the upper is shown to be better, `loss` where the lower is, `tie` where they cannot be told apart,
        `unmeasured`.
    groups : int
        Recordings behind it.
    reason : str or None
        Why it could not be measured.
    """

    above: str
    below: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    p_adjusted: float | None
    verdict: str
    groups: int
    reason: str | None = None

    @property
    def apart(self) -> bool:
        """The two are shown to differ."""
        return self.verdict in ("win", "loss")


def neighbours(board: Sequence[OpenRun], procedure: Procedure | None = None) -> list[NeighbourPair]:
    """Every run of a board against the next one, in the metric that ranks, on clean audio.

    Parameters
    ----------
    board : sequence of OpenRun
        In the order of the board, the best first.
    procedure : Procedure, optional
        Draws, level, seed.

    Raises
    ------
    CannotMeasure
        Runs that were not measured alike.
    """
    procedure = procedure or Procedure()
    contrasts: list[Contrast | str] = []
    for above, below in pairwise(board):
        require_comparable(above, below)
        metric = above.result.primary
        try:
            contrasts.append(contrast(above, below, Figure("clean"), [metric], procedure)[metric])
        except CannotMeasure as error:
            contrasts.append(error.what)
    p_values = {str(i): None if isinstance(one, str) else one.p for i, one in enumerate(contrasts)}
    adjusted = adjust(p_values, "holm")
    pairs = []
    for i, (above, below, one) in enumerate(zip(board, board[1:], contrasts)):
        if isinstance(one, str):
            pairs.append(
                NeighbourPair(above.name, below.name, None, None, None, None, None, "unmeasured", 0, reason=one)
            )
            continue
        verdict = judged(one.gain, adjusted[str(i)], procedure.alpha)
        pairs.append(
            NeighbourPair(
                above.name,
                below.name,
                one.value,
                one.low,
                one.high,
                one.p,
                adjusted[str(i)],
                verdict,
                one.groups,
                one.reason,
            )
        )
    return pairs
