"""Tables of attacked cells: which class was made of which, success against queries, the smallest perturbations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.attack import resolve
from benchbed.attack.attacks.class_matrix import COLUMN
from benchbed.attack.ensemble import PRESETS
from benchbed.metrics.contract import LabelledTable
from benchbed.run.job.job import Job
from benchbed.run.scoring.smallest import curve_of_smallest, searches
from benchbed.run.scoring.survival import survival_table
from benchbed.suite.conditions import AttackCondition
from benchbed.suite.plan import CellPlan

if TYPE_CHECKING:
    import pandas as pd

#: Queries at which a black box's success is told, as far as it was given so many.
QUERIES = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000)


def attack_tables(
    job: Job, plans: Sequence[CellPlan], rows: Mapping[str, pd.DataFrame]
) -> dict[str, dict[str, LabelledTable]]:
    """Cell → name → table.

    Parameters
    ----------
    plans : sequence of CellPlan
        All attacked cells, budget after budget.
    rows : mapping of str to DataFrame
        Cell → its predictions.
    """
    found: dict[str, dict[str, LabelledTable]] = {}
    for _, group in itertools.groupby(plans, key=lambda plan: (plan.split, plan.condition)):
        curve = list(group)
        condition = job.conditions[curve[0].condition]
        assert isinstance(condition, AttackCondition)
        for plan in curve:
            table = rows[plan.key]
            made = {
                "survival": survival_table(table),
                "targets": targets(table, job.labels),
                "queries": _queries(condition, table),
            }
            found[plan.key] = {name: one for name, one in made.items() if one is not None}
        sound = condition.space == "waveform" and condition.threat == "l2"
        if sound and searches(condition):
            smallest = curve_of_smallest([rows[plan.key] for plan in curve])
            if smallest is not None:
                found[curve[-1].key]["smallest"] = smallest
    return found


def targets(table: pd.DataFrame, labels: Sequence[str]) -> LabelledTable | None:
    """Share of the clips of each class, right when clean, that were made each other class; NaN on the diagonal.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"label": ["a", "a", "b"], "clean_correct": True, "reached": ["1", "", "0"]})
    >>> targets(rows, ["a", "b"]).values.tolist()
    [[nan, 0.5], [1.0, nan]]
    """
    # The column of one condition is empty in the rows of all others.
    if COLUMN not in table or not table[COLUMN].notna().any():
        return None
    part = table[table["clean_correct"].to_numpy(dtype=bool) & table[COLUMN].notna().to_numpy()]
    number = {label: i for i, label in enumerate(labels)}
    hits, clips = np.zeros((len(labels), len(labels))), np.zeros(len(labels))
    for label, reached in zip(part["label"], part[COLUMN]):
        clips[number[label]] += 1
        for other in str(reached).split(","):
            if other:
                hits[number[label], int(other)] += 1
    with np.errstate(invalid="ignore"):
        shares = hits / np.where(clips > 0, clips, np.nan)[:, None]
    np.fill_diagonal(shares, np.nan)
    return LabelledTable(
        tuple(labels), tuple(labels), shares, "class of the clip", "class that it was made", "fraction"
    )


def _queries(condition: AttackCondition, table: pd.DataFrame) -> LabelledTable | None:
    if condition.attack in PRESETS:
        return None
    attack = resolve(condition.attack, condition.options)
    asked = attack.options.get("queries")
    return None if attack.access != "scores" or not isinstance(asked, int) else by_queries(table, asked)


def by_queries(table: pd.DataFrame, asked: int) -> LabelledTable | None:
    """Share of the clips right when clean that were broken within so many queries.

    What broke at a milder budget counts with the queries that it took there: the same sound is allowed here.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"clean_correct": True, "robust": [False, False, True], "broken_step": [0, 40, -1]})
    >>> by_queries(rows, 100).rows, by_queries(rows, 100).values[:, 0].round(2).tolist()
    (('1', '3', '10', '30', '100'), [0.33, 0.33, 0.33, 0.33, 0.67])
    """
    part = table[table["clean_correct"].to_numpy(dtype=bool)]
    if not len(part):
        return None
    broken = ~part["robust"].to_numpy(dtype=bool)
    step = part["broken_step"].to_numpy(dtype=np.int64)
    levels = sorted({query for query in QUERIES if query < asked} | {asked})
    shares = [[float((broken & (step >= 0) & (step < level)).mean())] for level in levels]
    return LabelledTable(
        tuple(map(str, levels)), ("broken",), np.array(shares), "queries", "clips right when clean", "fraction"
    )
