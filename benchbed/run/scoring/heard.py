"""What the audio of a run and the answers to it were like, where that makes its figures doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbed.audio import LOUD, beyond
from benchbed.results import record

if TYPE_CHECKING:
    import pandas as pd


def levels(table: pd.DataFrame) -> list[record.Check]:
    """A warning where clips go far beyond the −1…1 that models are promised.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions with `clip_id` and `peak`, the largest absolute sample of each clip as it was read.
    """
    if "peak" not in table:
        return []
    peaks = table.drop_duplicates("clip_id").set_index("clip_id")["peak"]
    loud = peaks[peaks > LOUD].sort_values(ascending=False)
    if loud.empty:
        return []
    message = (
        f"{len(loud)} of {len(peaks)} clips peak at up to {beyond(float(loud.iloc[0]))}, {loud.index[0]} first; models "
        "are promised samples in −1…1: if these are 16-bit numbers stored as floats, divide them by 32768"
    )
    return [record.Check(name="levels", status="warn", message=message)]


def remarks(table: pd.DataFrame) -> list[record.Check]:
    """What the reading of answers found doubtful, e.g. frames that do not fill the audio they are of.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions with `clip_id` and, where there is one, `remark`.
    """
    if "remark" not in table:
        return []
    said = table.drop_duplicates(["clip_id", "remark"])["remark"].dropna().value_counts()
    clips = table["clip_id"].nunique()
    return [
        record.Check(name="frames", status="warn", message=f"{count} of {clips} clips: {text}")
        for text, count in said.head(3).items()
    ]


#: Share of a clip that may be cropped away before it is told: recordings that are a little over the model's length.
CROPPED = 0.25


def cropped(table: pd.DataFrame) -> list[record.Check]:
    """A warning where a model of short clips hears but a part of longer ones.

    Parameters
    ----------
    table : pandas.DataFrame
        Predictions with `clip_id` and `unheard`, the share of each clip that was cropped away.
    """
    if "unheard" not in table:
        return []
    shares = table.drop_duplicates("clip_id")["unheard"]
    lost = shares[shares > CROPPED]
    if lost.empty:
        return []
    message = (
        f"of {len(lost)} of {len(shares)} clips the model hears a part ({1 - lost.median():.0%} at the median); with "
        "window_hop on its card, or audio.windows in the suite, it hears them in windows whose answers are joined"
    )
    return [record.Check(name="cropped", status="warn", message=message)]
