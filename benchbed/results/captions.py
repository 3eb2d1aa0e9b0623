"""Captions kept beside a run: what was said of some clips and what people wrote, and every clip's own scores.

The runner writes `captions.json`, which pages draw as it is, and `clips.parquet`, one row per clip, cell and draw.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from benchbed.errors import ConfigError
from benchbed.results.record import Record
from benchbed.results.timelines import read_kept
from benchbed.whole import write_whole

if TYPE_CHECKING:
    import pandas as pd

#: Names of the files in a run folder.
NAME, SCORES = "captions.json", "clips.parquet"
#: Version of the file layout.
FORMAT = 1

#: Why a clip is shown.
Why = Literal["worst", "typical", "best"]


class SaidCaption(Record):
    """What a model said of a clip under one condition."""

    cell: str
    """Key of the cell."""
    caption: str
    """The caption."""
    scores: dict[str, float] = Field(default_factory=dict)
    """The clip's own scores, by metric."""
    added: list[str] = Field(default_factory=list)
    """Words that neither the caption of the clean clip nor a reference has."""


class CaptionCard(Record):
    """One clip."""

    clip_id: str
    """The clip."""
    why: Why
    """Lowest, highest or middle score of all clips."""
    references: list[str]
    """What people wrote."""
    said: list[SaidCaption]
    """The clean caption first, then that of the condition that does the most harm."""


class CellCaptions(Record):
    """Clips of one clean cell."""

    cell: str
    """Key of the cell."""
    metric: str
    """The score that clips were chosen by."""
    title: str
    """The field's own term for it."""
    rule: str
    """Its rule."""
    clips: int
    """Clips with a score, to choose from."""
    median: float | None = None
    """Median of their scores."""
    cards: list[CaptionCard] = Field(default_factory=list)
    """The worst first, then typical ones, then the best."""


class AddedRecord(Record):
    """What a condition does to the captions of a cell."""

    cell: str
    """Key of the cell."""
    clips: int
    """Clips with a caption under the condition and without."""
    changed: int
    """Of these, clips with another caption than the clean one."""
    words: list[tuple[str, int]] = Field(default_factory=list)
    """Words that neither the clean caption nor a reference of a clip has, with the number of clips, the most first."""


class KeptCaptions(Record):
    """Everything kept of a run for its page."""

    format: int
    """Version of the file layout."""
    titles: dict[str, str] = Field(default_factory=dict)
    """The field's own term for each score."""
    cells: list[CellCaptions] = Field(default_factory=list)
    """The clean cells."""
    added: list[AddedRecord] = Field(default_factory=list)
    """Perturbed cells, in the order of the run."""


def read_captions(run: Path) -> KeptCaptions | None:
    """Captions kept beside a run, or none.

    Raises
    ------
    ConfigError
        The file does not fit.
    """
    return read_kept(run, NAME, KeptCaptions, FORMAT)


def write_clips(table: pd.DataFrame | None, folder: Path) -> None:
    """Write scores of clips whole or not at all; without any, an earlier file is removed."""
    path = folder / SCORES
    if table is None:
        path.unlink(missing_ok=True)
        return
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    write_whole(path, buffer.getvalue())


def read_clips(run: Path) -> pd.DataFrame | None:
    """Scores of clips beside a run, one row per clip, cell and draw, or none.

    Raises
    ------
    ConfigError
        The file cannot be read.
    """
    path = (run if run.is_dir() else run.parent) / SCORES
    if not path.is_file():
        return None
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        hint = "run the suite again; stored predictions are reused"
        raise ConfigError(f"cannot be read ({error})", where=str(path), hint=hint) from error
