"""What families of decided events say of single events, whichever way they count."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Literal, Self, TypeVar

import numpy as np

from benchbed.metrics.sed.decision import Decision
from benchbed.metrics.sed.detection import Decided
from benchbed.metrics.sed.flat import FlatEvents, answers, flatten
from benchbed.metrics.timeline import EventJudge, JudgedEvents, Span
from benchbed.outputs.frames.recording import FrameScores

Deciding = TypeVar("Deciding", bound=Decided)


class Judging(Decided):
    """Metrics of events that are right or wrong one by one."""

    per: Literal["event", "segment"]

    @property
    def judge(self) -> EventJudge:
        """Itself."""
        return self

    @property
    def f1_rule(self) -> str:
        """The rule of the F1 over all classes."""
        return self.metrics["micro_f1"].rule

    @property
    def thresholds(self) -> tuple[float, ...]:
        """The threshold of all classes, or of each."""
        return self.decision.thresholds

    def decides_as(self, post_processing: object) -> bool:
        """Whether scores become events by this post-processing."""
        return self.decision == post_processing

    def filtered(self, scores: np.ndarray) -> tuple[Self, np.ndarray]:
        """Filtered scores `[recording]`, and the same metrics without the filter."""
        return unfiltered(self, scores)

    def f1(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """F1 over all classes of each recording `[recording]`."""
        return self.values(self.statistics(scores, target))["micro_f1"]

    def numbers(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Reference events and detected events of each recording, `[recording]`."""
        reference, output = self._sides(scores, target)
        classes = len(self.labels)
        return reference.counts(classes).sum(axis=1), output.counts(classes).sum(axis=1)

    def judged(self, scores: np.ndarray, target: np.ndarray) -> tuple[JudgedEvents, JudgedEvents]:
        """Reference and detected events of one recording `[1]`, each with what of it is wrong."""
        reference, output = self._sides(scores, target)
        wrong = self.wrong(reference, output)
        made = [
            JudgedEvents(side.onset, side.offset, side.label, parts, int(side.duration[0]))
            for side, parts in zip((reference, output), wrong)
        ]
        return made[0], made[1]

    @abstractmethod
    def wrong(self, reference: FlatEvents, output: FlatEvents) -> tuple[list[list[Span]], list[list[Span]]]:
        """What is wrong of each reference event and of each detected one, of one recording."""

    def _sides(self, scores: np.ndarray, target: np.ndarray) -> tuple[FlatEvents, FlatEvents]:
        classes = len(self.labels)
        return flatten(target, classes), answers(scores, self.decision, classes)


def unfiltered(family: Deciding, scores: np.ndarray) -> tuple[Deciding, np.ndarray]:
    """The same metrics without their median filter, and the scores with it, for deciding more than once."""
    median = family.decision.median
    plain = copy.copy(family)
    plain.decision = Decision(family.decision.thresholds)
    if median is None:
        return plain, scores
    made = np.empty(len(scores), object)
    for i, item in enumerate(scores):
        made[i] = median.apply(item) if isinstance(item, FrameScores) else item
    return plain, made
