"""Figures of a record as columns: what many figures share is held once, and each is three numbers beside it.

A record of 131 conditions has a thousand figures, whose rules, units and notes are a few dozen texts. As columns they
are read in a tenth of the time; and runs of a suite that are read together (`Shared`) have one set of texts, conditions
and counts among all of them, in a quarter of the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

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

    Examples
    --------
    >>> shared = Shared()
    >>> shared.text("".join(["no", "ise"])) is shared.text("".join(["noi", "se"]))
    True
    """

    def __init__(self) -> None:
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


class FigureColumns(BaseModel):
    """The figures over cells of a record and its cells, as they are stored.

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
    value, low, high : list of float or None
        Of each figure.
    """

    model_config = ConfigDict(extra="forbid")
    texts: list[str]
    frames: list[str]
    places: list[tuple[int, int, int]]
    told: list[list[int | None]]
    names: list[int]
    shared: list[int]
    value: list[float | None]
    low: list[float | None]
    high: list[float | None]


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
    made = FigureColumns(texts=[], frames=[], places=[], told=[], names=[], shared=[], value=[], low=[], high=[])

    def text(words: str | None) -> int:
        return _NONE if words is None else texts.setdefault(words, len(texts) + 1)

    for place, group, figures in _all(scores, cells):
        made.places.append((place, text(group), len(figures)))
        for name, value in figures.items():
            common = (value.n, value.of, *(text(getattr(value, part)) for part in _TEXTS))
            made.names.append(text(name))
            made.shared.append(told.setdefault(common, len(told)))
            for part in OWN:
                getattr(made, part).append(getattr(value, part))
    made.frames = [cell.model_dump_json(exclude=_FIGURES, exclude_defaults=True) for cell in cells]
    made.texts, made.told = [*texts], [[*common] for common in told]
    return made


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
    ValidationError, IndexError
        They are not what `columns_of` makes.
    """
    texts: list[str | None] = [None, *(shared.text(text) for text in columns.texts)]
    told: list[tuple[Any, ...]] = [
        (*common[:2], *(texts[_NONE if at is None else at] for at in common[2:])) for common in columns.told
    ]
    figures = zip(columns.names, columns.shared, columns.value, columns.low, columns.high, strict=True)
    scores: dict[str, Value] = {}
    cells = [_cell(shared.made("cell", frame, _frame)) for frame in columns.frames]
    for place, group, count in columns.places:
        held = scores if place < 0 else cells[place].metrics
        if group != _NONE:
            held = cells[place].groups.setdefault(str(texts[group]), {})
        for name, common, value, low, high in islice(figures, count):
            held[str(texts[name])] = _value(value, low, high, *told[common])
    return scores, cells


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
    """A figure whose fields are as they should be. Set one by one, Python holds their names once for all objects: in a
    quarter of the memory, and a third of the time, of what pydantic makes."""
    made = Value.__new__(Value)
    _set(made, "value", value)
    _set(made, "low", low)
    _set(made, "high", high)
    _set(made, "n", n)
    _set(made, "of", of)
    _set(made, "direction", direction)
    _set(made, "unit", unit)
    _set(made, "rule", rule)
    _set(made, "title", title)
    _set(made, "scope", scope)
    _set(made, "interval", interval)
    _set(made, "reason", reason)
    _set(made, "note", note)
    return _closed(made, _GIVEN)


Made = TypeVar("Made", bound=BaseModel)
_set = object.__setattr__


def _closed(made: Made, given: set[str]) -> Made:
    """What pydantic holds of each object beside its fields."""
    _set(made, "__pydantic_fields_set__", given)
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made
