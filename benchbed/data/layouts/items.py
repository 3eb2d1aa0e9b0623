"""Items of a task that is scored elsewhere: a table of names, groups and columns, without any audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from benchbed.data.assemble import build
from benchbed.data.dataset import Dataset
from benchbed.data.facts import Facts
from benchbed.errors import DataError, did_you_mean
from benchbed.tables.table import Table, read_table

FACTS = Facts(title="items of your own", source="your own table", licence="as you say", citation="", version="")


def read(root: Path, *, csv: str = "items.csv", item: str = "item", group: str = "", split: str = "") -> Dataset:
    """Read a table of items.

    Parameters
    ----------
    root : Path
        Folder of the table.
    csv : str
        The table, with a row for each item; every column can be a slice.
    item : str
        Column of names: a mixture's, a question's.
    group : str
        Column of what was made from one recording, which resampling draws as one; by default each item for itself.
    split : str
        Column of splits; without it all items are the split `all`.

    Raises
    ------
    DataError
        No table, no such column, or an item twice.
    """
    root = Path(root)
    if not (root / csv).is_file():
        raise DataError("there is no table of items", where=str(root / csv), hint="the option csv names it")
    table = read_table(root / csv)
    frame = table.frame
    names = _of(table, item).astype(str)
    splits = {"all": np.arange(len(frame))}
    if split:
        marked = _of(table, split).astype(str)
        splits = {name: np.flatnonzero(marked == name) for name in dict.fromkeys(marked)}
    return build(
        name="items",
        root=root,
        kind="item_score",
        labels=(),
        paths=names,
        label=pd.Series([()] * len(frame), dtype=object),
        group=_of(table, group).astype(str) if group else names,
        where=table.where,
        splits=splits,
        facts=FACTS,
        metadata={str(name): frame[name] for name in frame.columns if name not in (item, group)},
    )


def _of(table: Table, column: str) -> pd.Series:
    if column not in table.frame:
        known = [str(name) for name in table.frame.columns]
        raise DataError(
            f"the table has no column '{column}'",
            where=f"{table.path}:1",
            hint=did_you_mean(column, known) or f"its columns are {', '.join(known)}",
        )
    values: pd.Series = table.frame[column]
    return values
