"""Thresholds chosen on validation data, one per class, and then frozen.

A figure at thresholds that were chosen on the clips it is about says what the scores hold, not what the system does.
Here the choice is an object of its own: it names the data that it was made on, is written down, and goes into a metric
family as a plain option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family
from benchbed.metrics.ranking import Ranking

#: Threshold of a class that validation data say nothing about.
FALLBACK = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Frozen thresholds.

    Attributes
    ----------
    labels : tuple of str
        Classes, in the order of `values`.
    values : tuple of float
        A class is output where its score is at least this.
    tuned_on : str
        The data that they were chosen on, e.g. `desed/validation`.
    rule : str
        How they were chosen.
    untuned : tuple of str
        Classes without positives there, which keep 0.5.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...]
    tuned_on: str
    rule: str
    untuned: tuple[str, ...] = ()

    def options(self, labels: Sequence[str], scored_on: str) -> dict[str, list[float]]:
        """The option `threshold` of a metric family.

        Parameters
        ----------
        labels : sequence of str
            Classes of the family.
        scored_on : str
            The data to be scored, which must be other data than these were chosen on.

        Raises
        ------
        ConfigError
            The same data, or a class without a threshold.

        Examples
        --------
        >>> frozen = Thresholds(("dog", "rain"), (0.3, 0.6), "toy/validation", "best-f1")
        >>> frozen.options(("rain", "dog"), "toy/test")
        {'threshold': [0.6, 0.3]}
        """
        if scored_on == self.tuned_on:
            raise ConfigError(
                f"thresholds that were chosen on {scored_on} cannot be scored there",
                hint="choose them on validation data, or report sed_best, which says what it is",
            )
        held = dict(zip(self.labels, self.values))
        absent = [label for label in labels if label not in held]
        if absent:
            raise ConfigError(f"no threshold for {', '.join(absent)}", hint=f"thresholds of {', '.join(self.labels)}")
        return {"threshold": [held[label] for label in labels]}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be written down."""
        return {
            "thresholds": dict(zip(self.labels, self.values)),
            "tuned_on": self.tuned_on,
            "rule": self.rule,
            "untuned": list(self.untuned),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any], where: str | None = None) -> Thresholds:
        """Read what `as_dict` wrote.

        Raises
        ------
        ConfigError
            Something else.
        """
        try:
            pairs = {str(label): float(value) for label, value in written["thresholds"].items()}
            return cls(
                tuple(pairs), tuple(pairs.values()), str(written["tuned_on"]), str(written["rule"]),
                tuple(str(label) for label in written.get("untuned", ())),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"not a file of thresholds ({type(error).__name__}: {error})",
                where=where,
                hint="thresholds, tuned_on and rule",
            ) from error


def tune_tags(scores: np.ndarray, target: np.ndarray, labels: Sequence[str], tuned_on: str) -> Thresholds:
    """The threshold of each class with the highest F1 over clips.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
        Finite scores on validation data.
    target : np.ndarray [shape=(clip, class)]
        1 present, 0 absent, NaN unknown.
    labels : sequence of str
        Class names.
    tuned_on : str
        The data, e.g. `fsd50k/val`.

    Raises
    ------
    CannotMeasure
        Wrong shapes, or scores that are not finite.

    Examples
    --------
    >>> tune_tags(np.array([[0.9], [0.4], [0.2]]), np.array([[1], [1], [0]]), ["dog"], "toy/val").values
    (0.4,)
    """
    scores, target = np.asarray(scores, np.float64), np.asarray(target, np.float64)
    if scores.shape != target.shape or scores.ndim != 2 or scores.shape[1] != len(labels):
        raise CannotMeasure(f"scores {list(scores.shape)}, references {list(target.shape)}, {len(labels)} classes")
    if not np.isfinite(scores).all():
        raise CannotMeasure("scores are not finite")
    found = np.full(len(labels), np.nan)
    for i in range(len(labels)):
        known = ~np.isnan(target[:, i])
        ranking = Ranking(scores[known, i], target[known, i] > 0.5, np.zeros(int(known.sum()), int))
        if len(ranking.thresholds):
            found[i] = ranking.thresholds[ranking.curve(np.ones((1, 1))).best_f1()[1][0]]
    return _frozen(found, labels, tuned_on, "best-f1:every-threshold:clips")


def tune_events(family: Family, scores: np.ndarray, target: np.ndarray, tuned_on: str) -> Thresholds:
    """The threshold of each class with the highest F1 over events, by the rules of a `sed_best` family.

    Parameters
    ----------
    family : Family
        From `benchbed.metrics.families.sed_best`; says what a hit is, and which median filter comes first.
    scores, target : np.ndarray [shape=(recording,), object]
        `FrameScores` and reference `Events` of validation data.
    tuned_on : str
        The data, e.g. `desed/validation`.

    Raises
    ------
    ConfigError
        Another kind of family.
    """
    sample = family.sample(scores, target, np.zeros(len(scores), int), 1)
    if sample is None or "best_threshold" not in family.class_metrics:
        raise ConfigError("thresholds of events are chosen by a family of sed_best")
    found = sample.scores(np.ones((1, 1)))[1]["best_threshold"][0]
    return _frozen(found, family.labels, tuned_on, family.class_metrics["best_threshold"].rule)


def _frozen(found: np.ndarray, labels: Sequence[str], tuned_on: str, rule: str) -> Thresholds:
    values = np.where(np.isnan(found), FALLBACK, found)
    untuned = tuple(label for label, value in zip(labels, found) if np.isnan(value))
    return Thresholds(tuple(labels), tuple(float(v) for v in values), tuned_on, rule, untuned)
