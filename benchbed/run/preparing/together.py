"""Whether clips that a suite lets decide together belong together: one scene, one recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.suite.load import LoadedSuite

if TYPE_CHECKING:
    import pandas as pd


def refuse_strangers(loaded: LoadedSuite, clips: Mapping[str, pd.DataFrame]) -> None:
    """Refuse a view that joins what is not one.

    Parameters
    ----------
    loaded : LoadedSuite
    clips : mapping of str to DataFrame
        Tables of the scored splits.

    Raises
    ------
    ConfigError
        Clips of one decision with different classes, where one is right; in different resampling groups; or without a
        value in one of the columns.
    """
    view = loaded.suite.view
    if view is None:
        return
    where, joined = loaded.where("view", "by"), " and ".join(view.by)
    one_class = output_of(loaded.suite.task).exclusive
    for table in clips.values():
        for column in view.by:
            empty = table[column].isna() | (table[column].astype(str) == "")
            if empty.any():
                clip = table["clip_id"][empty].iloc[0]
                raise ConfigError(f"the clip {clip} has no {column}", where=where, hint="join by columns that all have")
        for column, what in (("label", "classes"), ("group", "resampling groups")):
            if column == "label" and not one_class:
                continue
            strange = table.groupby(view.by)[column].nunique() > 1
            if strange.any():
                odd = strange.index[strange][0]
                name = ", ".join(map(str, odd)) if isinstance(odd, tuple) else str(odd)
                raise ConfigError(
                    f"clips of one {joined} ({name}) are of different {what}, and are no one {view.name}",
                    where=where,
                    hint="name more columns, so that one value is one recording",
                )
