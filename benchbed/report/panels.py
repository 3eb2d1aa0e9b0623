"""The charts of a run page: which figures of the record go into which drawing."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from benchbed.report import terms, view
from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.charts.draw import domain
from benchbed.report.charts.heatmap import heatmap
from benchbed.report.charts.reliability import reliability
from benchbed.report.figures import sentence
from benchbed.report.island import anchor
from benchbed.results.conditions import amount
from benchbed.results.record import Cell, Condition, Matrix, Result, Value

#: Cells of a heat map that say their figure in a sentence each.
NOTED = 60
#: What a bin states and what is true of it: of classes, and of tags.
_SIDES = (("confidence", "accuracy"), ("score", "present"))


def matrix_chart(name: str, matrix: Matrix, identity: str, title: str = "") -> Markup:
    """A matrix of the record as a heat map; a confusion matrix is coloured row by row."""
    known = [value for row in matrix.values for value in row]
    fraction = matrix.unit == "fraction"
    caption, units = title or matrix_title(name), None
    if name == "reliability":
        units = [
            "fraction" if any(title in pair for pair in _SIDES) else "tags" if title == "tags" else "clips"
            for title in matrix.columns
        ]
    elif matrix.unit:
        caption += ", %" if fraction else f", {matrix.unit}"
    return heatmap(
        f"{anchor(identity)}-{anchor(name)}",
        caption,
        matrix.rows,
        matrix.columns,
        matrix.values,
        unit=matrix.unit,
        row_title=terms.plain(matrix.row_title),
        column_title=terms.plain(matrix.column_title),
        ends=domain(known, matrix.unit) if fraction else None,
        by_row=name == "confusion" and not fraction,
        units=units,
    )


def matrix_title(name: str, cell: Cell | None = None) -> str:
    """Heading of a matrix; one that is the curve of a metric is called like it in the cell.

    Examples
    --------
    >>> matrix_title("scene_device"), matrix_title("confusion")
    ('Class × device', 'Confusion matrix')
    """
    if name == "confusion":
        return "Confusion matrix"
    if name.endswith("_roc"):
        metric = name.removesuffix("_roc")
        return f"PSD-ROC of {terms.title(metric, cell.metrics.get(metric) if cell else None)}"
    first, _, second = name.partition("_")
    # Records call the rows of every kind scenes, after the first of them.
    return f"Class × {second.replace('_', ' ')}" if first in ("scene", "class") else terms.plain(name)


def reliability_chart(matrix: Matrix, identity: str) -> Markup | None:
    """The reliability diagram, if the matrix has the columns that it takes."""
    columns = {title.lower(): index for index, title in enumerate(matrix.columns)}
    pair = next((pair for pair in _SIDES if columns.keys() >= set(pair)), None)
    if pair is None:
        return None
    sides = [columns[name] for name in pair]
    clips = next((columns[name] for name in ("clips", "tags", "count", "n") if name in columns), None)
    bins = [(row[sides[0]], row[sides[1]], row[clips] if clips is not None else None) for row in matrix.values]
    return reliability(f"{anchor(identity)}-reliability-chart", bins, (pair[0].capitalize(), pair[1].capitalize()))


def severity_heatmaps(result: Result) -> list[Markup]:
    """Corruption × strength, mild to severe, one table per task and split, of the metric that ranks.

    Strengths of one column are of many units, so that each stands under its figure, and its unit under the condition.
    """
    charts = []
    for (task, split), cells in _tasks(result).items():
        perturbed = [cell for cell in cells if cell.condition.kind != "clean" and result.primary in cell.metrics]
        charts += _budgets([cell for cell in perturbed if view.by_budget(cell)], f"{task}, split {split}")
        perturbed = [cell for cell in perturbed if not view.by_budget(cell)]
        if len(perturbed) < 2:
            continue
        severities = sorted({cell.condition.severity for cell in perturbed}, key=lambda level: (level is None, level))
        # Rows of one family stand together.
        order: dict[tuple[str, str], dict[int | None, Value]] = {}
        done: dict[tuple[str, str], dict[int | None, Condition]] = {}
        for cell in sorted(perturbed, key=lambda cell: _group(cell)):
            key = (_group(cell), terms.series(cell.key, cell.condition))
            order.setdefault(key, {})[cell.condition.severity] = cell.metrics[result.primary]
            done.setdefault(key, {})[cell.condition.severity] = cell.condition
        values = [[row[level].value if level in row else None for level in severities] for row in order.values()]
        # Of many conditions the sentences would be most of a page; their figures stand in the table of all conditions.
        notes = [[sentence(row[level]) if level in row else "" for level in severities] for row in order.values()]
        told = notes if len(perturbed) <= NOTED else None
        some = perturbed[0].metrics[result.primary]
        unit = some.unit
        charts.append(
            heatmap(
                f"{anchor(f'{task}/{split}')}-severity",
                f"{terms.title(result.primary, some)}{', %' if unit == 'fraction' else ''}: {task}, split {split}",
                [name for _, name in order],
                _mild_to_severe(severities),
                values,
                unit=unit,
                row_title="Condition",
                column_title="Strength",
                ends=domain([value for row in values for value in row], unit),
                notes=told,
                strengths=[[amount(row[lev]) if lev in row else "" for lev in severities] for row in done.values()],
                row_units=[_unit_of(next(iter(row.values()))) for row in done.values()],
                of={"task": task, "split": split, "metric": result.primary} | _kinds(perturbed),
            )
        )
    return charts


def _mild_to_severe(severities: Sequence[int | None]) -> list[str]:
    """Heads of strengths that have no unit in common; their numbers stand in the cells."""
    known = [level for level in severities if level is not None]
    words = dict.fromkeys(known, "·")
    if len(known) > 1:
        words |= {known[0]: "mild", known[-1]: "severe"}
    return ["–" if level is None else words[level] for level in severities]


def _unit_of(what: Condition) -> str:
    return what.unit or "" if what.parameter is not None and not isinstance(what.parameter, dict) else ""


def _budgets(cells: list[Cell], where: str) -> list[Markup]:
    """Attack × budget, one table per threat model: what is left of the accuracy in the worst case."""
    charts = []
    for unit in dict.fromkeys(cell.condition.unit for cell in cells):
        attacked = [cell for cell in cells if cell.condition.unit == unit and "robust_accuracy" in cell.metrics]
        budgets = sorted({view.budget(cell) for cell in attacked}, reverse="snr" in (unit or "").lower())
        rows: dict[str, dict[float, Value]] = {}
        for cell in attacked:
            rows.setdefault(terms.attack(cell.key), {})[view.budget(cell)] = cell.metrics["robust_accuracy"]
        if not rows:
            continue
        values = [[row[level].value if level in row else None for level in budgets] for row in rows.values()]
        charts.append(
            heatmap(
                f"{anchor(f'{where}/{unit}')}-budget",
                f"Robust accuracy under attack{_no_sound(attacked)}, %: {where}, budget in {unit}",
                list(rows),
                [f"{level:g}" for level in budgets],
                values,
                unit="fraction",
                row_title="Attack",
                column_title=f"Budget, {unit}",
                ends=(0.0, 1.0),
                notes=[[sentence(row[level]) if level in row else "" for level in budgets] for row in rows.values()],
                of={"kind": "attack", "parameter_unit": unit or "", "metric": "robust_accuracy"},
            )
        )
    return charts


def robustness_curves(result: Result) -> list[tuple[str, Markup]]:
    """One panel per family of conditions, and one of noise and attack together against SNR; with their titles."""
    panels = []
    for (task, split), cells in _tasks(result).items():
        clean = next(
            (c.metrics[result.primary] for c in cells if _is(c, "clean") and result.primary in c.metrics), None
        )
        reference = Point(0, clean.value, clean.low, clean.high) if clean else None
        families: dict[str, list[Cell]] = {}
        attacked: dict[str | None, list[Cell]] = {}
        for cell in cells:
            if view.by_budget(cell):
                attacked.setdefault(cell.condition.unit, []).append(cell)  # two threat models do not share an axis
            elif cell.condition.kind != "clean" and result.primary in cell.metrics:
                families.setdefault(cell.condition.group or cell.condition.kind, []).append(cell)
        where = "" if len(_tasks(result)) == 1 else f", {terms.task(task)} {split}"
        for family, members in families.items():
            chart = _panel(
                members,
                reference,
                result.primary,
                f"{terms.plain(family)}{where}",
                f"{task}/{split}/{family}",
                {"task": task, "split": split, "metric": result.primary}
                | ({"family": family} if members[0].condition.group else {"kind": members[0].condition.kind}),
            )
            if chart:
                panels.append((f"{terms.plain(family)}{where}", chart))
        for unit, members in attacked.items():
            panels += _attacked(members, result.primary, f"{unit}{where}", f"{task}/{split}/{unit}")
        for unit in dict.fromkeys(cell.condition.unit for cell in cells if _snr(cell) is not None):
            # An SNR on active level and one of the whole clip are two axes.
            by_snr = [cell for cell in cells if cell.condition.unit == unit and result.primary in cell.metrics]
            if not all(any(_is(cell, kind) for cell in by_snr) for kind in ("attack", "corruption")):
                continue
            lines = _series(by_snr, result.primary, _snr)
            if lines:
                title = f"Noise and attack against SNR{where}"
                first = by_snr[0].metrics[result.primary]
                chart = curves(
                    f"{anchor(f'{task}/{split}/snr')}-curve",
                    title,
                    lines,
                    x_title=str(unit),
                    y_title=terms.title(result.primary, first),
                    unit=first.unit,
                    reference=reference,
                    reverse=True,
                    of={"task": task, "split": split, "parameter_unit": str(unit), "metric": result.primary},
                )
                panels.append((title, chart))
    return panels + _certified(result)


def _certified(result: Result) -> list[tuple[str, Markup]]:
    """Certified accuracy of a smoothed model against the L2 norm of what is added, for each split."""
    lines: dict[str, list[Point]] = {}
    shown: dict[str, Value] = {}
    for name, value in result.scores.items():
        scope, _, inner = name.partition(":")
        where, slash, radius = inner.partition("/")
        if scope == terms.CERTIFIED and slash:
            split = where.rpartition(":")[0]
            shown.setdefault(split, value)
            lines.setdefault(split, []).append(Point(float(radius), value.value, value.low, value.high))
    panels = []
    for split, points in lines.items():
        title = f"Certified accuracy against the L2 radius{f', split {split}' if split else ''}"
        chart = curves(
            f"{anchor(f'certified/{split}')}-curve",
            title,
            [Series("Certified", points)],
            x_title="L2 norm of what is added, in waveform units",
            y_title="Certified accuracy",
            unit=shown[split].unit,
            of={"kind": "attack", "metric": "certified_accuracy"},
        )
        panels.append((title, chart))
    return panels


def _attacked(cells: list[Cell], primary: str, where: str, identity: str) -> list[tuple[str, Markup]]:
    """Clean, in noise and attacked against the budget: clips that hold, and the ranking metric where it is another."""
    panels = []
    for name in ("robust_accuracy", *([] if primary.endswith("accuracy") else [primary])):
        # Noise of the same budgets as a condition has draws and a curve of its own; beside it the floor says nothing.
        own = any(cell.condition.name == "white_noise" for cell in cells)
        lines: dict[str, list[Point]] = {}
        for cell in cells:
            drawn = {terms.attack(cell.key): name}
            if name == "robust_accuracy" and not own:
                drawn["Noise of equal budget"] = "noise_accuracy"
            if name == "robust_accuracy":
                # Of a smoothed model: what no attack within the budget can change, so never above what an attack left.
                drawn["Certified"] = "certified_accuracy"
            for line, metric in drawn.items():
                if metric in cell.metrics:
                    value = cell.metrics[metric]
                    lines.setdefault(line, []).append(Point(view.budget(cell), value.value, value.low, value.high))
        # Several attacks of one threat model share their floor: one line of it is enough.
        series = [
            Series(line, sorted({p.x: p for p in points}.values(), key=lambda p: p.x))
            for line, points in lines.items()
            if len({p.x for p in points}) > 1
        ]
        if not series:
            continue
        before = "clean_accuracy" if name == "robust_accuracy" else f"clean_{primary}"
        clean = next((cell.metrics[before] for cell in cells if before in cell.metrics), None)
        some = next(cell.metrics[name] for cell in cells if name in cell.metrics)
        named = terms.title(name, some)
        title = f"{named} under attack{_no_sound(cells)}, {where}"
        unit = cells[0].condition.unit or ""
        chart = curves(
            f"{anchor(f'{identity}/{name}')}-curve",
            title,
            series,
            x_title=f"Budget, {unit}",
            y_title=named,
            unit=some.unit,
            reference=Point(0, clean.value, clean.low, clean.high) if clean else None,
            reverse="snr" in unit.lower(),
            of={"kind": "attack", "parameter_unit": unit, "metric": name},
        )
        panels.append((title, chart))
    return panels


def _no_sound(cells: list[Cell]) -> str:
    """What must be said of cells of one threat model on features; their budgets share no axis with those of sound."""
    return f" {terms.NO_SOUND}" if any(terms.on_features(cell.condition) for cell in cells) else ""


def _panel(
    cells: list[Cell], reference: Point | None, primary: str, title: str, identity: str, of: dict[str, str]
) -> Markup | None:
    units = {cell.condition.unit for cell in cells}
    physical = len(units) == 1 and None not in units and all(_parameter(cell) is not None for cell in cells)
    lines = _series(cells, primary, _parameter if physical else _severity)
    if not lines:
        return None
    levels = sorted(cells, key=lambda cell: cell.condition.severity or 0)
    reverse = physical and (_parameter(levels[0]) or 0) > (_parameter(levels[-1]) or 0)
    return curves(
        f"{anchor(identity)}-curve",
        title,
        lines,
        x_title=str(units.pop()) if physical else "Strength, each in its unit",
        y_title=terms.title(primary, cells[0].metrics[primary]),
        unit=cells[0].metrics[primary].unit,
        reference=reference,
        reverse=reverse,
        x_labels=None if physical else _ends(lines),
        of=of,
    )


def _ends(lines: Sequence[Series]) -> dict[float, str]:
    """Words for an axis of strengths in several units."""
    xs = sorted({point.x for line in lines for point in line.points})
    return {xs[0]: "mild", xs[-1]: "severe"}


def _series(cells: list[Cell], primary: str, position) -> list[Series]:
    lines: dict[str, list[Point]] = {}
    for cell in cells:
        x = position(cell)
        if x is not None:
            value = cell.metrics[primary]
            # White noise is a corruption and the floor of attacks.
            named = terms.series(cell.key, cell.condition)
            name = f"Attack {terms.attack(cell.key)}" if view.by_budget(cell) else named
            lines.setdefault(name, []).append(Point(x, value.value, value.low, value.high))
    return [
        Series(name, sorted(points, key=lambda point: point.x))
        for name, points in lines.items()
        if len({point.x for point in points}) > 1
    ]


def _tasks(result: Result) -> dict[tuple[str, str], list[Cell]]:
    tasks: dict[tuple[str, str], list[Cell]] = {}
    for cell in result.cells:
        tasks.setdefault((cell.task, cell.split), []).append(cell)
    return tasks


def _kinds(cells: list[Cell]) -> dict[str, str]:
    """The kind that some cells share, if they do."""
    kinds = {cell.condition.kind for cell in cells}
    return {"kind": kinds.pop()} if len(kinds) == 1 else {}


def _is(cell: Cell, kind: str) -> bool:
    return cell.condition.kind == kind


def _group(cell: Cell) -> str:
    return cell.condition.group or cell.condition.kind


def _severity(cell: Cell) -> float | None:
    return None if cell.condition.severity is None else float(cell.condition.severity)


def _parameter(cell: Cell) -> float | None:
    value = cell.condition.parameter
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _snr(cell: Cell) -> float | None:
    if "snr" not in (cell.condition.unit or "").lower():
        return None
    return _parameter(cell)
