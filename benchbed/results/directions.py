"""Directions over time and errors by place, kept beside a run of a model that localises, for its page.

The runner writes `directions.json`, because only it has references and outputs at hand; pages draw it as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from benchbed.results.record import Record, Value
from benchbed.results.timelines import read_kept

#: Name of the file in a run folder.
NAME = "directions.json"
#: Version of the file layout.
FORMAT = 1

#: What a stretch counts as: `found`, `misplaced`, `missed` of a reference; `right`, `misplaced`, `false` of an output.
State = Literal["found", "right", "misplaced", "missed", "false"]
#: Seconds from the start of the recording, and a value there.
Point = tuple[float, float]


class SourceSpan(Record):
    """A stretch of one source of one side, in which all frames count as the same."""

    state: State
    """What it counts as."""
    onset: float
    """Start in seconds."""
    offset: float
    """End in seconds."""
    azimuth: list[list[Point]]
    """Degrees over time, as lines; a line ends where it would cross the back."""
    elevation: list[Point] = Field(default_factory=list)
    """Degrees over time; empty where only azimuths are asked for."""
    distance: list[Point] = Field(default_factory=list)
    """Metres over time; empty where none is told."""


class DrawnSource(Record):
    """One class in the shown part of a recording."""

    label: str
    """The class."""
    reference: list[SourceSpan] = Field(default_factory=list)
    """Stretches of its sources in the reference."""
    output: list[SourceSpan] = Field(default_factory=list)
    """Those in the output."""
    swaps: list[float] = Field(default_factory=list)
    """Seconds at which a source of the reference became another of the output."""
    missed: float = 0.0
    """Seconds of its sources that were not found."""
    misplaced: float = 0.0
    """Seconds in which they were found elsewhere."""
    false: float = 0.0
    """Seconds of outputs without a reference."""
    error: float | None = None
    """Mean angle in degrees where it was found; null if it never was."""


class Directions(Record):
    """One recording."""

    clip_id: str
    """The recording."""
    why: Literal["worst", "typical"]
    """Lowest F20° of all recordings, or nearest to their median."""
    f20: float
    """Its own F20°, micro over its classes."""
    seconds: float
    """Length."""
    start: float
    """Start of the shown part."""
    stop: float
    """End of the shown part."""
    sources: list[DrawnSource]
    """Classes with a source of either side in the shown part, in the dataset's order."""
    left_out: int = 0
    """Further classes there."""


class Bin(Record):
    """Sources of the reference that have something in common."""

    name: str
    """What, in words."""
    low: float
    """Lower border."""
    high: float | None = None
    """Upper border; null where there is none."""
    frames: int
    """Frames of sources of the reference."""
    figures: dict[str, Value] = Field(default_factory=dict)
    """Name → figure with its interval: `found`, `within`, `angle`, `relative_distance`."""


class Breakdown(Record):
    """Errors by one property of the reference."""

    by: str
    """The property, in words."""
    unit: str
    """Unit of its borders; empty for a count."""
    bins: list[Bin]
    """Its values, rising."""


class Patch(Record):
    """One field of the sphere around the listener."""

    azimuth: tuple[float, float]
    """From, to; degrees."""
    elevation: tuple[float, float]
    """From, to; degrees."""
    frames: int
    """Frames of sources of the reference there."""
    error: float | None = None
    """Mean angle of the found ones in degrees."""
    found: float
    """Share of the frames that were found."""
    there: Point
    """Mean direction of the found ones in the reference: azimuth, elevation."""
    said: Point
    """Mean direction that the output gives them."""


class CellDirections(Record):
    """What is kept of one cell."""

    cell: str
    """Key of the cell."""
    rule: str
    """When a pair of one frame is right."""
    by: str
    """Rule of the F20° that recordings were chosen by."""
    recordings: int
    """Recordings with an F20°, to choose from."""
    median_f20: float | None = None
    """Median of theirs."""
    elevations: bool = True
    """Whether elevations are asked for."""
    swaps: int = 0
    """Changes of identity in all recordings."""
    shown: list[Directions] = Field(default_factory=list)
    """The worst first, then the typical ones."""
    breakdowns: list[Breakdown] = Field(default_factory=list)
    """Errors by distance, overlap and direction, of all recordings."""
    sphere: list[Patch] = Field(default_factory=list)
    """Fields with a source of the reference; none where only azimuths are asked for."""


class KeptDirections(Record):
    """Everything kept of a run."""

    format: int
    """Version of the file layout."""
    cells: list[CellDirections] = Field(default_factory=list)
    """The clean cells, and the perturbed one that is hit the most."""


def read_directions(run: Path) -> KeptDirections | None:
    """Directions kept beside a run, or none.

    Raises
    ------
    ConfigError
        The file does not fit.
    """
    return read_kept(run, NAME, KeptDirections, FORMAT)
