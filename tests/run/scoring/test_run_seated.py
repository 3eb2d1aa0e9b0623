"""What cells of the same clips share, and that cells of other clips do not."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pandas as pd

from benchbed.metrics.slices import Column
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.split import Answered


def split() -> GroupedSplit:
    """Eight clips of four recordings, each moment on two devices."""
    made = GroupedSplit.__new__(GroupedSplit)
    made.table = pd.DataFrame({"moment": np.arange(8) // 2})
    made.codes = np.arange(8) // 2
    made.columns = [Column("device", np.array(["a", "s1"] * 4))]
    made._content, made._seated = {}, None
    return made


def answered(position: list[int], draw: list[int] | None = None) -> Answered:
    places = np.array(position)
    none = SimpleNamespace()
    return Answered(places, places, np.array(draw or [0] * len(places)), none, none)  # type: ignore[arg-type]


def test_cells_of_the_same_clips_share_their_cutting() -> None:
    here = split()
    first = here.seated(answered([0, 1, 2, 3]))
    again = here.seated(answered([0, 1, 2, 3]))
    assert first is again and first.cutting is again.cutting
    matched = first.matching(first.columns[0], "a", ["moment"], 1)
    assert matched is again.matching(again.columns[0], "a", ["moment"], 1)
    assert [pair.moments for pair in matched.pairs] == [2]


def test_a_cell_that_lost_clips_is_cut_anew() -> None:
    here = split()
    first, fewer = here.seated(answered([0, 1, 2, 3])), here.seated(answered([0, 1, 3]))
    assert len(first.cutting) == 4 and len(fewer.cutting) == 3
    matched = fewer.matching(fewer.columns[0], "a", ["moment"], 1)
    assert [pair.moments for pair in matched.pairs] == [1]


def test_draws_of_a_clip_are_moments_of_their_own() -> None:
    here = split()
    twice = here.seated(answered([0, 0, 1, 1], [0, 1, 0, 1]))
    assert [pair.moments for pair in twice.matching(twice.columns[0], "a", ["moment"], 2).pairs] == [2]
    assert here.seated(answered([0, 0, 1, 1], [0, 1, 0, 2])) is not twice


def test_a_split_goes_with_the_last_who_holds_it_and_holds_no_predictions() -> None:
    here = split()
    here._known, here._place = None, {"x": 0}
    cells = here.seated(answered([0, 1, 2, 3]))
    assert cells.matching(cells.columns[0], "a", ["moment"], 1).pairs
    told = SimpleNamespace(table=pd.DataFrame({"clip_id": ["x", "x"]}))
    assert here.position(told, np.array([1])).tolist() == [0]  # type: ignore[arg-type]
    table, kept = weakref.ref(told.table), weakref.ref(here)
    was = gc.isenabled()
    gc.disable()  # a collection comes too late for what scoring holds
    try:
        del told
        assert table() is None, "a condition's predictions go before the next one's are read"
        del here, cells
        assert kept() is None
    finally:
        if was:
            gc.enable()
