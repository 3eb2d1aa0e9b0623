"""Every drawing of a board that has several models in it."""

from __future__ import annotations

from dataclasses import dataclass

from benchbed.report import across, threats
from benchbed.report.board import Board
from benchbed.report.charts.rivals import MOST


@dataclass(frozen=True)
class SideBySide:
    """Every drawing of a board that has several models in it."""

    devices: across.Drawing | None
    corruptions: across.Drawing | None
    curves: list[across.Drawing]
    facets: list[across.Drawing]
    attacks: list[across.Drawing]
    classes: across.Drawing | None
    most: int = MOST


def side_by_side(board: Board) -> SideBySide:
    """Everything that models of a board can be seen in together."""
    conditions = across.series(board)
    return SideBySide(
        across.devices(board),
        across.corruptions(board),
        across.degradation(board, conditions),
        across.facets(board, conditions),
        threats.under_attack(board),
        across.classes(board),
    )
