"""Certified accuracy of a smoothed model against the L2 norm of what is added, and how often it abstains.

A clip counts at a radius where its vote is right and nothing shorter than that changes it. Clips on which the model
abstains are never certified; their share stands beside the curve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.attack.certificate import ALPHA, CHOOSING, COUNTING
from benchbed.metrics.adversarial import Flags
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.run.attacking.certifying import ABSTAINED, RADIUS
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: Radii of the curve in standard deviations of the noise. With so many draws none is longer than 2.46 of them.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.4)
ACCURACY = MetricInfo(
    "Certified accuracy", "certified-accuracy:randomized-smoothing-cohen-2019", "fraction", "higher", low=0.0, high=1.0
)
ABSTENTION = MetricInfo(
    "Abstains", "abstention:randomized-smoothing-cohen-2019", "fraction", "lower", low=0.0, high=1.0
)


def certified_figures(
    plans: Sequence[CellPlan], flags: Mapping[str, Flags], rows: Mapping[str, pd.DataFrame], sigma: float | None
) -> dict[str, Number]:
    """Figures of the smoothed model of a run; none of any other.

    Parameters
    ----------
    plans : sequence of CellPlan
        Attacked cells.
    flags : mapping of str to Flags
        Cell → its flags, for the groups of its clips.
    rows : mapping of str to DataFrame
        Cell → its predictions.
    sigma : float or None
        Standard deviation of the noise under which the model votes.

    Returns
    -------
    dict of str to Number
        `certified:accuracy/RADIUS` and `certified:abstains`, with the split after the first colon where there are
        several; of the attacked cell with the most clips.
    """
    figures: dict[str, Number] = {}
    if sigma is None:
        return figures
    splits = list(dict.fromkeys(plan.split for plan in plans))
    how = f"confidence {1 - ALPHA:g} per clip, {CHOOSING} + {COUNTING} draws of noise of {sigma:g}"
    for split in splits:
        known = [p for p in plans if p.split == split and RADIUS in rows[p.key] and rows[p.key][RADIUS].notna().all()]
        if not known:
            continue
        widest = max(known, key=lambda plan: len(rows[plan.key]))
        table, mine = rows[widest.key], flags[widest.key]
        radius, prefix = (
            table[RADIUS].to_numpy(dtype=float),
            "certified:" if len(splits) == 1 else f"certified:{split}:",
        )
        for share in SHARES:
            reach = share * sigma
            about = f"every change of an L2 norm up to {reach:.3g}{f', {split}' if len(splits) > 1 else ''}"
            # A radius of 0 is no certificate: at 0 a clip counts whose vote is right and certain at all.
            certain = radius > reach
            figures[f"{prefix}accuracy/{reach:.4g}"] = _share(certain, mine, replace(ACCURACY, scope=about), how)
        figures[f"{prefix}abstains"] = _share(table[ABSTAINED].to_numpy(dtype=bool), mine, ABSTENTION, how)
    return figures


def _share(held: np.ndarray, flags: Flags, info: MetricInfo, note: str) -> Number:
    value, drawn = Flags(flags.group, {"held": held}, flags.bootstrap).mean("held")
    groups = len(np.unique(flags.group))
    return number(value, info, len(held), replicates=drawn, bootstrap=flags.bootstrap, groups=groups, note=note)
