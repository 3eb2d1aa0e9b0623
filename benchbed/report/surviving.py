"""What is left of the breaks of each attacked cell after a file, a coder, a shift or a room, beside its accuracy.

A break that a 16-bit file undoes is one of numbers. Cells where nothing was broken have no row: there is nothing to be
left. Shares and counts are those of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchbed.report import terms, view
from benchbed.report.charts.draw import domain
from benchbed.report.view import GroupRow, GroupTable
from benchbed.results.record import Cell, Matrix, Result, Value

#: Shares of the breaks that are left, and the table of their counts.
LEFT, COUNTS = "left_after_", "survival"
#: How the titles of the shares begin.
AFTER = "Breaks left after "
#: What stands before them: of how many clips it is told.
_BEFORE = "robust_accuracy"


def survival_tables(result: Result) -> list[GroupTable]:
    """Attacked cells with breaks, a row each: what the attack left right, then the share of breaks left after each way.

    Parameters
    ----------
    result : Result
        A record; those from before breaks were followed give no table.

    Returns
    -------
    list of GroupTable
        One for each split.
    """
    tables = []
    for split, cells in _broken(result):
        rows = [GroupRow(_named(cell), _figures(cell)) for cell in cells]
        names = list(dict.fromkeys(name for row in rows for name in row.metrics))
        values = [row.metrics[_BEFORE] for row in rows if _BEFORE in row.metrics]
        ends = domain([part for value in values for part in (value.value, value.low, value.high)], "fraction")
        family = "attack and budget, breaks that are left" + (f", split {split}" if split else "")
        tables.append(GroupTable(family, "Attack and budget", names, rows, [], ends))
    return tables


def counted_breaks(result: Result) -> dict[str, dict[str, str]]:
    """Attacked cell in words → way → how many of its breaks are left, such as `3 of 4`.

    An asterisk marks a way that breaks some of these clips without any attack too.

    Examples
    --------
    >>> from benchbed.results.record import Matrix
    >>> rows, columns = ["a 16-bit file"], ["broken", "left", "clean clips that it breaks"]
    >>> titles = {"row_title": "way", "column_title": "breaks"}
    >>> told = Matrix(rows=rows, columns=columns, values=[[4, 3, 0]], unit="clips", **titles)
    >>> _counts(told)
    {'a 16-bit file': '3 of 4'}
    """
    return {
        f"{_named(cell)}{', ' + split if split else ''}": _counts(cell.matrices[COUNTS])
        for split, cells in _broken(result)
        for cell in cells
        if COUNTS in cell.matrices
    }


def _broken(result: Result) -> Iterator[tuple[str, Sequence[Cell]]]:
    held: dict[str, list[Cell]] = {}
    for cell in result.cells:
        if view.by_budget(cell) and any(name.startswith(LEFT) for name in cell.metrics):
            held.setdefault(cell.split, []).append(cell)
    several = len({cell.split for cell in result.cells}) > 1
    for split, cells in held.items():
        yield split if several else "", cells


def _figures(cell: Cell) -> dict[str, Value]:
    """Accuracy under attack, then a column for each way, which the caption says is what breaks are left after."""
    counts = _counts(cell.matrices[COUNTS]) if COUNTS in cell.matrices else {}
    figures = {_BEFORE: cell.metrics[_BEFORE]} if _BEFORE in cell.metrics else {}
    for name, value in cell.metrics.items():
        if name.startswith(LEFT):
            way = (value.title or name.removeprefix(LEFT)).removeprefix(AFTER)
            short = {"title": f"After {way.partition(',')[0]}", "note": counts.get(way, value.note)}
            figures[name] = value.model_copy(update=short)
    return figures


def _named(cell: Cell) -> str:
    return f"{terms.attack(cell.key)}, {view.budget(cell):g} {cell.condition.unit or ''}".rstrip()


def _counts(matrix: Matrix) -> dict[str, str]:
    held = {}
    for way, row in zip(matrix.rows, matrix.values):
        broken, left, spoiled = (value or 0 for value in row)
        held[way] = f"{left:g} of {broken:g}{'*' if spoiled else ''}"
    return held
