"""Curves of many models in one chart, coloured by family and named at their ends; panels side by side share their axis.

The figures stand in the tables beside it with their intervals: bands of eight models over each other would say nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from markupsafe import Markup, escape

from benchbed.report.charts.draw import at, domain, frame, path, text, ticks
from benchbed.report.charts.families import style_of
from benchbed.report.figures import number
from benchbed.report.figures import tick as axis_label

_HEIGHT, _PANEL, _LEFT, _NAMES, _TOP, _BOTTOM, _GAP = 300, 330, 48, 132, 22, 44, 26
#: Room for the figure on clean audio, left of the mildest condition.
_CLEAN = 44
#: Models that a chart has room to name; more lines would be told apart by nobody.
MOST = 12


@dataclass(frozen=True)
class Rival:
    """One model: its figure at each place of the x axis, and on clean audio."""

    name: str
    family: str
    points: Sequence[float | None]
    clean: float | None = None


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
    width = _LEFT + len(panels) * _PANEL + (len(panels) - 1) * _GAP + _NAMES
    bottom = _HEIGHT - _BOTTOM

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
        body += _bottom(places, xs, left, clean)
        body.append(text(left + _PANEL / 2, _HEIGHT - 6, x_title, "axis"))
        if heading:
            body.append(text(left, 12, heading, "name", "start"))
        ends = []
        for line, (style, shape) in zip(lines, looks([line.family for line in lines]), strict=True):
            points = [(x, y(value)) for x, value in zip(xs, line.points, strict=True) if value is not None]
            if line.clean is not None:
                points = [(left + 10, y(line.clean)), *points]
            if points:
                body.append(f'<path class="line f{style} d{shape}" d="{path(points)}"/>')
                body.append(_marks(points, style, shape))
                ends.append((points[-1][1], line.name, style, shape))
        if number_of == len(panels) - 1:
            body += _names(ends, left + _PANEL + 6)
    label = escape(y_title + (", %" if unit == "fraction" else f", {unit}" if unit else ""))
    body.append(
        f'<text class="axis" transform="translate(12 {at((_TOP + bottom) / 2)}) rotate(-90)" '
        f'text-anchor="middle">{label}</text>'
    )
    return frame(
        identity,
        title,
        _words(panels, places, unit),
        (width, _HEIGHT),
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


def _bottom(places: Places, xs: Sequence[float], left: float, clean: bool) -> list[str]:
    parts, taken = [], -1e9
    if clean:
        parts.append(text(left + 10, _HEIGHT - _BOTTOM + 16, "clean"))
        taken = left + 26
    for x, label in zip(xs, places.labels, strict=True):
        # Labels that would run into each other are left out; the points stay.
        half = 3.2 * len(label)
        if x - half < taken:
            continue
        taken = x + half + 4
        parts.append(text(x, _HEIGHT - _BOTTOM + 16, label))
    return parts


def _names(ends: Sequence[tuple[float, str, int, int]], x: float) -> list[str]:
    """Names at the ends of their curves, moved apart so that each can be read."""
    placed, parts = -1e9, []
    height = 13.0
    ordered = sorted(ends)
    # From the top down; where the last would leave the chart, all move up by what is too much.
    spots = []
    for y, *_ in ordered:
        placed = max(y, placed + height)
        spots.append(placed)
    over = max(0.0, spots[-1] - (_HEIGHT - _BOTTOM)) if spots else 0.0
    for index in range(len(spots) - 1, -1, -1):
        limit = spots[index + 1] - height if index + 1 < len(spots) else _HEIGHT - _BOTTOM
        spots[index] = min(spots[index], limit) if over else spots[index]
    for spot, (_, name, style, shape) in zip(spots, ordered, strict=True):
        shown = name if len(name) <= 16 else name[:15] + "…"
        parts.append(f'<path class="line f{style} d{shape}" d="M{at(x)} {at(spot)}h22"/>')
        parts.append(_marks([(x + 11, spot)], style, shape))
        parts.append(f'<text class="name t{style}" x="{at(x + 26)}" y="{at(spot + 4)}">{escape(shown)}</text>')
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
        for line in lines:
            start = [] if line.clean is None else [f"{number(line.clean, unit)} clean"]
            known = [
                (label, value) for label, value in zip(places.labels, line.points, strict=True) if value is not None
            ]
            steps = [f"{number(value, unit)} at {label}" for label, value in (known[:1] + known[-1:])[: len(known)]]
            if start or steps:
                parts.append(f"{line.name} {', '.join(start + steps)}")
        told.append((f"{heading}: " if heading else "") + "; ".join(parts))
    return ". ".join(told) + "."
