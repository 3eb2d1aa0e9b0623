"""Ranked lists of a run that retrieves, as its page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchbed.report import terms
from benchbed.report.island import anchor
from benchbed.report.listening import Clips, ClipSounds, apart
from benchbed.results.rankings import CellLists, KeptRankings, RankedItem, RankedList
from benchbed.results.record import Result


@dataclass(frozen=True)
class ShownItem:
    """One item of a list, with its sound where that was kept."""

    about: RankedItem
    sound: ClipSounds | None


@dataclass(frozen=True)
class ShownList:
    """One query and what is ranked for it."""

    about: RankedList
    identity: str
    places: list[ShownItem]
    sound: ClipSounds | None


@dataclass(frozen=True)
class ShownLists:
    """The lists of one cell and direction."""

    about: CellLists
    title: str
    lists: list[ShownList]

    @property
    def heard(self) -> bool:
        """Some sound is there."""
        return any(one.sound or any(place.sound for place in one.places) for one in self.lists)


def lists(kept: KeptRankings | None, result: Result, heard: Clips | None = None) -> list[ShownLists]:
    """The lists of a run, cell by cell, with what was kept of their sounds."""
    sounds = apart(heard)[1]
    titles = {cell.key: f"{terms.condition(cell.condition)}, split {cell.split}" for cell in result.cells}
    return [
        ShownLists(cell, titles.get(cell.cell, cell.cell), [_list(one, cell, sounds) for one in cell.rankings])
        for cell in (kept.cells if kept else [])
        if cell.rankings
    ]


def _list(one: RankedList, cell: CellLists, sounds: Mapping[tuple[str, str], ClipSounds]) -> ShownList:
    def sound(name: str) -> ClipSounds | None:
        return sounds.get((cell.cell, name))

    texts = cell.direction == "audio to text"
    return ShownList(
        one,
        anchor(f"ranking/{cell.cell}/{cell.direction}/{one.query}/{one.why}"),
        [ShownItem(place, None if texts else sound(place.name)) for place in one.places],
        sound(one.query) if texts else None,
    )
