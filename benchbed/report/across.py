"""What the models of one board do side by side: by device, by class, by condition, under attack at every budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from benchbed.report import terms, view
from benchbed.report.board import Board, BoardRow
from benchbed.report.charts.draw import domain
from benchbed.report.charts.heatmap import heatmap
from benchbed.report.charts.rivals import FRONT, Places, Rival, rivals
from benchbed.report.figures import clips, interval
from benchbed.report.island import anchor
from benchbed.results.answers import clean_cell, clean_value
from benchbed.results.conditions import amount
from benchbed.results.record import Cell, Value
from benchbed.results.seen import fits, unseen


@dataclass(frozen=True)
class ConditionSeries:
    """Cells of the models of a board under one condition at all its strengths, mild first.

    Attributes
    ----------
    name : str
        The condition in words.
    family : str
        Its group (`noise`, `codec`, …).
    unit : str
        What its strengths are in; empty where they have no unit, or are several things.
    places : tuple of str
        The strengths.
    cells : tuple of dict of str to Cell
        For each model, its cells by strength.
    """

    name: str
    family: str
    unit: str
    places: tuple[str, ...]
    numbers: tuple[float, ...] | None
    cells: tuple[dict[str, Cell], ...]


@dataclass(frozen=True)
class Drawing:
    """A chart or heat map of a board with its heading."""

    title: str
    image: Markup
    group: str = ""
    note: str = ""


def devices(board: Board) -> Drawing | None:
    """Models × devices on clean audio, behind them the devices that training had and those that it had not."""
    rows = board.rows
    cells = [clean_cell(row.whole) for row in rows]
    keys = [key for cell in cells if cell for key in cell.groups if terms.group(key)[0] == "device"]
    names = list(dict.fromkeys(keys))
    # Of models of one board, training had the same devices; where the figures of two say otherwise, nothing is marked.
    new: tuple[str, ...] = ()
    for cell in cells:
        if cell is None or (new and fits(cell, new)):
            continue
        if (other := unseen(cell)) and new:
            new = ()
            break
        new = new or other
    names.sort(key=lambda key: terms.group(key)[1] in new)
    sets = [key for key in ("devices=seen", "devices=unseen") if any(cell and key in cell.groups for cell in cells)]
    if len(names) < 2:
        return None
    image = _heat(
        board,
        rows,
        "devices",
        "device",
        {
            **{f"{name}, unseen" if (name := terms.group(key)[1]) in new else name: key for key in names},
            **{f"all {terms.group(key)[1]}": key for key in sets},
        },
        lambda row, key: _in_group(clean_cell(row.whole), key, row.result.primary),
    )
    return Drawing(f"{_metric(board)} on each device", image) if image else None


def classes(board: Board) -> Drawing | None:
    """Models × classes on clean audio, classes down unless there are many models."""
    rows = board.rows
    cells = [clean_cell(row.whole) for row in rows]
    keys = [key for cell in cells if cell for key in cell.groups if terms.group(key)[0] == "class"]
    names = list(dict.fromkeys(keys))
    if len(names) < 2:
        return None
    metrics = [set(cell.groups[key]) for cell in cells if cell for key in names if key in cell.groups]
    common = [name for name in _first_group(cells, names) if all(name in known for known in metrics)]
    metric = _class_metric(common, cells, names, board.example.primary)
    if metric is None:
        return None
    some = next(v for c in cells if c for k in names if (v := _in_group(c, k, metric)) is not None)
    values = [[number_of(_in_group(cell, key, metric)) for cell in cells] for key in names]
    if not any(value is not None for row in values for value in row):
        return None
    title = terms.title(metric, some)
    notes = [[certainty(_in_group(cell, key, metric)) for cell in cells] for key in names]
    heads, models = [terms.group(key)[1] for key in names], [row.result.model.name for row in rows]
    across = len(rows) > FRONT
    image = heatmap(
        f"map-classes-{board.identity}",
        f"{title}{_percent(some)}, by class",
        models if across else heads,
        heads if across else models,
        list(zip(*values, strict=True)) if across else values,
        unit=some.unit,
        row_title="Model" if across else "Class",
        column_title="class" if across else "Model",
        ends=domain([value for row in values for value in row], some.unit),
        best=some.direction if across else None,
        families=[row.result.model.family for row in rows] if across else None,
        lacking=[row.lacking for row in rows] if across else None,
        notes=list(zip(*notes, strict=True)) if across else notes,
    )
    return Drawing(f"{title} of each class", image)


def corruptions(board: Board) -> Drawing | None:
    """Models × corruptions, each the mean over its strengths, behind clean audio."""
    rows = board.rows
    prefix = f"{terms.ROBUSTNESS}:mean/"
    names = list(dict.fromkeys(key for row in rows for key in row.whole.scores if key.startswith(prefix)))
    if len(names) < 2:
        return None
    told = {
        f"{cell.condition.name}{mark}{again}": terms.series(cell.key, cell.condition)
        for row in rows[:1]
        for cell in row.whole.cells
        for _, mark, again in [cell.key.partition("#")]
    }
    image = _heat(
        board,
        rows,
        "corruptions",
        "condition",
        {"clean": "", **{told.get(k.removeprefix(prefix), terms.plain(k.removeprefix(prefix))): k for k in names}},
        lambda row, key: row.whole.scores.get(key) if key else clean_value(row.result),
    )
    return Drawing(f"{_metric(board)} under each corruption, mean over its strengths", image) if image else None


def series(board: Board) -> list[ConditionSeries]:
    """Every corruption of a board that has several strengths, in the order of the suite."""
    rows = board.rows
    by_name: dict[tuple[str, str], tuple[Cell, dict[int, dict[str, Cell]], dict[str, int]]] = {}
    for place, row in enumerate(rows):
        for cell in row.whole.cells:
            what = cell.condition
            if what.kind == "clean" or view.by_budget(cell) or what.severity is None:
                continue
            key = (cell.split, terms.series(cell.key, what))
            first, cells, order = by_name.setdefault(key, (cell, {}, {}))
            label = amount(what) or f"{what.severity}"
            order.setdefault(label, what.severity)
            cells.setdefault(place, {})[label] = cell
    splits = {split for split, _ in by_name}
    conditions = []
    for (split, name), (first, cells, order) in by_name.items():
        places = tuple(sorted(order, key=lambda label: order[label]))
        if len(places) < 2:
            continue
        strengths = [next(c[label] for c in cells.values() if label in c) for label in places]
        unit = first.condition.unit or "" if first.condition.parameter is not None else "step"
        numbers = [cell.condition.parameter for cell in strengths]
        to_scale = all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
        conditions.append(
            ConditionSeries(
                name if len(splits) == 1 else f"{name}, split {split}",
                first.condition.group or first.condition.kind,
                "" if isinstance(first.condition.parameter, dict) else unit,
                places,
                tuple(float(n) for n in numbers) if to_scale else None,
                tuple(cells.get(place, {}) for place in range(len(rows))),
            )
        )
    return conditions


def facets(board: Board, conditions: Sequence[ConditionSeries]) -> list[Drawing]:
    """For each corruption a small heat map of models × strengths in its unit, the best of each strength in bold."""
    rows, primary = board.rows, board.example.primary
    drawn = []
    for one in conditions:
        figures = [[metric_of(cells.get(label), primary) for label in one.places] for cells in one.cells]
        some = next((value for line in figures for value in line if value), None)
        if some is None:
            continue
        drawn.append(
            Drawing(
                one.name,
                heatmap(
                    f"facet-{board.identity}-{anchor(one.name)}",
                    f"{one.name}{', ' if one.unit else ''}{one.unit}",
                    [row.result.model.name for row in rows],
                    list(one.places),
                    [[number_of(value) for value in line] for line in figures],
                    unit=some.unit,
                    row_title="Model",
                    column_title="strength",
                    ends=domain([clean.value for row in rows if (clean := clean_value(row.result))], some.unit),
                    families=[row.result.model.family for row in rows],
                    lacking=[row.lacking for row in rows],
                    best=some.direction,
                ),
                one.family,
            )
        )
    return drawn


def degradation(board: Board, conditions: Sequence[ConditionSeries]) -> list[Drawing]:
    """For each corruption the curves of all models over its strengths in its unit."""
    rows, primary = board.rows, board.example.primary
    some = next((value for row in rows if (value := clean_value(row.result)) is not None), None)
    drawn = []
    for one in conditions:
        lines = []
        for place, (row, cells) in enumerate(zip(rows, one.cells, strict=True), 1):
            points = [number_of(metric_of(cells.get(label), primary)) for label in one.places]
            if any(point is not None for point in points):
                clean = number_of(clean_value(row.result))
                lines.append(Rival(row.result.model.name, row.result.model.family, points, clean, place))
        if not lines or some is None:
            continue
        image = rivals(
            f"curve-{board.identity}-{anchor(one.name)}",
            f"{_metric(board)} of all models, {terms.within(one.name)}",
            [("", lines)],
            Places(one.places, one.numbers),
            x_title=one.unit or "strength, mild to severe",
            y_title=_metric(board),
            unit=some.unit,
        )
        drawn.append(Drawing(one.name, image, one.family))
    return drawn


def _heat(
    board: Board,
    rows: Sequence[BoardRow],
    name: str,
    column_title: str,
    columns: dict[str, str],
    figure: Callable[[BoardRow, str], Value | None],
) -> Markup | None:
    found = [[figure(row, key) for key in columns.values()] for row in rows]
    values = [[number_of(value) for value in line] for line in found]
    some = next((value for line in found for value in line if value is not None), None)
    if some is None:
        return None
    return heatmap(
        f"map-{name}-{board.identity}",
        f"{_metric(board)}{_percent(some)}: models × {name}",
        [row.result.model.name for row in rows],
        list(columns),
        values,
        unit=some.unit,
        row_title="Model",
        column_title=column_title,
        ends=domain([value for line in values for value in line], some.unit, near=True),
        notes=[[certainty(value) for value in line] for line in found],
        families=[row.result.model.family for row in rows],
        lacking=[row.lacking for row in rows],
        best=some.direction,
    )


def _first_group(cells: Sequence[Cell | None], names: Sequence[str]) -> list[str]:
    return next((list(cell.groups[key]) for cell in cells if cell for key in names if key in cell.groups), [])


def _class_metric(
    common: Sequence[str], cells: Sequence[Cell | None], names: Sequence[str], primary: str
) -> str | None:
    """The ranking metric of each class, or the first fraction that all classes have."""
    if primary in common:
        return primary
    for name in common:
        # The figures of a metric have one unit.
        found = (v for c in reversed(cells) if c for k in reversed(names) if (v := _in_group(c, k, name)))
        if (some := next(found, None)) is not None and some.unit == "fraction":
            return name
    return None


def _in_group(cell: Cell | None, key: str, metric: str) -> Value | None:
    return cell.groups.get(key, {}).get(metric) if cell else None


def metric_of(cell: Cell | None, metric: str) -> Value | None:
    return cell.metrics.get(metric) if cell else None


def number_of(value: Value | None) -> float | None:
    return value.value if value else None


def certainty(value: Value | None) -> str:
    """The interval of a figure and the clips that it stands on."""
    # Hundreds of cells: their rule and direction stand once, above the table.
    return f"{interval(value) or 'no interval'}, {clips(value)} clips" if value else ""


def _percent(value: Value) -> str:
    return ", %" if value.unit == "fraction" else f", {value.unit}" if value.unit not in ("", "score") else ""


def _metric(board: Board) -> str:
    some = next((value for row in board.rows if (value := clean_value(row.result)) is not None), None)
    return terms.title(board.example.primary, some)
