"""The scatter charts of a board: what is kept, attack against noise, and what a score costs."""

from __future__ import annotations

from collections import Counter

from markupsafe import Markup

from benchbed.errors import ConfigError
from benchbed.report import terms, threats
from benchbed.report.board import Board, BoardRow
from benchbed.report.charts.scatter import Dot, scatter
from benchbed.results.answers import clean_value
from benchbed.results.pareto import TradeOff, trade_offs
from benchbed.results.record import Value


def charts(standings: Board) -> list[tuple[str, Markup]]:
    """Scatter charts of a board with their titles; points are coloured by family."""
    drawn: list[tuple[str, Markup]] = []
    shown = [dot for place, row in enumerate(standings.rows, 1) if (dot := _kept(row, place))]
    if len(shown) > 1:
        name = terms.title(standings.example.primary, shown[0].y)
        label = f"{name} on clean audio against retention"
        image = scatter(
            f"scatter-{standings.identity}-kept",
            label,
            shown,
            x_title="Retention under perturbation",
            y_title=name,
        )
        drawn.append((label, image))
    drawn += _against_noise(standings)
    scored = _scored(standings)
    families = {row.result.model.name: row.result.model.family for row in standings.rows}
    numbers = {row.result.model.name: place for place, row in enumerate(standings.rows, 1)}
    for trade in _trade_offs(standings):
        cost, score = terms.plain(trade.cost), terms.metric(trade.score, standings.lead)
        label = f"{score} against {cost}: Pareto front"
        dots = [
            Dot(
                point.model,
                Value(value=point.cost, n=0, direction="lower", unit=trade.cost_unit, rule=trade.method or "counted"),
                scored.get(point.model)
                or Value(value=point.score, n=0, direction="higher", unit=trade.score_unit, rule=""),
                families.get(point.model, ""),
                numbers.get(point.model, 0),
            )
            for point in trade.points
        ]
        front = [place for place, point in enumerate(trade.points) if point.front]
        image = scatter(
            f"pareto-{standings.identity}-{len(drawn)}",
            label,
            dots,
            x_title=cost,
            y_title=score,
            front=front,
        )
        drawn.append((label + (f" ({trade.method})" if trade.method else ""), image))
    return drawn


def _against_noise(standings: Board) -> list[tuple[str, Markup]]:
    """What each model keeps under an attack against what it keeps in noise of equal budget, and the two half levels."""
    found = []
    for number, (label, dots) in enumerate(threats.against_noise(standings).items()):
        half = dots[0].y.unit != "fraction"
        image = scatter(
            f"scatter-{standings.identity}-noise-{number}",
            label,
            dots,
            x_title=terms.title("in noise", dots[0].x) + (", noise" if half else ""),
            y_title=terms.title("attacked", dots[0].y) + (", attack" if half else ""),
        )
        found.append((label, image))
    return found


def _kept(row: BoardRow, place: int) -> Dot | None:
    value = row.figures.get(f"{terms.ROBUSTNESS}:retention")
    clean = clean_value(row.result)
    if value is None or value.value is None or clean is None or clean.value is None:
        return None
    return Dot(row.result.model.name, value, clean, row.result.model.family, place)


def _trade_offs(standings: Board) -> list[TradeOff]:
    try:
        return trade_offs([row.result for row in standings.rows], standings.primary, named=False)
    except ConfigError:
        # No run of this board has a figure in the metric that ranks.
        return []


def _scored(standings: Board) -> dict[str, Value | None]:
    """The figure that ranks each model, of models whose name no other has."""
    times = Counter(row.result.model.name for row in standings.rows)
    return {row.result.model.name: row.primary for row in standings.rows if times[row.result.model.name] == 1}
