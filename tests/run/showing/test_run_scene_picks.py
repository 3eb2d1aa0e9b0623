"""Clips worth hearing are chosen from few candidates of each condition, as if all rows had been at hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from benchbed.rng import stream
from benchbed.run.showing.kinds.scene import _candidates, _flipped, _joined, _worst
from benchbed.run.showing.picks import Pick, condition_of, once


def lost(seed: int, conditions: int, clips: int) -> pd.DataFrame:
    """Lost evaluations with many ties; several severities and draws of a clip under a condition."""
    random = stream("test_scene_picks", seed)
    count = 40 * conditions
    cells = [f"scene/test/c{random.integers(conditions)}@{random.integers(1, 4)}" for _ in range(count)]
    columns = {
        "clip_id": [f"clip{random.integers(clips)}" for _ in range(count)],
        "cell": cells,
        "draw": random.integers(0, 2, count),
        "severity": [int(cell[-1]) for cell in cells],
        "drop": random.integers(0, 4, count) / 4,
        "p_true_clean": random.integers(0, 4, count) / 4,
    }
    table = pd.DataFrame(columns).assign(p_said=0.5, p_said_clean=0.5, label="a", prediction="b", prediction_clean="a")
    return table.sample(frac=1, random_state=np.random.RandomState(seed)).sort_index()


def chosen(picks: Iterator[Pick]) -> list[tuple[str, str, int]]:
    return [(pick.cell, pick.clip_id, pick.draw) for pick in once(picks)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("conditions", "clips"), [(1, 5), (4, 3), (6, 6), (8, 60)])
def test_candidates_are_enough(seed: int, conditions: int, clips: int):
    whole = lost(seed, conditions, clips)
    names = whole["cell"].map(condition_of)
    few = pd.concat([_candidates(whole[names == name], conditions) for name in sorted(set(names))]).sort_index()
    assert chosen(_worst(few)) == chosen(_worst(whole))
    assert chosen(_flipped(few)) == chosen(_flipped(whole))
    assert len(chosen(_worst(whole))) > 0 and (clips < 60 or len(few) < len(whole) / 2)


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_files_chooses_nothing(seed: int):
    whole = lost(seed, 6, 6).drop_duplicates(["cell", "clip_id", "draw"])
    other = whole.sample(frac=1, random_state=np.random.RandomState(seed)).reset_index(drop=True)
    assert chosen(_worst(other)) == chosen(_worst(whole)) and chosen(_flipped(other)) == chosen(_flipped(whole))


def test_nothing_lost_is_nothing_to_hear():
    assert chosen(_worst(lost(0, 2, 2).iloc[:0])) == []


@pytest.mark.filterwarnings("error")
def test_conditions_that_lose_nothing_leave_the_types_of_the_others_alone():
    some = lost(0, 1, 4).assign(skipped=None, note=np.nan, count=3)
    joined = _joined([some.iloc[:0], some.iloc[1::2], some.iloc[::2].assign(note=0.5)])
    assert list(joined.columns) == list(some.columns) and list(joined.index) == sorted(some.index)
    assert joined["count"].dtype == some["count"].dtype and joined["skipped"].isna().all()
    assert joined["note"].notna().sum() == len(some.iloc[::2])
    assert _joined([some.iloc[:0]]).empty
