"""A figure over the runs of one model: points with intervals, the mean of each piece, a line where it changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, at, domain, frame, path, text, ticks
from benchbed.report.figures import number, signed, tick
from benchbed.results.history import HistoryRun, HistorySeries

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 200, 46, 14, 24, 44
#: Labels of runs below the axis.
_LABELS = 6


def history_chart(identity: str, title: str, series: HistorySeries, runs: Sequence[HistoryRun]) -> Markup:
    """Draw one figure over the runs, in the order of time.

    Examples
    --------
    >>> runs = [HistoryRun(created=f"2026-11-0{i}T10:00:00Z", commit=f"{i}abcdef") for i in range(1, 5)]
    >>> one = HistorySeries(condition="clean", metric="accuracy", title="Accuracy", unit="fraction", direction="higher",
    ...     values=[0.7, 0.71, 0.6, 0.61], lows=[None] * 4, highs=[None] * 4)
    >>> history_chart("h", "Accuracy", one, runs).count("<circle")
    4
    """
    lows, highs = series.lows or [None] * len(runs), series.highs or [None] * len(runs)
    ends = domain([*series.values, *lows, *highs], series.unit, near=True)
    across = Scale((0, max(len(runs) - 1, 1)), (_LEFT + 8, _WIDTH - _RIGHT - 8))
    up = Scale(ends, (_HEIGHT - _BOTTOM, _TOP))
    body = [f'<path class="grid" d="M{_LEFT} {at(up(level))}H{_WIDTH - _RIGHT}"/>' for level in ticks(ends)]
    body += [text(_LEFT - 6, up(level) + 4, tick(level, series.unit), "tick", "end") for level in ticks(ends)]
    step = max(1, -(-len(runs) // _LABELS))
    for place, run in enumerate(runs):
        if place % step == 0 or (place == len(runs) - 1 and place % step > step / 2):
            body.append(text(across(place), _HEIGHT - _BOTTOM + 15, run.created[5:10]))
            body.append(text(across(place), _HEIGHT - _BOTTOM + 28, run.short))
    cuts = [0, *(change.at for change in series.changes), len(runs)]
    for start, stop in pairwise(cuts) if series.changes else ():
        known = [value for value in series.values[start:stop] if value is not None]
        near = series.changes[cuts.index(start) - 1].after if start else series.changes[0].before
        if known:
            body.append(f'<path class="mean" d="M{at(across(start) - 6)} {at(up(near))}H{at(across(stop - 1) + 6)}"/>')
    for change in series.changes:
        middle = (across(change.at - 1) + across(change.at)) / 2
        kind = "better" if change.better else "worse"
        body.append(f'<path class="change {kind}" d="M{at(middle)} {_TOP - 6}V{_HEIGHT - _BOTTOM}"/>')
        side = "end" if middle > _WIDTH * 0.7 else "start"
        shift = -5 if side == "end" else 5
        body.append(text(middle + shift, _TOP - 8, signed(change.difference, series.unit), "told", side))
    points = [(across(i), up(value)) for i, value in enumerate(series.values) if value is not None]
    if len(points) > 1:
        body.append(f'<path class="through" d="{path(points)}"/>')
    for place, value in enumerate(series.values):
        if value is None:
            continue
        low, high = lows[place], highs[place]
        bar = ""
        if low is not None and high is not None:
            bar = f'<path class="iv" d="M{at(across(place))} {at(up(low))}V{at(up(high))}"/>'
        told = escape(f"{runs[place].when} {runs[place].short}: {number(value, series.unit)}")
        dot = f'<circle class="point" cx="{at(across(place))}" cy="{at(up(value))}" r="3.5"/>'
        body.append(f"<g><title>{told}</title>{bar}{dot}</g>")
    return frame(identity, title, _said(series, runs), (_WIDTH, _HEIGHT), "".join(body), "chart over-time")


def _said(series: HistorySeries, runs: Sequence[HistoryRun]) -> str:
    known = [value for value in series.values if value is not None]
    if not known:
        return f"{len(runs)} runs without a value."
    last = number(known[-1], series.unit)
    changes = "; ".join(
        f"{signed(change.difference, series.unit)} at {runs[change.at].when} {runs[change.at].short}".strip()
        for change in series.changes
    )
    return f"{len(runs)} runs, the last {last}. {'Changes: ' + changes if changes else 'No change is shown'}."
