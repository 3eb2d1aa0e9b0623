"""Every drawing of a board that has several models in it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from benchbed.report import across, threats
from benchbed.report.board import Board
from benchbed.report.charts.rivals import numbered


@dataclass(frozen=True)
class SideBySide:
    """Every drawing of a board that has several models in it; `numbers` is what stands for names in its curves."""

    devices: across.Drawing | None
    corruptions: across.Drawing | None
    curves: list[across.Drawing]
    facets: list[across.Drawing]
    attacks: list[across.Drawing]
    classes: across.Drawing | None
    numbers: Markup


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
        numbered([(p, row.result.model.name, row.result.model.family) for p, row in enumerate(board.rows, 1)]),
    )
