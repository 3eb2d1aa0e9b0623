"""The table of defences, for a page and for a terminal: clean score, time, and what attacks leave, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbed.report.figures import NONE, number, signed
from benchbed.results.defences import DefenceRow, DefenceTable, HeldFigure

#: Columns of numbers, after those that name a row.
COLUMNS = ("Clean", "− none", "ms per clip", "× none", "Robust", "− none")


def heading(table: DefenceTable) -> str:
    """What the table is of, in one sentence.

    Examples
    --------
    >>> heading(DefenceTable("s", "Accuracy", "standard, 40 dB SNR", 8, (), frozenset()))
    'Clean: Accuracy. Robust: accuracy under standard, 40 dB SNR, 8 clips, by attacks that know the defence.'
    """
    clean = f"Clean: {table.metric}."
    if not table.attack:
        return f"{clean} No attack was made."
    return f"{clean} Robust: accuracy under {table.attack}, {table.clips} clips, by attacks that know the defence."


def cells(row: DefenceRow) -> tuple[str, ...]:
    """The numbers of a row, as they are printed, in the order of `COLUMNS`."""
    times = NONE if row.times is None else f"{row.times:.2f}"
    clean, robust = (_figure(row.clean), _difference(row.clean)), (_figure(row.robust), _difference(row.robust))
    return (*clean, number(row.milliseconds, "ms", with_unit=False), times, *robust)


def badge(row: DefenceRow) -> tuple[str, str]:
    """Whether the robust accuracy can be believed: `pass`, `warn` or `fail`, and the checks that say so.

    Examples
    --------
    >>> badge(DefenceRow("m", "noise", None, None, 1.0, 1.0, False, ("audit",), ("randomness",)))
    ('fail', 'not ranked: audit failed')
    """
    if row.robust is None:
        return "note", "not attacked"
    if not row.ranked or row.failed:
        return "fail", f"not ranked: {', '.join(row.failed)} failed" if row.failed else "not ranked"
    if row.warned:
        return "warn", f"warns: {', '.join(row.warned)}"
    return "pass", "checks passed"


@dataclass(frozen=True)
class ShownDefence:
    """A row as a page shows it."""

    name: str
    defence: str
    cells: tuple[str, ...]
    badge: tuple[str, str]


@dataclass(frozen=True)
class ShownDefences:
    """A table as a page shows it."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[ShownDefence, ...]


def shown(table: DefenceTable) -> ShownDefences:
    """A table as a page shows it."""
    rows = (ShownDefence(row.name, row.defence, cells(row), badge(row)) for row in table.rows)
    return ShownDefences(heading(table), COLUMNS, tuple(rows))


def print_defences(tables: Sequence[DefenceTable]) -> None:
    """Print the tables to standard error, where messages go."""
    console = Console(stderr=True)
    for one in tables:
        console.print(Text(f"\n{one.suite}. {heading(one)}"))
        printed = Table(box=None, pad_edge=False, header_style="bold")
        printed.add_column("defence", no_wrap=True)
        for title in COLUMNS:
            printed.add_column(title, justify="right")
        printed.add_column("attack checks", overflow="fold")
        for row in one.rows:
            kind, said = badge(row)
            colour = {"fail": "red", "warn": "yellow"}.get(kind, "")
            printed.add_row(
                Text(row.defence or "none"),
                *(Text(text.replace(" [", "\n[")) for text in cells(row)),
                Text(said, colour),
            )
        console.print(printed)


def _figure(held: HeldFigure | None) -> str:
    if held is None or held.value is None:
        return NONE
    text = number(held.value, held.unit)
    if held.low is None or held.high is None:
        return text
    low, high = (number(end, held.unit, with_unit=False) for end in (held.low, held.high))
    return f"{text} [{low}, {high}]"


def _difference(held: HeldFigure | None) -> str:
    if held is None or held.difference is None:
        return NONE
    text = signed(held.difference, held.unit)
    if held.difference_low is None or held.difference_high is None:
        return text
    return f"{text} [{signed(held.difference_low, held.unit)}, {signed(held.difference_high, held.unit)}]"
