"""The figures of a run column by column: what a page carries of a record that is too long to be carried whole.

Figures that share metric, rule, unit and direction are one block of columns, so that a hundred and thirty conditions
pack to a few kilobytes. Values have seven digits, ends of
intervals five, whole numbers all. `rows` makes the flat rows
again that a download holds; the page's script does the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from benchbed.results.record import Cell, Result, Value

#: What tells a reader that this is not a record.
FORMAT = "figures"
#: Columns that say what was done to the audio.
PLACE = (
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
)
#: Columns of a figure.
FIGURE = ("value", "low", "high", "n", "direction", "unit", "rule", "interval", "reason")


def flat(result: Result) -> Iterator[dict[str, Any]]:
    """Every figure of a record as a flat row: over the run, of each cell, and of each of its groups.

    Returns
    -------
    iterator of dict
        Columns `PLACE`, `group`, `metric`, and `FIGURE`. `parameter` is the strength of the condition in
        `parameter_unit`, `achieved` the median of what was measured.
    """
    for name, value in result.scores.items():
        yield {**dict.fromkeys(PLACE), "group": None, "metric": name, **_figure(value)}
    for cell in result.cells:
        yield from cell_rows(cell)


def cell_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """The rows of one cell."""
    place = where(cell)
    for group, values in (("", cell.metrics), *cell.groups.items()):
        for name, value in values.items():
            yield {**place, "group": group or None, "metric": name, **_figure(value)}


def where(cell: Cell) -> dict[str, Any]:
    """What was done to the audio of a cell, one column each."""
    what = cell.condition
    parameter = what.parameter
    if isinstance(parameter, dict):
        parameter = "; ".join(f"{key} {value}" for key, value in parameter.items())
    elif isinstance(parameter, list | tuple):
        parameter = "; ".join(map(str, parameter))
    measured = (what.achieved or {}).get("median")
    return {
        "cell": cell.key,
        "task": cell.task,
        "split": cell.split,
        "kind": what.kind,
        "condition": what.name,
        "family": what.group,
        "severity": what.severity,
        "parameter": parameter,
        "parameter_unit": what.unit,
        "achieved": measured,
    }


def figures(result: Result) -> dict[str, Any]:
    """The columns that a page carries, without groups."""
    cells = result.cells
    blocks: dict[tuple[Any, ...], dict[str, Any]] = {}
    for place, name, value in _all(result):
        shared = (name, value.unit, value.direction, value.rule, value.interval, value.reason)
        block = blocks.setdefault(
            shared,
            {**_told(name, value), "at": [], "value": [], "low": [], "high": [], "n": []},
        )
        for column, entry in zip(
            ("at", "value", "low", "high", "n"),
            (place, _short(value.value, 7), _short(value.low), _short(value.high), value.n),
            strict=True,
        ):
            block[column].append(entry)
    for block in blocks.values():
        for column in ("low", "high"):
            if all(entry is None for entry in block[column]):
                del block[column]
        if len(set(block["n"])) == 1:
            block["n"] = block["n"][0]
    places = [where(cell) for cell in cells]
    return {
        "format": FORMAT,
        "model": result.model.name,
        "suite": result.suite.name,
        "dataset": result.dataset.name,
        "synthetic": result.dataset.synthetic,
        "limit": result.dataset.limit,
        "cells": {name: [place[name] for place in places] for name in PLACE},
        "blocks": list(blocks.values()),
    }


def rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The flat rows again, as the page's script makes them."""
    held = []
    for block in data["blocks"]:
        told = {name: block.get(name) for name in ("direction", "unit", "rule", "interval", "reason")}
        for index, cell in enumerate(block["at"]):
            place = {name: None if cell < 0 else column[cell] for name, column in data["cells"].items()}
            figure = {name: block[name][index] if name in block else None for name in ("value", "low", "high")}
            n = block["n"][index] if isinstance(block["n"], list) else block["n"]
            head = {"model": data["model"], "dataset": data["dataset"]}
            held.append({**head, **place, "group": None, "metric": block["metric"], **figure, "n": n, **told})
    return held


def _all(result: Result) -> Iterator[tuple[int, str, Value]]:
    for name, value in result.scores.items():
        yield -1, name, value
    for index, cell in enumerate(result.cells):
        for name, value in cell.metrics.items():
            yield index, name, value


def _told(name: str, value: Value) -> dict[str, Any]:
    told = {"metric": name, "unit": value.unit, "direction": value.direction, "rule": value.rule}
    told |= {"interval": value.interval} if value.interval else {}
    return told | ({"reason": value.reason} if value.reason else {})


def _figure(value: Value) -> dict[str, Any]:
    return {name: getattr(value, name) for name in FIGURE}


def _short(figure: float | None, digits: int = 5) -> float | None:
    if figure is None or not math.isfinite(figure):
        return None
    return figure if figure.is_integer() else float(f"{figure:.{digits}g}")
