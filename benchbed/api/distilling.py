"""A student beside its teacher, from the answers that their runs keep."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.api.run import Run
from benchbed.api.runs import load
from benchbed.errors import CannotMeasure
from benchbed.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.metrics.number import Number


@one_thread
def distillation(
    teacher: Run | str | Path,
    student: Run | str | Path,
    alone: Run | str | Path | None = None,
    *,
    cell: str | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Number]:
    """How often a student answers as its teacher does, and how much of the gap distillation has closed.

    Parameters
    ----------
    teacher, student : Run or path
        Runs of one suite on the same clips, each with one class as answer.
    alone : Run or path, optional
        Run of the student's network trained without the teacher, for the recovered fraction.
    cell : str, optional
        Key of a cell; the first clean one by default. Of draws of a perturbation the first counts.
    draws, seed : int
        Of the bootstrap over recordings.

    Returns
    -------
    dict of str to Number
        `agreement`, `agreement_when_wrong`, `gap`, and `recovered` where `alone` is given
        (`benchbed.metrics.distillation`).

    Raises
    ------
    CannotMeasure
        Runs that were not measured alike, answers that are no classes, or other clips.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.distillation("runs/dcase_task1/large", "runs/dcase_task1/medium")["agreement"].value  # doctest: +SKIP
    """
    from benchbed.compare.runs import open_run, require_comparable
    from benchbed.metrics.distillation import distilled

    runs = [place if isinstance(place, Run) else load(place)[0] for place in (teacher, student, alone) if place]
    opened = [open_run(run.path) for run in runs]
    for other in opened[1:]:
        require_comparable(opened[0], other)
    key = cell or next((c.key for c in runs[0].result.cells if c.condition.kind == "clean"), "")
    tables = [_answers(run, key) for run in runs]
    clips = tables[0].index
    for run, table in zip(runs[1:], tables[1:]):
        if not table.index.equals(clips):
            missing = len(clips.symmetric_difference(table.index))
            raise CannotMeasure(
                f"{missing} clips were answered by one of the two runs only", where=str(run.path), hint="run it again"
            )
    given = [table["prediction"].to_numpy(str) for table in tables]
    reference, group = (tables[0][name].to_numpy(str) for name in ("label", "group"))
    third = given[2] if len(given) > 2 else None
    return distilled(given[0], given[1], reference, group, alone=third, draws=draws, seed=seed)


def _answers(run: Run, cell: str) -> pd.DataFrame:
    table = run.predictions(cell, scores=True)
    if "prediction" not in table or "label" not in table:
        raise CannotMeasure(
            "its answers are no classes", where=str(run.path), hint="runs of scenes, keywords, speakers"
        )
    first = table[table["draw"] == table["draw"].min()]
    said = first[~np.asarray(first["skipped"].notna())]
    # Names are categories, in an order of each file's own.
    return said.assign(clip_id=said["clip_id"].astype(str)).set_index("clip_id").sort_index()
