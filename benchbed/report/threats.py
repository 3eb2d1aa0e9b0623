"""What the boards of one suite show of attacks: transfer between models, and attacks against noise of equal budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from benchbed.report import terms, view
from benchbed.report.across import Drawing, metric_of, number_of
from benchbed.report.board import Board
from benchbed.report.charts.heatmap import heatmap
from benchbed.report.charts.rivals import Places, Rival, rivals
from benchbed.report.charts.scatter import Dot
from benchbed.report.island import anchor
from benchbed.results.conditions import curve_of, setting
from benchbed.results.record import Cell, Matrix, Value
from benchbed.results.splits import of_split


def transfer(board: Board) -> dict[str, Matrix]:
    """Robust accuracy of each model (row) under attacks made on one other model (column), a table for each budget."""
    rates: dict[str, dict[str, dict[str, Value]]] = {}
    for row in board.rows:
        for cell in row.whole.cells:
            what = cell.condition
            if what.name != "transfer":
                continue
            by_source = {
                terms.group(key)[1]: figures["robust_accuracy"]
                for key, figures in cell.groups.items()
                if terms.group(key)[0] == "source" and "robust_accuracy" in figures
            }
            sources = list(what.facts.get("sources", ()))
            if not by_source and len(sources) == 1 and "robust_accuracy" in cell.metrics:
                # Records from before each source had figures of its own.
                by_source = {Path(sources[0]).stem: cell.metrics["robust_accuracy"]}
            if by_source:
                figures = rates.setdefault(f"{setting(what)}, {of_split(cell.split)}", {})
                figures.setdefault(row.result.model.name, {}).update(by_source)
    matrices = {}
    for title, rows in rates.items():
        sources = list(dict.fromkeys(source for figures in rows.values() for source in figures))
        values = [[figures[s].value if s in figures else None for s in sources] for figures in rows.values()]
        matrices[title] = Matrix(
            rows=list(rows),
            columns=sources,
            values=values,
            row_title="model",
            column_title="attack made on",
            unit="fraction",
        )
    return matrices


def against_noise(board: Board) -> dict[str, list[Dot]]:
    """Models as points, noise across and attack up, a title each; attacks on features and failed checks are left out.

    Of each attack the budget is shown at which the models lie furthest apart, and the SNR at which half is lost.
    """
    by_attack: dict[tuple[str, str], dict[float, list[Dot]]] = {}
    halves: dict[str, list[Dot]] = {}
    for place, row in enumerate(board.rows, 1):
        model = row.result.model
        for cell in row.whole.cells:
            if not view.by_budget(cell) or not cell.ranked or terms.on_features(cell.condition):
                continue
            noisy, kept = cell.metrics.get("noise_accuracy"), cell.metrics.get("robust_accuracy")
            if cell.condition.name.endswith("_noise") or noisy is None or kept is None:
                continue
            curve = by_attack.setdefault(
                (f"{terms.attack(cell.key)}{_by(cell)}, {of_split(cell.split)}", cell.condition.unit or ""), {}
            )
            curve.setdefault(view.budget(cell), []).append(Dot(model.name, noisy, kept, model.family, place))
        scores = row.whole.scores
        noise = scores.get(f"{terms.ADVERSARIAL}:snr50/white_noise@l2")
        for key, value in scores.items():
            about = key.removeprefix(f"{terms.ADVERSARIAL}:snr50/")
            if about != key and "noise" not in about and noise is not None and None not in (noise.value, value.value):
                halves.setdefault(f"{terms.attack(f'//{about}')} against noise, SNR at half retention", []).append(
                    Dot(model.name, noise, value, model.family, place)
                )
    charts = {}
    for (attack, unit), curve in by_attack.items():
        wide = {budget: _apart(dots) for budget, dots in curve.items() if len(dots) > 1}
        if wide:
            budget = max(wide, key=lambda each: wide[each])
            charts[f"{attack}, against noise of equal budget ({budget:g} {unit})"] = curve[budget]
    return charts | {title: dots for title, dots in halves.items() if len(dots) > 1}


def _by(cell: Cell) -> str:
    """What attacked, where that was no gradient: such models stand on a chart of their own."""
    by = str(cell.condition.facts.get("attacker", ""))
    return f", {terms.NO_GRADIENT}" if by.startswith("answers") else ""


def _apart(dots: Sequence[Dot]) -> float:
    kept = [dot.y.value for dot in dots if dot.y.value is not None]
    return max(kept, default=0.0) - min(kept, default=0.0)


def under_attack(board: Board) -> list[Drawing]:
    """For each attack robust accuracy of all models against the budget, and beside it in noise of equal budgets."""
    curves: dict[tuple[str, str], dict[int, dict[float, Cell]]] = {}
    for index, row in enumerate(board.rows):
        for cell in row.whole.cells:
            heard = view.by_budget(cell) and not terms.on_features(cell.condition)
            if not heard or "robust_accuracy" not in cell.metrics or cell.condition.name.endswith("_noise"):
                continue
            # What gradients left and what answers alone left are never in one picture.
            curve = curve_of(cell.key) + _by(cell)
            curves.setdefault((cell.split, curve), {}).setdefault(index, {})[view.budget(cell)] = cell
    many = len({split for split, _ in curves}) > 1
    drawings = [
        _curve(board, f"{board.identity}-{anchor(split + curve)}", cells, f", {of_split(split)}" if many else "")
        for (split, curve), cells in curves.items()
    ]
    return [drawing for drawing in drawings if drawing is not None]


def _curve(board: Board, identity: str, cells: dict[int, dict[float, Cell]], where: str) -> Drawing | None:
    """One attack: curves of all models and their tables, attack and noise side by side."""
    first = next(cell for by_budget in cells.values() for cell in by_budget.values())
    unit, name = first.condition.unit or "", terms.attack(first.key) + _by(first) + where
    budgets = sorted({b for by_budget in cells.values() for b in by_budget}, reverse="snr" in unit.lower())
    if len(budgets) < 2:
        return None
    headings = {"robust_accuracy": "Under attack", "noise_accuracy": "In noise of equal budget"}
    panels = [(heading, _lines(board, cells, budgets, metric)) for metric, heading in headings.items()]
    panels = [(heading, lines) for heading, lines in panels if lines]
    labels = [f"{budget:g}" for budget in budgets]
    image = rivals(
        f"attack-{identity}",
        f"Robust accuracy under {terms.within(name)}, budget in {unit}",
        panels,
        Places(labels, budgets),
        x_title=f"Budget, {unit}",
        y_title="Accuracy",
        unit="fraction",
    )
    tables = [
        heatmap(
            f"budgets-{number}-{identity}",
            f"{heading}, %: budget in {unit}",
            [line.name for line in lines],
            ["clean", *labels],
            [[line.clean, *line.points] for line in lines],
            unit="fraction",
            row_title="Model",
            column_title="budget",
            ends=(0.0, 1.0),
            families=[line.family for line in lines],
            lacking=[board.rows[line.number - 1].lacking for line in lines],
            best="higher",
        )
        for number, (heading, lines) in enumerate(panels)
    ]
    rows = board.rows
    lost = {rows[i].result.model.name for i, by_budget in cells.items() for c in by_budget.values() if not c.ranked}
    note = f"Unranked, a check of the attack failed: {', '.join(sorted(lost))}." if lost else ""
    both = Markup('{}<div class="heats">{}</div>').format(image, Markup("").join(tables))
    return Drawing(f"{name}, {unit}", both, note=note)


def _lines(board: Board, cells: dict[int, dict[float, Cell]], budgets: Sequence[float], metric: str) -> list[Rival]:
    lines = []
    for index, row in enumerate(board.rows):
        by_budget = cells.get(index, {})
        points = [number_of(metric_of(by_budget.get(budget), metric)) for budget in budgets]
        clean = next((number_of(v) for c in by_budget.values() if (v := metric_of(c, "clean_accuracy"))), None)
        if any(point is not None for point in points):
            lines.append(Rival(row.result.model.name, row.result.model.family, points, clean, index + 1))
    return lines
