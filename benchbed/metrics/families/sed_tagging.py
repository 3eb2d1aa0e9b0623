"""Weak labels of sound event detectors: which classes are somewhere in a recording, from its frame scores.

References may be strong (events) or weak (which classes there are) from one recording to the next, so that a set that
is labelled partly in time is scored as a whole.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from copy import copy
from dataclasses import replace
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family
from benchbed.metrics.families.tagging import Tagging, Ties
from benchbed.metrics.sed.detection import listed, paired
from benchbed.metrics.sed.examples import random_corpus
from benchbed.outputs.frames.recording import Events, FrameScores

Pool = Literal["max", "mean", "linear", "exponential"]


def family(
    labels: Sequence[str],
    *,
    pool: Pool = "max",
    threshold: float | Sequence[float] = 0.5,
    bins: int = 15,
    lwlrap_ties: Ties = "worst",
) -> WeakTagging:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    pool : {"max", "mean", "linear", "exponential"}
        Score of a recording from those of its frames: the highest, the mean, or the mean weighted by the score itself
        (linear softmax) or by its exponential (Wang, Li and Metze 2019, ICASSP).
    threshold, bins, lwlrap_ties
        As in `tagging`.

    Examples
    --------
    >>> family(("dog",), pool="linear").metrics["map"].rule
    'map:step-sum:classes-with-positives:frames-linear'
    """
    return WeakTagging(tuple(labels), pool, threshold, bins, lwlrap_ties)


def example(generator: np.random.Generator, clips: int) -> tuple[WeakTagging, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it, every third of them weak.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    outputs, target = random_corpus(generator, clips, 3)
    for i in range(0, clips, 3):
        target[i] = (generator.random(3) < 0.4).astype(np.float64)
    return family(("dog", "rain", "speech")), outputs, target


class WeakTagging(Tagging):
    """Tagging of recordings, from frame scores, with events or weak labels `[class]` as references.

    Scores and references are arrays of one object per recording.
    """

    output = "frames"
    takes_weak = True

    def __init__(
        self,
        labels: tuple[str, ...],
        pool: Pool,
        threshold: float | Sequence[float],
        bins: int,
        lwlrap_ties: Ties,
    ) -> None:
        super().__init__(labels, threshold, bins, lwlrap_ties)
        if pool not in ("max", "mean", "linear", "exponential"):
            raise ConfigError(f"unknown pooling '{pool}'", hint="max, mean, linear or exponential")
        self.pool = pool
        self.metrics = {name: replace(i, rule=f"{i.rule}:frames-{pool}") for name, i in self.metrics.items()}
        self.class_metrics = {
            name: replace(i, rule=f"{i.rule}:frames-{pool}") for name, i in self.class_metrics.items()
        }

    def context(self, scores: np.ndarray, target: np.ndarray) -> Family:
        """The family with the rule that lists of events are scored by, if the answers are lists."""
        lists, confident = listed(scores)
        if not lists:
            return self
        told, how = copy(self), "listed-confidence-max" if confident else "listed"
        told.metrics = {n: replace(i, rule=_ruled(i.rule, how)) for n, i in self.metrics.items()}
        told.class_metrics = {n: replace(i, rule=_ruled(i.rule, how)) for n, i in self.class_metrics.items()}
        return told

    @property
    def curves(self) -> tuple[Hashable, ...]:
        """By tags, from frames."""
        return "tags", self.pool

    def tagged(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Recordings as tags, by the pooling of their frames."""
        count = len(self.labels)
        pooled = np.stack([np.zeros(count), *(pooled_scores(item, count, self.pool) for item in scores)])[1:]
        return pooled, np.stack([np.zeros(count), *(present(item, count) for item in target)])[1:]

    def _checked(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        paired(scores, target)
        return super()._checked(*self.tagged(scores, target))


def _ruled(rule: str, how: str) -> str:
    return f"{rule.rpartition(':frames-')[0]}:{how}"


def pooled_scores(frames: FrameScores | Events, classes: int, pool: Pool) -> np.ndarray:
    """Scores of a recording `[class]` from those of its frames, weighted by their length; 0 without frames.

    Of listed events each class has the highest confidence, or one where events have none.

    Examples
    --------
    >>> frames = FrameScores(np.array([[0.2], [0.6]]), np.array([0, 1, 2]))
    >>> [round(float(pooled_scores(frames, 1, pool)[0]), 3) for pool in ("max", "mean", "linear", "exponential")]
    [0.6, 0.4, 0.5, 0.439]
    """
    if isinstance(frames, Events):
        made = np.zeros(classes)
        if len(frames) and not 0 <= frames.label.min() <= frames.label.max() < classes:
            raise CannotMeasure(f"event classes outside 0…{classes - 1}")
        sure = np.ones(len(frames)) if frames.confidence is None else frames.confidence
        np.maximum.at(made, frames.label, sure)
        return made
    if not isinstance(frames, FrameScores) or frames.scores.shape[1] != classes:
        raise CannotMeasure(f"weak labels need frame scores of {classes} classes, not {type(frames).__name__}")
    if not len(frames):
        return np.zeros(classes)
    scores = np.asarray(frames.scores, np.float64)
    if pool == "max":
        return scores.max(axis=0)
    length = np.diff(frames.edges)[:, None].astype(np.float64)
    weight = {"mean": np.ones_like(scores), "linear": scores, "exponential": np.exp(scores)}[pool] * length
    total = weight.sum(axis=0)
    # The mean of equal scores is that score and no number beside it, so only what differs is summed.
    moved = np.divide(((scores - scores[0]) * weight).sum(axis=0), total, out=np.zeros(classes), where=total > 0)
    return np.where(total > 0, scores[0] + moved, 0.0)


def present(reference: Events | np.ndarray, classes: int) -> np.ndarray:
    """Which classes are in a recording, `[class]`: 1, 0, or NaN where a weak label leaves it open."""
    if isinstance(reference, Events):
        made = np.zeros(classes)
        if len(reference) and (reference.label.min() < 0 or reference.label.max() >= classes):
            raise CannotMeasure(f"event classes outside 0…{classes - 1}")
        made[reference.label] = 1
        return made
    made = np.asarray(reference, np.float64)
    if made.shape != (classes,):
        raise CannotMeasure(f"weak labels of shape {list(made.shape)} for {classes} classes")
    return made
