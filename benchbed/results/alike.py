"""Which runs may stand in one table, and which tables are about one task on one set of data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchbed.results.record import Result


def comparable(result: Result) -> tuple:
    """What two runs must share to stand in one table: real or synthetic, data, suite and random protocol."""
    data, suite = result.dataset, result.suite
    return data.synthetic, data.name, data.index_hash, suite.hash, suite.protocol, result.primary


def subject(result: Result) -> tuple[bool, str, str]:
    """What a table is about: whether its data are synthetic, their name, and the task."""
    return result.dataset.synthetic, result.dataset.name, result.cells[0].task if result.cells else ""


def tables(results: Iterable[Result]) -> list[list[Result]]:
    """Runs sorted into tables of what may be compared, in the order in which they come."""
    held: dict[tuple, list[Result]] = {}
    for result in results:
        held.setdefault((result.suite.name, *comparable(result)), []).append(result)
    return list(held.values())


def subjects(results: Sequence[Result]) -> list[list[list[Result]]]:
    """Tables sorted by what they are about."""
    held: dict[tuple[bool, str, str], list[list[Result]]] = {}
    for table in tables(results):
        held.setdefault(subject(table[0]), []).append(table)
    return list(held.values())
