"""An event timeline: per class a lane of reference events above a lane of detected ones, over seconds.

A table with drawn cells rather than an image, so that names stay readable on a phone, and counts are cells. What was
missed or is a false alarm is hatched, not only of another colour, and every event stands in a second table with its
times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchbed.report.charts.draw import at, ticks
from benchbed.results.timelines import Stretch, Timeline, Track

_REFERENCE = ("missed", "found")
_OUTPUT = ("false alarm", "right")


@dataclass(frozen=True)
class Picture:
    """A spectrogram from the start of what is shown."""

    source: Markup
    seconds: float
    frequency: float


def timeline(
    identity: str, caption: str, shown: Timeline, per: str, picture: Picture | None = None, head: str = "Class"
) -> Markup:
    """The lanes of one recording.

    Parameters
    ----------
    per : str
        `event` or `segment`: whether errors are counted in events or in seconds.
    picture : Picture, optional
        Drawn on the same axis, above the lanes.
    head : str
        What a lane is about.

    Examples
    --------
    >>> track = Track(label="dog", reference=[Stretch(onset=1, offset=2, lost=[(1, 2)])], missed=1)
    >>> one = Timeline(clip_id="a.wav", why="worst", f1=0, seconds=10, start=0, stop=10, tracks=[track])
    >>> chart = timeline("t", "a.wav", one, "event")
    >>> chart.count('class="ev lost"'), 'left:10%;width:10%' in chart
    (1, True)
    """
    marks = [level for level in ticks((shown.start, shown.stop), 5) if shown.start <= level <= shown.stop]
    names = [f"{level:g}" for level in marks[:-1]] + [f"{level:g} s" for level in marks[-1:]]
    axis = "".join(
        f'<span style="left:{_share(level, shown)}%"{_edge(level, shown)}>{name}</span>'
        for level, name in zip(marks, names, strict=True)
    )
    unit = "" if per == "event" else ", s"
    rows = "" if picture is None else _seen(picture, shown)
    rows += "".join(_row(track, shown, marks, per) for track in shown.tracks)
    return Markup(
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f'<table class="lanes" id="{escape(identity)}"><caption class="vh">{escape(caption)}</caption><thead><tr>'
        f'<th scope="col">{escape(head)}</th><th scope="col" class="side"><span class="vh">Lane</span></th>'
        f'<th scope="col" class="time"><span class="vh">Time, seconds</span>'
        f'<span class="axis" aria-hidden="true">{axis}</span></th>'
        f'<th scope="col" class="num">Missed{unit}</th><th scope="col" class="num">False{unit}</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _seen(picture: Picture, shown: Timeline) -> str:
    """The row of the spectrogram, as wide as its sound lasts."""
    share = at(min(100.0, 100 * picture.seconds / _span_of(shown)))
    words = f"Spectrogram, 0 to {picture.frequency / 1000:g} kHz, from {shown.start:g} s"
    return (
        f'<tr><th scope="row">Spectrogram<span class="sub">0–{picture.frequency / 1000:g} kHz</span></th>'
        f'<td class="side"></td><td class="time"><img src="{picture.source}" alt="{words}" style="width:{share}%"/>'
        "</td>"
        '<td class="num"></td><td class="num"></td></tr>'
    )


def _row(track: Track, shown: Timeline, marks: Sequence[float], per: str) -> str:
    grid = "".join(f'<span class="at" style="left:{_share(level, shown)}%"></span>' for level in marks)
    lanes = "".join(
        f'<div class="lane {side}">{"".join(_event(event, shown, words) for event in events)}</div>'
        for side, events, words in (("ref", track.reference, _REFERENCE), ("out", track.output, _OUTPUT))
    )
    missed, false = (_count(value, per) for value in (track.missed, track.false))
    return (
        f'<tr><th scope="row"><bdi>{escape(track.label)}</bdi></th>'
        f'<td class="side" aria-hidden="true"><span>ref.</span><span>output</span></td>'
        f'<td class="time"><span class="vh">{_said(track)}</span><div class="draw" aria-hidden="true">{grid}{lanes}'
        f"{_scores(track)}</div></td>"
        f'<td class="num">{missed}</td><td class="num">{false}</td></tr>'
    )


def _event(event: Stretch, shown: Timeline, words: tuple[str, str]) -> str:
    whole = event.lost == [(event.onset, event.offset)]
    parts = []
    if not whole:
        parts.append(_span("ev", event.onset, event.offset, shown, words[1]))
    parts += [_span("ev lost", onset, offset, shown, words[0]) for onset, offset in event.lost]
    return "".join(parts)


def _span(look: str, onset: float, offset: float, shown: Timeline, word: str) -> str:
    width = at(100 * (offset - onset) / _span_of(shown))
    return (
        f'<span class="{look}" style="left:{_share(onset, shown)}%;width:{width}%" '
        f'title="{word}, {onset:.2f}–{offset:.2f} s"></span>'
    )


def _scores(track: Track) -> str:
    """The highest scores as steps, and the threshold."""
    if not track.scores:
        return ""
    steps, height = "", 100
    for place, score in enumerate(track.scores):
        # Only where the level changes.
        if 100 - score != height:
            height = 100 - score
            steps += f"H{place}V{height}"
    limit = ""
    if track.threshold is not None:
        level = at(100 * (1 - min(1.0, max(0.0, track.threshold))))
        limit = f'<path class="limit" d="M0 {level}H{len(track.scores)}"/>'
    return (
        f'<svg class="score" viewBox="0 0 {len(track.scores)} 100" preserveAspectRatio="none" aria-hidden="true" '
        f'focusable="false">'
        f'<path class="sure" d="M0 100{steps}H{len(track.scores)}V100Z"/>{limit}</svg>'
    )


def _said(track: Track) -> str:
    """The lanes in words."""
    sides = []
    for name, events, words in (("reference", track.reference, _REFERENCE), ("output", track.output, _OUTPUT)):
        said = [f"{event.onset:.2f} to {event.offset:.2f} s {verdict(event, words)}" for event in events]
        sides.append(f"{name}: {'; '.join(said) or 'none'}")
    return f"{'. '.join(sides)}."


def verdict(event: Stretch, words: tuple[str, str]) -> str:
    """What an event counts as; of one that is wrong in part, where.

    Examples
    --------
    >>> verdict(Stretch(onset=0, offset=3, lost=[(1, 2)]), ("missed", "found"))
    'missed 1.00–2.00 s'
    """
    if not event.lost:
        return words[1]
    if event.lost == [(event.onset, event.offset)]:
        return words[0]
    return f"{words[0]} {', '.join(f'{onset:.2f}–{offset:.2f}' for onset, offset in event.lost)} s"


def event_rows(shown: Timeline) -> list[tuple[str, str, str, str, str]]:
    """Every event of a recording with its class, side, times and what it counts as.

    Examples
    --------
    >>> track = Track(label="dog", output=[Stretch(onset=1, offset=2.5)])
    >>> event_rows(Timeline(clip_id="a", why="typical", f1=1, seconds=3, start=0, stop=3, tracks=[track]))
    [('dog', 'output', '1.00', '2.50', 'right')]
    """
    return [
        (track.label, side, f"{event.onset:.2f}", f"{event.offset:.2f}", verdict(event, words))
        for track in shown.tracks
        for side, events, words in (("reference", track.reference, _REFERENCE), ("output", track.output, _OUTPUT))
        for event in events
    ]


def _count(value: float, per: str) -> str:
    return f"{value:g}" if per == "event" else at(value)


def _span_of(shown: Timeline) -> float:
    return max(shown.stop - shown.start, 1e-9)


def _share(time: float, shown: Timeline) -> str:
    return at(100 * (time - shown.start) / _span_of(shown))


def _edge(level: float, shown: Timeline) -> str:
    """Labels at the ends stay inside."""
    share = (level - shown.start) / _span_of(shown)
    return ' class="first"' if share < 0.02 else ' class="last"' if share > 0.98 else ""
