"""Who is more robust, given how good each is on clean audio.

A model that starts higher has more to lose, so drops are not comparable as they are. Two figures are given, both paired
by recording: the difference in retention above chance, and the difference at matched clean score. The latter takes what
a perturbation does to a model's log odds, and asks where that would put it if it had started where the other did; it is
the effective robustness of Taori et al. (2020, NeurIPS 33) with the trend fixed to equal loss of log odds, because two
models are too few to fit one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchbed.compare.answer import Contrast, Procedure
from benchbed.compare.drawing import drawn_metrics, draws_differ, replicates, stored
from benchbed.compare.figure import Figure, conditions
from benchbed.compare.pairing import scored_alike
from benchbed.compare.runs import Run
from benchbed.errors import CannotMeasure
from benchbed.stats.bootstrap import Bootstrap


@dataclass(frozen=True)
class Robustness:
    """Difference in robustness of two models, a − b.

    Attributes
    ----------
    name : str
        Corruption, or `all corruptions`.
    retention : tuple of (float, float or None, float or None) or None
        Difference in retention above chance with its interval.
    matched : tuple of (float, float or None, float or None) or None
        Difference in the metric, had both started at b's clean score.
    reason : str or None
        Why a figure is missing.
    """

    name: str
    retention: tuple[float, float | None, float | None] | None
    matched: tuple[float, float | None, float | None] | None
    reason: str | None = None


def robustness(
    a: Run, b: Run, metric: str, procedure: Procedure, known: Mapping[str, Contrast] | None = None
) -> list[Robustness]:
    """Compare two runs under each corruption, and over all of them, at matched clean score.

    Severities of a corruption are averaged first, then corruptions of a family, then families, as in the record.
    `known` holds differences in this metric that were drawn before, by condition: nothing is drawn twice.

    Raises
    ------
    CannotMeasure
        The metric is no score in 0…1 with a known chance value, or there is no clean condition.
    """
    info = a.family.metrics.get(metric)
    if info is None:
        raise CannotMeasure(f"there is no metric '{metric}'")
    groups: dict[str, dict[str, list[str]]] = {}
    held = {cell.key.split("/", 2)[2]: cell.condition for cell in a.result.cells}
    both = [c for c in conditions(a.sums) if c in conditions(b.sums)]
    for key in both:
        condition = held[key]
        if condition.severity is not None and all(_measured(run, key, metric) for run in (a, b)):
            groups.setdefault(condition.group or "other", {}).setdefault(condition.name, []).append(key)
    if "clean" not in both or not groups:
        return []
    if info.direction != "higher" or info.low != 0.0 or info.high != 1.0 or info.chance is None:
        return [Robustness("all corruptions", None, None, f"{metric} is no score in 0…1 with a known chance value")]
    used = ["clean", *(key for members in groups.values() for keys in members.values() for key in keys)]
    kept = any(metric in drawn_metrics(run, Figure(key)) for run in (a, b) for key in used)
    why = (draws_differ(a, b) or scored_alike(a, b, used)) if kept else None
    if why is not None:
        return [Robustness("all corruptions", None, None, why)]
    columns = _Columns(metric, procedure, kept, (a, b), known or {})
    clean = [columns(run, "clean") for run in (a, b)]
    found, families = [], []
    for members in groups.values():
        means = []
        for name, keys in members.items():
            scores = [np.mean([columns(run, key) for key in keys], axis=0) for run in (a, b)]
            means.append(scores)
            found.append(_figures(name, clean, scores, info.chance, a, procedure))
        families.append(np.mean(means, axis=0))
    whole = np.mean(families, axis=0)
    return [_figures("all corruptions", clean, list(whole), info.chance, a, procedure), *found]


def _measured(run: Run, condition: str, metric: str) -> bool:
    cells = [c for c in run.result.cells if c.key.split("/", 2)[2] == condition]
    return all(c.metrics[metric].value is not None for c in cells)


@dataclass(frozen=True)
class _Columns:
    """A metric under a condition: its value, then its replicates; those that were kept where a figure has no other."""

    metric: str
    procedure: Procedure
    kept: bool
    sides: tuple[Run, Run]
    known: Mapping[str, Contrast]

    def __call__(self, run: Run, condition: str) -> np.ndarray:
        if self.kept:
            value, column = stored(run, Figure(condition), self.metric)
            return np.concatenate([[value], column])
        found = self.known.get(condition)
        if found is not None and not found.dropped and found.drawn_a is not None and found.drawn_b is not None:
            if run is self.sides[0]:
                return np.concatenate([[found.a], found.drawn_a])
            return np.concatenate([[found.b], found.drawn_b])
        points, drawn = replicates(run, Figure(condition), self.procedure)
        return np.concatenate([[points[self.metric]], drawn[self.metric]])


def _figures(
    name: str, clean: list[np.ndarray], scores: list[np.ndarray], chance: float, run: Run, procedure: Procedure
) -> Robustness:
    groups = sum(len(names) for names in run.sums.groups.values())
    boot = Bootstrap(groups, draws=len(clean[0]) - 1, level=procedure.level, seed=procedure.seed)
    above = [column - chance for column in clean]
    if min(column[0] for column in above) < 0.01:
        return Robustness(name, None, None, "a clean score is not better than chance by 0.01")
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = [(score - chance) / column for score, column in zip(scores, above)]
    shift = [_logit(score) - _logit(column) for score, column in zip(scores, clean)]
    start = _logit(clean[1])
    matched = 1 / (1 + np.exp(-(start + shift[0]))) - 1 / (1 + np.exp(-(start + shift[1])))
    return Robustness(name, _interval(kept[0] - kept[1], boot), _interval(matched, boot))


def _interval(column: np.ndarray, boot: Bootstrap) -> tuple[float, float | None, float | None]:
    found = boot.interval(column[1:], value=float(column[0]))
    return float(column[0]), found.low, found.high


def _logit(score: np.ndarray) -> np.ndarray:
    # A score of 0 or 1 is no closer to its end than a thousandth, so that one clip does not decide.
    clipped = np.clip(score, 1e-3, 1 - 1e-3)
    return np.log(clipped / (1 - clipped))
