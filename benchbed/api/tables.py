"""Tidy tables of records: one row per figure, per cell, per clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchbed.results.record import Cell, Result, Value

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a table of figures, in their order; every field of a figure follows.
PLACE = (
    "model",
    "suite",
    "dataset",
    "synthetic",
    "limit",
    "cell",
    "task",
    "split",
    "kind",
    "condition",
    "severity",
    "parameter",
    "parameter_unit",
    "group",
    "metric",
)


def figures_table(results: Sequence[Result]) -> pd.DataFrame:
    """Every figure of some records: figures over the run, of each cell, and of each of its groups.

    Parameters
    ----------
    results : sequence of Result

    Returns
    -------
    pandas.DataFrame [columns=PLACE + fields of `benchbed.results.record.Value`]
        `cell`, `task`, … are missing for figures over the run, `group` for figures over all clips. Numbers are as
        stored, in the unit that stands beside them (a fraction of 0.7 is 70 %).
    """
    import pandas as pd

    rows = [row for result in results for row in _figures(result)]
    fields = list(Value.model_fields)
    return pd.DataFrame(rows, columns=[*PLACE, *fields])


def _figures(result: Result) -> Iterator[dict[str, object]]:
    run = _run(result)
    for name, value in result.scores.items():
        yield {**run, "metric": name, **dict(value)}
    for cell in result.cells:
        place = {**run, **_cell(cell)}
        for group, values in ((None, cell.metrics), *cell.groups.items()):
            for name, value in values.items():
                yield {**place, "group": group, "metric": name, **dict(value)}


def cells_table(results: Sequence[Result]) -> pd.DataFrame:
    """Every cell of some records: what was done to the audio, the ranking figure, and what happened to the clips.

    Returns
    -------
    pandas.DataFrame [one row per cell]
        `metric` names the figure in `value`, `low`, `high`, `unit`; `achieved` is the median of the severity that was
        measured, in `parameter_unit`.
    """
    import pandas as pd

    rows = []
    for result in results:
        for cell in result.cells:
            value = cell.metrics.get(result.primary)
            figure = {"metric": result.primary}
            if value is not None:
                figure |= {name: getattr(value, name) for name in ("value", "low", "high", "unit", "direction", "rule")}
            achieved = (cell.condition.achieved or {}).get("median")
            rows.append(
                {
                    **_run(result),
                    **_cell(cell),
                    "achieved": achieved,
                    **figure,
                    **dict(cell.counts),
                    "complete": cell.complete,
                    "ranked": cell.ranked,
                }
            )
    return pd.DataFrame(rows)


def predictions_table(folder: Path, cell: str | None = None, *, scores: bool = True) -> pd.DataFrame:
    """What a model answered: one row per clip, cell and draw.

    Parameters
    ----------
    folder : Path
        Of a run.
    cell : str, optional
        Key of one cell, e.g. `scene/test/clean`.
    scores : bool, default=True
        Also the scores: a column `score.LABEL` per class, or one column `answer` of objects where an answer is no
        vector of classes (frames, tracks, captions).

    Raises
    ------
    DataError
        No predictions are stored there, or none of this cell.
    """
    from benchbed.errors import DataError, did_you_mean
    from benchbed.predictions.store import read_units

    paths = sorted((folder / "predictions").glob("*.parquet"))
    if not paths:
        raise DataError("no predictions are stored here", where=str(folder), hint="run the suite again")
    stored = read_units(paths)
    table = stored.table
    if scores:
        table = table.assign(**_answers(stored))
    if cell is not None:
        known = table["cell"].astype(str)
        chosen = table[known == cell]
        if not len(chosen):
            names = sorted(known.unique())
            hint = did_you_mean(cell, names) or f"cells: {', '.join(names[:5])}"
            raise DataError(f"no predictions of the cell '{cell}'", where=str(folder), hint=hint)
        table = chosen
    return table.sort_values(["cell", "clip_id", "draw"], kind="stable").reset_index(drop=True)


def _answers(stored: Any) -> dict[str, object]:
    values = stored.scores
    if getattr(values, "ndim", 1) == 2:
        return {f"score.{label}": values[:, index] for index, label in enumerate(stored.labels)}
    return {"answer": list(values)}


def _run(result: Result) -> dict[str, object]:
    return {
        "model": result.model.name,
        "suite": result.suite.name,
        "dataset": result.dataset.name,
        "synthetic": result.dataset.synthetic,
        "limit": result.dataset.limit,
    }


def _cell(cell: Cell) -> dict[str, object]:
    condition = cell.condition
    return {
        "cell": cell.key,
        "task": cell.task,
        "split": cell.split,
        "kind": condition.kind,
        "condition": condition.name,
        "severity": condition.severity,
        "parameter": condition.parameter,
        "parameter_unit": condition.unit,
    }
