"""Opening the dataset of a suite: the user's folder if one is configured, else the synthetic set, never silently."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.checkpoints import parted
from benchbed.data import LAYOUTS, synthetic
from benchbed.data.dataset import Dataset
from benchbed.data.inside import refuse_links_out, refuse_options_out, refuse_tables_out
from benchbed.data.locate import locate
from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.outputs import output_of
from benchbed.run.job.source import Source
from benchbed.suite.load import LoadedSuite
from benchbed.suite.marks import Place
from benchbed.suite.options import check_options

if TYPE_CHECKING:
    import pandas as pd


def open_source(loaded: LoadedSuite, given: Mapping[str, Path], *, allow_synthetic: bool = True) -> Source:
    """Read the dataset of a suite.

    Parameters
    ----------
    loaded : LoadedSuite
        The suite.
    given : mapping
        `--data NAME=PATH`.
    allow_synthetic : bool
        False with `--no-synthetic`.

    Raises
    ------
    DataError
        A configured folder is missing or wrong, or nothing is configured and there is no stand-in.
    ConfigError
        The suite names a layout, split or column that does not exist.
    """
    data = loaded.suite.data
    layout = LAYOUTS.get(data.layout, where=loaded.where("data", "layout"))
    check_options(
        f"the layout {data.layout}", layout.read, data.options, lambda name: loaded.where("data", "options", name)
    )
    located = locate(data.key, given)
    if located is not None:
        root, configured_by = located.path, located.origin
        if synthetic.is_synthetic(root):
            name, stand_in = f"{data.key}-synthetic", True
        else:
            name, stand_in = data.key, False
        banner = _banner(name) if stand_in else ""
        dataset = _read(loaded, layout, root).renamed(name)
    else:
        hint = f"configure it with --data {data.key}=FOLDER"
        if not allow_synthetic:
            raise DataError(
                f"the dataset {data.key} is not configured, and --no-synthetic forbids the stand-in", hint=hint
            )
        if data.layout not in synthetic.LAYOUTS:
            raise DataError(
                f"the dataset {data.key} is not configured, and there is no synthetic set of its layout", hint=hint
            )
        root, configured_by = synthetic.ensure(data.layout), ""
        banner = _banner(f"{data.key}-synthetic")
        stand_in = True
        dataset = _read(loaded, layout, root).renamed(f"{data.key}-synthetic")
    if stand_in:
        dataset = replace(
            dataset,
            synthetic=True,
            version=f"synthetic-{synthetic.VERSION}",
            licence="CC0-1.0",
            citation="",
            source="benchbed's embedded generator",
        )
    dataset = _staged(loaded, dataset)
    _fits(loaded, dataset)
    return Source(dataset, data.layout, configured_by, banner)


def _read(loaded: LoadedSuite, layout: ModuleType, root: Path) -> Dataset:
    try:
        refuse_options_out(root, loaded.suite.data.options)
        refuse_tables_out(root)
        dataset: Dataset = layout.read(root, **loaded.suite.data.options)
        refuse_links_out(dataset.root, dataset.clips["path"].unique().tolist())
    except ConfigError as error:
        # What the reader cannot use is an option; without a place of its own, it is where the options are.
        raise ConfigError(error.what, where=error.where or loaded.where("data", "options"), hint=error.hint) from error
    return dataset


def _staged(loaded: LoadedSuite, dataset: Dataset) -> Dataset:
    """The dataset with the splits of a sequence: those that it has, once more after every step."""
    if loaded.suite.sequence is None:
        return dataset
    named = {split: both[1] for split in loaded.suite.data.splits if (both := parted(split))}
    more = {split: dataset.splits[domain] for split, domain in named.items() if domain in dataset.splits}
    return replace(dataset, splits={**dataset.splits, **more})


def _banner(name: str) -> str:
    searched = os.environ.get("BENCHBED_DATA")
    why = f"BENCHBED_DATA={searched} holds no such dataset" if searched else "no real dataset is configured"
    return (
        f"SYNTHETIC DATA: {why}, so this runs on {name}, which benchbed makes itself. "
        "The figures say nothing about real recordings and are never compared with real ones."
    )


def _fits(loaded: LoadedSuite, dataset: Dataset) -> None:
    suite = loaded.suite
    wanted: list[tuple[Place, str]] = [(("data", "splits", i), name) for i, name in enumerate(suite.data.splits)]
    if suite.data.train_split is not None and "{split}" not in suite.data.train_split:
        wanted.append((("data", "train_split"), suite.data.train_split))
    for place, split in wanted:
        if split not in dataset.splits:
            splits = ", ".join(dataset.splits) or "none"
            raise ConfigError(
                f"dataset {dataset.name} has no split '{split}'",
                where=loaded.where(*place),
                hint=did_you_mean(split, dataset.splits) or f"its splits: {splits}",
            )
    output = output_of(suite.task, where=loaded.where("task"))
    if dataset.kind not in (output.annotated or (output.name,)):
        raise ConfigError(
            f"the suite's task is {suite.task}, dataset {dataset.name} has {dataset.kind} labels",
            where=loaded.where("task"),
        )
    columns: list[tuple[Place, str]] = [(("slices", i, "column"), part.column) for i, part in enumerate(suite.slices)]
    columns += [
        (("slices", i, "matched", "content", j), name)
        for i, part in enumerate(suite.slices)
        for j, name in enumerate(part.matched.content if part.matched else ())
    ]
    columns.append((("data", "group"), suite.data.group))
    columns += [(("view", "by", i), name) for i, name in enumerate(suite.view.by if suite.view else ())]
    for place, column in columns:
        if column not in dataset.clips.columns:
            known = [c for c in dataset.clips.columns if c not in ("clip_id", "path", "onset", "duration")]
            raise ConfigError(
                f"dataset {dataset.name} has no column '{column}'",
                where=loaded.where(*place),
                hint=did_you_mean(column, known) or f"its columns: {', '.join(known)}",
            )


def scored_clips(loaded: LoadedSuite, dataset: Dataset, limit: int | None) -> tuple[dict[str, pd.DataFrame], ...]:
    """Clips to score and clips to draw background from, per split.

    Parameters
    ----------
    limit : int or None
        Score at most so many clips per split: a fixed pseudo-random subset that keeps the official order, the same
        for every model.

    Returns
    -------
    clips, pools : dict of str to DataFrame
        With the column `group` as the suite wants it.
    """
    clips, pools = {}, {}
    output = output_of(loaded.suite.task, where=loaded.where("task"))
    for split in loaded.suite.data.splits:
        table = output.asking(dataset.select(split))
        if loaded.suite.data.group != "group":
            table = table.assign(group=table[loaded.suite.data.group].astype(str))
        view = loaded.suite.view
        whole = None if view is None else table.groupby(view.by, sort=False, dropna=False).ngroup().to_numpy()
        pools[split], clips[split] = table, subset(table, limit, whole)
    return clips, pools


def annotations_of(source: Source, tables: Iterable[pd.DataFrame]) -> pd.DataFrame | None:
    """What the dataset says about the clips of some tables in more than one place, e.g. timed events."""
    events = source.dataset.events
    if events is None:
        return None
    wanted = {clip for table in tables for clip in table["clip_id"]}
    return events[events["clip_id"].isin(wanted)]


def subset(table: pd.DataFrame, limit: int | None, whole: np.ndarray | None = None) -> pd.DataFrame:
    """At most `limit` clips of a table, by no other rule than their names, in its order.

    Parameters
    ----------
    table : DataFrame
    limit : int or None
    whole : np.ndarray [shape=(clip,), int], optional
        What each clip decides with. Such clips are taken or left together; one decision is taken even if it has more.
    """
    if limit is None or limit >= len(table):
        return table
    names = table["clip_id"].tolist()
    order = sorted(range(len(table)), key=lambda i: rng.key("limit", names[i]))
    if whole is None:
        return table.iloc[sorted(order[:limit])].reset_index(drop=True)
    members: dict[int, list[int]] = {}
    for row, code in enumerate(whole.tolist()):
        members.setdefault(code, []).append(row)
    taken: list[int] = []
    for code in dict.fromkeys(int(whole[row]) for row in order):
        if not taken or len(taken) + len(members[code]) <= limit:
            taken += members[code]
    return table.iloc[sorted(taken)].reset_index(drop=True)
