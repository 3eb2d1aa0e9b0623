"""Event metrics on data of which some recordings have tags alone: they count the others, tagging counts all.

A recording with weak labels says which classes are in it but not when, so a figure of events that counted it would be
wrong whichever way. `benchbed.metrics.families.sed_tagging` takes both kinds of references.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import Family, LabelledTable, Sample
from benchbed.stats.jackknife import Jackknife


def timed(target: np.ndarray) -> np.ndarray:
    """Which references have times `[recording]`: events, not an array of tags.

    Examples
    --------
    >>> target = np.empty(2, object)
    >>> target[0] = np.array([1.0, 0.0])
    >>> timed(target).tolist()
    [False, True]
    """
    return np.array([not isinstance(one, np.ndarray) for one in target], bool)


def where_timed(family: Family) -> Family:
    """The family for data with weak labels among strong ones; unchanged if it takes both.

    Examples
    --------
    >>> from benchbed.metrics.families import sed_segment, sed_tagging
    >>> where_timed(sed_segment.family(("dog",))).metrics["micro_f1"].rule.rpartition(":")[2]
    'strong-labels'
    >>> where_timed(sed_tagging.family(("dog",))).metrics["map"].rule.rpartition(":")[2]
    'frames-max'
    """
    return family.mapped(lambda part: part if part.takes_weak else Strong(part))


def strong_metrics(family: Family) -> frozenset[str]:
    """Names of the metrics, also per class, that count recordings with times alone."""
    return frozenset(
        prefix + name
        for prefix, part in family.parts.items()
        if isinstance(part, Strong)
        for name in (*part.metrics, *part.class_metrics)
    )


class Strong(Family):
    """A family of event metrics that passes over recordings without times.

    Parameters
    ----------
    inner : Family
        The family.
    """

    def __init__(self, inner: Family) -> None:
        self.inner = inner
        self.output, self.primary, self.labels, self.ranked = inner.output, inner.primary, inner.labels, inner.ranked
        self.jackknifed = inner.jackknifed
        self.metrics = {name: replace(info, rule=f"{info.rule}:strong-labels") for name, info in inner.metrics.items()}
        self.class_metrics = {
            name: replace(info, rule=f"{info.rule}:strong-labels") for name, info in inner.class_metrics.items()
        }

    def context(self, scores: np.ndarray, target: np.ndarray) -> Family:
        """The inner family told of the recordings that have times."""
        held = timed(target)
        told = self.inner.context(scores[held], target[held])
        return self if told is self.inner else Strong(told)

    def counted_on(self, scores: np.ndarray, target: np.ndarray) -> tuple[Family, np.ndarray, np.ndarray]:
        """The inner family with the recordings that have times."""
        held = timed(target)
        return self.inner.counted_on(scores[held], target[held])

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Statistics of each recording, `[recording, statistic]`; zeros for one without times."""
        held = timed(target)
        found = self.inner.statistics(scores[held], target[held])
        rows = np.zeros((len(target), found.shape[1]))
        rows[held] = found
        return rows

    def grouped(self, scores: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
        """Statistics summed over the recordings of each group that have times, `[group, statistic]`."""
        held = timed(target)
        return self.inner.grouped(scores[held], target[held], np.asarray(group)[held], groups)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of the inner family."""
        return self.inner.values(sums)

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class of the inner family."""
        return self.inner.per_class(sums)

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample | None:
        """The recordings that have times."""
        held = timed(target)
        return self.inner.sample(scores[held], target[held], np.asarray(row)[held], rows)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Class counts of the inner family."""
        return self.inner.class_counts(sums)

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why metrics are undefined."""
        return self.inner.reasons(sums)

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """What else must be known, of the inner family."""
        return self.inner.notes(sums)

    def jackknives(self, rows: np.ndarray, level: float = 0.95) -> dict[str, Jackknife]:
        """Jackknives of the inner family."""
        return self.inner.jackknives(rows, level)

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """Tables of the inner family."""
        held = timed(target)
        return self.inner.tables(scores[held], target[held], sums)
