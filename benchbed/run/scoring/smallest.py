"""The smallest perturbation of every clip: its median, and the distribution where an attack searched for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.attack import resolve
from benchbed.attack.ensemble import PRESETS
from benchbed.metrics.adversarial import Flags, quantile_of_attacks, smallest_attack
from benchbed.metrics.contract import LabelledTable
from benchbed.metrics.number import Number
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: Shares of the clips at which the distribution is told, besides the median.
SHARES = (0.1, 0.9)
#: Steps of the curve in dB.
STEP_DB = 2.5


def searches(condition: AttackCondition) -> bool:
    """Whether a condition's attack looks for the smallest perturbation by itself."""
    return condition.attack not in PRESETS and resolve(condition.attack, condition.options).searches


def smallest_figures(
    curve: Sequence[CellPlan],
    flags: Mapping[str, Flags],
    rows: Mapping[str, pd.DataFrame],
    condition: AttackCondition,
) -> dict[str, Number]:
    """The median smallest perturbation of a curve; of an attack that searched for it, with quantiles and intervals."""
    tables = [rows[cell.key] for cell in curve]
    smallest = smallest_of(tables)
    levels = np.array(list(smallest.values()))
    if not searches(condition):
        return {"minimal_snr": smallest_attack(levels)}
    some = flags[curve[0].key]
    clips = tables[0]["clip_id"].astype(str).tolist()
    where = {clip: int(group) for clip, group in zip(clips, some.group)}
    group = np.array([where[clip] for clip in smallest], dtype=np.int64)
    found = {"minimal_snr": quantile_of_attacks(levels, 0.5, group, some.bootstrap)}
    for share in SHARES:
        found[f"minimal_snr_{100 * share:g}"] = quantile_of_attacks(levels, share, group, some.bootstrap)
    return found


def smallest_of(tables: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Clip that is right when clean → the largest SNR at which it was broken, −∞ if it never was."""
    best: dict[str, float] = {}
    for table in tables:
        for clip, right, robust, snr in zip(table["clip_id"], table["clean_correct"], table["robust"], table["snr"]):
            if right:
                level = float(snr) if not robust and snr is not None and snr == snr else float("-inf")
                best[str(clip)] = max(best.get(str(clip), float("-inf")), level)
    return best


def curve_of_smallest(tables: Sequence[pd.DataFrame]) -> LabelledTable | None:
    """Share of the clips right when clean that fall to a perturbation of at most so many dB, on a grid of levels."""
    levels = np.array(list(smallest_of(tables).values()))
    finite = levels[np.isfinite(levels)]
    if not len(finite):
        return None
    top, bottom = np.ceil(finite.max() / STEP_DB) * STEP_DB, np.floor(finite.min() / STEP_DB) * STEP_DB
    grid = np.arange(top, bottom - STEP_DB / 2, -STEP_DB)
    shares = [[float((levels >= level).mean())] for level in grid]
    return LabelledTable(
        tuple(f"{level:g} dB" for level in grid),
        ("broken",),
        np.array(shares),
        "SNR of the smallest perturbation, at least",
        "clips right when clean",
        "fraction",
    )
