"""Several folds as one figure: the mean over folds with its spread, and the clips of all folds pooled.

ESC-50 and UrbanSound8K ask for the mean over their folds. Pooled clips give another number as soon as folds differ in
size or a metric is not a mean over clips, so both carry their definition in the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import Family, Sample
from benchbed.metrics.number import Number, derived, number
from benchbed.metrics.weighing import chosen
from benchbed.metrics.weighing import drawn as drawn_scores
from benchbed.stats.bootstrap import Bootstrap


@dataclass(frozen=True)
class Fold:
    """One fold's clips, scored by the model that did not see them.

    Attributes
    ----------
    scores : np.ndarray [shape=(clip, …)]
        What the model gave.
    target : np.ndarray [shape=(clip, …)]
        References.
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group within the fold.
    bootstrap : Bootstrap
        Draws of the fold's groups; its name must be the fold's own, so that folds are drawn independently.
    """

    scores: np.ndarray
    target: np.ndarray
    group: np.ndarray
    bootstrap: Bootstrap


@dataclass(frozen=True)
class FoldScores:
    """Figures over folds, metric → number.

    Attributes
    ----------
    mean : dict of str to Number
        Mean over folds, every fold with the same weight.
    std : dict of str to Number
        Sample standard deviation over folds (n − 1).
    pooled : dict of str to Number
        All clips together.
    """

    mean: dict[str, Number]
    std: dict[str, Number]
    pooled: dict[str, Number]


def score_folds(family: Family, folds: Sequence[Fold], called: str = "folds") -> FoldScores:
    """Score several folds together.

    The interval resamples recordings within each fold. It covers the choice of test recordings, not of training data
    or seeds; `std` shows what changes from fold to fold. `called` is what rule and scope call them: sets that stand
    beside each other, such as two data sets, are no folds.

    Raises
    ------
    CannotMeasure
        No folds, bootstraps of different lengths, or two folds that share their draws.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> right, wrong = np.array([[0.9, 0.1]]), np.array([[0.2, 0.8]])
    >>> folds = [Fold(s, np.array([0]), np.array([0]), Bootstrap(1, name=n)) for s, n in ((right, "1"), (wrong, "2"))]
    >>> score_folds(family(("bus", "tram")), folds).mean["accuracy"].value
    0.5
    """
    if not folds:
        raise CannotMeasure("no folds to aggregate")
    draws = {fold.bootstrap.draws for fold in folds}
    if len(draws) > 1:
        raise CannotMeasure(f"folds with different numbers of draws: {sorted(draws)}")
    keys = {(fold.bootstrap.name, fold.bootstrap.seed, fold.bootstrap.groups) for fold in folds}
    if len(keys) < len(folds):
        raise CannotMeasure("two folds share their bootstrap draws", hint="name each fold's bootstrap by its split")
    # Each fold is a gallery of its own.
    told = [family.context(f.scores, f.target) for f in folds]
    rows = [own.grouped(f.scores, f.target, f.group, f.bootstrap.groups) for own, f in zip(told, folds)]
    sums = [row.sum(axis=0) for row in rows]
    samples = [own.sample(f.scores, f.target, f.group, f.bootstrap.groups) for own, f in zip(told, folds)]
    values = [
        {**family.values(total), **chosen(sample, np.ones(len(row), bool))[0]}
        for total, sample, row in zip(sums, samples, rows)
    ]
    clips = sum(len(fold.target) for fold in folds)
    groups = sum(len(np.unique(fold.group)) for fold in folds)
    joint = replace(folds[0].bootstrap, groups=groups)
    total = np.sum(sums, axis=0)
    pool = _pooled_sample(family, folds)
    whole = {**family.values(total), **chosen(pool, np.ones(sum(len(row) for row in rows), bool))[0]}
    drawn = [fold.bootstrap.replicates(row) for fold, row in zip(folds, rows)] if draws != {0} else []
    drawn_values = [
        {**family.values(part), **drawn_scores(sample, f.bootstrap, np.arange(len(row)), np.ones(len(row), bool))[0]}
        for part, sample, f, row in zip(drawn, samples, folds, rows)
    ]
    drawn_whole = family.values(np.sum(drawn, axis=0)) if drawn else {}
    if drawn and pool is not None:
        blocks = [pool.scores(np.hstack(block))[0] for block in zip(*(f.bootstrap.weights() for f in folds))]
        drawn_whole |= {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    reasons = family.reasons(total)

    mean, std, pooled = {}, {}, {}
    for name, info in family.metrics.items():
        per_fold = np.array([float(one_fold[name]) for one_fold in values])
        replicates = np.mean([one_fold[name] for one_fold in drawn_values], axis=0) if drawn else None
        undefined = reasons.get(name, "undefined in a fold")
        mean[name] = number(
            float(per_fold.mean()),
            derived(info, f"mean-over-{len(folds)}-{called}", scope=f"mean over {len(folds)} {called}"),
            clips,
            replicates=replicates,
            bootstrap=joint,
            groups=groups,
            undefined=undefined,
        )
        scope = f"standard deviation over {len(folds)} {called}"
        spread = derived(info, f"sample-std-over-{len(folds)}-{called}", scope=scope, bounded=False)
        std[name] = number(
            float(per_fold.std(ddof=1)) if len(folds) > 1 else float("nan"),
            replace(spread, direction="lower"),
            clips,
            undefined=undefined if len(folds) > 1 else "one fold has no spread",
            no_interval="resampling inflates a spread",
        )
        pooled[name] = number(
            float(whole[name]),
            derived(info, f"pooled-{called}", scope=f"{len(folds)} {called} pooled"),
            clips,
            replicates=drawn_whole.get(name),
            bootstrap=joint,
            groups=groups,
            undefined=undefined,
        )
    return FoldScores(mean, std, pooled)


def _pooled_sample(family: Family, folds: Sequence[Fold]) -> Sample | None:
    # Groups of different folds stay apart, because every fold is drawn for itself.
    if not family.ranked:
        return None
    starts = np.cumsum([0, *(fold.bootstrap.groups for fold in folds)])
    scores, target = (np.concatenate([getattr(fold, name) for fold in folds]) for name in ("scores", "target"))
    group = np.concatenate([fold.group + start for fold, start in zip(folds, starts)])
    return family.sample(scores, target, group, int(starts[-1]))
