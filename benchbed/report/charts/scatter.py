"""Points in a plane: one figure of each model against another, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, domain, frame, text, ticks
from benchbed.report.figures import number
from benchbed.results.record import Value

_WIDTH, _HEIGHT = 460, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 44


@dataclass(frozen=True)
class Dot:
    """One model: its two figures, and what to call it."""

    name: str
    x: Value
    y: Value
    style: int = 0
    href: str | None = None


def scatter(
    identity: str, title: str, dots: Sequence[Dot], *, x_title: str, y_title: str, diagonal: bool = False
) -> Markup:
    """A scatter chart; names are drawn while there are few, and are always in the points' own titles.

    Examples
    --------
    >>> figure = Value(value=0.5, n=9, direction="higher", unit="fraction", rule="r")
    >>> "cnn" in scatter("s", "t", [Dot("cnn", figure, figure)], x_title="clean", y_title="retention")
    True
    """
    dots = [dot for dot in dots if dot.x.value is not None and dot.y.value is not None]
    x_unit, y_unit = (dots[0].x.unit, dots[0].y.unit) if dots else ("", "")
    x_ends = domain([part for dot in dots for part in (dot.x.value, dot.x.low, dot.x.high)], x_unit)
    y_ends = domain([part for dot in dots for part in (dot.y.value, dot.y.low, dot.y.high)], y_unit)
    x, y = Scale(x_ends, (_LEFT, _WIDTH - _RIGHT)), Scale(y_ends, (_HEIGHT - _BOTTOM, _TOP))
    body = []
    for tick in ticks(y_ends):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(tick))}H{_WIDTH - _RIGHT}"/>')
        body.append(text(_LEFT - 6, y(tick) + 4, number(tick, y_unit, with_unit=False), anchor="end"))
    for tick in ticks(x_ends):
        body.append(f'<path class="grid" d="M{at(x(tick))} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        body.append(text(x(tick), _HEIGHT - _BOTTOM + 16, number(tick, x_unit, with_unit=False)))
    if diagonal:
        body.append(
            f'<path class="level" d="M{at(x(x_ends[0]))} {at(y(y_ends[0]))}L{at(x(x_ends[1]))} {at(y(y_ends[1]))}"/>'
        )
    body += [_dot(dot, x, y, labelled=len(dots) <= 12) for dot in dots]
    body.append(text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, _with_unit(x_title, x_unit), "axis"))
    body.append(
        f'<text class="axis" transform="translate(12 {at((_TOP + _HEIGHT - _BOTTOM) / 2)}) rotate(-90)" '
        f'text-anchor="middle">{escape(_with_unit(y_title, y_unit))}</text>'
    )
    words = "; ".join(
        f"{dot.name}: {number(dot.x.value, x_unit)}, {number(dot.y.value, y_unit)}" for dot in dots[:20]
    ) + (f"; and {len(dots) - 20} more." if len(dots) > 20 else ".")
    return frame(identity, title, words, (_WIDTH, _HEIGHT), "".join(body))


def _with_unit(title: str, unit: str) -> str:
    return f"{title}, %" if unit == "fraction" else f"{title}, {unit}" if unit else title


def _dot(dot: Dot, x: Scale, y: Scale, labelled: bool) -> str:
    px, py = x(dot.x.value), y(dot.y.value)
    parts = [f"<g><title>{escape(dot.name)}</title>"]
    if dot.x.low is not None and dot.x.high is not None:
        parts.append(f'<path class="whisker s{dot.style}" d="M{at(x(dot.x.low))} {at(py)}H{at(x(dot.x.high))}"/>')
    if dot.y.low is not None and dot.y.high is not None:
        parts.append(f'<path class="whisker s{dot.style}" d="M{at(px)} {at(y(dot.y.low))}V{at(y(dot.y.high))}"/>')
    parts.append(f'<circle class="mark s{dot.style}" cx="{at(px)}" cy="{at(py)}" r="4"/>')
    if labelled:
        left = px > _WIDTH * 0.7
        parts.append(text(px - 8 if left else px + 8, py - 7, dot.name, "name", "end" if left else "start"))
    return "".join(parts) + "</g>"
