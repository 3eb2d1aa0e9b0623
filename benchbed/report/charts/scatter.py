"""Points in a plane: one figure of each model against another, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report import terms
from benchbed.report.charts.draw import LogScale, Scale, at, domain, frame, log_ends, log_ticks, text, ticks
from benchbed.report.charts.families import style_of
from benchbed.report.charts.labels import PlacedName, Segment, place
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label
from benchbed.results.record import Value

_WIDTH, _HEIGHT = 400, 290
#: Models that are named in a drawing. Of more, those on the front and the best are; all have their own titles.
NAMED = 40
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 44


@dataclass(frozen=True)
class Dot:
    """One model: its two figures, what to call it, and the family that it belongs to."""

    name: str
    x: Value
    y: Value
    family: str = ""


def scatter(
    identity: str, title: str, dots: Sequence[Dot], *, x_title: str, y_title: str, front: Collection[int] = ()
) -> Markup:
    """A scatter chart; every name is drawn, the best model's first, and is in the point's own title, too.

    Where there is no room for a name near its point, a number stands there, which the legend explains (see
    `charts.labels`). Costs that span a factor of ten or more stand on a logarithmic axis.

    Parameters
    ----------
    front : collection of int
        Places of the dots on the Pareto front, which a line joins in steps.

    Examples
    --------
    >>> figure = Value(value=0.5, n=9, direction="higher", unit="fraction", rule="r")
    >>> "cnn" in scatter("s", "t", [Dot("cnn", figure, figure)], x_title="clean", y_title="retention")
    True
    """
    known = [place for place, dot in enumerate(dots) if dot.x.value is not None and dot.y.value is not None]
    best = [new for new, old in enumerate(known) if old in front]
    dots = [dots[place] for place in known]
    x_unit, y_unit = (dots[0].x.unit, dots[0].y.unit) if dots else ("", "")
    x_ends = domain([part for dot in dots for part in (dot.x.value, dot.x.low, dot.x.high)], x_unit, near=True)
    y_ends = domain([part for dot in dots for part in (dot.y.value, dot.y.low, dot.y.high)], y_unit, near=True)
    x, y = Scale(x_ends, (_LEFT, _WIDTH - _RIGHT)), Scale(y_ends, (_HEIGHT - _BOTTOM, _TOP))
    wide = (
        log_ends(part for dot in dots for part in (dot.x.value, dot.x.low)) if x_unit not in ("", "fraction") else None
    )
    x_ticks = ticks(x_ends)
    label = _with_unit(x_title, x_unit)
    if wide:
        x, x_ticks, label = LogScale(wide, (_LEFT, _WIDTH - _RIGHT)), log_ticks(wide), f"{label}, logarithmic"
    body = []
    for tick in ticks(y_ends):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(tick))}H{_WIDTH - _RIGHT}"/>')
        body.append(text(_LEFT - 6, y(tick) + 4, axis_label(tick, y_unit), anchor="end"))
    for tick in x_ticks:
        body.append(f'<path class="grid" d="M{at(x(tick))} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        body.append(text(x(tick), _HEIGHT - _BOTTOM + 16, axis_label(tick, x_unit)))
    if best:
        body.append(_front([(x(dots[place].x.value or 0.0), y(dots[place].y.value or 0.0)) for place in best]))
    families = sorted({dot.family for dot in dots})
    places = [(x(dot.x.value or 0.0), y(dot.y.value or 0.0)) for dot in dots]
    lines = _front_lines([places[one] for one in best])
    for dot, (px, py) in zip(dots, places, strict=True):
        lines += _whiskers(dot, (px, py), x, y)
        body.append(_dot(dot, (px, py), x, y, style_of(dot.family)))
    order = _order(dots, best)[:NAMED]
    # Names keep clear of all points, of those without a name, too.
    others = [place for place in range(len(dots)) if place not in order]
    lines += [((places[o][0] - 4, places[o][1]), (places[o][0] + 4, places[o][1])) for o in others]
    room = (_LEFT + 2.0, 1.0, _WIDTH - 1.0, _HEIGHT - _BOTTOM - 2.0)
    named = place([dots[o].name for o in order], [places[o] for o in order], lines, room)
    body += [_named(one) for one in named]
    body.append(text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, label, "axis"))
    body.append(
        f'<text class="axis" transform="translate(12 {at((_TOP + _HEIGHT - _BOTTOM) / 2)}) rotate(-90)" '
        f'text-anchor="middle">{escape(_with_unit(y_title, y_unit))}</text>'
    )
    words = "; ".join(
        f"{dot.name}: {number(dot.x.value, x_unit)}, {number(dot.y.value, y_unit)}" for dot in dots[:20]
    ) + (f"; and {len(dots) - 20} more." if len(dots) > 20 else ".")
    if best:
        words += f" On the Pareto front: {', '.join(dots[place].name for place in best)}."
    image = frame(identity, title, words, (_WIDTH, _HEIGHT), "".join(body))
    legend = (
        '<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true" focusable="false">'
        '<path class="front" d="M1 5H25"/></svg>Pareto front</li>'
        if best
        else ""
    )
    legend += "".join(
        f'<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true" focusable="false">'
        f'<circle class="mark s{style_of(name)}" cx="13" cy="5" r="4"/></svg>'
        f"<bdi>{escape(terms.plain(name))}</bdi></li>"
        for name in families
        if name
    )
    legend += "".join(
        f"<li><b>{one.key}</b> <bdi>{escape(dots[index].name)}</bdi></li>"
        for index, one in zip(order, named, strict=True)
        if one.key is not None
    )
    if others:
        legend += f"<li>{len(others)} more models are points without a name here</li>"
    return Markup(f'{image}<ul class="legend">{legend}</ul>') if legend else image


def _order(dots: Sequence[Dot], best: Collection[int]) -> list[int]:
    """The front first, then the others, the best in the upright figure before the rest."""

    def key(held: int) -> tuple[bool, float, str]:
        value = dots[held].y
        known = value.value or 0.0
        return held not in best, -known if value.direction == "higher" else known, dots[held].name

    return sorted(range(len(dots)), key=key)


def _named(one: PlacedName) -> str:
    kind = "name" if one.key is None else "name key"
    line = ""
    if one.leader is not None:
        (x, y), (x_end, y_end) = one.leader
        line = f'<path class="leader" d="M{at(x)} {at(y)}L{at(x_end)} {at(y_end)}"/>'
    return line + text(one.x, one.y, one.text, kind, "start")


def _front_lines(places: Sequence[tuple[float, float]]) -> list[Segment]:
    """The lines that `_front` draws."""
    lines: list[Segment] = []
    for (x, y), (x_end, y_end) in zip(sorted(places), sorted(places)[1:]):
        lines += [((x, y), (x_end, y)), ((x_end, y), (x_end, y_end))]
    if places:
        last = max(places)
        lines.append((last, (float(_WIDTH - _RIGHT), last[1])))
    return lines


def _whiskers(dot: Dot, point: tuple[float, float], x: Scale, y: Scale) -> list[Segment]:
    px, py = point
    lines: list[Segment] = []
    if dot.x.low is not None and dot.x.high is not None:
        lines.append(((x(dot.x.low), py), (x(dot.x.high), py)))
    if dot.y.low is not None and dot.y.high is not None:
        lines.append(((px, y(dot.y.low)), (px, y(dot.y.high))))
    return lines


def _front(places: list[tuple[float, float]]) -> str:
    """Steps from each point of the front to the next: what is reached at a cost is kept at every higher one."""
    places = sorted(places)
    path = f"M{at(places[0][0])} {at(places[0][1])}" + "".join(f"H{at(px)}V{at(py)}" for px, py in places[1:])
    return f'<path class="front" d="{path}H{_WIDTH - _RIGHT}"/>'


def _with_unit(title: str, unit: str) -> str:
    if not unit or unit.lower() == title.lower():
        return title
    return f"{title}, {'%' if unit == 'fraction' else unit}"


def _dot(dot: Dot, place: tuple[float, float], x: Scale, y: Scale, style: int) -> str:
    px, py = place
    parts = [f"<g><title>{escape(dot.name)}</title>"]
    if dot.x.low is not None and dot.x.high is not None:
        parts.append(f'<path class="whisker s{style}" d="M{at(x(dot.x.low))} {at(py)}H{at(x(dot.x.high))}"/>')
    if dot.y.low is not None and dot.y.high is not None:
        parts.append(f'<path class="whisker s{style}" d="M{at(px)} {at(y(dot.y.low))}V{at(y(dot.y.high))}"/>')
    parts.append(f'<circle class="mark s{style}" cx="{at(px)}" cy="{at(py)}" r="4"/>')
    return "".join(parts) + "</g>"
