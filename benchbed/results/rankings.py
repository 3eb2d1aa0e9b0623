"""Ranked lists kept beside a run: what a model puts first for some queries, and where the right ones stand.

The runner writes `rankings.json`, because only it has references and outputs at hand; pages draw it as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from benchbed.results.record import Record
from benchbed.results.timelines import read_kept

#: Name of the file in a run folder.
NAME = "rankings.json"
#: Version of the file layout.
FORMAT = 1


class RankedItem(Record):
    """One item of a list."""

    name: str
    """The clip's id, or the text."""
    rank: int
    """Its place, counted from 1."""
    score: float
    """Similarity."""
    right: bool = False
    """It answers the query."""


class RankedList(Record):
    """One query."""

    query: str
    """The text; of audio to text the clip's id."""
    why: Literal["worst", "typical", "best"]
    """Where its first right answer stands, against other queries of the cell."""
    rank: int
    """Place of its first right answer."""
    right: int
    """How many items answer it."""
    places: list[RankedItem]
    """The first of the list, and behind them right ones that stand further back."""


class CellLists(Record):
    """Lists of one cell and direction."""

    cell: str
    """Key of the cell."""
    direction: Literal["text to audio", "audio to text"]
    """What is ranked for what."""
    items: int
    """Items that are ranked."""
    queries: int
    """Queries, to choose from."""
    median_rank: float
    """Median place of the first right answer."""
    rankings: list[RankedList] = Field(default_factory=list)
    """The worst first, then typical ones, then the best."""


class KeptRankings(Record):
    """Everything kept of a run."""

    format: int
    """Version of the file layout."""
    cells: list[CellLists] = Field(default_factory=list)
    """Clean cells, and the perturbed one that is hit the most."""


def read_rankings(run: Path) -> KeptRankings | None:
    """Ranked lists kept beside a run, or none.

    Raises
    ------
    ConfigError
        The file does not fit.
    """
    return read_kept(run, NAME, KeptRankings, FORMAT)
