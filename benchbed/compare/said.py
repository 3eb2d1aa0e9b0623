"""Clips on which two captioners differ the most, with what each of them said: from the scores that both runs kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbed.compare.runs import OpenRun
from benchbed.errors import BenchbedError
from benchbed.results.captions import read_clips
from benchbed.results.comparison import Spoken

if TYPE_CHECKING:
    import pandas as pd

#: Clips of each sort that are shown.
AHEAD, ALIKE = 3, 2
#: Columns of the table that are no scores.
_PLAIN = frozenset(("cell", "clip_id", "draw", "caption", "references"))


def said_apart(a: OpenRun, b: OpenRun, primary: str) -> list[Spoken]:
    """Clean clips with the largest differences of their own scores in both directions, and some with hardly any.

    Parameters
    ----------
    a, b : OpenRun
        The model that was named first, and the one it is compared with.
    primary : str
        The metric that ranks; where a clip does not have it by itself, the first score that both runs kept.

    Returns
    -------
    list of Spoken
        Empty where a run kept no scores of clips.
    """
    try:
        one, other = _clean(a), _clean(b)
    except BenchbedError:
        return []  # they are shown beside the figures, and no figure needs them
    if one is None or other is None:
        return []
    both = one.join(other, how="inner", lsuffix="_a", rsuffix="_b")
    names = [name for name in one.columns if name not in _PLAIN and name in other.columns]
    chosen = primary if primary in names else next(iter(names), None)
    if chosen is None or not len(both):
        return []
    known = a.result.cells[0].metrics if a.result.cells else {}
    titles = {name: known[name].title or name for name in names if name in known}
    gap = (both[f"{chosen}_a"] - both[f"{chosen}_b"]).to_numpy(np.float64)
    order = np.argsort(np.where(np.isnan(gap), 0, gap), kind="stable")
    better = [i for i in order[::-1][:AHEAD] if gap[i] > 0]
    worse = [i for i in order[:AHEAD] if gap[i] < 0]
    rest = [i for i in np.argsort(np.abs(gap), kind="stable") if i not in {*better, *worse} and not np.isnan(gap[i])]
    sorts = (
        (f"{a.result.model.name} ahead", better),
        (f"{b.result.model.name} ahead", worse),
        ("hardly differ", rest[:ALIKE]),
    )
    return [
        Spoken(
            clip_id=str(both.index[place]),
            why=why,
            title=titles.get(chosen, chosen),
            titles=titles,
            references=[str(text) for text in both["references_a"].iloc[place]],
            a=str(both["caption_a"].iloc[place]),
            b=str(both["caption_b"].iloc[place]),
            scores_a=_scores(both, place, names, "a"),
            scores_b=_scores(both, place, names, "b"),
        )
        for why, places in sorts
        for place in places
    ]


def _clean(run: OpenRun) -> pd.DataFrame | None:
    """Clean captions of a run by clip, of the first draw."""
    table = read_clips(run.path)
    if table is None:
        return None
    clean = {cell.key for cell in run.result.cells if cell.condition.kind == "clean"}
    rows = table[table["cell"].isin(clean) & (table["draw"] == 0)]
    return rows.drop_duplicates("clip_id").set_index("clip_id")


def _scores(both: pd.DataFrame, place: int, names: list[str], side: str) -> dict[str, float]:
    values = {name: float(both[f"{name}_{side}"].iloc[place]) for name in names}
    return {name: round(value, 6) for name, value in values.items() if not np.isnan(value)}
