"""Figures of clean cells as a challenge publishes them: by its official rule, as if no two clips knew of each other.

Clips that were cut from one recording are right or wrong together, so these intervals are too narrow where recordings
give several clips. They are made for one purpose, to set a published board beside an honest one, and no record of a run
holds them.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from benchbed.checkpoints import last_step
from benchbed.errors import CannotMeasure
from benchbed.metrics.cell import score_cell
from benchbed.metrics.folds import Fold, score_folds
from benchbed.metrics.number import Number
from benchbed.predictions.store import Predictions, read_units
from benchbed.run.job.prepared import Prepared
from benchbed.run.scoring.grounds import Grounds
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.lacking import applied
from benchbed.run.scoring.split import rows_of_cells
from benchbed.stats.bootstrap import Bootstrap

#: Before the name of a figure that follows the official scorer, where that is not the figure that ranks.
OFFICIAL = "official_"


def official_figure(names: Collection[str], primary: str) -> str:
    """The figure that a challenge's own scorer prints: that of the metrics called official, else the one that ranks.

    Examples
    --------
    >>> official_figure(["hierarchical_f1", "official_hierarchical_f1"], "hierarchical_f1")
    'official_hierarchical_f1'
    >>> official_figure(["macro_accuracy", "log_loss"], "macro_accuracy")
    'macro_accuracy'
    """
    return OFFICIAL + primary if OFFICIAL + primary in names else primary


def stored_predictions(prepared: Prepared) -> Predictions:
    """All predictions of a run that is done.

    Raises
    ------
    CannotMeasure
        Some are no longer there.
    """
    folder = prepared.folder / "predictions"
    paths = [folder / f"{unit.id}.parquet" for unit in prepared.units]
    if lacking := [path for path in paths if not path.is_file()]:
        raise CannotMeasure("predictions of the run are gone", where=str(Path(lacking[0])), hint="run it again")
    return read_units(paths)


def by_clip(prepared: Prepared, predictions: Predictions, seed: int) -> Number:
    """The official figure on clean audio, its interval over clips as if each were a recording of its own.

    Of a sequence of checkpoints it is that after the last step.

    Parameters
    ----------
    prepared : Prepared
        The run.
    predictions : Predictions
        All its predictions.
    seed : int
        Seed of the bootstrap.

    Raises
    ------
    CannotMeasure
        The suite has no clean cell, or nothing was predicted in one.
    """
    grounds = Grounds.of(prepared, seed)
    family, primary = grounds.family()
    name, suite = official_figure(family.metrics, primary), grounds.loaded.suite
    cells = [plan for plan in prepared.cells if plan.kind == "clean"]
    scored = set(last_step(plan.split for plan in cells))
    cells = [plan for plan in cells if plan.split in scored]
    rows_of = rows_of_cells(predictions.table, [plan.key for plan in cells])
    folds = []
    for plan in cells:
        rows = rows_of[plan.key][applied(predictions.table, rows_of[plan.key], plan.kind)]
        answered = GroupedSplit(grounds, plan.split).answered(predictions, rows)
        clips = len(answered.rows)
        boot = Bootstrap(
            clips,
            suite.statistics.draws,
            f"{grounds.index_hash}/{plan.split}/by-clip",
            seed,
            suite.statistics.level,
        )
        folds.append(Fold(answered.answers, answered.references, np.arange(clips), boot))
    if not folds or not all(fold.bootstrap.groups for fold in folds):
        raise CannotMeasure("there are no clean clips with an answer", hint="a suite with the condition `clean`")
    if len(folds) == 1:
        fold = folds[0]
        told = family.context(fold.scores, fold.target)
        whole = fold.bootstrap if fold.bootstrap.draws else None
        return score_cell(told, fold.scores, fold.target, fold.group, (), whole, tables=False).metrics[name]
    joined = score_folds(family, folds)
    return (joined.pooled if suite.metrics.folds == "pooled" else joined.mean)[name]
