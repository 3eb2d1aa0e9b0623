"""A figure and its interval drawn in a table cell: bars for groups, dots for boards.

The number stands beside the drawing as text, so the drawing itself is hidden from screen readers. Strips stretch with
their column, which keeps them readable on a phone where a scaled chart would not be.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at
from benchbed.report.figures import interval, number, sentence
from benchbed.results.record import Value

_WIDTH, _HEIGHT = 100, 16


class Rung(Protocol):
    """A row that `ladder` draws."""

    @property
    def shown(self) -> Value: ...

    @property
    def steps(self) -> Sequence[Value]: ...


def strip(
    value: Value,
    ends: tuple[float, float],
    *,
    bar: bool = False,
    band: Value | None = None,
    marks: Iterable[Value] = (),
) -> Markup:
    """One figure on an axis that all rows of a column share.

    Parameters
    ----------
    value : Value
        The figure; nothing is drawn without one.
    ends : tuple
        Ends of the axis.
    bar : bool
        Draw a bar from the axis' start, besides the dot and the interval.
    band : Value, optional
        A figure whose interval is shaded behind, e.g. that of the first row.
    marks : iterable of Value
        Figures shown as thin upright lines, e.g. those of trivial baselines.

    Examples
    --------
    >>> figure = Value(value=0.5, low=0.4, high=0.6, n=1, direction="higher", unit="fraction", rule="r")
    >>> "M40 8H60" in strip(figure, (0, 1))
    True
    """
    scale, body = Scale(ends, (0, _WIDTH)), []
    if band is not None and band.low is not None and band.high is not None:
        start, end = scale(band.low), scale(band.high)
        body.append(f'<rect class="lead" x="{at(start)}" width="{at(end - start)}" height="{_HEIGHT}"/>')
    for mark in marks:
        if mark.value is not None:
            body.append(f'<path class="base" d="M{at(scale(mark.value))} 0V{_HEIGHT}"/>')
    if value.value is not None:
        centre = scale(value.value)
        if bar:
            body.append(f'<rect class="bar" y="2" width="{at(centre)}" height="{_HEIGHT - 4}"/>')
        if value.low is not None and value.high is not None:
            body.append(f'<path class="iv" d="M{at(scale(value.low))} 8H{at(scale(value.high))}"/>')
        # A zero-length line with round caps stays a circle when the strip is stretched.
        body.append(f'<path class="dot" d="M{at(centre)} 8h0"/>')
    return Markup(
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(body)}</svg>"
    )


def ladder(row: Rung, ends: tuple[float, float], clean: Value | None = None) -> Markup:
    """A condition at all its strengths: a small dot each, a large one for the figure that orders, the clean one behind.

    Parameters
    ----------
    row : Rung
        What has the figure that orders as `shown`, and those at single strengths as `steps`.
    ends : tuple
        Ends of the axis.
    clean : Value, optional
        Drawn as an upright line on its interval.

    Examples
    --------
    >>> class Row:
    ...     shown = Value(value=0.5, n=1, direction="higher", unit="fraction", rule="r")
    ...     steps = [shown.model_copy(update={"value": 0.9}), shown.model_copy(update={"value": 0.1})]
    >>> drawn = ladder(Row(), (0, 1))
    >>> "M10 8H90" in drawn, "M90 8h0M10 8h0" in drawn
    (True, True)
    """
    whole, body = Scale(ends, (0, _WIDTH)), []

    def scale(value: float) -> float:
        # A tenth of a per cent of the axis is less than a dot on any screen, and long pages have hundreds.
        return round(whole(value), 1)

    if clean is not None and clean.low is not None and clean.high is not None:
        start, end = scale(clean.low), scale(clean.high)
        body.append(f'<rect class="lead" x="{at(start)}" width="{at(end - start)}" height="{_HEIGHT}"/>')
    if clean is not None and clean.value is not None:
        body.append(f'<path class="base" d="M{at(scale(clean.value))} 0V{_HEIGHT}"/>')
    places = [scale(value.value) for value in row.steps if value.value is not None]
    if len(places) > 1:
        body.append(f'<path class="reach" d="M{at(min(places))} 8H{at(max(places))}"/>')
        dots = "".join(f"M{at(place)} 8h0" for place in places)
        body.append(f'<path class="step" d="{dots}"/>')
    elif row.shown.low is not None and row.shown.high is not None:
        body.append(f'<path class="iv" d="M{at(scale(row.shown.low))} 8H{at(scale(row.shown.high))}"/>')
    if row.shown.value is not None:
        body.append(f'<path class="dot" d="M{at(scale(row.shown.value))} 8h0"/>')
    return Markup(
        f'<svg class="strip" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(body)}</svg>"
    )


def board_cell(value: Value | None, lead: bool = False) -> Markup:
    """The cell of a board: figure and interval as text. Made here because a board has thousands of them.

    Examples
    --------
    >>> print(board_cell(Value(value=0.5, n=1, direction="higher", unit="fraction", rule="r")))
    <td data-v="0.5">50.0</td>
    """
    if value is None:
        return Markup('<td data-v="">–</td>')
    kind = f' class="lead-figure" title="{escape(sentence(value))}"' if lead else ""
    if value.value is None:
        return Markup(f'<td data-v=""{kind}>– <i>{escape(value.reason or "no reason recorded")}</i></td>')
    bounds = f" <i>{interval(value)}</i>" if value.low is not None and value.high is not None else ""
    text = number(value.value, value.unit, with_unit=False)
    return Markup(f'<td data-v="{value.value!r}"{kind}>{text}{bounds}</td>')
