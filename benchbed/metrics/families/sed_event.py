"""Event-based sound event detection: F1 and error rate with collars on onset and offset.

Mesaros, Heittola and Virtanen 2016 (Applied Sciences 6:162); sed_eval 0.2.1 is the reference, see
`benchbed.metrics.sed.counts` for its rules and what is known about them. Two more facts about it: its default offset
tolerance is half of the event's length where DCASE uses a fifth, and its greedy matching depends on the order of the
lists. Substitutions are leftover events of different classes at the same time, paired in the order of the lists.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.sed import counts
from benchbed.metrics.sed.collar_sweep import collar_sweep
from benchbed.metrics.sed.decision import Decision, decision
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import FlatEvents, answers, flatten
from benchbed.metrics.sed.judging import Judging
from benchbed.metrics.sed.matching import MATCHINGS, Collar, greedy
from benchbed.metrics.steps import Steps
from benchbed.metrics.timeline import Span
from benchbed.outputs.frames.recording import FrameScores

Matching = Literal["optimal", "greedy"]


def family(
    labels: Sequence[str],
    *,
    onset_collar: float | None = 0.2,
    offset_collar: float | None = 0.2,
    offset_ratio: float = 0.2,
    matching: Matching = "optimal",
    rule: counts.Rule = "benchbed",
    threshold: float | Sequence[float] = 0.5,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
) -> EventBased:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    onset_collar : float or None, default=0.2
        Allowed difference of onsets in seconds, included; None if onsets do not matter.
    offset_collar : float or None, default=0.2
        Allowed difference of offsets in seconds, included; None if offsets do not matter.
    offset_ratio : float, default=0.2
        Or this share of the reference event's length, whichever is more.
    matching : {"optimal", "greedy"}
        As many pairs as possible, or each reference in turn takes the first that fits.
    rule : {"benchbed", "sed_eval:zero_score", "sed_eval:default"}
        How times are compared and undefined values treated.
    threshold : float or sequence of float, default=0.5
        From frame scores to events, one or one per class; lists of events need none.
    median_frames, median_seconds : float or sequence of float, optional
        Median filter over the scores before the threshold, one length or one per class.

    Examples
    --------
    >>> from benchbed.outputs.frames.recording import Events
    >>> def one(*onsets):
    ...     recordings = np.empty(1, object)
    ...     at = np.array(onsets)
    ...     recordings[0] = Events(at, at + 1_000_000, np.zeros(len(at), int), 9_000_000)
    ...     return recordings
    >>> made = family(("dog",))
    >>> float(made.values(made.statistics(one(200_000, 5_000_000), one(0))[0])["micro_recall"])
    1.0
    """
    collar = Collar(onset_collar, offset_collar, offset_ratio, counts.clock(rule))
    return EventBased(tuple(labels), collar, matching, rule, decision(threshold, median_frames, median_seconds))


def example(generator: np.random.Generator, clips: int) -> tuple[EventBased, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_corpus(generator, clips, 3))


class EventBased(Judging):
    """Metrics of recordings, from detected events or frame scores and reference events, one object per recording."""

    primary = "macro_f1"
    per = "event"

    def __init__(
        self, labels: tuple[str, ...], collar: Collar, matching: Matching, rule: counts.Rule, decided: Decision
    ) -> None:
        super().__init__(labels)
        if matching not in MATCHINGS:
            raise ConfigError(f"unknown matching '{matching}'", hint="optimal or greedy")
        counts.check_rule(rule)
        self.collar, self.rule, self.decision = collar, rule, decided
        self.matching, self.match = matching, MATCHINGS[matching]
        what = f"{collar.name}:{matching}:{decided.name}"
        self.metrics, self.class_metrics = counts.infos(rule, what, False)

    def wrong(self, reference: FlatEvents, output: FlatEvents) -> tuple[list[list[Span]], list[list[Span]]]:
        """By collars an event is right or wrong as a whole."""
        matched = self.match(self.collar.pairs(reference, output, len(self.labels)))
        sides: list[list[list[Span]]] = []
        for column, events in enumerate((reference, output)):
            wrong = ~np.isin(np.arange(len(events)), matched[:, column])
            ends = zip(events.onset.tolist(), events.offset.tolist(), wrong.tolist())
            sides.append([[(onset, offset)] if bad else [] for onset, offset, bad in ends])
        return sides[0], sides[1]

    def deciding(self, decided: Decision) -> EventBased:
        return EventBased(self.labels, self.collar, self.matching, self.rule, decided)

    @property
    def curves(self) -> tuple[Hashable, ...]:
        """By collars."""
        return "events", self.collar, self.matching, self.rule, self.decision.median

    def swept(self, frames: Sequence[FrameScores], target: np.ndarray) -> tuple[Steps, Steps, np.ndarray] | None:
        """Every threshold at once, by the rules of our own."""
        if self.rule != "benchbed" or self.matching != "optimal":
            return None
        classes = len(self.labels)
        reference = flatten(target, classes)
        hits, false = collar_sweep(frames, reference, classes, self.collar)
        return hits, false, reference.counts(classes).sum(axis=0)

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Found, reference and detected events of each class, and substitutions, deletions and insertions."""
        classes, clips = len(self.labels), len(target)
        reference = flatten(target, classes)
        output = answers(scores, self.decision, classes)
        matched = self.match(self.collar.pairs(reference, output, classes))
        hit = reference.only(matched[:, 0]).counts(classes)
        there, said = reference.counts(classes), output.counts(classes)
        spare = [np.ones(len(events), bool) for events in (reference, output)]
        spare[0][matched[:, 0]], spare[1][matched[:, 1]] = False, False
        left = reference.only(spare[0]), output.only(spare[1])
        swapped = greedy(self.collar.pairs(*left, classes, by_class=False))
        substituted = np.bincount(left[0].clip[swapped[:, 0]], minlength=clips)
        errors = [(total - hit).sum(axis=1) - substituted for total in (there, said)]
        return np.concatenate([hit, there, said, np.column_stack([substituted, *errors])], axis=1)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without recordings."""
        return counts.values(self._counts(sums), self.rule)

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`."""
        return counts.per_class(self._counts(sums), self.rule)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference events of each class, `[..., class]`."""
        return self._counts(sums).reference

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        held = self._counts(sums)
        why = "no reference events" if not held.reference.any() else "neither reference events nor outputs of a class"
        return self.undefined(sums, why)

    def _counts(self, sums: np.ndarray) -> counts.EventCounts:
        n = len(self.labels)
        hit, reference, output = (sums[..., i * n : (i + 1) * n] for i in range(3))
        return counts.EventCounts(hit, reference, output, *(sums[..., 3 * n + i] for i in range(3)))
