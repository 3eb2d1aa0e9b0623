"""Points in a plane: one figure of each model against another, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report import terms
from benchbed.report.charts.draw import LogScale, Scale, at, domain, frame, log_ends, log_ticks, text, ticks
from benchbed.report.charts.families import style_of
from benchbed.report.charts.labels import Box, PlacedName, Segment, crowd, place
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label
from benchbed.results.record import Value

_WIDTH, _HEIGHT = 400, 290
#: Models up to which every one has its whisker and, where there is room, its name. Of more, so many of the front and of
#: the best are named where they stand and the others have numbers, which the list beside the chart explains.
CROWD, NAMED = 40, 8
#: How much taller a chart is for each model of a crowd.
_TALLER = 1.6
#: How many times taller a crowd may make it where its numbers find no room.
_TALLEST = 3
#: Width of a letter in the title of an axis.
_AXIS_LETTER = 6.2
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 44


@dataclass(frozen=True)
class Dot:
    """One model: its two figures, what to call it, the family that it belongs to, and its number on the board."""

    name: str
    x: Value
    y: Value
    family: str = ""
    number: int = 0


def scatter(
    identity: str, title: str, dots: Sequence[Dot], *, x_title: str, y_title: str, front: Collection[int] = ()
) -> Markup:
    """A scatter chart; every model is named, the best first, and each name is in the point's own title, too.

    Where there is no room for a name near its point, a number stands there, which the legend explains (see
    `charts.labels`). Of more than `CROWD` models only the front and the best have names in the drawing; it is taller
    then, without intervals, and the numbers of all others are explained beside it. Of fewer that nearly lie on each
    other it is the same, with intervals. Costs that span a factor of ten or more stand on a logarithmic axis.

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
    crowded = len(dots) > CROWD
    x = Scale(x_ends, (_LEFT, _WIDTH - _RIGHT))
    wide = (
        log_ends(part for dot in dots for part in (dot.x.value, dot.x.low)) if x_unit not in ("", "fraction") else None
    )
    x_ticks = ticks(x_ends)
    label = _with_unit(x_title, x_unit)
    if wide:
        x, x_ticks, label = LogScale(wide, (_LEFT, _WIDTH - _RIGHT)), log_ticks(wide), f"{label}, logarithmic"
    high = _HEIGHT + round(_TALLER * (len(dots) - CROWD)) if crowded else _HEIGHT
    # Height makes no room for models that differ in nothing that is drawn upwards: there is a last one.
    last = _TALLEST * high
    while True:
        y = Scale(y_ends, (high - _BOTTOM, _TOP))
        places = [(x(dot.x.value or 0.0), y(dot.y.value or 0.0)) for dot in dots]
        lines = _front_lines([places[one] for one in best])
        for dot, point in zip(dots, places, strict=True):
            # Whiskers of a crowd cover each other, and every name.
            lines += [] if crowded else _whiskers(dot, point, x, y)
        placed = _names(dots, best, places, lines, (_LEFT + 2.0, 1.0, _WIDTH - 1.0, high - _BOTTOM - 2.0), high >= last)
        if placed is not None:
            break
        high = min(round(1.3 * high), last)
    named, keyed = placed
    body = []
    for tick in ticks(y_ends, 8 if crowded else 4):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(tick))}H{_WIDTH - _RIGHT}"/>')
        body.append(text(_LEFT - 6, y(tick) + 4, axis_label(tick, y_unit), anchor="end"))
    for tick in x_ticks:
        body.append(f'<path class="grid" d="M{at(x(tick))} {_TOP}V{high - _BOTTOM}"/>')
        body.append(text(x(tick), high - _BOTTOM + 16, axis_label(tick, x_unit)))
    if best:
        body.append(_front([places[one] for one in best]))
    for dot, point in zip(dots, places, strict=True):
        body.append(_dot(dot, point, x, y, style_of(dot.family), whiskers=not crowded))
    body += [_named(one) for one in named]
    told = _in_lines(label, _WIDTH - _LEFT - _RIGHT)
    for line, words in enumerate(told):
        body.append(
            text((_LEFT + _WIDTH - _RIGHT) / 2, high - (8 if len(told) == 1 else 15 - 12 * line), words, "axis")
        )
    told = _in_lines(_with_unit(y_title, y_unit), high - _BOTTOM - _TOP)
    for line, words in enumerate(told):
        body.append(
            f'<text class="axis" transform="translate({12 if len(told) == 1 else 8 + 12 * line} '
            f'{at((_TOP + high - _BOTTOM) / 2)}) rotate(-90)" text-anchor="middle">{escape(words)}</text>'
        )
    words = "; ".join(
        f"{dot.name}: {number(dot.x.value, x_unit)}, {number(dot.y.value, y_unit)}" for dot in dots[:20]
    ) + (f"; and {len(dots) - 20} more." if len(dots) > 20 else ".")
    if best:
        words += f" On the Pareto front: {', '.join(dots[one].name for one in best)}."
    image = frame(identity, title, words, (_WIDTH, high), "".join(body))
    legend = _legend(sorted({dot.family for dot in dots}), bool(best), keyed, crowded)
    return Markup(f"{image}{legend}")


