"""A PSD-ROC: true-positive ratio against effective false positives per hour, of every class and of all."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from benchbed.report.charts.draw import Scale, at, frame, text, ticks
from benchbed.report.figures import number
from benchbed.results.curves import RocLine

#: Colours told apart; lines are named where they end, so that colour is not needed.
STYLES = 8
_WIDTH, _LEFT, _TOP, _BOTTOM, _RIGHT, _LINE = 560, 44, 10, 40, 178, 12.5


def roc(identity: str, title: str, lines: Sequence[RocLine], max_rate: float) -> Markup:
    """Steps of every class, named at their ends, and the line of all classes with the area that is the score.

    Examples
    --------
    >>> one = RocLine(name="all", area=0.25, rates=[50.0], ratios=[0.5])
    >>> chart = roc("r", "PSDS1", [one, RocLine(name="dog", area=.5, rates=[0.0], ratios=[0.5])], 100.0)
    >>> chart.count('class="line thin'), chart.count('class="line whole"'), "All classes 25.0" in chart
    (1, 1, True)
    """
    height = max(300, round(_LINE * len(lines)) + _TOP + _BOTTOM)
    x, y = Scale((0, max_rate), (_LEFT, _WIDTH - _RIGHT)), Scale((0, 1), (height - _BOTTOM, _TOP))
    body = []
    for level in ticks((0, 1)):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(level))}H{_WIDTH - _RIGHT}"/>')
        body.append(text(_LEFT - 6, y(level) + 4, f"{100 * level:g}", anchor="end"))
    for level in ticks((0, max_rate)):
        body.append(text(x(level), height - _BOTTOM + 16, f"{level:g}"))
    body.append(text((_LEFT + _WIDTH - _RIGHT) / 2, height - 6, "Effective false positives per hour", "axis"))
    middle = at((_TOP + height - _BOTTOM) / 2)
    body.append(
        f'<text class="axis" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
        "True-positive ratio, %</text>"
    )
    whole = next((line for line in lines if line.name == "all"), None)
    each = [line for line in lines if line is not whole]
    if whole is not None:
        shape = _steps(whole, x, y, max_rate)
        body.append(f'<path class="area" d="{shape}V{at(y(0))}H{at(x(0))}Z"/>')
    for index, line in enumerate(each):
        body.append(f'<path class="line thin s{index % STYLES}" d="{_steps(line, x, y, max_rate)}"/>')
    if whole is not None:
        body.append(f'<path class="line whole" d="{_steps(whole, x, y, max_rate)}"/>')
    body += _names(lines, whole, y, height)
    return frame(identity, title, _words(lines, max_rate), (_WIDTH, height), "".join(body), "chart broad")


def _steps(line: RocLine, x: Scale, y: Scale, max_rate: float) -> str:
    parts, last = [f"M{at(x(0))} {at(y(0))}"], 0.0
    for rate, ratio in zip(line.rates, line.ratios, strict=True):
        # Rounded coordinates may not move; such a step would only add bytes.
        parts.append(("" if at(x(rate)) == at(x(last)) else f"H{at(x(rate))}") + f"V{at(y(ratio))}")
        last = rate
    return "".join(parts) + f"H{at(x(max_rate))}"


def _names(lines: Sequence[RocLine], whole: RocLine | None, y: Scale, height: int) -> list[str]:
    """Names in a column beside the ends of their lines, moved apart where they would overlap."""
    edge = _WIDTH - _RIGHT
    ends = [(y(line.ratios[-1]) if line.ratios else y(0), line) for line in lines]
    order = sorted(range(len(ends)), key=lambda i: ends[i][0])
    places: dict[int, float] = {}
    last = -_LINE
    for i in order:
        places[i] = last = max(ends[i][0], last + _LINE)
    # What runs over the foot of the chart is pushed back up.
    limit = height - _BOTTOM + 4.0
    for i in reversed(order):
        places[i] = limit = min(places[i], limit)
        limit -= _LINE
    parts, number_of = [], {id(line): n for n, line in enumerate(one for one in lines if one is not whole)}
    for i, (end, line) in enumerate(ends):
        place = places[i]
        look = "whole" if line is whole else f"thin s{number_of[id(line)] % STYLES}"
        parts.append(f'<path class="lead-line {look}" d="M{edge + 2} {at(end)}L{edge + 12} {at(place)}h6"/>')
        name = "All classes" if line is whole else line.name
        short = name if len(name) <= 19 else f"{name[:18]}…"
        kind = "name strong" if line is whole else "name"
        parts.append(text(edge + 22, place + 4, f"{short} {100 * line.area:.1f}", kind, "start"))
    return parts


def _words(lines: Sequence[RocLine], max_rate: float) -> str:
    said = [f"{'all classes' if line.name == 'all' else line.name} {number(line.area, 'fraction')}" for line in lines]
    return f"Area below each line up to {max_rate:g} per hour: {', '.join(said)}." if said else "No lines."
