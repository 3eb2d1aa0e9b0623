"""Ranked lists of a run that retrieves, as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchbed.report import terms
from benchbed.report.island import anchor
from benchbed.report.listening import Clip, Clips, apart
from benchbed.results.rankings import CellRankings, Placed, Ranking, Rankings
from benchbed.results.record import Result


@dataclass(frozen=True)
class Place:
    """One item of a list, with its sound where that was kept."""

    about: Placed
    sound: Clip | None


@dataclass(frozen=True)
class List:
    """One query and what is ranked for it."""

    about: Ranking
    identity: str
    places: list[Place]
    sound: Clip | None


@dataclass(frozen=True)
class Lists:
    """The lists of one cell and direction."""

    about: CellRankings
    title: str
    lists: list[List]

    @property
    def heard(self) -> bool:
        """Some sound is there."""
        return any(one.sound or any(place.sound for place in one.places) for one in self.lists)


def lists(kept: Rankings | None, result: Result, heard: Clips | None = None) -> list[Lists]:
    """The lists of a run, cell by cell, with what was kept of their sounds."""
    sounds = apart(heard)[1]
    titles = {cell.key: f"{terms.condition(cell.condition)}, split {cell.split}" for cell in result.cells}
    return [
        Lists(cell, titles.get(cell.cell, cell.cell), [_list(one, cell, sounds) for one in cell.rankings])
        for cell in (kept.cells if kept else [])
        if cell.rankings
    ]


def _list(one: Ranking, cell: CellRankings, sounds: Mapping[tuple[str, str], Clip]) -> List:
    def sound(name: str) -> Clip | None:
        return sounds.get((cell.cell, name))

    texts = cell.direction == "audio to text"
    return List(
        one,
        anchor(f"ranking/{cell.cell}/{cell.direction}/{one.query}/{one.why}"),
        [Place(place, None if texts else sound(place.name)) for place in one.places],
        sound(one.query) if texts else None,
    )
