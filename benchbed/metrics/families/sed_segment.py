"""Segment-based sound event detection: F1, error rate and accuracy on a grid of segments of any length.

Mesaros, Heittola and Virtanen 2016 (Applied Sciences 6:162); sed_eval 0.2.1 is the reference, see
`benchbed.metrics.sed.counts` for its rules and what is known about them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.sed import counts
from benchbed.metrics.sed.decision import Decision, decision
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import FlatEvents, answers, flatten
from benchbed.metrics.sed.judging import Judging
from benchbed.metrics.sed.segment_scores import segments
from benchbed.metrics.sed.segments import Grid, activity, by_class, parts, totals
from benchbed.metrics.steps import Steps
from benchbed.metrics.timeline import Span
from benchbed.outputs.frames.recording import SECOND, FrameScores


def family(
    labels: Sequence[str],
    *,
    resolution: float = 1.0,
    rule: counts.Rule = "benchbed",
    threshold: float | Sequence[float] = 0.5,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
) -> SegmentBased:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    resolution : float, default=1.0
        Length of a segment in seconds.
    rule : {"benchbed", "sed_eval:zero_score", "sed_eval:default"}
        How times are compared and undefined values treated.
    threshold : float or sequence of float, default=0.5
        From frame scores to events, one or one per class; lists of events need none.
    median_frames, median_seconds : float or sequence of float, optional
        Median filter over the scores before the threshold, one length or one per class.

    Examples
    --------
    >>> from benchbed.outputs.frames.recording import Events
    >>> def one(onset, offset):
    ...     recordings = np.empty(1, object)
    ...     recordings[0] = Events(np.array([onset]), np.array([offset]), np.array([0]), 4_000_000)
    ...     return recordings
    >>> made = family(("dog",))
    >>> sums = made.statistics(one(0, 2_000_000), one(0, 1_000_000)).sum(axis=0)
    >>> round(float(made.values(sums)["micro_f1"]), 4), float(made.values(sums)["error_rate"])
    (0.6667, 1.0)
    """
    return SegmentBased(tuple(labels), resolution, rule, decision(threshold, median_frames, median_seconds))


def example(generator: np.random.Generator, clips: int) -> tuple[SegmentBased, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_corpus(generator, clips, 3))


class SegmentBased(Judging):
    """Metrics of recordings, from detected events or frame scores and reference events, one object per recording."""

    primary = "macro_f1"
    per = "segment"

    def __init__(self, labels: tuple[str, ...], resolution: float, rule: counts.Rule, decided: Decision) -> None:
        super().__init__(labels)
        if not resolution > 0:
            raise ConfigError(f"segments of {resolution} s")
        counts.check_rule(rule)
        self.rule, self.decision = rule, decided
        self.grid = Grid(resolution, counts.clock(rule))
        self.metrics, self.class_metrics = counts.infos(rule, f"segments-{resolution:g}s:{decided.name}", True)

    def wrong(self, reference: FlatEvents, output: FlatEvents) -> tuple[list[list[Span]], list[list[Span]]]:
        """The parts of an event that lie in segments where the other side is silent."""
        classes, lengths = len(self.labels), self.grid.lengths(reference, output)
        active = [activity(events, self.grid, lengths, classes) for events in (reference, output)]
        width = self.grid.resolution * SECOND
        sides: list[list[list[Span]]] = []
        for events, other in ((reference, active[1]), (output, active[0])):
            columns = (events.onset, events.offset, self.grid.first(events.onset), self.grid.after(events.offset))
            rows = zip(*(column.tolist() for column in columns), events.label.tolist())
            sides.append(
                [_silent(on, off, range(first, after), other[:, label], width) for on, off, first, after, label in rows]
            )
        return sides[0], sides[1]

    def deciding(self, decided: Decision) -> SegmentBased:
        return SegmentBased(self.labels, self.grid.resolution, self.rule, decided)

    @property
    def curves(self) -> tuple[Hashable, ...]:
        """By segments."""
        return "segments", self.grid, self.rule, self.decision.median

    def swept(self, frames: Sequence[FrameScores], target: np.ndarray) -> tuple[Steps, Steps, np.ndarray] | None:
        """Every threshold at once, by the rules of our own."""
        if self.rule != "benchbed":
            return None
        classes = len(self.labels)
        held = segments(frames, flatten(target, classes), classes, self.grid.resolution)
        both = []
        for chosen in (held.present, ~held.present):
            segment, label = np.nonzero(chosen)
            one = np.ones(len(segment), np.int64)
            both.append(Steps(held.scores[segment, label], held.clip[segment], label, 0 * one, one))
        return both[0], both[1], held.present.sum(axis=0)

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Hit, reference, output and free segments of each class, and substitutions, deletions and insertions.

        The duration of the reference ends the grid.
        """
        classes = len(self.labels)
        reference = flatten(target, classes)
        output = answers(scores, self.decision, classes)
        lengths = self.grid.lengths(reference, output)
        rows = np.zeros((len(target), 4 * classes + 3))
        for run, ref, out in parts(reference, output, lengths, classes):
            rows[run] = self._rows(ref, out, lengths[run])
        return rows

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without recordings."""
        return counts.values(self._counts(sums), self.rule)

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`."""
        return counts.per_class(self._counts(sums), self.rule)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference segments of each class, `[..., class]`."""
        return self._counts(sums).reference

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        made = self._counts(sums)
        why = "no segments" if not (made.reference + made.negative).any() else "neither references nor outputs"
        return self.undefined(sums, why)

    def _rows(self, ref: FlatEvents, out: FlatEvents, lengths: np.ndarray) -> np.ndarray:
        there, said = (by_class(events, self.grid, lengths, len(self.labels)) for events in (ref, out))
        hits = there & said
        hit, reference, output = (x.sum(axis=0, dtype=np.int32) for x in (hits, there, said))
        # Within a segment a missed class and a false one make one substitution; what is left over is counted apart.
        lost = np.maximum(0, reference - output)
        errors = np.stack([np.minimum(reference, output) - hit, lost, output - reference + lost])
        sums = [totals(x, lengths) for x in (hits, there, said)]
        negative = lengths[:, None] - sums[1]
        return np.concatenate([*sums, negative, totals(errors, lengths)], axis=1)

    def _counts(self, sums: np.ndarray) -> counts.EventCounts:
        n = len(self.labels)
        hit, reference, output, negative = (sums[..., i * n : (i + 1) * n] for i in range(4))
        swapped, lost, added = (sums[..., 4 * n + i] for i in range(3))
        return counts.EventCounts(hit, reference, output, swapped, lost, added, negative)


def _silent(onset: int, offset: int, segments: range, other: np.ndarray, width: float) -> list[Span]:
    """Parts of an event in segments where the other side is off, neighbours joined."""
    found: list[Span] = []
    for segment in segments:
        # What lies beyond the last segment is not scored.
        if segment >= len(other) or other[segment]:
            continue
        start, stop = max(onset, round(segment * width)), min(offset, round((segment + 1) * width))
        if start >= stop:
            continue
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, stop))
    return found
