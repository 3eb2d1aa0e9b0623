"""Charts and tables of a page, each under a name, so that any of them can be taken away alone.

The page itself is what is taken apart: whatever it shows can be exported, under the caption that it has there, from the
command line and from Python as from the page.
"""

from __future__ import annotations

import copy
import json
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from benchbed.errors import ConfigError, did_you_mean
from benchbed.report import carried
from benchbed.report.folding import unfolded
from benchbed.report.island import unpack
from benchbed.report.markup import classes, tree, words
from benchbed.results.record import Result

#: Names that are listed where a wrong one is given.
LISTED = 60
#: Columns of what a chart of conditions is drawn from.
COLUMNS = (
    "model",
    "dataset",
    "cell",
    "task",
    "split",
    "kind",
    "condition",
    "family",
    "severity",
    "parameter",
    "parameter_unit",
    "achieved",
    "metric",
    "value",
    "low",
    "high",
    "unit",
    "n",
    "direction",
    "rule",
)


@dataclass(frozen=True)
class Piece:
    """One chart or table.

    Attributes
    ----------
    name : str
        What it is asked by: its caption in small letters.
    title : str
        Its caption.
    drawn : bool
        It is a drawing, or a table with one in it.
    element : xml.etree.ElementTree.Element
        The figure, table or drawing.
    rows : list of dict, optional
        The figures of conditions that it is drawn from, one a row.
    """

    name: str
    title: str
    drawn: bool
    element: ET.Element
    rows: list[dict[str, Any]] | None

    @property
    def tabled(self) -> bool:
        """It has rows and columns."""
        return self.rows is not None or self.element.tag == "table"

    @property
    def forms(self) -> tuple[str, ...]:
        """Endings of the files that it can be saved as."""
        pictures = ("svg", "png") if self.drawn else ()
        return pictures + (("csv", "tex", "md") if self.tabled else ())


def pieces(page: str, data: list[dict[str, Any]] | None = None) -> list[Piece]:
    """Every chart and table of a page, in its order; those in folded parts, too.

    Parameters
    ----------
    page : str
        The page, or a part of one.
    data : list of dict, optional
        Figures that charts of conditions are drawn from; by default those that the page carries.
    """
    top = tree(unfolded(page))
    data = _data(top) if data is None else data
    parents = {child: parent for parent in top.iter() for child in parent}
    found: list[Piece] = []
    taken: dict[str, int] = {}
    for element, title, drawn in _captioned(top, parents):
        if (keys := element.get("data-keys")) is not None:
            # What the numbers of many models stand for is said once for several charts; each takes it along.
            element.extend(copy.deepcopy(part) for part in top.iter() if part.get("id") == keys)
        name = slug(title)
        taken[name] = taken.get(name, 0) + 1
        name = name if taken[name] == 1 else f"{name}-{taken[name]}"
        found.append(Piece(name, title, drawn, element, _rows(element, data)))
    return found


def choose(held: Sequence[Piece], name: str, also: Sequence[str] = ()) -> Piece:
    """The piece of a name.

    Parameters
    ----------
    held : sequence of Piece
    name : str
    also : sequence of str
        Other names that could have been given, for the message.

    Raises
    ------
    ConfigError
        There is none; the message lists those that there are.
    """
    for piece in held:
        if name in (piece.name, piece.title):
            return piece
    names = [*also, *(piece.name for piece in held)]
    near = did_you_mean(name, names)
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    listed = f"there are: {', '.join(names[:LISTED])}{more}" if names else "this page has neither charts nor tables"
    raise ConfigError(f"no chart or table '{name}'", hint=f"{near}; {listed}" if near else listed)


def carried_rows(page: str) -> list[dict[str, Any]]:
    """Every figure that a page carries, one a row."""
    return _data(tree(page))


def condition(key: str, rows: list[dict[str, Any]]) -> Piece:
    """All figures of one condition as a table."""
    return Piece(slug(key), key, False, ET.Element("table"), rows)


def slug(title: str) -> str:
    """A caption as a name.

    Examples
    --------
    >>> slug("Macro accuracy, %: scene, split test"), slug("PSD-ROC")
    ('macro-accuracy-scene-split-test', 'psd-roc')
    """
    text = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:80].strip("-") or "piece"


def _captioned(top: ET.Element, parents: Mapping[ET.Element, ET.Element]) -> Iterator[tuple[ET.Element, str, bool]]:
    for element in top.iter():
        if element.tag == "figure" and (svg := _drawing(element)) is not None:
            caption = element.find("figcaption")
            yield element, (words(caption) if caption is not None else "") or _titled(svg), True
        elif element.tag == "svg" and element.get("role") == "img" and not _inside(element, parents, "figure"):
            yield element, _titled(element), True
        elif element.tag == "table" and element.find("tbody") is not None:
            caption = element.find("caption")
            around = _inside(element, parents, "div")
            label = around.get("aria-label") if around is not None else None
            strips = any("strip" in classes(part) for part in element.iter("svg"))
            title = element.get("data-name") or (_said(caption) if caption is not None else "") or label or "Table"
            yield element, title, strips or "heat" in classes(element)


def _said(caption: ET.Element) -> str:
    return words(caption, frozenset())


def _drawing(element: ET.Element) -> ET.Element | None:
    return next((part for part in element.iter("svg") if part.get("role") == "img"), None)


def _titled(svg: ET.Element) -> str:
    title = svg.find("title")
    return (title.text or "") if title is not None else "Chart"


def _inside(element: ET.Element, parents: Mapping[ET.Element, ET.Element], tag: str) -> ET.Element | None:
    held = parents.get(element)
    while held is not None and held.tag != tag:
        held = parents.get(held)
    return held


def _data(top: ET.Element) -> list[dict[str, Any]]:
    """The figures that a page carries, as rows."""
    element = next((part for part in top.iter("script") if part.get("id") == "data"), None)
    data = json.loads(unpack(element.text)) if element is not None and element.text else {}
    if not isinstance(data, dict):
        return []  # published figures, which no chart is drawn from
    if data.get("format") == carried.FORMAT:
        return carried.rows(data)
    if "cells" in data:
        return record_rows(Result.model_validate(data))
    return []


def record_rows(record: Result) -> list[dict[str, Any]]:
    """Every figure of a record, one a row, with the names of model and data."""
    head = {"model": record.model.name, "dataset": record.dataset.name}
    return [head | row for row in carried.flat(record)]


def _rows(element: ET.Element, data: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    of = next((part.get("data-of") for part in element.iter() if part.get("data-of")), None)
    if of is None:
        return None
    wanted = dict(parse_qsl(of, keep_blank_values=True))
    return [{name: row.get(name) for name in COLUMNS} for row in data if matches(row, wanted)]


def matches(row: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """A row belongs to a chart: what the chart says of its rows is true of it, or it is the clean figure beside them.

    Examples
    --------
    >>> noise = {"kind": "corruption", "family": "noise", "split": "test", "metric": "m", "group": None}
    >>> clean = noise | {"kind": "clean", "family": None}
    >>> [matches(row, {"family": "noise", "split": "test", "metric": "m"}) for row in (noise, clean)]
    [True, True]
    >>> matches(noise, {"family": "codec"})
    False
    """
    if row.get("group") is not None:
        return False
    clean = row.get("kind") == "clean"
    return all(
        _text(row.get(name)) == value
        for name, value in wanted.items()
        if not (clean and name in ("kind", "family", "parameter_unit"))
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
