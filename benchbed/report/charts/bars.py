"""Sorted bars with intervals: one metric of many classes, the best on top."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, domain, frame, text, ticks
from benchbed.report.figures import NONE, interval, number, tick
from benchbed.results.record import Value

#: Bars that one chart holds; of more, half from each end.
MOST = 40
#: Letters of a name that fit beside the bars.
NAME = 28
_WIDTH, _ROW, _TOP, _BOTTOM, _RIGHT = 540, 19, 6, 26, 142


def bars(identity: str, title: str, rows: Mapping[str, Value]) -> Markup:
    """Bars from the axis' start, each with its interval as a line between two ends, and its figure as text.

    Examples
    --------
    >>> made = dict(n=9, direction="higher", unit="fraction", rule="r")
    >>> chart = bars("b", "F1", {"bus": Value(value=.5, low=.4, high=.6, **made), "tram": Value(value=.7, **made)})
    >>> chart.count('class="bar"'), chart.count('class="iv"'), chart.index("tram") < chart.index("bus")
    (2, 1, True)
    """
    ranked = ordered(rows)
    shown, hidden = ranked, 0
    if len(ranked) > MOST:
        hidden = len(ranked) - MOST
        shown = [*ranked[: MOST // 2], *ranked[-MOST // 2 :]]
    first = next(iter(rows.values()))
    drawn = [part for _, value in shown for part in (value.value, value.low, value.high)]
    # A bar stands for its length, so its axis begins at zero.
    ends = domain([0.0, *drawn] if any(part is not None for part in drawn) else drawn, first.unit)
    left = 12 + 6.3 * min(NAME, max(len(name) for name, _ in shown))
    scale = Scale(ends, (left, _WIDTH - _RIGHT))
    rest = 1 if hidden else 0
    height = _TOP + _ROW * (len(shown) + rest) + _BOTTOM
    body = []
    for level in ticks(ends):
        body.append(f'<path class="grid" d="M{at(scale(level))} {_TOP}V{height - _BOTTOM + 3}"/>')
        body.append(text(scale(level), height - _BOTTOM + 16, tick(level, first.unit)))
    tops = [_TOP + _ROW * (place + (bool(hidden) and place >= MOST // 2)) for place in range(len(shown))]
    # What the rows have in common stands once: a page may hold a thousand of them.
    body += [_bar(value, scale, top) for (_, value), top in zip(shown, tops)]
    body.append(_column("names", left - 6, tops, [_short(name) for name, _ in shown]))
    figures = [number(value.value, value.unit, with_unit=False) for _, value in shown]
    body.append(_column("figures", _WIDTH - _RIGHT + 52, tops, figures))
    bounds = [interval(value).replace(", ", "…").strip("[]") if value.value is not None else "" for _, value in shown]
    body.append(_column("bounds", _WIDTH - 2, tops, bounds))
    if hidden:
        body.append(text(left - 6, _TOP + _ROW * (MOST // 2) + 13, f"… {hidden} between …", "tick", "end"))
    return frame(identity, title, _words(shown, hidden), (_WIDTH, round(height)), "".join(body), "chart bars")


def ordered(rows: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """The rows with the best figure first and those without a figure last.

    Examples
    --------
    >>> made = dict(n=1, direction="lower", unit="", rule="r")
    >>> [name for name, _ in ordered({"a": Value(value=None, **made), "b": Value(value=2, **made),
    ...                               "c": Value(value=1, **made)})]
    ['c', 'b', 'a']
    """

    def place(row: tuple[str, Value]) -> tuple[bool, float]:
        value = row[1]
        if value.value is None:
            return True, 0.0
        return False, -value.value if value.direction == "higher" else value.value

    return sorted(rows.items(), key=place)


def _bar(value: Value, scale: Scale, top: int) -> str:
    if value.value is None:
        return ""
    start, end = sorted((scale(max(scale.domain[0], min(0.0, scale.domain[1]))), scale(value.value)))
    drawn = f'<rect class="bar" x="{start:.1f}" y="{top + 3}" width="{end - start:.1f}" height="{_ROW - 6}"/>'
    if value.low is None or value.high is None:
        return drawn
    low, high = f"{scale(value.low):.1f}", f"{scale(value.high):.1f}"
    ends = f"M{low} {top + 6}v7M{high} {top + 6}v7"
    return f'{drawn}<path class="iv" d="M{low} {top + 9.5}H{high}{ends}"/>'


def _column(kind: str, x: float, tops: list[int], words: list[str]) -> str:
    """Words below each other that end at `x`."""
    lines = "".join(f'<text x="{at(x)}" y="{top + 14}">{escape(word)}</text>' for top, word in zip(tops, words) if word)
    return f'<g class="{kind}">{lines}</g>'


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _words(rows: list[tuple[str, Value]], hidden: int) -> str:
    known = [(name, value) for name, value in rows if value.value is not None]
    if not known:
        return f"{NONE} No class has a figure."
    (best, high), (worst, low) = known[0], known[-1]
    more = f" {hidden} classes between them are not drawn." if hidden else ""
    none = len(rows) - len(known)
    lacking = f" {none} have no figure." if none else ""
    return (
        f"{len(rows)} classes, the best on top: {best} {number(high.value, high.unit)}, "
        f"last {worst} {number(low.value, low.unit)}.{more}{lacking}"
    )
