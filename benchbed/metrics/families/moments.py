"""Moments of recordings by text: recall of the first moment, and mean average precision over thresholds of overlap.

As DCASE 2026 Task 6 counts (its baseline calls the evaluator of QVHighlights): R1@θ is the share of queries whose first
moment overlaps one of the reference windows by at least θ; mAP is the mean over queries, and over θ = 0.5, 0.55, …,
0.95, of interpolated average precision of the ten best moments. The evaluator takes the moments in the order of
the file for both: its first one need not be the best, and what stands behind the tenth place is not read however high
its score. Here the score decides (the order of the file among equals), which is the same for files in the order of
their scores; `order="file"` has the evaluator's rule. The evaluator leaves a query without a moment out of the mean,
and stops at R1; here it counts as zero.

Queries are drawn with their recording in a bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import ConfigError, DataError, did_you_mean
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.moments.overlap import average_precision, iou
from benchbed.outputs.moments.asked import Asked

#: Thresholds of overlap of mAP, and of the recall of the first moment.
THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
FIRST_AT = (0.5, 0.7)
ORDERS = ("score", "file")
_PRECISION = 1 + len(FIRST_AT)
_SILENT = _PRECISION + len(THRESHOLDS)


def family(labels: Sequence[str] = (), *, most: int = 10, order: str = "score") -> Found:
    """The family; moments have no classes.

    Parameters
    ----------
    labels : sequence of str
        None.
    most : int, default=10
        Moments of a query that average precision reads.
    order : {"score", "file"}
        By what moments are ranked before they are cut.

    Raises
    ------
    ConfigError
        An unknown order, or no moment to read.

    Examples
    --------
    >>> said, truth = np.empty(1, object), np.empty(1, object)
    >>> said[0] = (np.array([[0.0, 8.0, 0.9], [20.0, 30.0, 0.8]]),)
    >>> truth[0] = Asked(("rain",), ("1",), (np.array([[0.0, 10.0]]),))
    >>> values = family().values(family().statistics(said, truth).sum(axis=0))
    >>> float(values["r1_at_50"]), float(values["map_at_50"]), round(float(values["map"]), 2)
    (1.0, 1.0, 0.7)
    """
    if order not in ORDERS:
        hint = did_you_mean(order, ORDERS) or f"one of {', '.join(ORDERS)}"
        raise ConfigError(f"moments: order is '{order}'", hint=hint)
    if most < 1:
        raise ConfigError(f"moments: {most} moments of a query are read", hint="most: 10")
    return Found(most, order)


def example(generator: np.random.Generator, clips: int) -> tuple[Family, np.ndarray, np.ndarray]:
    """A family with made-up moments that fit it."""
    said, truth = np.empty(clips, object), np.empty(clips, object)
    for clip in range(clips):
        count = int(generator.integers(1, 4))
        windows = [_drawn(generator, int(generator.integers(1, 4))) for _ in range(count)]
        found = []
        for one in windows:
            near = one + generator.normal(0, 1, one.shape)
            near[:, 1] = np.maximum(near[:, 1], near[:, 0] + 0.5)
            every = np.concatenate([near, _drawn(generator, 3)])
            found.append(np.column_stack([every, generator.integers(0, 8, len(every)) / 8]))
        said[clip] = tuple(found)
        truth[clip] = Asked(tuple("abc"[:count]), tuple(f"{clip}_{n}" for n in range(count)), tuple(windows))
    return family(), said, truth


class Found(Family):
    """Metrics of moments, from an array `[moment, 3]` for each query of each recording and an `Asked` for each."""

    output = "moments"
    primary = "map"

    def __init__(self, most: int, order: str) -> None:
        self.most, self.order = most, order
        rule = f"qvhighlights:{order}"
        over = f"iou=0.5..0.95:voc2010:top{most}:{rule}"
        self.metrics = {
            "map": MetricInfo("mAP over IoU", f"map:{over}", "fraction", "higher", low=0.0, high=1.0),
            **{
                f"map_at_{round(100 * at)}": MetricInfo(
                    f"mAP@{at:g}", f"map:iou={at:g}:voc2010:top{most}:{rule}", "fraction", "higher", low=0.0, high=1.0
                )
                for at in (0.5, 0.75)
            },
            **{
                f"r1_at_{round(100 * at)}": MetricInfo(
                    f"R1@{at:g}", f"recall-of-first:iou={at:g}:{rule}", "fraction", "higher", low=0.0, high=1.0
                )
                for at in FIRST_AT
            },
            "silent": MetricInfo("Queries without a moment", f"share:{rule}", "fraction", "lower", low=0.0, high=1.0),
        }

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Sums over the queries of each recording: how many, first moments right, average precisions, silence.

        Raises
        ------
        DataError
            Moments for another number of queries than were asked.
        """
        rows = np.zeros((len(scores), _SILENT + 1))
        for row, (found, asked) in enumerate(zip(scores, target)):
            if len(found) != len(asked):
                raise DataError(f"moments for {len(found)} queries of a recording, {len(asked)} were asked")
            for moments, windows in zip(found, asked.windows):
                if len(windows):  # what a perturbation cut out of a recording cannot be found there
                    rows[row] += self._query(moments, windows)
        return rows

    def _query(self, moments: np.ndarray, windows: np.ndarray) -> np.ndarray:
        if self.order == "score":
            moments = moments[np.argsort(-moments[:, 2], kind="stable")]
        overlap = iou(moments[:, :2], windows)
        row = np.zeros(_SILENT + 1)
        row[0], row[_SILENT] = 1, not len(moments)
        if len(moments):
            row[1:_PRECISION] = [overlap[0].max() >= at for at in FIRST_AT]
            ranked = np.argsort(-moments[: self.most, 2], kind="stable")
            row[_PRECISION:_SILENT] = average_precision(overlap[ranked], THRESHOLDS)
        return row

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without queries."""
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / sums[..., :1]
        precision = means[..., _PRECISION:_SILENT]
        return {
            "map": precision.mean(axis=-1),
            **{f"map_at_{round(100 * at)}": precision[..., THRESHOLDS.index(at)] for at in (0.5, 0.75)},
            **{f"r1_at_{round(100 * at)}": means[..., 1 + place] for place, at in enumerate(FIRST_AT)},
            "silent": means[..., _SILENT],
        }

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined."""
        return {} if sums[0] else dict.fromkeys(self.metrics, "no query with a moment in its recording")


def _drawn(generator: np.random.Generator, count: int) -> np.ndarray:
    start = generator.uniform(0, 50, count)
    return np.column_stack([start, start + generator.uniform(1, 12, count)])
