"""Curves with bands: a figure against severity or signal-to-noise ratio, one panel per family of conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, domain, frame, path, text, ticks
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label

#: Series told apart by colour, dash and marker, so that none is needed alone.
STYLES = 8
_WIDTH, _HEIGHT = 340, 220
#: A place on the canvas.
At = tuple[float, float]
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 40


@dataclass(frozen=True)
class Point:
    """One figure on a curve, with its interval."""

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """A named curve."""

    name: str
    points: Sequence[Point]


def curves(
    identity: str,
    title: str,
    series: Sequence[Series],
    *,
    x_title: str,
    y_title: str,
    unit: str,
    reference: Point | None = None,
    reverse: bool = False,
    x_labels: Mapping[float, str] | None = None,
    of: Mapping[str, str] | None = None,
) -> Markup:
    """Curves with interval bands, and a level line with its band (the clean figure).

    Parameters
    ----------
    reverse : bool
        Draw the x axis from large to small (SNR: mild on the left).
    x_labels : mapping of float to str, optional
        Words for places of an axis that has no unit; its other places have none.
    of : mapping of str to str, optional
        Which of the figures that the page carries are drawn.

    Examples
    --------
    >>> one = Series("white noise", [Point(1, .8, .7, .9), Point(2, .6, .5, .7)])
    >>> chart = curves("c", "Noise", [one], x_title="severity", y_title="accuracy", unit="fraction")
    >>> "white noise from 80.0" in chart
    True
    """
    points = [point for line in series for point in line.points] + ([reference] if reference else [])
    y_ends = domain([part for point in points for part in (point.y, point.low, point.high)], unit)
    xs = sorted({point.x for line in series for point in line.points}) or [0.0]
    pad = (xs[-1] - xs[0]) * 0.04
    x_ends = (xs[-1] + pad, xs[0] - pad) if reverse else (xs[0] - pad, xs[-1] + pad)
    x, y = _Axis(x_ends, (_LEFT, _WIDTH - _RIGHT)), Scale(y_ends, (_HEIGHT - _BOTTOM, _TOP))
    named = {place: f"{place:g}" for place in (xs if len(xs) <= 7 else ticks((xs[0], xs[-1]), 5))}
    body = [_axes(x, y, x_labels or named, y_ends, unit, x_title, y_title)]
    if reference is not None:
        body.append(_level(reference, y))
    for index, line in enumerate(series):
        body.append(_line(line, x, y, index % STYLES))
    legend = "".join(
        f'<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true" focusable="false">'
        f'<path class="line s{index % STYLES}" d="M1 5H25"/>{_marker(13, 5, index % STYLES)}</svg>'
        f"<bdi>{escape(line.name)}</bdi></li>"
        for index, line in enumerate(series)
    )
    if reference is not None:
        legend += (
            '<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true" focusable="false">'
            '<path class="level" d="M1 5H25"/></svg>Clean</li>'
        )
    image = frame(identity, title, _words(series, unit, x_labels or {}), (_WIDTH, _HEIGHT), "".join(body), of=of)
    return Markup(f'{image}<ul class="legend">{legend}</ul>')


class _Axis(Scale):
    """A scale whose domain may run downwards."""

    def __call__(self, value: float) -> float:
        (low, high), (start, end) = self.domain, self.span
        return (start + end) / 2 if low == high else start + (value - low) / (high - low) * (end - start)


def _axes(x: Scale, y: Scale, labels: Mapping[float, str], y_ends: tuple, unit: str, x_title: str, y_title: str) -> str:
    parts = []
    for tick in ticks(y_ends):
        parts.append(f'<path class="grid" d="M{_LEFT} {at(y(tick))}H{_WIDTH - _RIGHT}"/>')
        parts.append(text(_LEFT - 6, y(tick) + 4, axis_label(tick, unit), anchor="end"))
    taken: list[float] = []
    for tick, label_of in labels.items():
        # Labels that would run into each other are left out; the points stay.
        if taken and abs(x(tick) - taken[-1]) < 26:
            continue
        taken.append(x(tick))
        parts.append(text(x(tick), _HEIGHT - _BOTTOM + 16, label_of))
    parts.append(text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, x_title, "axis"))
    label = escape(y_title + (", %" if unit == "fraction" else f", {unit}" if unit else ""))
    middle = at((_TOP + _HEIGHT - _BOTTOM) / 2)
    parts.append(
        f'<text class="axis" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{label}</text>'
    )
    return "".join(parts)


def _level(reference: Point, y: Scale) -> str:
    band = ""
    if reference.low is not None and reference.high is not None:
        top, bottom = y(reference.high), y(reference.low)
        width = _WIDTH - _RIGHT - _LEFT
        band = f'<rect class="lead" x="{_LEFT}" y="{at(top)}" width="{width}" height="{at(bottom - top)}"/>'
    line = "" if reference.y is None else f'<path class="level" d="M{_LEFT} {at(y(reference.y))}H{_WIDTH - _RIGHT}"/>'
    return band + line


def _line(line: Series, x: Scale, y: Scale, style: int) -> str:
    drawn = [(x(point.x), y(point.y)) for point in line.points if point.y is not None]
    parts = []
    for upper, lower in _bands(line.points, x, y):
        if len(upper) > 1:
            parts.append(f'<path class="band s{style}" d="{path([*upper, *reversed(lower)], close=True)}"/>')
        else:
            parts.append(f'<path stroke-opacity=".35" class="line s{style}" d="{path([*upper, *lower])}"/>')
    if drawn:
        parts.append(f'<path class="line s{style}" d="{path(drawn)}"/>')
    parts += [_marker(px, py, style) for px, py in drawn]
    return "".join(parts)


def _bands(points: Sequence[Point], x: Scale, y: Scale) -> list[tuple[list[At], list[At]]]:
    """Upper and lower ends of stretches of points that have intervals: nothing is known in between."""
    stretches: list[tuple[list[At], list[At]]] = []
    apart = True
    for point in points:
        if point.low is None or point.high is None:
            # A point that is not drawn parts nothing: the line goes past it, too.
            apart = apart or point.y is not None
            continue
        if apart:
            stretches.append(([], []))
        apart = False
        stretches[-1][0].append((x(point.x), y(point.high)))
        stretches[-1][1].append((x(point.x), y(point.low)))
    return stretches


def _marker(x: float, y: float, style: int) -> str:
    shape = (
        f"M{at(x - 3)} {at(y)}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0Z",
        f"M{at(x - 3)} {at(y - 3)}h6v6h-6Z",
        f"M{at(x)} {at(y - 4)}l3.6 6.4h-7.2Z",
        f"M{at(x)} {at(y - 4)}l4 4l-4 4l-4 -4Z",
    )[style % 4]
    return f'<path class="mark s{style}" d="{shape}"/>'


def _words(series: Sequence[Series], unit: str, labels: Mapping[float, str]) -> str:
    parts = []
    for line in series:
        drawn = [point for point in line.points if point.y is not None]
        if drawn:
            first, last = drawn[0], drawn[-1]
            at_first, at_last = (labels.get(point.x, f"{point.x:g}") for point in (first, last))
            parts.append(
                f"{line.name} from {number(first.y, unit)} at {at_first} to {number(last.y, unit)} at {at_last}"
            )
    return "; ".join(parts) + "." if parts else "No figures."
