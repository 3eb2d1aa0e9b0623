"""Figures of a cell in which clips that belong together decide as one (`view` of a suite)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.metrics.cell import score_cell
from benchbed.metrics.combining import combined
from benchbed.metrics.contract import Family
from benchbed.metrics.folds import Fold
from benchbed.metrics.number import Number
from benchbed.metrics.slices import Column
from benchbed.run.scoring.grouped import GroupedSplit
from benchbed.run.scoring.split import Answered
from benchbed.suite.view import GroupView

#: The rules in words, for the scope of a figure.
WORDS = {
    "mean": "the mean probability of their clips",
    "log_mean": "the mean log probability of their clips",
    "vote": "the votes of their clips",
}


@dataclass(frozen=True)
class Viewed:
    """What a cell scores where clips decide together.

    Attributes
    ----------
    metrics : dict of str to Number
        Of all groups of clips, with the view's name before theirs; `n` counts groups.
    groups : dict of str to dict
        Of slices, sets and classes.
    fold : Fold
        The joined answers, for figures over folds.
    """

    metrics: dict[str, Number]
    groups: dict[str, dict[str, Number]]
    fold: Fold


def viewed(
    view: GroupView,
    family: Family,
    split: GroupedSplit,
    answered: Answered,
    columns: Sequence[Column],
    draws: int,
    sliced: Collection[str] | None,
) -> Viewed:
    """Score the groups of clips of one cell.

    Clips that have no answer leave the decision to the others; references of a group are what any of its clips has.

    Parameters
    ----------
    view : GroupView
    family : Family
        The metrics, not yet told of any clips.
    split : GroupedSplit
    answered : Answered
        The cell's.
    columns : sequence of Column
        Metadata of its rows; a value that differs within a group puts it in no slice.
    draws : int
        Random draws of each clip, each of which is a decision of its own.
    sliced : collection of str, optional
        As of `score_cell`.
    """
    key = split.content(view.by)[answered.position] * draws + answered.draw
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    code, count = code.reshape(-1), len(first)
    scores = combined(answered.answers, code, count, view.rule, exclusive=split.output.exclusive)
    target = answered.references[first].copy()
    if target.ndim > 1:
        np.maximum.at(target, code, answered.references)
    group = split.codes[answered.position][first]
    told = family.context(scores, target)
    cell = score_cell(
        told,
        scores,
        target,
        group,
        [Column(c.name, _shared(c.values, code, first), c.sets) for c in columns],
        split.bootstrap if split.bootstrap.draws else None,
        tables=False,
        sliced=sliced,
    )
    groups = {key: named(view, numbers) for key, numbers in cell.groups.items()}
    return Viewed(named(view, cell.metrics), groups, Fold(scores, target, group, split.bootstrap))


def named(view: GroupView, numbers: Mapping[str, Number]) -> dict[str, Number]:
    """Figures under the names of a view, whose rule says how clips were joined."""
    found = {}
    for name, number in numbers.items():
        scope = ", ".join(part for part in (number.info.scope, f"decided by {WORDS[view.rule]}") if part)
        info = replace(
            number.info,
            title=f"{number.info.title} ({view.name.replace('_', ' ')}s)",
            rule=f"{number.info.rule}|{view.rule}-of-clips-by-{'+'.join(view.by)}",
            scope=scope,
        )
        found[f"{view.name}_{name}"] = replace(number, info=info)
    return found


def _shared(values: np.ndarray, code: np.ndarray, first: np.ndarray) -> np.ndarray:
    shared = np.asarray(values, object)[first]
    differs = np.asarray(values, object) != shared[code]
    shared[code[differs]] = ""
    return shared.astype(str)
