"""Points in a plane: one figure of each model against another, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report import terms
from benchbed.report.charts.draw import LogScale, Scale, at, domain, frame, log_ends, log_ticks, text, ticks
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label
from benchbed.results.record import Value

_WIDTH, _HEIGHT = 400, 290
#: Families told apart by colour; names and titles say the same.
STYLES = 8
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
    """A scatter chart; names are drawn where there is room, and are always in the points' own titles.

    Costs that span a factor of ten or more stand on a logarithmic axis.

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
    x_ends = domain([part for dot in dots for part in (dot.x.value, dot.x.low, dot.x.high)], x_unit)
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
    taken: list[tuple[float, float, float, float]] = []
    places = [(x(dot.x.value or 0.0), y(dot.y.value or 0.0)) for dot in dots]
    for dot, (px, py) in zip(dots, places, strict=True):
        body.append(_dot(dot, (px, py), x, y, families.index(dot.family) % STYLES))
        taken.append((px - 4, py - 4, px + 4, py + 4))
    body += [_label(dot.name, place, taken) for dot, place in zip(dots, places, strict=True)]
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
        f'<circle class="mark s{index % STYLES}" cx="13" cy="5" r="4"/></svg>'
        f"<bdi>{escape(terms.plain(name))}</bdi></li>"
        for index, name in enumerate(families)
        if name
    )
    return Markup(f'{image}<ul class="legend">{legend}</ul>') if legend else image


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


def _label(name: str, place: tuple[float, float], taken: list[tuple[float, float, float, float]]) -> str:
    """The name beside its dot where there is room; without room the dot's own title still has it."""
    (px, py), width = place, 6.2 * len(name)
    for anchor, dx, dy in (("start", 8, 4), ("end", -8, 4), ("start", 6, -8), ("end", -6, -8), ("start", 6, 16)):
        left = px + dx if anchor == "start" else px + dx - width
        box = (left, py + dy - 10, left + width, py + dy + 3)
        inside = box[0] >= _LEFT and box[2] <= _WIDTH and box[1] >= 0
        if inside and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            return text(px + dx, py + dy, name, "name", anchor)
    return ""


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
