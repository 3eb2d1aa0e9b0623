"""Numbers and tables of the metrics room as the record holds them."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.contract import LabelledTable
from benchbed.metrics.number import Number
from benchbed.results import record


def to_value(number: Number, draws: int = 1, inapplicable: str | None = None) -> record.Value:
    """A number of the metrics room as the record holds it.

    Parameters
    ----------
    draws : int
        Random draws per clip: the record counts clips, not draws.
    inapplicable : str, optional
        Reason why the condition did nothing to any clip; the figure is then not one of that condition.
    """
    info = number.info
    if inapplicable is not None:
        return record.Value(
            value=None,
            n=0,
            direction=info.direction,
            unit=info.unit,
            rule=info.rule,
            title=info.title,
            scope=info.scope or None,
            reason=f"the condition cannot apply: {inapplicable}",
        )
    return record.Value(
        value=number.value,
        low=number.low,
        high=number.high,
        n=number.n // draws,
        direction=info.direction,
        unit=info.unit,
        rule=info.rule,
        title=info.title,
        scope=info.scope or None,
        interval=number.interval,
        reason=number.reason,
        note=number.note,
    )


def to_matrix(table: LabelledTable) -> record.Matrix:
    """A table of a cell as the record holds it; None where there is no number."""
    values: list[list[float | None]] = [
        [float(value) if np.isfinite(value) else None for value in row] for row in np.asarray(table.values, dtype=float)
    ]
    return record.Matrix(
        rows=list(map(str, table.rows)),
        columns=list(map(str, table.columns)),
        values=values,
        row_title=table.row_title,
        column_title=table.column_title,
        unit=table.unit,
    )
