"""A heat map as a table: every number is text in its cell, and its colour one of eleven steps of the page's ramp.

A table rather than an image, so that it scrolls on a phone, is read cell by cell by a screen reader, and can be copied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from benchbed.report.charts.draw import Scale, drawn_of
from benchbed.report.charts.families import family_dot
from benchbed.report.figures import number
from benchbed.types import Direction

STEPS = 11
#: Rows from which on they stand closer.
DENSE = 15
#: Rows from which on a table scrolls by itself.
TALL = 40


def heatmap(
    identity: str,
    caption: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    unit: str,
    row_title: str,
    column_title: str,
    ends: tuple[float, float] | None = None,
    by_row: bool = False,
    notes: Sequence[Sequence[str]] | None = None,
    units: Sequence[str] | None = None,
    families: Sequence[str] | None = None,
    best: Direction | None = None,
    strengths: Sequence[Sequence[str]] | None = None,
    row_units: Sequence[str] | None = None,
    of: Mapping[str, str] | None = None,
    lacking: Sequence[str | None] | None = None,
) -> Markup:
    """A labelled table with coloured cells.

    Parameters
    ----------
    values : sequence of sequence of float or None
        `[row][column]`.
    ends : tuple, optional
        Values at the ends of the ramp; by default the smallest and largest.
    by_row : bool
        Colour each row on its own scale from zero to its sum (a confusion matrix: share of the reference class).
    notes : sequence of sequence of str, optional
        Full sentence of each cell, shown on hover.
    units : sequence of str, optional
        Unit of each column, for a table whose columns are different things; such a table is not coloured.
    families : sequence of str, optional
        Family of each row, of rows that are models: a dot in its colour stands before the name.
    strengths : sequence of sequence of str, optional
        What was done in each cell, in the unit that its row names; it stands under the figure.
    row_units : sequence of str, optional
        Unit of the strengths of each row, under its name.
    best : {"higher", "lower"}, optional
        Print the best figure of each column in bold.
    of : mapping of str to str, optional
        Which of the figures that the page carries it is made from.
    lacking : sequence of str or None, optional
        What each row lacks, of rows that are models: such a row is marked incomplete and leads no column.

    Examples
    --------
    >>> print(heatmap("h", "Two", ["a"], ["x", "y"], [[1, None]], unit="clips", row_title="r", column_title="c")[:22])
    <div class="scroll" ta
    """
    known = [value for row in values for value in row if value is not None]
    ends = ends or ((min(known), max(known)) if known else (0.0, 1.0))
    head = "".join(f'<th scope="col"><span><bdi>{escape(column)}</bdi></span></th>' for column in columns)
    upright = " upright" if any(len(column) > 4 for column in columns) and len(columns) > 4 else ""
    whole = f' data-unit="{"%" if unit == "fraction" else escape(unit)}"' if unit and not units else ""
    dense = " dense" if len(rows) > DENSE else ""
    # A table of many models scrolls by itself, below its heading: others follow it.
    tall = " tall" if len(rows) > TALL else ""
    whole_rows = [row for row, lack in zip(values, lacking, strict=True) if not lack] if lacking else values
    leaders = _leaders(whole_rows, best) or [None] * len(columns)
    body = []
    for index, (label, row) in enumerate(zip(rows, values, strict=True)):
        row_ends = (0.0, sum(value for value in row if value is not None) or 1.0) if by_row else ends
        cells = []
        lack = lacking[index] if lacking else None
        for column, value in enumerate(row):
            note = f' title="{escape(notes[index][column])}"' if notes and notes[index][column] else ""
            shown = number(value, units[column] if units else unit, with_unit=bool(units))
            kind = "none" if units else _step(value, row_ends)
            leads = not lack and value is not None and value == leaders[column]
            told = f"<b>{escape(shown)}</b>" if leads else escape(shown)
            by = f"<small>{escape(strengths[index][column])}</small>" if strengths and strengths[index][column] else ""
            cells.append(f'<td class="{kind}"{note}>{told}{by}</td>')
        dot = family_dot(families[index]) if families else ""
        unit_of = f"<small>{escape(row_units[index])}</small>" if row_units and row_units[index] else ""
        mark = f' <span class="badge fail" title="{escape(lack)}">incomplete</span>' if lack else ""
        body.append(f'<tr><th scope="row">{dot}<bdi>{escape(label)}</bdi>{unit_of}{mark}</th>{"".join(cells)}</tr>')
    return Markup(
        f'<div class="scroll{tall}" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f'<table class="heat{upright}{dense}" id="{escape(identity)}"{drawn_of(of)}{whole}>'
        f"<caption>{escape(caption)}</caption>"
        f'<thead><tr><th scope="col" class="corner">{escape(row_title)} ↓ <span class="by">{escape(column_title)} →'
        f"</span></th>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _leaders(values: Sequence[Sequence[float | None]], best: Direction | None) -> list[float | None]:
    """The best figure of each column; none where a column has fewer than two, of which no one leads."""
    pick = {None: None, "higher": max, "lower": min}[best]
    leaders: list[float | None] = []
    for column in zip(*values, strict=True):
        known = [value for value in column if value is not None]
        leaders.append(pick(known) if pick and len(known) > 1 else None)
    return leaders


def _step(value: float | None, ends: tuple[float, float]) -> str:
    return "none" if value is None else f"h{round(Scale(ends, (0, STEPS - 1))(value))}"
