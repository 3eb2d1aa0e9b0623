"""The clips that thresholds are chosen on, as a job of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchbed.data.dataset import Dataset
from benchbed.errors import ConfigError, did_you_mean
from benchbed.run.job.frozen import declared
from benchbed.run.job.job import Job
from benchbed.run.job.source import Source
from benchbed.run.preparing.source import annotations_of, subset
from benchbed.suite.conditions import CleanCondition
from benchbed.suite.load import LoadedSuite
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd


def tuning_clips(loaded: LoadedSuite, dataset: Dataset, limit: int | None) -> tuple[pd.DataFrame, int] | None:
    """The clips that thresholds are chosen on, and how many the split has; None if none are to be chosen.

    Raises
    ------
    ConfigError
        There is no such split, or it shares clips or recordings with one that is scored.
    """
    tune, data = declared(loaded), loaded.suite.data
    if tune is None:
        return None
    where = loaded.where("post_processing", "tune", "split")
    if tune.split not in dataset.splits:
        splits = ", ".join(split for split in dataset.splits if split not in data.splits) or "none besides the scored"
        raise ConfigError(
            f"dataset {dataset.name} has no split '{tune.split}' to choose thresholds on",
            where=where,
            hint=did_you_mean(tune.split, dataset.splits)
            or f"its other splits: {splits}; or keep fixed thresholds: --set suite.post_processing.tune=null",
        )
    table = dataset.select(tune.split)
    if data.group != "group":
        table = table.assign(group=table[data.group].astype(str))
    for split in data.splits:
        scored = dataset.select(split)
        for column, what in (("clip_id", "clips"), (data.group, "recordings")):
            mine = table["clip_id" if column == "clip_id" else "group"].astype(str)
            shared = sorted(set(mine) & set(scored[column].astype(str)))
            if shared:
                raise ConfigError(
                    f"thresholds would be chosen on {what} that are scored: {len(shared)} of '{tune.split}' are also "
                    f"in '{split}', e.g. {shared[0]}",
                    where=where,
                    hint="choose them on a split that has nothing in common with the scored ones",
                )
    return subset(table, limit), len(table)


def tuning_job(job: Job, loaded: LoadedSuite, source: Source, table: pd.DataFrame) -> tuple[Job, list[CellPlan]]:
    """The run's job about other clips, all of them clean.

    Raises
    ------
    ConfigError
        Every fold has a model of its own, of which none could be asked.
    """
    tune = declared(loaded)
    assert tune is not None
    where = loaded.where("post_processing", "tune")
    if any(isinstance(value, str) and "{split}" in value for value in job.recipe[1].values()):
        raise ConfigError(
            "thresholds are chosen for one model, and here every split has its own",
            where=where,
            hint="score each split in a run of its own, or give thresholds",
        )
    split = tune.split
    clean = replace(
        job,
        clips={split: table},
        pools={split: table},
        conditions=[CleanCondition()],
        facts=({},),
        annotations=annotations_of(source, [table]),
        others=(),
        passed=None,
    )
    return clean, [CellPlan(f"{job.task}/{split}/clean", job.task, split, "clean", "clean", None, 0)]
