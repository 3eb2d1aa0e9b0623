"""Figures over cells: the headline, folds as the dataset's protocol joins them, and models that hear nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchbed.checkpoints import last_step
from benchbed.metrics import FAMILIES
from benchbed.metrics.cell import CellScores
from benchbed.metrics.contract import Family
from benchbed.metrics.folds import Fold, FoldScores, score_folds
from benchbed.metrics.number import Number, derived
from benchbed.results.conditions import spoken
from benchbed.results.splits import called
from benchbed.run.scoring.viewed import named
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.model import Suite
from benchbed.suite.plan import CellPlan
from benchbed.suite.view import GroupView


@dataclass(frozen=True)
class AnswersOfCell:
    """Answers and references that the figures of a cell came from.

    Attributes
    ----------
    fold : Fold
    position : np.ndarray [shape=(row,), int]
        Place of each row's clip in its split.
    sounds : np.ndarray [shape=(row,), str], optional
        Class of the sound that was put into each row's clip.
    """

    fold: Fold
    position: np.ndarray
    sounds: np.ndarray | None = None


@dataclass(frozen=True)
class ScoredCell:
    """A cell's figures, and a way to the answers they came from, which would fill the memory."""

    scores: CellScores
    bootstrap: Bootstrap
    read: Callable[[], AnswersOfCell]
    """Reads them."""
    applied: bool = True
    """The condition could be applied to some clip."""
    sounds: bool = False
    """A sound was put into its clips."""
    view: Fold | None = None
    """Joined answers of clips that decide together."""


def aggregate(
    suite: Suite,
    family: Family,
    primary: str,
    cells: list[CellPlan],
    scored: Mapping[str, ScoredCell],
    strength: Mapping[str, str] | None = None,
) -> dict[str, Number]:
    """Figures over cells; `strength` says what the severities of conditions are in their units.

    Returns
    -------
    dict of str to Number
        `METRIC` is the headline on clean audio; `folds_mean:…`, `folds_std:…` and `folds_pooled:…` where there are
        several splits (clean: `folds_mean:METRIC`, others: `folds_mean:CONDITION:METRIC` of the metric that ranks in
        this suite); `baseline_NAME:METRIC`.
    """
    figures: dict[str, Number] = {}
    by_condition: dict[str, list[CellPlan]] = {}
    for cell in cells:
        by_condition.setdefault(cell.key.split("/", 2)[2], []).append(cell)
    for condition, members in by_condition.items():
        clean = members[0].kind == "clean"
        # Of a sequence of checkpoints the run's own figures are those after the last step.
        final = set(last_step(cell.split for cell in members))
        members = [cell for cell in members if cell.split in final]
        if not all(scored[cell.key].applied for cell in members):
            continue
        if len(members) == 1:
            if clean:
                figures |= scored[members[0].key].scores.metrics
            continue
        word = called(cell.split for cell in members)
        joined = score_folds(family, [scored[cell.key].read().fold for cell in members], word)
        ranks = [primary]
        views = [fold for cell in members if (fold := scored[cell.key].view) is not None]
        if suite.view is not None and views:
            joined = _with_view(joined, score_folds(family, views, word), suite.view)
            ranks.append(f"{suite.view.name}_{primary}")
        prefix = "" if clean else f"{condition}:"
        for kind, numbers in (("mean", joined.mean), ("std", joined.std), ("pooled", joined.pooled)):
            chosen = numbers if clean else {name: numbers[name] for name in ranks}
            figures |= {
                f"folds_{kind}:{prefix}{name}": _about(number, members[0], strength or {})
                for name, number in chosen.items()
            }
        if clean:
            figures |= joined.mean if suite.metrics.folds == "mean" else joined.pooled
    first = next((cell for cell in cells if cell.kind == "clean"), cells[0])
    alike = by_condition[first.key.split("/", 2)[2]]
    final = set(last_step(cell.split for cell in alike))
    return figures | _baselines(suite, family, [scored[cell.key] for cell in alike if cell.split in final])


def _with_view(single: FoldScores, together: FoldScores, view: GroupView) -> FoldScores:
    """Figures over folds of single clips, and of those that decide together."""
    mean, std, pooled = (named(view, numbers) for numbers in (together.mean, together.std, together.pooled))
    return FoldScores({**single.mean, **mean}, {**single.std, **std}, {**single.pooled, **pooled})


def _about(number: Number, cell: CellPlan, strength: Mapping[str, str]) -> Number:
    """A figure that says which condition it is about, where that is not clean audio."""
    if cell.kind == "clean":
        return number
    name, mark, rest = spoken(cell.key.split("/", 2)[2], strength).partition(", ")
    told = f"{name.replace('_', ' ')}{mark}{rest}"
    return replace(number, info=replace(number.info, scope=f"{number.info.scope}, {told}"))


def _baselines(suite: Suite, family: Family, cells: list[ScoredCell]) -> dict[str, Number]:
    baselines = getattr(FAMILIES.get(suite.metrics.family), "baselines", None)
    if baselines is None:
        return {}
    counts = Counter(int(code) for cell in cells for code in cell.read().fold.target)
    table = baselines([counts[i] for i in range(len(family.labels))])
    total = sum(counts.values())
    return {
        f"baseline_{name}:{metric}": Number(
            value,
            None,
            None,
            total,
            derived(family.metrics[metric], f"baseline-{name}", scope=f"{name} baseline"),
            reason="computed from the class counts, not measured",
        )
        for name, values in table.items()
        for metric, value in values.items()
        if metric in family.metrics
    }
