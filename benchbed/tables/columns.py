"""Which column of another program's table holds what is looked for."""

from __future__ import annotations

from collections.abc import Sequence

from benchbed.errors import DataError
from benchbed.tables.table import Table


def column_called(table: Table, known: Sequence[str], what: str) -> str:
    """The name of the first column that is called like one of some names, in letters of any case.

    Parameters
    ----------
    table : Table
    known : sequence of str
        Names in lower case, the likeliest first.
    what : str
        What the column holds, in words.

    Raises
    ------
    DataError
        There is none.
    """
    there = {str(column).lower(): str(column) for column in table.frame.columns}
    for name in known:
        if name in there:
            return there[name]
    raise DataError(
        f"the table has no column of {what}",
        where=f"{table.path}:1",
        hint=f"one of {', '.join(known)}; it has {', '.join(there.values())}",
    )
