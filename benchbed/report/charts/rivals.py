"""Curves of many models in one chart, coloured by family and named at their ends; panels side by side share their axis.

Every model is there. Up to a dozen are named where their curves end. Of more, the first dozen stand out, the others are
thin and pale, and numbers stand at the ends: each line of numbers has the next few curves from above, in that order.
The list of names goes with the chart (`numbered`), and the page's script lights up any one of them.

The figures stand in the tables beside it with their intervals: bands of eight models over each other would say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from markupsafe import Markup, escape

from benchbed.report.charts.draw import at, domain, frame, path, text, ticks
from benchbed.report.charts.families import style_of
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label

_HEIGHT, _PANEL, _LEFT, _TOP, _BOTTOM, _GAP = 300, 330, 48, 22, 44, 26
#: Room for the figure on clean audio, left of the mildest condition.
_CLEAN = 44
#: Models that a chart has room to name beside their curves, and that stand out of more.
FRONT = 12
#: Letters of a line of a name, height of a line, and width of a letter.
_LETTERS, _LINE, _LETTER = 22, 13.0, 6.4
#: Numbers in a line at the right end, and the height of such a line.
_NUMBERS, _LOW = 4, 11.0


@dataclass(frozen=True)
class Rival:
    """One model: its figure at each place of the x axis, on clean audio, and its number on the board, from 1."""

    name: str
    family: str
    points: Sequence[float | None]
    clean: float | None = None
    number: int = 0


@dataclass(frozen=True)
class Places:
    """The x axis: what was done, from mild to severe, in its unit; numbers are drawn to scale."""

    labels: Sequence[str]
    values: Sequence[float] | None = None

    def shares(self) -> list[float]:
        """Where each place stands, 0 for the mildest … 1 for the most severe."""
        values = list(self.values or ())
        last = max(len(self.labels) - 1, 1)
        if len(values) != len(self.labels) or len(set(values)) < 2:
            return [index / last for index in range(len(self.labels))]
        # Budgets in waveform units span decades; levels in dB are logarithms already.
        if min(values) > 0 and max(values) >= 30 * min(values):
            values = [log10(value) for value in values]
        first, span = values[0], values[-1] - values[0]
        if not span:
            return [index / last for index in range(len(self.labels))]
        return [(value - first) / span for value in values]


def rivals(
    identity: str,
    title: str,
    panels: Sequence[tuple[str, Sequence[Rival]]],
    places: Places,
    *,
    x_title: str,
    y_title: str,
    unit: str,
) -> Markup:
    """One chart of curves over what was done to the audio.

    Parameters
    ----------
    panels : sequence of (str, sequence of Rival)
        Heading and curves of each panel; all panels share their axes.
    places : Places
        The x axis, mild on the left.

    Examples
    --------
    >>> one = Rival("cnn", "cnn", [0.6, 0.4], 0.7)
    >>> drawn = rivals("r", "Babble", [("", [one])], Places(["20", "0"], [20, 0]), x_title="dB SNR", y_title="Accuracy",
    ...                unit="fraction")
    >>> "cnn 70.0" in drawn and "40.0" in drawn
    True
    """
    every = [value for _, lines in panels for line in lines for value in (*line.points, line.clean)]
    low, high = domain(every, unit)
    clean = any(line.clean is not None for _, lines in panels for line in lines)
    many = max((len(lines) for _, lines in panels), default=0) > FRONT
    margin = _margin(panels[-1][1] if panels else (), many)
    width = _LEFT + len(panels) * _PANEL + (len(panels) - 1) * _GAP + margin
    height = _height([lines for _, lines in panels], many)
    bottom = height - _BOTTOM

    def y(value: float) -> float:
        return bottom - (value - low) / ((high - low) or 1) * (bottom - _TOP)

    body = []
    for number_of, (heading, lines) in enumerate(panels):
        left = _LEFT + number_of * (_PANEL + _GAP)
        start = left + (_CLEAN if clean else 8)
        xs = [start + share * (left + _PANEL - 8 - start) for share in places.shares()]
        for value in ticks((low, high)):
            body.append(f'<path class="grid" d="M{at(left)} {at(y(value))}H{at(left + _PANEL)}"/>')
            if not number_of:
                body.append(text(left - 6, y(value) + 4, axis_label(value, unit), anchor="end"))
        body += _bottom(places, xs, left, clean, bottom)
        body.append(text(left + _PANEL / 2, height - 6, x_title, "axis"))
        if heading:
            body.append(text(left, 12, heading, "name", "start"))
        ends = []
        drawn = []
        for index, (line, look) in enumerate(zip(lines, looks([line.family for line in lines]), strict=True)):
            points = [(x, y(value)) for x, value in zip(xs, line.points, strict=True) if value is not None]
            if line.clean is not None:
                points = [(left + 10, y(line.clean)), *points]
            if points:
                number_of_line = line.number or index + 1
                front = number_of_line <= FRONT
                drawn.append(_curve(line, number_of_line, points, look, many, front))
                ends.append(_End(points[-1][1], line.name, number_of_line, look))
        # The first are drawn last, over all others.
        body += reversed(drawn)
        if many:
            body += _numbers(ends, left + _PANEL - 8, bottom, number_of == len(panels) - 1)
        elif number_of == len(panels) - 1:
            body += _names(ends, left + _PANEL + 6, bottom)
    label = escape(y_title + (", %" if unit == "fraction" else f", {unit}" if unit else ""))
    body.append(
        f'<text class="axis" transform="translate(12 {at((_TOP + bottom) / 2)}) rotate(-90)" '
        f'text-anchor="middle">{label}</text>'
    )
    return frame(
        identity,
        title,
        _words(panels, places, unit),
        (round(width), round(height)),
        "".join(body),
        "chart rivals" + (" pair" if len(panels) > 1 else ""),
    )


def looks(families: Sequence[str]) -> list[tuple[int, int]]:
    """Colour and shape of each curve: the family's colour, and within a family a dash and a marker of its own.

    Examples
    --------
    >>> looks(["cnn", "transformer", "cnn"])
    [(0, 0), (1, 0), (0, 1)]
    """
    seen: dict[str, int] = {}
    found = []
    for family in families:
        found.append((style_of(family), seen.get(family, 0) % 4))
        seen[family] = seen.get(family, 0) + 1
    return found


@dataclass(frozen=True, order=True)
class _End:
    """Where a curve ends, and whose it is."""

    y: float
    name: str
    number: int
    look: tuple[int, int]


def numbered(lines: Sequence[tuple[int, str, str]]) -> Markup:
    """What the numbers in charts of many models stand for, none for up to `FRONT` of them.

    Parameters
    ----------
    lines : sequence of (int, str, str)
        Number, name and family of each model.

    Examples
    --------
    >>> numbered([(1, "cnn", "cnn")])
    Markup('')
    >>> "<b>13</b> <bdi>net 12</bdi>" in numbered([(place + 1, f"net {place}", "cnn") for place in range(13)])
    True
    """
    if len(lines) <= FRONT:
        return Markup("")
    items = "".join(
        f'<li data-line="{number}"><span class="fam f{style_of(family)}"></span><b>{number}</b> '
        f"<bdi>{escape(name)}</bdi></li>"
        for number, name, family in lines
    )
    return Markup(f'<ul class="legend keys" tabindex="0" aria-label="Models by number">{items}</ul>')


def _margin(lines: Sequence[Rival], many: bool) -> float:
    """Room for what stands at the right ends."""
    if many:
        return 14 + _NUMBERS * (len(str(max((line.number for line in lines), default=999))) + 1) * _LETTER
    longest = max((len(part) for line in lines for part in _wrapped(line.name)), default=0)
    return max(132.0, 32 + longest * _LETTER)


def _height(panels: Sequence[Sequence[Rival]], many: bool) -> float:
    """As tall as the names or numbers at the right need."""
    if many:
        needed = max(-(-len(lines) // _NUMBERS) for lines in panels) * _LOW
    else:
        needed = sum(len(_wrapped(line.name)) for line in panels[-1]) * _LINE if panels else 0.0
    return max(float(_HEIGHT), _TOP + _BOTTOM + needed + 8)


def _wrapped(name: str) -> list[str]:
    """A name in lines, broken at what parts its words, else where a line is full.

    Examples
    --------
    >>> _wrapped("passt_tiny"), _wrapped("a_rather_long_name_of_a_model_in_words")
    (['passt_tiny'], ['a_rather_long_name_of_', 'a_model_in_words'])
    """
    lines = [""]
    for part in re.findall(r"[^-_./ ]*[-_./ ]?", name):
        if lines[-1] and len(lines[-1]) + len(part) > _LETTERS:
            lines.append("")
        lines[-1] += part
        while len(lines[-1]) > _LETTERS:
            lines[-1:] = [lines[-1][:_LETTERS], lines[-1][_LETTERS:]]
    return [line for line in lines if line]


def _bottom(places: Places, xs: Sequence[float], left: float, clean: bool, bottom: float) -> list[str]:
    parts, taken = [], -1e9
    if clean:
        parts.append(text(left + 10, bottom + 16, "clean"))
        taken = left + 26
    for x, label in zip(xs, places.labels, strict=True):
        # Labels that would run into each other are left out; the points stay.
        half = 3.2 * len(label)
        if x - half < taken:
            continue
        taken = x + half + 4
        parts.append(text(x, bottom + 16, label))
    return parts


def _curve(
    line: Rival, number: int, points: Sequence[tuple[float, float]], look: tuple[int, int], many: bool, front: bool
) -> str:
    style, shape = look
    if not many:
        return f'<path class="line f{style} d{shape}" d="{path(points)}"/>{_marks(points, style, shape)}'
    # Whole units are enough, and a third of the letters.
    data = f"M{points[0][0]:.0f} {points[0][1]:.0f}" + "".join(f"L{x:.0f} {y:.0f}" for x, y in points[1:])
    kind = "line" if front else "line rest"
    title = f"<title>{number} {escape(line.name)}</title>"
    return f'<g data-line="{number}">{title}<path class="{kind} f{style} d{shape}" d="{data}"/></g>'


def _spread(wanted: Sequence[float], heights: Sequence[float], bottom: float) -> list[float]:
    """Tops of lines as near as can be to where they are wanted (from above), none on another and none below the end."""
    tops: list[float] = []
    for place, (top, _) in enumerate(zip(wanted, heights, strict=True)):
        tops.append(max(top, tops[-1] + heights[place - 1]) if tops else top)
    end = bottom
    for place in range(len(tops) - 1, -1, -1):
        tops[place] = min(tops[place], end - heights[place])
        end = tops[place]
    return tops


def _names(ends: Sequence[_End], x: float, bottom: float) -> list[str]:
    """Names at the ends of their curves, whole, moved apart so that each can be read."""
    parts = []
    ordered = sorted(ends)
    names = [_wrapped(end.name) for end in ordered]
    heights = [_LINE * len(lines) for lines in names]
    tops = _spread([end.y - _LINE / 2 for end in ordered], heights, bottom + _LINE / 2)
    for top, end, lines in zip(tops, ordered, names, strict=True):
        style, shape = end.look
        spot = top + _LINE / 2
        parts.append(f'<path class="line f{style} d{shape}" d="M{at(x)} {at(spot)}h22"/>')
        parts.append(_marks([(x + 11, spot)], style, shape))
        for place, part in enumerate(lines):
            parts.append(
                f'<text class="name t{style}" x="{at(x + 26)}" y="{at(spot + 4 + place * _LINE)}">{escape(part)}</text>'
            )
    return parts


def _numbers(ends: Sequence[_End], x: float, bottom: float, shown: bool) -> list[str]:
    """Lines of numbers right of the curves, each led to from the ends of its few curves."""
    if not shown:
        return []
    ordered = sorted(ends)
    rows = [ordered[start : start + _NUMBERS] for start in range(0, len(ordered), _NUMBERS)]
    wanted = [sum(end.y for end in row) / len(row) - _LOW / 2 for row in rows]
    parts = []
    for top, row in zip(_spread(wanted, [_LOW] * len(rows), bottom + 4), rows, strict=True):
        middle = top + _LOW / 2
        led = "".join(f"M{x:.0f} {end.y:.0f}L{x + 14:.0f} {middle:.0f}" for end in row)
        told = "".join(
            f'<tspan class="t{end.look[0]}{" strong" if end.number <= FRONT else ""}"> {end.number}</tspan>'
            for end in row
        )
        parts.append(f'<path class="leader" d="{led}"/>')
        parts.append(f'<text class="name number" x="{x + 16:.0f}" y="{middle + 3.5:.0f}">{told}</text>')
    return parts


def _marks(points: Sequence[tuple[float, float]], style: int, shape: int) -> str:
    """The markers of one curve as one path: a board has thousands of them."""
    left, top, rest = (
        (3, 0, "a3 3 0 1 0 6 0a3 3 0 1 0-6 0Z"),
        (3, 3, "h6v6h-6Z"),
        (0, 4, "l3.6 6.4h-7.2Z"),
        (0, 4, "l4 4-4 4-4-4Z"),
    )[shape % 4]
    data = "".join(f"M{x - left:.1f} {y - top:.1f}{rest}" for x, y in points)
    return f'<path class="mark f{style}" d="{data}"/>'


def _words(panels: Sequence[tuple[str, Sequence[Rival]]], places: Places, unit: str) -> str:
    told = []
    for heading, lines in panels:
        parts = []
        for line in lines[:FRONT]:
            start = [] if line.clean is None else [f"{number(line.clean, unit)} clean"]
            known = [
                (label, value) for label, value in zip(places.labels, line.points, strict=True) if value is not None
            ]
            steps = [f"{number(value, unit)} at {label}" for label, value in (known[:1] + known[-1:])[: len(known)]]
            if start or steps:
                parts.append(f"{line.name} {', '.join(start + steps)}")
        if len(lines) > FRONT:
            parts.append(f"and {len(lines) - FRONT} more")
        told.append((f"{heading}: " if heading else "") + "; ".join(parts))
    return ". ".join(told) + "."
