"""A reliability diagram: share of correct outputs against stated confidence, one dot per bin."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from benchbed.report.charts.draw import Scale, at, frame, text
from benchbed.report.figures import number

_SIZE, _LEFT, _TOP, _BOTTOM = 300, 44, 10, 40


def reliability(
    identity: str,
    bins: Sequence[tuple[float | None, float | None, float | None]],
    sides: tuple[str, str] = ("Confidence", "Accuracy"),
) -> Markup:
    """Draw bins of (confidence, accuracy, clips); empty bins are left out, the dot's area is the share of clips.

    `sides` names the axes: of tags, what is stated is a score, and what is true is how many are present.

    Examples
    --------
    >>> "In bin 1" in reliability("r", [(0.9, 0.7, 120.0), (None, None, 0.0)])
    True
    """
    x, y = Scale((0, 1), (_LEFT, _SIZE - 10)), Scale((0, 1), (_SIZE - _BOTTOM, _TOP))
    body, words = [], []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        body.append(f'<path class="grid" d="M{_LEFT} {at(y(tick))}H{_SIZE - 10}"/>')
        body.append(text(_LEFT - 6, y(tick) + 4, f"{tick * 100:g}", anchor="end"))
        body.append(text(x(tick), _SIZE - _BOTTOM + 16, f"{tick * 100:g}"))
    body.append(f'<path class="level" d="M{at(x(0))} {at(y(0))}L{at(x(1))} {at(y(1))}"/>')
    largest = max((clips or 0 for _, _, clips in bins), default=0) or 1
    for index, (confidence, accuracy, clips) in enumerate(bins, 1):
        if confidence is None or accuracy is None:
            continue
        radius = 2.5 + 6.5 * ((clips if clips is not None else largest) / largest) ** 0.5
        px, py = x(confidence), y(accuracy)
        body.append(f'<path class="gap" d="M{at(px)} {at(py)}V{at(y(confidence))}"/>')
        body.append(f'<circle class="mark s0" cx="{at(px)}" cy="{at(py)}" r="{at(radius)}"/>')
        words.append(
            f"In bin {index} {sides[0].lower()} {number(confidence, 'fraction')}, "
            f"{sides[1].lower()} {number(accuracy, 'fraction')}"
        )
    body.append(text((_LEFT + _SIZE - 10) / 2, _SIZE - 6, f"{sides[0]}, %", "axis"))
    middle = at((_TOP + _SIZE - _BOTTOM) / 2)
    body.append(
        f'<text class="axis" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{sides[1]}, %</text>'
    )
    return frame(identity, "Reliability diagram", ". ".join(words) + ".", (_SIZE, _SIZE), "".join(body), "chart square")
