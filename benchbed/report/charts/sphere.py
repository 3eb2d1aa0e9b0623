"""A map of the sphere around the listener: the mean error in every field of directions, and where outputs drift to.

Drawn in Hammer's equal-area projection, the front in the middle and the left to the left, as the listener sees it. The
colour of a field is its error, which stands in it as a number; a line leads from the mean direction of its sources to
that of their outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from benchbed.report.charts.draw import at, frame, path, text
from benchbed.results.directions import Patch

#: Error in degrees from which on the colour is full.
FULL = 60.0
_WIDTH, _HEIGHT, _EDGE = 720, 372, 10


def sphere_map(identity: str, title: str, patches: Sequence[Patch]) -> Markup:
    """The map.

    Examples
    --------
    >>> one = Patch(azimuth=(0, 30), elevation=(0, 30), frames=10, error=12.0, found=0.5, there=(10, 10), said=(20, 5))
    >>> chart = sphere_map("s", "Errors", [one])
    >>> chart.count('class="field"'), ">12<" in chart, "from 0° to 30°" in chart
    (1, True, True)
    """
    body = [f'<path class="globe" d="{_outline()}"/>']
    for patch in patches:
        share = 0.0 if patch.error is None else 0.08 + 0.82 * min(1.0, patch.error / FULL)
        look = "field" if patch.error is not None else "field none"
        body.append(
            f'<path class="{look}" fill-opacity="{at(share)}" d="{_field(patch)}"><title>{escape(_said(patch))}</title>'
            "</path>"
        )
    for turn in range(-180, 181, 30):
        line = [_place(turn, up) for up in range(-90, 91, 10)]
        body.append(f'<path class="mesh" d="{path(line)}"/>')
    for up in range(-60, 61, 30):
        line = [_place(turn, up) for turn in range(-180, 181, 10)]
        body.append(f'<path class="mesh" d="{path(line)}"/>')
    for patch in patches:
        if patch.error is not None:
            body.append(_drift(patch))
        px, py = _place(sum(patch.azimuth) / 2, sum(patch.elevation) / 2)
        body.append(text(px, py + 4, "–" if patch.error is None else f"{patch.error:.0f}", "told"))
    for turn, name in ((0, "front"), (90, "left"), (-90, "right")):
        px, py = _place(turn, 0)
        body.append(text(px, py - 8, name, "where"))
    known = [patch for patch in patches if patch.error is not None]
    worst = max(known, key=lambda patch: patch.error or 0.0, default=None)
    words = f"{len(patches)} fields with sources. " + (
        f"Largest error: {_said(worst)}." if worst else "None was found."
    )
    return frame(identity, title, words, (_WIDTH, _HEIGHT), "".join(body), "chart globe-map")


def _said(patch: Patch) -> str:
    where = " and ".join(
        f"{name} from {low:g}° to {high:g}°"
        for name, (low, high) in (("azimuth", patch.azimuth), ("elevation", patch.elevation))
    )
    error = "never found" if patch.error is None else f"mean error {patch.error:.1f}°"
    return f"{where}: {error}, found in {100 * patch.found:.0f} % of {patch.frames} frames of sources"


def _place(azimuth: float, elevation: float) -> tuple[float, float]:
    """Hammer's projection of a direction on the drawing; azimuths grow to the left."""
    turn, up = math.radians(azimuth) / 2, math.radians(elevation)
    below = math.sqrt(1 + math.cos(up) * math.cos(turn))
    x = -2 * math.cos(up) * math.sin(turn) / below
    y = math.sin(up) / below
    half = (_WIDTH / 2 - _EDGE) / 2
    return _WIDTH / 2 + half * x, _HEIGHT / 2 - half * y


def _outline() -> str:
    left = [_place(180, up) for up in range(-90, 91, 6)]
    right = [_place(-180, up) for up in range(90, -91, -6)]
    return path([*left, *right], close=True)


def _field(patch: Patch) -> str:
    (first, last), (low, high) = patch.azimuth, patch.elevation
    steps = [i / 6 for i in range(7)]
    turns = [first + (last - first) * share for share in steps]
    ups = [low + (high - low) * share for share in steps]
    edge = [*((turn, low) for turn in turns), *((last, up) for up in ups[1:])]
    edge += [*((turn, high) for turn in turns[::-1][1:]), *((first, up) for up in ups[::-1][1:-1])]
    return path([_place(*point) for point in edge], close=True)


def _drift(patch: Patch) -> str:
    start, end = _place(*patch.there), _place(*patch.said)
    # A line across the back would run over the whole map.
    if abs(end[0] - start[0]) > _WIDTH / 2:
        return ""
    dot = f'<circle class="drift-from" cx="{at(start[0])}" cy="{at(start[1])}" r="2.2"/>'
    return f'<path class="drift" d="{path([start, end])}"/>{dot}'
