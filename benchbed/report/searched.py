"""What searches of attacks found, on the page of a run: the smallest perturbations, success against queries, and which
class was made of which."""

from __future__ import annotations

import math
from collections.abc import Iterator

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.island import anchor
from benchbed.report.panels import matrix_chart
from benchbed.results.record import Cell, Matrix, Result

#: Tables of attacked cells that run scoring makes.
SMALLEST, QUERIES, TARGETS = "smallest", "queries", "targets"


def search_curves(result: Result) -> list[tuple[str, Markup]]:
    """Share of broken clips against the SNR of the smallest perturbation, and against queries; with their titles."""
    panels = []
    for cell, matrix in _held(result, SMALLEST):
        points = [
            Point(float(row.split()[0]), values[0], None, None) for row, values in zip(matrix.rows, matrix.values)
        ]
        title = f"Smallest perturbations, {_named(cell, result)}"
        panels.append((title, _curve(cell, SMALLEST, title, points, "SNR of the smallest perturbation, dB")))
    asked: dict[str, list[tuple[Cell, Matrix]]] = {}
    for cell, matrix in _held(result, QUERIES):
        asked.setdefault(f"{terms.attack(cell.key)}{_split(cell, result)}", []).append((cell, matrix))
    for name, members in asked.items():
        series = [
            Series(
                f"{cell.condition.parameter:g} {cell.condition.unit or ''}".strip(),
                [Point(math.log10(float(row)), v[0], None, None) for row, v in zip(matrix.rows, matrix.values)],
            )
            for cell, matrix in members
        ]
        title = f"Broken clips against queries, {terms.within(name)}"
        labels = {math.log10(float(row)): row for _, matrix in members for row in matrix.rows}
        first = members[0][0]
        chart = curves(
            f"{anchor(f'{first.key}/{QUERIES}')}-curve",
            title,
            series,
            x_title="Queries a clip, logarithmic",
            y_title="Broken clips",
            unit="fraction",
            x_labels=labels,
            of={"kind": "attack"},
        )
        panels.append((title, chart))
    return panels


def target_matrices(result: Result) -> list[Markup]:
    """Share of the clips of each class (row) that were made each other class (column), for each budget."""
    return [
        matrix_chart(TARGETS, matrix, cell.key, f"Clips of a class that were made another: {_named(cell, result)}")
        for cell, matrix in _held(result, TARGETS)
    ]


def _held(result: Result, name: str) -> Iterator[tuple[Cell, Matrix]]:
    for cell in result.cells:
        if name in cell.matrices:
            yield cell, cell.matrices[name]


def _split(cell: Cell, result: Result) -> str:
    return f", split {cell.split}" if len({one.split for one in result.cells}) > 1 else ""


def _named(cell: Cell, result: Result) -> str:
    strength = f", {cell.condition.parameter:g} {cell.condition.unit or ''}" if TARGETS in cell.matrices else ""
    return f"{terms.within(terms.attack(cell.key))}{strength.rstrip()}{_split(cell, result)}"


def _curve(cell: Cell, name: str, title: str, points: list[Point], x_title: str) -> Markup:
    return curves(
        f"{anchor(f'{cell.key}/{name}')}-curve",
        title,
        [Series(terms.attack(cell.key), points)],
        x_title=x_title,
        y_title="Broken clips",
        unit="fraction",
        reverse=True,
        of={"kind": "attack"},
    )
