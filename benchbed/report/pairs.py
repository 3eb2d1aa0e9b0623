"""Every model against every other one: a matrix of differences, and the first model against the others as a forest."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from markupsafe import Markup, escape

from benchbed.report import terms
from benchbed.report.charts.draw import domain
from benchbed.report.charts.families import family_dot
from benchbed.report.charts.forest import ForestRow, forest
from benchbed.report.figures import bounds, p_value, signed
from benchbed.results.comparison import MatrixRecord
from benchbed.results.record import Value

_MARKS = {"win": "▲", "loss": "▼", "tie": "", "unmeasured": ""}
_TURNED = {"win": "loss", "loss": "win", "tie": "tie", "unmeasured": "unmeasured"}
_WORDS = {"win": "better", "loss": "worse", "tie": "not shown to differ", "unmeasured": "could not be measured"}


def heading(matrix: MatrixRecord) -> str:
    """What the pairs of a matrix are compared in.

    Examples
    --------
    >>> made = dict(condition="clean", unit="fraction", direction="higher", names=["a", "b"], entries=[])
    >>> heading(MatrixRecord(metric="accuracy", title="Accuracy", **made))
    'Accuracy on clean audio, points'
    >>> heading(MatrixRecord(metric="accuracy", title="Accuracy", group="devices=unseen", **made))
    'Accuracy on clean audio, unseen devices, points'
    """
    family, member = terms.group(matrix.group) if matrix.group else ("", "")
    where = " on clean audio" if matrix.condition == "clean" else ""
    part = f", {member} {family}" if family else ""
    unit = "points" if matrix.unit == "fraction" else matrix.unit
    return f"{matrix.title}{where}{part}{', ' + unit if unit else ''}"


def pair_table(matrix: MatrixRecord, identity: str, families: Mapping[str, str] = MappingProxyType({})) -> Markup:
    """The matrix as a table: row − column, with a mark where a difference was shown; `families` of the names."""
    cells = _both_ways(matrix)
    dots = {name: family_dot(families[name]) if name in families else "" for name in matrix.names}
    head = "".join(f'<th scope="col"><span>{dots[name]}<bdi>{escape(name)}</bdi></span></th>' for name in matrix.names)
    rows = []
    for name in matrix.names:
        drawn = "".join(_cell(cells.get((name, other)), matrix) for other in matrix.names)
        rows.append(f'<tr><th scope="row">{dots[name]}<bdi>{escape(name)}</bdi></th>{drawn}</tr>')
    caption = escape(f"{heading(matrix)}: row − column")
    upright = " upright" if len(matrix.names) > 4 else ""
    return Markup(
        f'<div class="scroll" tabindex="0" role="group" aria-label="{caption}">'
        f'<table class="heat pairs{upright}" id="{escape(identity)}"><caption>{caption}</caption><thead><tr>'
        f'<th scope="col" class="corner">row − column</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody>'
        "</table></div>"
    )


def first_against(
    matrix: MatrixRecord, identity: str, families: Mapping[str, str] = MappingProxyType({})
) -> Markup | None:
    """The first model against every other one as a forest plot; none where nothing could be measured."""
    cells, first = _both_ways(matrix), matrix.names[0]
    rows = []
    for name in matrix.names[1:]:
        entry = cells.get((first, name))
        if entry is not None:
            rows.append(
                ForestRow(
                    f"− {name}",
                    _value(entry, matrix),
                    {"win": "better", "loss": "worse"}.get(entry.verdict, ""),
                    families.get(name),
                )
            )
    if not any(row.value.value is not None for row in rows):
        return None
    parts = [part for row in rows for part in (row.value.value, row.value.low, row.value.high)]
    ends = domain([*parts, 0.0], matrix.unit, near=True)
    return forest(
        identity,
        f"{first} against the others: {heading(matrix)}",
        rows,
        ends,
        sides=ordered_sides(first, "the other", [matrix.direction]),
        axis=heading(matrix),
        families=ordered_families(families.get(first), None, [matrix.direction]),
    )


def ordered_sides(a: str, b: str, directions: Collection[str]) -> tuple[str, str]:
    """What lies left and right of nothing in a difference a − b; of metrics that point both ways, who is higher.

    Examples
    --------
    >>> ordered_sides("a", "b", ["higher"]), ordered_sides("a", "b", ["lower"])
    (('b better', 'a better'), ('a better', 'b better'))
    >>> ordered_sides("a", "b", ["higher", "lower"])
    ('b higher', 'a higher')
    """
    if len(set(directions)) > 1:
        return f"{b} higher", f"{a} higher"
    words = (f"{b} better", f"{a} better")
    return words if "higher" in directions else words[::-1]


def ordered_families(a: str | None, b: str | None, directions: Collection[str]) -> tuple[str | None, str | None]:
    """Families of who stands left and right of nothing, as `ordered_sides` names them.

    Examples
    --------
    >>> ordered_families("cnn", "ssl", ["higher"]), ordered_families("cnn", None, ["lower"])
    (('ssl', 'cnn'), ('cnn', None))
    """
    return (b, a) if "higher" in directions else (a, b)


class _Difference(NamedTuple):
    """One cell of a matrix, row − column: what its entry says, in one order of its models or the other."""

    a: str
    b: str
    value: float | None
    low: float | None
    high: float | None
    p_adjusted: float | None
    verdict: str
    reason: str | None


def _both_ways(matrix: MatrixRecord) -> Mapping[tuple[str, str], _Difference]:
    """The entries under both orders of their names."""
    cells = {}
    for entry in matrix.entries:
        told = entry.p_adjusted, entry.verdict, entry.reason
        cells[entry.a, entry.b] = _Difference(entry.a, entry.b, entry.value, entry.low, entry.high, *told)
    for entry in matrix.entries:
        # A sign is turned here, nothing is computed: b − a has the ends of a − b with the other sign.
        turned = _minus(entry.value), _minus(entry.high), _minus(entry.low)
        cells[entry.b, entry.a] = _Difference(
            entry.b, entry.a, *turned, entry.p_adjusted, _TURNED[entry.verdict], entry.reason
        )
    return cells


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _value(entry: _Difference, matrix: MatrixRecord) -> Value:
    return Value(
        value=entry.value,
        low=entry.low,
        high=entry.high,
        n=0,
        direction=matrix.direction,
        unit=matrix.unit,
        rule=f"difference {entry.a} − {entry.b}",
        reason=entry.reason,
    )


def _cell(entry: _Difference | None, matrix: MatrixRecord) -> str:
    if entry is None:
        return '<td class="self">·</td>'
    said = _WORDS[entry.verdict]
    if entry.value is None:
        return f'<td class="none" title="{escape(f"{entry.a} − {entry.b}: {entry.reason or said}")}">–</td>'
    shown = signed(entry.value, matrix.unit)
    told = f"{entry.a} − {entry.b}: {shown} {bounds(entry.low, entry.high, matrix.unit)}".strip()
    full = escape(f"{told}, corrected p {p_value(entry.p_adjusted)}: {said}")
    mark = _MARKS[entry.verdict]
    spoken = f'<span class="vh"> {said}</span>' if mark else ""
    marked = f' <span aria-hidden="true">{mark}</span>{spoken}' if mark else ""
    return f'<td class="{entry.verdict}" title="{full}">{shown}{marked}</td>'


def downloads(matrices: Sequence[MatrixRecord]) -> list[dict[str, object]]:
    """Pairs as flat rows, for download."""
    rows: list[dict[str, object]] = []
    for matrix in matrices:
        for entry in matrix.entries:
            about = {
                "condition": matrix.condition,
                "group": matrix.group or "",
                "metric": matrix.metric,
                "unit": matrix.unit,
            }
            held = entry.model_dump(exclude={"a", "b", "value"}, exclude_none=True)
            rows.append({"model": entry.a, "against": entry.b, **about, "difference": entry.value, **held})
    return rows
