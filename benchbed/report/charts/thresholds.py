"""F1, precision and recall against the threshold, with the declared ones marked."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from benchbed.report.charts.draw import Scale, at, frame, path, text, ticks
from benchbed.report.figures import number
from benchbed.results.curves import ThresholdLine

#: Figures and their looks; each has a dash of its own.
FIGURES = {"f1": "F1", "precision": "Precision", "recall": "Recall"}
_LEFT, _TOP, _BOTTOM, _RIGHT = 30, 8, 22, 8


def threshold_chart(
    identity: str, title: str, line: ThresholdLine, thresholds: Sequence[float], *, large: bool = False
) -> Markup:
    """Three curves; an upright line at each declared threshold and a dot at the F1 that the record has there.

    The first is drawn through with a full dot, others broken with an empty one.

    Examples
    --------
    >>> from benchbed.results.curves import AtThreshold
    >>> one = ThresholdLine(name="dog", references=2, f1=[0.5, 1.0, 0.0], precision=[0.4, 1.0, None],
    ...                     recall=[1.0, 1.0, 0.0], at=[AtThreshold(threshold=0.5, f1=1.0, precision=1.0, recall=1.0)])
    >>> chart = threshold_chart("t", "dog", one, [0.0, 0.5, 1.0])
    >>> chart.count("<path class=\\"line t-"), chart.count('class="declared"'), chart.count("spot")
    (3, 1, 1)
    """
    width, height = (340, 220) if large else (210, 130)
    low, high = min(thresholds), max(thresholds)
    x, y = Scale((low, high), (_LEFT, width - _RIGHT)), Scale((0, 1), (height - _BOTTOM, _TOP))
    body = []
    for level in ticks((0, 1), 4 if large else 2):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(level))}H{width - _RIGHT}"/>')
        body.append(text(_LEFT - 5, y(level) + 4, f"{100 * level:g}", anchor="end"))
    for level in ticks((low, high), 4 if large else 2):
        body.append(text(x(level), height - 7, f"{level:g}"))
    for place, mark in enumerate(line.at):
        look = "declared" if place == 0 else "declared other"
        if mark.threshold is not None:
            body.append(f'<path class="{look}" d="M{at(x(mark.threshold))} {_TOP}V{height - _BOTTOM}"/>')
        elif mark.f1 is not None:
            # Every class has a threshold of its own, so what they reach together has no place on the axis.
            body.append(f'<path class="{look}" d="M{_LEFT} {at(y(mark.f1))}H{width - _RIGHT}"/>')
    for name in reversed(FIGURES):
        shape = _broken(getattr(line, name), thresholds, x, y)
        if shape:
            body.append(f'<path class="line t-{name}" d="{shape}"/>')
    for place, mark in enumerate(line.at):
        if mark.threshold is not None and mark.f1 is not None:
            look = "spot" if place == 0 else "spot other"
            body.append(f'<circle class="{look}" cx="{at(x(mark.threshold))}" cy="{at(y(mark.f1))}" r="3.5"/>')
    return frame(identity, title, _words(line), (width, height), "".join(body), "chart large" if large else "chart")


def _broken(values: Sequence[float | None], thresholds: Sequence[float], x: Scale, y: Scale) -> str:
    """Path data with a gap where a figure is undefined."""
    parts: list[list[tuple[float, float]]] = [[]]
    for threshold, value in zip(thresholds, values, strict=True):
        if value is None:
            parts.append([])
        else:
            parts[-1].append((round(x(threshold), 1), round(y(value), 1)))
    return "".join(path(_bends(part)) for part in parts if len(part) > 1)


def _bends(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points without those in the middle of a level stretch, which a line shows without them."""
    inner = zip(points, points[1:], points[2:])
    return [points[0], *(here for before, here, after in inner if not before[1] == here[1] == after[1]), points[-1]]


def _words(line: ThresholdLine) -> str:
    said = []
    for mark in line.at:
        figures = {name: getattr(mark, name) for name in FIGURES}
        known = [f"{FIGURES[name]} {number(value, 'fraction')}" for name, value in figures.items() if value is not None]
        if known:
            where = "each class's own threshold" if mark.threshold is None else f"the declared {mark.threshold:.3g}"
            said.append(f"At {where}: {', '.join(known)}.")
    if line.best_f1 is not None:
        said.append(f"The highest drawn F1 is {number(line.best_f1, 'fraction')} at {line.best_threshold:g}.")
    return " ".join(said) or "No figures."
