"""Thresholds of networks that localise, chosen on validation data: by the location-dependent F20° of the year's rule.

Each candidate decides what sounds, unifies what is near and pairs it anew, since whether two vectors are one source
depends on the threshold; so candidates are a grid. Classes do not meet before they are averaged: with the macro F in
mind each chooses for itself. The micro F is a ratio of sums over classes; its best thresholds are found by Dinkelbach's
iteration, as in `benchbed.metrics.tuning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import Family
from benchbed.metrics.ratios import ratio
from benchbed.metrics.seld.counting import read
from benchbed.metrics.seld.decision import TrackDecision
from benchbed.metrics.seld.family import Seld
from benchbed.metrics.seld.figures import f20_parts
from benchbed.metrics.thresholds import FALLBACK, Thresholds, frozen
from benchbed.metrics.tuning import Average, ChosenThresholds
from benchbed.outputs.tracks.vectors import FLOOR

#: Thresholds that are tried.
GRID = tuple(float(value) for value in np.round(np.arange(FLOOR, 0.951, 0.025), 3))


def tune_tracks(
    family: Family,
    outputs: np.ndarray,
    target: np.ndarray,
    tuned_on: str,
    *,
    average: Average = "macro",
    per_class: bool = True,
    fallback: float = FALLBACK,
    grid: Sequence[float] = GRID,
) -> Thresholds:
    """The threshold of each class with the highest F20° by a year's rule, never by its script.

    Parameters
    ----------
    family : Family
        A year's; says what a hit is, and within how many degrees vectors are one source.
    outputs, target : np.ndarray [shape=(recording,), object]
        Undecided `Tracks` and references of validation data.
    tuned_on : str
        The data, e.g. `starss23/train`.
    average, per_class
        As in `benchbed.metrics.tuning.choose`.
    fallback : float, default=0.5
        Threshold of classes that do not occur there.
    grid : sequence of float
        Thresholds that are tried, rising. Of neighbours that are equally good the middle is taken, of several such
        runs the highest.

    Raises
    ------
    ConfigError
        Another kind of family.

    Examples
    --------
    >>> from benchbed.metrics.families.seld2022 import family
    >>> from benchbed.outputs.tracks.recording import tracks
    >>> there, said = np.empty(1, object), np.empty(1, object)
    >>> there[0] = tracks([0], [0], [30.0], frames=20)
    >>> said[0] = replace(tracks([0, 10], [0, 0], [30.0, 30.0], frames=20), activity=np.array([0.8, 0.4]))
    >>> tune_tracks(family(("dog",)), said, there, "toy/val").values
    (0.575,)
    """
    if not isinstance(family, Seld):
        raise ConfigError("thresholds of tracks are chosen by a family of localisation")
    rule = replace(family.rule, official=False, decided="")
    over, under, present = [], [], np.zeros(len(family.labels), bool)
    for threshold in grid:
        tried = Seld(family.labels, rule, None, decided=TrackDecision((threshold,), family.decision.unify))
        counts = read(tried.statistics(outputs, target).sum(axis=0), len(family.labels))
        parts = f20_parts(counts, rule)
        over.append(parts[0])
        under.append(parts[1])
        present = counts.reference > 0
    hits, cases = np.stack(over), np.stack(under)
    choice = _choice(hits, cases, present, np.array(grid), average, per_class)
    named = "best-" + ("" if per_class else "common-") + ("micro-" if average == "micro" else "")
    steps = f"grid-{grid[0]:g}-{grid[-1]:g}-of-{len(grid)}"
    how = f"{named}f20:{steps}:{rule.name}:unify-{family.decision.unify:g}deg"
    return frozen(choice, family.labels, tuned_on, how, fallback)


def _choice(
    hits: np.ndarray, cases: np.ndarray, present: np.ndarray, grid: np.ndarray, average: Average, per_class: bool
) -> ChosenThresholds:
    """From numerators and denominators of F `[threshold, class]` to a threshold of each class."""
    classes = hits.shape[1]
    f20 = np.nan_to_num(ratio(hits, cases))
    known = np.flatnonzero(present)
    none = np.full(classes, np.nan)
    if not len(known):
        return ChosenThresholds(none, np.zeros(classes, np.int64), none, float("nan"))
    if not per_class:
        pooled = ratio(hits.sum(axis=1), cases.sum(axis=1))
        at = _middle(f20[:, known].mean(axis=1) if average == "macro" else np.nan_to_num(pooled))
        picked = np.full(classes, at)
    else:
        picked = np.array([_middle(f20[:, label]) for label in range(classes)])
        if average == "micro":
            picked[known] = _best_sum(hits[:, known], cases[:, known], picked[known])
    each = none.copy()
    each[known] = f20[picked[known], known]
    chosen = np.full(classes, grid[picked[0]]) if not per_class else np.where(present, grid[picked], np.nan)
    if average == "macro":
        reached = float(each[known].mean())
    else:
        taken = np.arange(classes) if not per_class else known
        reached = float(ratio(hits[picked[taken], taken].sum(), cases[picked[taken], taken].sum()))
    return ChosenThresholds(chosen, np.zeros(classes, np.int64), each, reached)


def _best_sum(hits: np.ndarray, cases: np.ndarray, picked: np.ndarray) -> np.ndarray:
    """Thresholds whose summed counts have the highest F, from any others."""
    classes = np.arange(hits.shape[1])
    while True:
        reached = float(np.nan_to_num(ratio(hits[picked, classes].sum(), cases[picked, classes].sum())))
        better = np.array([_middle((hits - reached * cases)[:, label]) for label in classes])
        gained = float(np.nan_to_num(ratio(hits[better, classes].sum(), cases[better, classes].sum())))
        if gained <= reached + 1e-12:
            return picked
        picked = better


def _middle(values: np.ndarray) -> int:
    """The middle of the highest run of neighbours with the best value."""
    best = values >= values.max() - 1e-12
    last = len(values) - 1 - int(best[::-1].argmax())
    first = last
    while first > 0 and best[first - 1]:
        first -= 1
    return (first + last + 1) // 2
