"""Tables taken from a page, as CSV, LaTeX (booktabs) and Markdown.

In CSV every figure is a plain number with its unit and the ends of its interval in columns of their own; LaTeX and
Markdown are as the page prints it. Figures of conditions have a row each with the strength of the condition and its
unit as columns, so that a curve can be drawn from the file. `templates/taken.js` does the same in the page.
"""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchbed.report.exports import escape_latex, escape_markdown, inert
from benchbed.report.figures import number
from benchbed.report.markup import classes, words
from benchbed.report.pieces import Piece

_ENDS = re.compile(r"^\[(\S+), (\S+)\]$")
#: Parts of a cell that are not its figure.
_BESIDE = frozenset({"vh", "arrow"})
#: Columns of conditions that LaTeX and Markdown show, with their headings.
_SHOWN = {"condition": "Condition", "severity": "Step", "parameter": "Parameter", "parameter_unit": "Unit"}


@dataclass(frozen=True)
class Heading:
    """One column of a table in a page."""

    place: int
    printed: str
    label: str
    number: bool
    unit: str


def csv_of(piece: Piece) -> str:
    """A table, or what a chart of conditions is drawn from, as CSV; a text that looks like a formula is quoted."""
    rows = piece.rows if piece.rows is not None else _plain(piece.element)
    made = io.StringIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(made, fieldnames=names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: inert(_short(value)) for name, value in row.items()} for row in rows)
    return made.getvalue()


def _short(value: Any) -> Any:
    """A whole number without a point, as the page's script writes it."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def markdown_of(piece: Piece) -> str:
    """The same as a Markdown table."""
    head, rows, numbers = _printed(piece)
    lines = [[escape_markdown(text) for text in line] for line in (head, *rows)]
    rule = ["---:" if right else "---" for right in numbers]
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))


def latex_of(piece: Piece) -> str:
    """The same as a LaTeX table of the package booktabs."""
    head, rows, numbers = _printed(piece)
    lines = [rf"\begin{{tabular}}{{{''.join('r' if right else 'l' for right in numbers)}}}", r"\toprule"]
    lines += [" & ".join(map(escape_latex, head)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(escape_latex, row)) + r" \\" for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", f"% {piece.title}"]) + "\n"


def headings(table: ET.Element) -> list[Heading]:
    """The columns of a table, without those that are drawings."""
    head = table.find("thead")
    cells = list(head[0]) if head is not None and len(head) else []
    return [
        Heading(
            place,
            words(cell),
            cell.get("data-label") or words(cell),
            cell.get("data-type") == "number" or "num" in classes(cell),
            cell.get("data-unit") or "",
        )
        for place, cell in enumerate(cells)
        if "draw" not in classes(cell)
    ]


def body(table: ET.Element) -> list[list[ET.Element]]:
    """The rows of a table."""
    return [list(row) for part in table.iter("tbody") for row in part if row.tag == "tr"]


def _plain(table: ET.Element) -> list[dict[str, Any]]:
    columns, rows = headings(table), body(table)
    bounded = {c.place for c in columns if any(_ends(row[c.place]) for row in rows if c.place < len(row))}
    whole = table.get("data-unit")
    return [_row(row, columns, bounded) | ({"unit": whole} if whole else {}) for row in rows]


def _row(row: Sequence[ET.Element], columns: Sequence[Heading], bounded: set[int]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for column in columns:
        cell = row[column.place] if column.place < len(row) else ET.Element("td")
        name = column.label
        while name in held:
            name += " (again)"
        raw = cell.get("data-v") if column.number else None
        held[name] = _number(_figure(cell)) if raw is None else raw
        if column.place in bounded:
            ends = _ends(cell) or ("", "")
            held |= {
                f"{name} {end}": _scaled(text, column.unit) for end, text in zip(("low", "high"), ends, strict=True)
            }
        if column.unit:
            held[f"{name} unit"] = column.unit
    return held


def _figure(cell: ET.Element) -> str:
    """The text of a cell without its interval."""
    text, beside = words(cell, _BESIDE), _beside(cell)
    return text.removesuffix(beside).strip() if _ends(cell) else text


def _beside(cell: ET.Element) -> str:
    small = [part for part in cell.iter("i") if part is not cell]
    return words(small[0], frozenset()) if small else ""


def _ends(cell: ET.Element) -> tuple[str, str] | None:
    match = _ENDS.match(_beside(cell))
    return (match[1], match[2]) if match else None


def _number(text: str) -> str:
    """A printed number as a program reads it; any other text as it is."""
    plain = text.replace("−", "-").replace(",", "")
    return plain if re.fullmatch(r"[+-]?\d+(\.\d+)?", plain) else "" if text == "–" else text


def _scaled(text: str, unit: str) -> str:
    """An end of an interval, which pages print in per cent where the unit is a fraction."""
    plain = _number(text)
    return f"{float(plain) / 100:.6g}" if unit == "fraction" and plain and plain[-1].isdigit() else plain


def _printed(piece: Piece) -> tuple[list[str], list[list[str]], list[bool]]:
    if piece.rows is not None:
        return _conditions(piece.rows)
    columns = headings(piece.element)
    rows = [
        [words(row[c.place], frozenset({"vh", "arrow"})) if c.place < len(row) else "" for c in columns]
        for row in body(piece.element)
    ]
    return [column.printed for column in columns], rows, [column.number for column in columns]


def _conditions(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[list[str]], list[bool]]:
    """Conditions with their strengths and units, and a column for each metric."""
    metrics = {row["metric"]: row for row in rows}
    head = [*_SHOWN.values(), *(_metric(name, row) for name, row in metrics.items())]
    cells: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        cells.setdefault(str(row["cell"]), []).append(row)
    printed = []
    for held in cells.values():
        by_metric = {row["metric"]: row for row in held}
        place = [_text(held[0][name]) for name in _SHOWN]
        printed.append(place + [_value(by_metric.get(name)) for name in metrics])
    return head, printed, [False, True, True, False, *(True for _ in metrics)]


def _metric(name: str, row: Mapping[str, Any]) -> str:
    unit = {"fraction": ", %", "": "", "score": "", None: ""}.get(row["unit"], f", {row['unit']}")
    spelled = name.replace("_", " ").replace(":", ": ")
    return f"{spelled[:1].upper()}{spelled[1:]}{unit} {'↑' if row['direction'] == 'higher' else '↓'}"


def _value(row: Mapping[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "–"
    unit = row["unit"] or ""
    text = number(row["value"], unit, with_unit=False)
    if row["low"] is None or row["high"] is None:
        return text
    return f"{text} [{number(row['low'], unit, with_unit=False)}, {number(row['high'], unit, with_unit=False)}]"


def _text(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
