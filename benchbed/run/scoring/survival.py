"""How many breaks of an attacked cell are left after a 16-bit file, MP3, Opus, a shift, a room."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.contract import LabelledTable, MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.run.attacking.survival import LEFT, MP3_KBPS, OPUS_KBPS, ROOM, SHIFT_MS, SPOILED, WAYS
from benchbed.stats.bootstrap import Bootstrap

if TYPE_CHECKING:
    import pandas as pd

#: The ways in words.
TITLES = {
    "int16": "a 16-bit file",
    "mp3": f"MP3 {MP3_KBPS} kbit/s",
    "opus": f"Opus {OPUS_KBPS} kbit/s",
    "shift": f"a shift of {SHIFT_MS:g} ms",
    "room": f"a room, T60 {ROOM[0]:g} s, {ROOM[1]:g} dB DRR",
}


def breaks_left(table: pd.DataFrame, codes: np.ndarray, bootstrap: Bootstrap) -> dict[str, Number]:
    """Share of the breaks of a cell that are left after each way, with the counts in words.

    Parameters
    ----------
    table : DataFrame
        Predictions of the cell.
    codes : np.ndarray [shape=(row,), int]
        Number of each row's recording group in `bootstrap`.

    Returns
    -------
    dict of str to Number
        `left_after_WAY`; none where nothing was broken, or no way was tried.
    """
    figures = {}
    for way in WAYS:
        if f"{LEFT}{way}" not in table:
            continue
        known = table[f"{LEFT}{way}"].notna().to_numpy()
        if not known.any():
            continue
        left = table[f"{LEFT}{way}"].to_numpy()[known].astype(float)
        spoiled = int(table[f"{SPOILED}{way}"].to_numpy()[known].astype(float).sum())
        sums = np.stack(
            [np.bincount(codes[known], left, bootstrap.groups), np.bincount(codes[known], minlength=bootstrap.groups)],
            axis=1,
        )
        drawn = None
        if bootstrap.draws:
            copies = bootstrap.replicates(sums)
            with np.errstate(invalid="ignore", divide="ignore"):
                drawn = np.where(copies[:, 1] > 0, copies[:, 0] / copies[:, 1], np.nan)
        info = MetricInfo(
            f"Breaks left after {TITLES[way]}", f"breaks-left:{way}", "fraction", "lower", low=0.0, high=1.0
        )
        alone = f"; it breaks {spoiled} of these clips without any attack" if spoiled else ""
        note = f"{int(left.sum())} of {len(left)} breaks are left{alone}"
        figures[f"left_after_{way}"] = number(
            float(left.mean()), info, len(left), replicates=drawn, bootstrap=bootstrap, note=note
        )
    return figures


def survival_table(table: pd.DataFrame) -> LabelledTable | None:
    """Counts of breaks: how many there are, how many are left after each way, how many the way breaks by itself.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"left:int16": [True, False, None], "spoiled:int16": [False, False, None]})
    >>> survival_table(rows).values.tolist()
    [[2.0, 1.0, 0.0]]
    """
    names = [way for way in WAYS if f"{LEFT}{way}" in table and table[f"{LEFT}{way}"].notna().any()]
    if not names:
        return None
    counts = []
    for way in names:
        left, spoiled = (table[f"{part}{way}"].dropna().astype(bool) for part in (LEFT, SPOILED))
        counts.append([float(len(left)), float(left.sum()), float(spoiled.sum())])
    columns = ("broken", "left", "clean clips that it breaks")
    return LabelledTable(tuple(TITLES[way] for way in names), columns, np.array(counts), "way", "breaks", "clips")
