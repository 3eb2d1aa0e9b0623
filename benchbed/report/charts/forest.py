"""A forest plot: differences with their intervals around a line at nothing, what was shown in a colour of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, frame, text, ticks
from benchbed.report.charts.families import style_of
from benchbed.report.figures import interval, signed, tick
from benchbed.results.record import Value

#: Letters of a label that fit beside the drawing.
NAME = 34
_WIDTH, _ROW, _TOP, _BOTTOM, _RIGHT = 560, 20, 22, 40, 136


@dataclass(frozen=True)
class ForestRow:
    """One row: a difference, and what was shown about it (`better`, `worse`, or anything else for nothing).

    Of a row that is a model, `family` gives the label its colour.
    """

    label: str
    value: Value
    shown: str = ""
    family: str | None = None


def forest(
    identity: str,
    title: str,
    rows: Sequence[ForestRow],
    ends: tuple[float, float],
    *,
    sides: tuple[str, str],
    axis: str,
    families: tuple[str | None, str | None] = (None, None),
) -> Markup:
    """Differences below each other on one axis.

    Parameters
    ----------
    rows : sequence of ForestRow
        From above to below.
    ends : (float, float)
        Ends of the axis; zero lies within.
    sides : (str, str)
        What a difference left and right of the line says, e.g. `("passt better", "cnn better")`.
    axis : str
        What the axis is.
    families : (str or None, str or None)
        Families of the models left and right of the line, whose colours their names have.

    Examples
    --------
    >>> made = dict(n=9, direction="higher", unit="fraction", rule="r")
    >>> one = ForestRow("Clean", Value(value=0.1, low=0.02, high=0.2, **made), "better")
    >>> chart = forest("f", "Accuracy", [one], (-0.1, 0.3), sides=("b better", "a better"), axis="points")
    >>> chart.count('class="row better"'), "+10.0" in chart
    (1, True)
    """
    unit = rows[0].value.unit
    left = 12 + 6.2 * min(NAME, max(len(row.label) for row in rows))
    scale = Scale(ends, (left, _WIDTH - _RIGHT))
    height = _TOP + _ROW * len(rows) + _BOTTOM
    floor = height - _BOTTOM + 3
    body = [f'<path class="grid" d="M{at(scale(level))} {_TOP - 4}V{at(floor)}"/>' for level in ticks(ends)]
    body += [text(scale(level), floor + 14, tick(level, unit)) for level in ticks(ends)]
    body.append(f'<path class="nought" d="M{at(scale(0.0))} {_TOP - 8}V{at(floor)}"/>')
    body.append(text(scale(0.0) - 6, 11, f"← {sides[0]}", _coloured("tick", families[0]), "end"))
    body.append(text(scale(0.0) + 6, 11, f"{sides[1]} →", _coloured("tick", families[1]), "start"))
    body.append(text((left + _WIDTH - _RIGHT) / 2, height - 6, axis, "axis"))
    for place, row in enumerate(rows):
        body.append(_row(row, scale, _TOP + _ROW * place, left))
    return frame(identity, title, _said(rows, sides), (_WIDTH, height), "".join(body), "chart forest-plot")


def _row(row: ForestRow, scale: Scale, top: float, left: float) -> str:
    name = row.label if len(row.label) <= NAME else f"{row.label[: NAME - 1]}…"
    kind = row.shown if row.shown in ("better", "worse") else "open"
    middle, value = top + _ROW / 2, row.value
    look = _coloured("label", row.family)
    parts = [f'<text class="{look}" x="{at(left - 8)}" y="{at(middle + 4)}" text-anchor="end">{escape(name)}</text>']
    if value.value is None:
        parts.append(f'<text class="bounds" x="{_WIDTH - 2}" y="{at(middle + 4)}" text-anchor="end">–</text>')
        return f'<g class="row none">{"".join(parts)}</g>'
    if value.low is not None and value.high is not None:
        low, high = at(scale(value.low)), at(scale(value.high))
        parts.append(
            f'<path class="iv" d="M{low} {at(middle)}H{high}M{low} {at(middle - 3)}v6M{high} {at(middle - 3)}v6"/>'
        )
    parts.append(f'<circle class="point" cx="{at(scale(value.value))}" cy="{at(middle)}" r="4"/>')
    told = f"{signed(value.value, value.unit)} {interval(value)}".strip()
    parts.append(f'<text class="bounds" x="{_WIDTH - 2}" y="{at(middle + 4)}" text-anchor="end">{escape(told)}</text>')
    return f'<g class="row {kind}">{"".join(parts)}</g>'


def _coloured(kind: str, family: str | None) -> str:
    """Classes of a text in the colour of a family."""
    return kind if family is None else f"{kind} name t{style_of(family)}"


def _said(rows: Sequence[ForestRow], sides: tuple[str, str]) -> str:
    better, worse = (sum(row.shown == kind for row in rows) for kind in ("better", "worse"))
    return (
        f"{len(rows)} differences with intervals. Shown: {sides[1]} in {better}, {sides[0]} in {worse}; "
        f"not shown in {len(rows) - better - worse}."
    )
