"""One table of a campaign for a terminal: a row for each model, a column for each suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchbed.report.figures import interval, number
from benchbed.report.view import primary_value
from benchbed.results.record import Result


def campaign_table(results: Mapping[str, Result], errors: Mapping[str, str], kept: Sequence[str]) -> Table:
    """The figures that rank, by `suite/model`; what failed says so.

    Parameters
    ----------
    results : mapping of str to Result
        By `suite/model`.
    errors : mapping of str to str
        Why there is none.
    kept : sequence of str
        Those that were finished before.
    """
    keys = list(dict.fromkeys([*results, *errors]))
    suites = list(dict.fromkeys(key.partition("/")[0] for key in keys))
    models = list(dict.fromkeys(key.partition("/")[2] for key in keys))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", overflow="fold")
    for suite in suites:
        measured = next((one for key, one in results.items() if key.startswith(f"{suite}/")), None)
        table.add_column(Text(f"{suite}\n{measured.primary if measured else ''}"), overflow="fold")
    for model in models:
        cells = [_cell(f"{suite}/{model}", results, errors, kept) for suite in suites]
        table.add_row(Text(model), *cells)
    return table


def _cell(key: str, results: Mapping[str, Result], errors: Mapping[str, str], kept: Sequence[str]) -> Text:
    if key in errors:
        return Text(f"no result: {errors[key]}", "red")
    if key not in results:
        return Text("–", "dim")
    value = primary_value(results[key])
    told = "no figure" if value is None or value.value is None else f"{number(value.value, value.unit)}"
    told += f" {interval(value)}".rstrip() if value is not None and value.value is not None else ""
    return Text(told, "dim" if key in kept else "")


def print_campaign(results: Mapping[str, Result], errors: Mapping[str, str], kept: Sequence[str]) -> None:
    """Print the table to standard error, where messages go."""
    Console(stderr=True).print(campaign_table(results, errors, kept))
