"""What the audio of a run was like, where that makes its figures doubtful."""

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