def _names(
    dots: Sequence[Dot],
    best: Sequence[int],
    places: Sequence[tuple[float, float]],
    lines: Sequence[Segment],
    room: Box,
    anyhow: bool,
) -> tuple[list[PlacedName], list[tuple[int, str]]] | None:
    """Where names and numbers stand, and the names that numbers stand for; None where there is no room for them."""
    order = _order(dots, best)
    names, points = [dots[one].name for one in order], [places[one] for one in order]
    if len(dots) <= CROWD:
        named = place(names, points, lines, room)
        if named is not None:
            return named, [(one.key, name) for one, name in zip(named, names, strict=True) if one.key is not None]
    numbers = [dots[one].number or place for place, one in enumerate(order, 1)]
    found = crowd(names, numbers, points, lines, room, NAMED, anyhow=anyhow)
    # All names, of those that stand in the drawing, too: a list with holes is searched twice.
    return None if found is None else (found, sorted(zip(numbers, names, strict=True)))


def _in_lines(title: str, room: float) -> list[str]:
    """A title of an axis in one line, or in two of about the same length where one has no room."""
    if _AXIS_LETTER * len(title) <= room or " " not in title:
        return [title]
    gaps = [place for place, letter in enumerate(title) if letter == " "]
    middle = min(gaps, key=lambda place: abs(place - len(title) / 2))
    return [title[:middle], title[middle + 1 :]]


def _legend(families: Sequence[str], front: bool, keyed: Sequence[tuple[int, str]], crowded: bool) -> str:
    swatch = '<li><svg class="swatch" viewBox="0 0 26 10" aria-hidden="true" focusable="false">'
    legend = f'{swatch}<path class="front" d="M1 5H25"/></svg>Pareto front</li>' if front else ""
    legend += "".join(
        f'{swatch}<circle class="mark s{style_of(name)}" cx="13" cy="5" r="4"/></svg>'
        f"<bdi>{escape(terms.plain(name))}</bdi></li>"
        for name in families
        if name
    )
    explained = "".join(f"<li><b>{key}</b> <bdi>{escape(name)}</bdi></li>" for key, name in keyed)
    if crowded:
        legend += "<li>Intervals stand in the table</li>"
        return f'<ul class="legend">{legend}</ul>{keys(explained)}'
    return f'<ul class="legend">{legend}{explained}</ul>' if legend or explained else ""


def keys(items: str) -> str:
    """A long list of what numbers in a chart stand for; it scrolls by itself."""
    return f'<ul class="legend keys" tabindex="0" aria-label="Models by number">{items}</ul>'


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
    first, *more = one.text.split("\n")
    told = text(one.x, one.y, first, kind, "start")
    return line + told + "".join(text(one.x, one.y + 12 * n, part, kind, "start") for n, part in enumerate(more, 1))


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


def _dot(dot: Dot, place: tuple[float, float], x: Scale, y: Scale, style: int, *, whiskers: bool) -> str:
    px, py = place
    parts = [f"<g><title>{escape(dot.name)}</title>"]
    if not whiskers:
        return f'{parts[0]}<circle class="mark s{style}" cx="{at(px)}" cy="{at(py)}" r="3"/></g>'
    if dot.x.low is not None and dot.x.high is not None:
        parts.append(f'<path class="whisker s{style}" d="M{at(x(dot.x.low))} {at(py)}H{at(x(dot.x.high))}"/>')
    if dot.y.low is not None and dot.y.high is not None:
        parts.append(f'<path class="whisker s{style}" d="M{at(px)} {at(y(dot.y.low))}V{at(y(dot.y.high))}"/>')
    parts.append(f'<circle class="mark s{style}" cx="{at(px)}" cy="{at(py)}" r="4"/>')
    return "".join(parts) + "</g>"
