"""How the splits of a figure became one number, so that it is called a mean over folds only where it is one."""

from __future__ import annotations

import numpy as np

from benchbed.compare.drawing import join
from benchbed.compare.figure import CellPart, Figure, cells_of, recipe
from benchbed.compare.runs import OpenRun
from benchbed.results.splits import joined
from benchbed.results.statistics import CellStatistics


def joining(run: OpenRun, figure: Figure) -> str:
    """How a figure of several splits became one: `mean over 5 folds`, `5 folds pooled`, `split clotho alone`.

    A group whose clips lie in one split alone, such as a data set that is a split of its own, is no mean of anything.
    Empty where the condition is of a single split.

    Raises
    ------
    CannotMeasure
        The run has no such condition or group.
    """
    cells = cells_of(run.sums, figure)
    if len(cells) < 2:
        return ""
    formula = recipe(run.sums, figure)
    within = [split for split, cell in cells.items() if any(_any(run, split, cell, part) for part in formula.parts)]
    if len(within) == 1:
        return f"split {within[0]} alone"
    return joined(within or cells, join(run, formula))


def _any(run: OpenRun, split: str, cell: CellStatistics, part: CellPart) -> bool:
    """The split has clips of the part."""
    if part.column is None:
        return True
    levels = run.sums.columns[split].get(part.column)
    if levels is None:
        return False
    numbers = [number for number, value in enumerate(levels.values) if value in part.values]
    codes = cell.codes.get(part.column)
    return bool(numbers) if codes is None or not len(codes) else bool(np.isin(codes, numbers).any())
