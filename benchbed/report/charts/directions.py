"""Directions over time: azimuth, elevation and distance of the sources of one recording, reference below output.

A class has a colour. A source of the reference is a broad pale line, broken where it was missed; an output a thin one,
dashed where it lies elsewhere and dotted, with a cross at its start, where there is no source. A change of identity is
an upright line with a mark on top. All of it stands in a table beside.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, frame, path, text, ticks
from benchbed.results.directions import Directions, DrawnSource, Point, SourceSpan

#: What a stretch counts as, in words.
WORDS = {
    "found": "found",
    "right": "right",
    "misplaced": "in another place",
    "missed": "missed",
    "false": "no such source",
}
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 720, 46, 10, 16, 34, 14
_TALL, _LOW = 170, 96


def direction_chart(identity: str, title: str, shown: Directions) -> Markup:
    """The panels of one recording.

    Examples
    --------
    >>> stretch = SourceSpan(state="missed", onset=0, offset=1, azimuth=[[(0, 30), (1, 30)]])
    >>> one = Directions(clip_id="a", why="worst", f20=0, seconds=2, start=0, stop=2,
    ...                  sources=[DrawnSource(label="dog", reference=[stretch], missed=1)])
    >>> chart = direction_chart("d", "a", one)
    >>> chart.count('class="there missed s0"'), "dog: missed 1 s" in chart
    (1, True)
    """
    x = Scale((shown.start, max(shown.stop, shown.start + 0.1)), (_LEFT, _WIDTH - _RIGHT))
    body, top = [], _TOP
    for name, ends, marks, height in _panels(shown):
        y = Scale(ends, (top + height, top))
        body.append(_axes(x, y, name, marks, top, height, shown))
        for number, source in enumerate(shown.sources):
            body.append(_source(source, number % 8, name, x, y))
        body += [
            _swap(second, number % 8, x, top, height) for number, s in enumerate(shown.sources) for second in s.swaps
        ]
        top += height + _BETWEEN
    height = top - _BETWEEN + _BOTTOM
    for second in ticks((shown.start, shown.stop), 6):
        body.append(text(x(second), height - _BOTTOM + 16, f"{second:g}"))
    body.append(text((_LEFT + _WIDTH - _RIGHT) / 2, height - 4, "Time, s", "axis"))
    return frame(identity, title, " ".join(map(_said, shown.sources)), (_WIDTH, height), "".join(body), "chart tracks")


def stretch_rows(shown: Directions) -> list[tuple[str, str, str, str, str, str, str, str]]:
    """Every stretch of a recording: class, side, from, to, azimuth, elevation, distance, what it counts as.

    Examples
    --------
    >>> stretch = SourceSpan(state="right", onset=0, offset=1, azimuth=[[(0, 30), (1, 34)]], elevation=[(0, 5), (1, 5)])
    >>> source = DrawnSource(label="dog", output=[stretch])
    >>> stretch_rows(Directions(clip_id="a", why="typical", f20=1, seconds=2, start=0, stop=2, sources=[source]))
    [('dog', 'output', '0.0', '1.0', '30 to 34', '5', '', 'right')]
    """
    return [
        (
            source.label,
            side,
            f"{one.onset:.1f}",
            f"{one.offset:.1f}",
            _span([point for line in one.azimuth for point in line]),
            _span(one.elevation),
            _span(one.distance, 2),
            WORDS[one.state],
        )
        for source in shown.sources
        for side, held in (("reference", source.reference), ("output", source.output))
        for one in held
    ]


def _span(points: Sequence[Point], digits: int = 0) -> str:
    if not points:
        return ""
    first, last = (f"{value:.{digits}f}" for value in (points[0][1], points[-1][1]))
    return first if first == last else f"{first} to {last}"


def _panels(shown: Directions) -> list[tuple[str, tuple[float, float], Sequence[float], int]]:
    every = [one for source in shown.sources for one in (*source.reference, *source.output)]
    drawn: list[tuple[str, tuple[float, float], Sequence[float], int]] = [
        ("azimuth", (-180, 180), (-180, -90, 0, 90, 180), _TALL)
    ]
    if any(one.elevation for one in every):
        drawn.append(("elevation", (-90, 90), (-90, -45, 0, 45, 90), _LOW))
    metres = [point[1] for one in every for point in one.distance]
    if metres:
        marks = ticks((0.0, max(1.0, *metres)), 3)
        # The farthest source is a band of some width, which the edge would cut.
        high = max(marks[-1], 1.08 * max(metres))
        drawn.append(("distance", (0.0, high), marks, _LOW))
    return drawn


_TITLES = {"azimuth": "Azimuth, ° (left +)", "elevation": "Elevation, °", "distance": "Distance, m"}


def _axes(x: Scale, y: Scale, name: str, marks: Sequence[float], top: float, height: float, shown: Directions) -> str:
    parts = []
    for mark in marks:
        parts.append(f'<path class="grid" d="M{_LEFT} {at(y(mark))}H{_WIDTH - _RIGHT}"/>')
        parts.append(text(_LEFT - 5, y(mark) + 4, f"{mark:g}", anchor="end"))
    for second in ticks((shown.start, shown.stop), 6):
        parts.append(f'<path class="grid" d="M{at(x(second))} {at(top)}V{at(top + height)}"/>')
    middle = at(top + height / 2)
    parts.append(
        f'<text class="axis" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{_TITLES[name]}</text>'
    )
    return "".join(parts)


def _source(source: DrawnSource, style: int, name: str, x: Scale, y: Scale) -> str:
    parts = []
    for side, held in (("there", source.reference), ("said", source.output)):
        for one in held:
            points = [(x(second), y(value)) for line in _lines(one, name) for second, value in line]
            if not points:
                continue
            shape = "".join(path([(x(second), y(value)) for second, value in line]) for line in _lines(one, name))
            words = f"{source.label}, {'reference' if side == 'there' else 'output'}, {WORDS[one.state]}"
            times = f"{one.onset:g}–{one.offset:g} s"
            parts.append(
                f'<path class="{side} {one.state} s{style}" d="{shape}"><title>{escape(words)}, {times}</title></path>'
            )
            if one.state == "false":
                px, py = points[0]
                cross = f"M{at(px - 3)} {at(py - 3)}l6 6m0 -6l-6 6"
                parts.append(f'<path class="cross s{style}" d="{cross}"/>')
    return "".join(parts)


def _lines(one: SourceSpan, name: str) -> list[list[Point]]:
    if name == "azimuth":
        return one.azimuth
    line = one.elevation if name == "elevation" else one.distance
    return [line] if line else []


def _swap(second: float, style: int, x: Scale, top: float, height: float) -> str:
    px = at(x(second))
    words = f"<title>identity changes, {second:g} s</title>"
    return (
        f'<path class="swap s{style}" d="M{px} {at(top)}V{at(top + height)}"/>'
        f'<path class="swapped s{style}" d="M{px} {at(top)}l-4 -7h8Z">{words}</path>'
    )


def _said(source: DrawnSource) -> str:
    parts = []
    for state, seconds in (("missed", source.missed), ("in another place", source.misplaced), ("false", source.false)):
        if seconds:
            parts.append(f"{state} {seconds:g} s")
    if source.error is not None:
        parts.append(f"mean error {source.error:g} degrees")
    if source.swaps:
        parts.append(f"{len(source.swaps)} changes of identity")
    return f"{source.label}: {', '.join(parts) or 'nothing wrong'}."
