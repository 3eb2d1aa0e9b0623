"""Event timelines kept beside a run: what was there and what was detected, second by second, in a few recordings.

The runner writes `timelines.json`, because only it has references and outputs at hand; pages draw it as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from benchbed.errors import ConfigError
from benchbed.results.record import Record
from benchbed.seal import seal, unseal
from benchbed.whole import write_whole

#: Name of the file in a run folder.
NAME = "timelines.json"
#: Version of the file layout.
FORMAT = 1
#: Largest file that a page takes in.
LARGEST = 2_000_000

Kept = TypeVar("Kept", bound=Record)


class Stretch(Record):
    """One event."""

    onset: float
    """Start in seconds."""
    offset: float
    """End in seconds."""
    lost: list[tuple[float, float]] = Field(default_factory=list)
    """Parts that count as an error: missed of a reference event, a false alarm of a detected one."""


class Track(Record):
    """One class in one recording."""

    label: str
    """The class."""
    reference: list[Stretch] = Field(default_factory=list)
    """Annotated events that reach into the shown part."""
    output: list[Stretch] = Field(default_factory=list)
    """Detected events that do."""
    missed: float = 0.0
    """Missed reference events; where segments are judged, missed seconds."""
    false: float = 0.0
    """False alarms; where segments are judged, false seconds."""
    threshold: float | None = None
    """Score from which on the class counts as detected; null for lists of events."""
    scores: list[int] = Field(default_factory=list)
    """Highest score in each of equal parts of what is shown, per cent, after the declared filter."""


class Timeline(Record):
    """One recording."""

    clip_id: str
    """The recording."""
    why: Literal["worst", "typical"]
    """Lowest F1 of all recordings, or nearest to their median."""
    f1: float
    """F1 of this recording alone, micro over its classes."""
    seconds: float
    """Length."""
    start: float
    """Start of the shown part."""
    stop: float
    """End of the shown part."""
    tracks: list[Track]
    """Classes with an event of either side in the shown part, in the dataset's order."""
    left_out: int = 0
    """Further classes with events there."""


class CellTimelines(Record):
    """Recordings of one cell."""

    cell: str
    """Key of the cell."""
    rule: str
    """Rule of the F1 that the recordings were chosen by, and that says what an error is."""
    per: Literal["event", "segment"]
    """Whether whole events are right or wrong, or the parts of them in each segment."""
    recordings: int
    """Recordings with an F1, to choose from."""
    median_f1: float | None = None
    """Median of their F1."""
    measure: str = "F1"
    """What stands in the place of F1, for outputs that are judged by something else."""
    timelines: list[Timeline] = Field(default_factory=list)
    """The worst first, then the typical ones."""


class Timelines(Record):
    """Everything kept of a run."""

    format: int
    """Version of the file layout."""
    cells: list[CellTimelines] = Field(default_factory=list)
    """The clean cells, and the perturbed one that is hit the most."""


def read_timelines(run: Path) -> Timelines | None:
    """Timelines kept beside a run, or none.

    Raises
    ------
    ConfigError
        The file does not fit.
    """
    return read_kept(run, NAME, Timelines, FORMAT)


def read_kept(run: Path, name: str, kind: type[Kept], version: int) -> Kept | None:
    """A file that a run keeps for its page, or none.

    Parameters
    ----------
    run : Path
        Run folder, or its record.
    name : str
        Name of the file.
    kind : type
        What it holds.
    version : int
        The one layout version that can be read.

    Raises
    ------
    ConfigError
        Of another layout version, or too large for a page.
    DamagedError
        Not as it was written.
    """
    path = (run if run.is_dir() else run.parent) / name
    if not path.is_file():
        return None
    hint = "run the suite again; stored predictions are reused"
    if path.stat().st_size > LARGEST:
        raise ConfigError(f"{path.stat().st_size:,} bytes are too many for a page", where=str(path), hint=hint)
    try:
        held, _ = unseal(path.read_bytes(), path, again=hint)
        found = held.get("format", version)
        if found != version:
            what = f"layout version {found}, this benchbed reads {version}"
            raise ConfigError(what, where=str(path), hint=hint)
        return kind.model_validate(held)
    except ValidationError as error:
        first = error.errors()[0]
        what = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']} ({error.error_count()} problems)"
        raise ConfigError(f"cannot be read: {what}", where=str(path), hint=hint) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot be read ({error})", where=str(path), hint=hint) from error


def write_kept(kept: Record | None, folder: Path, name: str) -> None:
    """Write such a file, whole or not at all; with nothing to keep, an earlier one is removed."""
    path = folder / name
    if kept is None:
        path.unlink(missing_ok=True)
        return
    write_whole(path, seal(kept.model_dump_json(exclude_defaults=True)).encode())
