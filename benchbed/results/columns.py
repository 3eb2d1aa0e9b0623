"""Figures of a record as columns: what many figures share is held once, and each is three numbers beside it.

A record of 131 conditions has a thousand figures, whose rules, units and notes are a few dozen texts. Runs of a suite
have the same figures of the same things, so that all but the numbers is one text, read once for all of them; runs that
are read together (`Shared`) have one set of texts, conditions and counts. A board asks for a tenth of the figures of
devices and classes, which are made when they are asked for (`benchbed.results.later`).
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import nan
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from benchbed.results.later import Later
from benchbed.results.record import Cell, Value

Held = TypeVar("Held")

#: What figures have of their own; the others are shared by many.
OWN = ("value", "low", "high")
#: Numbers among what is shared, in front of the texts.
_COUNTS = ("n", "of")
_TEXTS = tuple(name for name in Value.model_fields if name not in (*OWN, *_COUNTS))
_GIVEN = set(Value.model_fields)
_CELL = set(Cell.model_fields)
#: Place of a text that is not there; the first text has the next.
_NONE = 0


class Shared:
    """What records that are read together have in common, held once.

    Parameters
    ----------
    later : bool
        Figures of devices, classes and other groups are made when they are asked for: of many records, of which few are
        asked for. Such records are read, and not written.

    Examples
    --------
    >>> shared = Shared()
    >>> shared.text("".join(["no", "ise"])) is shared.text("".join(["noi", "se"]))
    True
    """

    def __init__(self, *, later: bool = False) -> None:
        self.later = later
        self._texts: dict[str, str] = {}
        self._made: dict[tuple[str, str], Any] = {}

    def text(self, text: str) -> str:
        """The first text that was equal to this one."""
        return self._texts.setdefault(text, text)

    def made(self, kind: str, told: str, make: Callable[[str], Held]) -> Held:
        """What was made of the same words before, or is made of them now; nobody may change it."""
        key = kind, told
        if key not in self._made:
            self._made[key] = make(told)
        found: Held = self._made[key]
        return found


class FigureLayout(BaseModel):
    """What figures are of, without their numbers: mostly one text for all runs of a suite.

    Attributes
    ----------
    texts : list of str
        Every text once; others name them by their place, the first by 1, and 0 is none.
    frames : list of str
        Each cell without its figures, as JSON.
    places : list of (int, int, int)
        Number of a cell, or −1 for figures over cells; text of a group, or 0 for all clips; figures that stand there.
    told : list of list of int or None
        What some figures share: clips behind them and clips that should be, then texts.
    names, shared : list of int
        Of each figure the text of its name, and what it shares.
    """

    model_config = ConfigDict(extra="forbid")
    texts: list[str]
    frames: list[str]
    places: list[tuple[int, int, int]]
    told: list[list[int | None]]
    names: list[int]
    shared: list[int]


class FigureColumns(BaseModel):
    """The figures over cells of a record and its cells, as they are stored.

    Attributes
    ----------
    layout : str
        `FigureLayout` as JSON, deflated, in base 64: it is opened once for all runs that have the same.
    numbers : str
        Values of all figures, then lower and upper ends of their intervals: little-endian doubles in base 64, not a
        number where there is none.
    """

    model_config = ConfigDict(extra="forbid")
    layout: str
    numbers: str


def columns_of(scores: Mapping[str, Value], cells: list[Cell]) -> FigureColumns:
    """Figures as columns; tables of cells are left out.

    Examples
    --------
    >>> one = Value(value=0.5, n=8, direction="higher", unit="fraction", rule="accuracy")
    >>> scores, cells = figures_of(columns_of({"accuracy": one, "again": one}, []), Shared())
    >>> scores["again"] == one, scores["again"].rule is scores["accuracy"].rule
    (True, True)
    """
    texts: dict[str, int] = {}
    told: dict[tuple[int | None, ...], int] = {}
    made = FigureLayout(texts=[], frames=[], places=[], told=[], names=[], shared=[])
    own: list[Value] = []

    def text(words: str | None) -> int:
        return _NONE if words is None else texts.setdefault(words, len(texts) + 1)

    for place, group, figures in _all(scores, cells):
        made.places.append((place, text(group), len(figures)))
        for name, value in figures.items():
            common = (value.n, value.of, *(text(getattr(value, part)) for part in _TEXTS))
            made.names.append(text(name))
            made.shared.append(told.setdefault(common, len(told)))
            own.append(value)
    made.frames = [cell.model_dump_json(exclude=_FIGURES, exclude_defaults=True) for cell in cells]
    made.texts, made.told = [*texts], [[*common] for common in told]
    parts = [[nan if (part := getattr(value, name)) is None else part for value in own] for name in OWN]
    numbers = base64.b64encode(np.array(parts, "<f8").tobytes()).decode()
    return FigureColumns(layout=pack_layout(made), numbers=numbers)


def pack_layout(layout: FigureLayout) -> str:
    """A layout as it is stored."""
    return base64.b64encode(zlib.compress(layout.model_dump_json().encode())).decode()


def unpack_layout(text: str) -> FigureLayout:
    """A layout that was stored.

    Raises
    ------
    ValueError
        It is not what `pack_layout` makes.
    """
    try:
        return FigureLayout.model_validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except zlib.error as error:
        raise ValueError("not a layout") from error


_FIGURES = {"metrics", "groups", "matrices"}


def _all(scores: Mapping[str, Value], cells: list[Cell]) -> Iterator[tuple[int, str | None, Mapping[str, Value]]]:
    yield -1, None, scores
    for place, cell in enumerate(cells):
        yield place, None, cell.metrics
        for group, figures in cell.groups.items():
            yield place, group, figures


def figures_of(columns: FigureColumns, shared: Shared) -> tuple[dict[str, Value], list[Cell]]:
    """The figures over cells, and the cells, as they were.

    Parameters
    ----------
    columns : FigureColumns
    shared : Shared
        What other records have already; it learns what this one has.

    Raises
    ------
    ValidationError, ValueError, IndexError
        They are not what `columns_of` makes.
    """
    layout = shared.made("layout", columns.layout, lambda text: _Layout(text, shared))
    figures = _Figures(layout.told, np.frombuffer(base64.b64decode(columns.numbers, validate=True), "<f8"))
    scores: dict[str, Value] = {}
    cells = [_cell(frame) for frame in layout.frames]
    for place, group, numbers in layout.places:
        if group is not None:
            later = Later(numbers, figures.figure, figures.glance)
            cells[place].groups[group] = later if shared.later else dict(later)
            continue
        held = scores if place < 0 else cells[place].metrics
        held.update({name: figures.figure(number) for name, number in numbers.items()})
    return scores, cells


def words_of(columns: FigureColumns, shared: Shared) -> tuple[str, ...]:
    """Texts of the figures and cells, some of them within a text of JSON, that could name a place: others have no
    slash in them."""
    return shared.made("layout", columns.layout, lambda text: _Layout(text, shared)).words


class _Layout:
    """A layout that was read.

    Attributes
    ----------
    told : list of tuple
        What each figure shares with others.
    frames : list of Cell
        Cells without figures.
    places : list of (int, str or None, dict of str to int)
        Number of a cell, or −1; a group, or None for all clips; names of the figures that stand there, and the number
        of each.
    """

    def __init__(self, text: str, shared: Shared) -> None:
        held = unpack_layout(text)
        texts: list[str | None] = [None, *(shared.text(text) for text in held.texts)]
        told: list[tuple[Any, ...]] = [
            (*common[:2], *(texts[_NONE if at is None else at] for at in common[2:])) for common in held.told
        ]
        self.told = [told[common] for common in held.shared]
        self.frames = [shared.made("cell", frame, _frame) for frame in held.frames]
        self.places: list[tuple[int, str | None, dict[str, int]]] = []
        names = iter(zip(held.names, range(len(held.shared)), strict=True))
        for place, group, count in held.places:
            numbers = {str(texts[name]): number for name, number in islice(names, count)}
            if len(numbers) != count or place >= len(self.frames):
                raise ValueError("figures are missing, or of no cell")
            self.places.append((place, texts[group], numbers))
        if next(names, None) is not None:
            raise ValueError("figures have no place")
        self.words = tuple(text for text in (*held.texts, *held.frames) if "/" in text or "\\" in text)


class _Figures:
    """The figures of one record by their number."""

    def __init__(self, told: list[tuple[Any, ...]], numbers: np.ndarray) -> None:
        if len(numbers) != len(OWN) * len(told):
            raise ValueError(f"{len(numbers)} numbers of {len(told)} figures")
        self.told, self.numbers, self.count = told, numbers, len(told)

    def figure(self, number: int) -> Value:
        at = self.numbers.item
        value, low, high = at(number), at(number + self.count), at(number + 2 * self.count)
        # What is not equal to itself is not a number, which stands for none.
        ends = None if low != low else low, None if high != high else high
        return _value(None if value != value else value, *ends, *self.told[number])

    def glance(self, number: int) -> tuple[int, float | None]:
        """Clips and value of a figure."""
        value = self.numbers.item(number)
        return self.told[number][0], None if value != value else value


def _frame(text: str) -> Cell:
    return Cell.model_validate_json(f'{{"metrics":{{}},{text[1:]}')


def _cell(frame: Cell) -> Cell:
    made = Cell.__new__(Cell)
    for name, field in frame.__dict__.items():
        _set(made, name, field)
    _set(made, "metrics", {})
    _set(made, "groups", {})
    return _closed(made, _CELL)


def _value(
    value: float | None,
    low: float | None,
    high: float | None,
    n: int,
    of: int | None,
    direction: str,
    unit: str,
    rule: str,
    title: str | None,
    scope: str | None,
    interval: str | None,
    reason: str | None,
    note: str | None,
) -> Value:
    """A figure whose fields are as they should be, made in a third of the time that pydantic takes."""
    made = Value.__new__(Value)
    fields = {
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "of": of,
        "direction": direction,
        "unit": unit,
        "rule": rule,
        "title": title,
        "scope": scope,
        "interval": interval,
        "reason": reason,
        "note": note,
    }
    _set(made, "__dict__", fields)
    return _closed(made, _GIVEN)


Made = TypeVar("Made", bound=BaseModel)
_set = object.__setattr__


def _closed(made: Made, given: set[str]) -> Made:
    """What pydantic holds of each object beside its fields."""
    _set(made, "__pydantic_fields_set__", given)
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made
