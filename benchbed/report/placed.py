"""Directions and errors by place that a run of a model that localises kept, as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from benchbed.report import terms
from benchbed.report.charts.curves import Point, Series, curves
from benchbed.report.charts.directions import direction_chart
from benchbed.report.charts.heatmap import heatmap
from benchbed.report.charts.sphere import sphere_map
from benchbed.report.drawings import Panel
from benchbed.report.island import anchor
from benchbed.report.listening import Clips, ClipSounds, apart
from benchbed.results.directions import Breakdown, CellDirections, Directions, KeptDirections, Patch
from benchbed.results.record import Result, Value


@dataclass(frozen=True)
class Shown:
    """One recording."""

    about: Directions
    chart: Markup
    identity: str
    sound: ClipSounds | None = None


@dataclass(frozen=True)
class ByPlace:
    """Errors by one property, drawn and as a table."""

    about: Breakdown
    title: str
    panels: list[Panel]
    figures: dict[str, Value]
    identity: str


@dataclass(frozen=True)
class PlacedDrawings:
    """Everything drawn of one cell."""

    about: CellDirections
    title: str
    recordings: list[Shown]
    by_place: list[ByPlace]
    sphere: Markup | None
    fields: Markup | None


def placed(kept: KeptDirections | None, result: Result, heard: Clips | None = None) -> list[PlacedDrawings]:
    """The directions of a run, cell by cell, with what was kept of their sounds."""
    sounds = apart(heard)[1]
    titles = {cell.key: f"{terms.condition(cell.condition)}, split {cell.split}" for cell in result.cells}
    return [
        PlacedDrawings(
            about=cell,
            title=titles.get(cell.cell, cell.cell),
            recordings=[_shown(one, cell, sounds.get((cell.cell, one.clip_id))) for one in cell.shown],
            by_place=[_by_place(one, anchor(cell.cell)) for one in cell.breakdowns if one.bins],
            sphere=sphere_map(f"sphere-{anchor(cell.cell)}", _SPHERE, cell.sphere) if cell.sphere else None,
            fields=_fields(cell.sphere, anchor(cell.cell)) if cell.sphere else None,
        )
        for cell in (kept.cells if kept else [])
    ]


_SPHERE = "Mean localisation error by direction of the source, degrees"
#: Panels of a property: title, figures with their names.
_PANELS = (
    ("Localisation error", "degrees", (("angle", "mean angle of the found"),)),
    ("Found, and found in its place", "fraction", (("found", "found"), ("within", "in its place"))),
    ("Relative distance error", "fraction", (("relative_distance", "of the found"),)),
)


def _shown(one: Directions, cell: CellDirections, sound: ClipSounds | None) -> Shown:
    identity = anchor(f"directions/{cell.cell}/{one.clip_id}")
    return Shown(
        one, direction_chart(f"paths-{identity}", f"Directions over time in {one.clip_id}", one), identity, sound
    )


def _by_place(one: Breakdown, cell: str) -> ByPlace:
    name = anchor(one.by)
    axis = f"{one.by.capitalize()}{f', {one.unit}' if one.unit else ''}"
    panels = []
    for title, unit, named in _PANELS:
        series = []
        for figure, words in named:
            values = [(_at(one, number), each.figures.get(figure)) for number, each in enumerate(one.bins)]
            points = [Point(x, v.value, v.low, v.high) for x, v in values if v is not None and v.value is not None]
            if points:
                series.append(Series(words, points))
        if series:
            whole = f"{title} by {one.by}"
            chart = curves(
                f"place-{cell}-{name}-{anchor(title)}",
                whole,
                series,
                x_title=axis,
                y_title="Share" if unit == "fraction" else title,
                unit=unit,
            )
            panels.append(Panel(whole, chart))
    figures = {key: value for each in one.bins for key, value in each.figures.items()}
    return ByPlace(one, f"By {one.by}", panels, figures, f"place-{cell}-{name}")


def _at(one: Breakdown, number: int) -> float:
    """Where a bin stands on its axis: in its middle, or one half of the last width beyond the last border."""
    each = one.bins[number]
    if not one.unit:
        return each.low
    widths = [other.high - other.low for other in one.bins if other.high is not None]
    return (each.low + each.high) / 2 if each.high is not None else each.low + (widths[-1] if widths else 1.0) / 2


def _fields(patches: list[Patch], cell: str) -> Markup:
    """The map as a table, from above and from the left."""
    turns = sorted({patch.azimuth for patch in patches}, reverse=True)
    ups = sorted({patch.elevation for patch in patches}, reverse=True)
    held = {(patch.elevation, patch.azimuth): patch for patch in patches}
    rows = [[held.get((up, turn)) for turn in turns] for up in ups]
    return heatmap(
        f"fields-{cell}",
        _SPHERE,
        [f"{low:g}° to {high:g}°" for low, high in ups],
        [f"{low:g}° to {high:g}°" for low, high in turns],
        [[None if patch is None else patch.error for patch in row] for row in rows],
        unit="degrees",
        row_title="Elevation",
        column_title="Azimuth",
        notes=[
            ["" if patch is None else f"found in {patch.found:.0%} of {patch.frames} frames" for patch in row]
            for row in rows
        ],
    )
