"""Average precision and areas under the ROC curve of weighted items, exact and for many weightings at once.

Items are sorted once. Whatever the weights, each of these figures is then a sum over the distinct scores that some
positive item has, of the positive weight there times a function of the weight ranked above it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.metrics.ratios import ratio
from benchbed.metrics.running import Running, blocks, by_row


@dataclass(frozen=True)
class Curve:
    """Weighted counts at every distinct score of positive items, from the highest down.

    Attributes
    ----------
    gain : np.ndarray [shape=(draw, step)]
        Weight of the positives with exactly this score.
    found : np.ndarray [shape=(draw, step)]
        Weight of the positives with this score or a higher one.
    false_above, false_here : np.ndarray [shape=(draw, step)]
        Weight of the negatives with a higher score, and with a score at least as high.
    positives, negatives : np.ndarray [shape=(draw,)]
        Weight of all positives and negatives.
    """

    gain: np.ndarray
    found: np.ndarray
    false_above: np.ndarray
    false_here: np.ndarray
    positives: np.ndarray
    negatives: np.ndarray

    def average_precision(self) -> np.ndarray:
        """Sum over recall steps of the precision, `[draw]`; items of equal score enter together. NaN without positives.

        Examples
        --------
        >>> ranking = Ranking(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]), np.arange(3))
        >>> round(float(ranking.curve(np.ones((1, 3))).average_precision()[0]), 4)
        0.8333
        """
        total = self.found + self.false_here
        precision = np.divide(self.found, total, out=np.zeros_like(total), where=total > 0)
        return ratio((self.gain * precision).sum(axis=1), self.positives)

    def auc(self) -> np.ndarray:
        """Area under the ROC curve, `[draw]`; ties count half. NaN without positives or without negatives."""
        middle = (self.false_above + self.false_here) / 2
        area = (self.gain * (self.negatives[:, None] - middle)).sum(axis=1)
        return ratio(area, self.positives * self.negatives)

    def partial_auc(self, max_fpr: float, rule: Literal["staircase", "mcclish", "raw"]) -> np.ndarray:
        """Area under the ROC curve up to a false-positive rate, `[draw]`.

        Parameters
        ----------
        max_fpr : float
            The false-positive rate, in (0, 1].
        rule : {"staircase", "mcclish", "raw"}
            `staircase` holds each true-positive rate until the next and divides by `max_fpr`, as sed_scores_eval does;
            `raw` draws straight lines between points and divides by `max_fpr`; `mcclish` standardises the area of
            straight lines so that chance is 0.5, as scikit-learn does.
        """
        limit = max_fpr * self.negatives[:, None]
        low, high = self.false_above, self.false_here
        if rule == "staircase":
            width = np.maximum(limit - high, 0.0)
        else:
            # A step's rise is spread evenly over the negatives that share its score.
            span = high - low
            inside = np.divide((limit - low) ** 2, 2 * span, out=np.zeros_like(span), where=span > 0)
            width = np.where(high <= limit, limit - (low + high) / 2, np.where(low >= limit, 0.0, inside))
        area = ratio((self.gain * width).sum(axis=1), self.positives * self.negatives)
        if rule == "mcclish":
            least = max_fpr**2 / 2
            return 0.5 * (1 + (area - least) / (max_fpr - least))
        return area / max_fpr

    def equal_error_rate(self) -> np.ndarray:
        """Where false positives and false negatives are equally frequent, `[draw]`; straight lines between points.

        As sed_eval has it for audio tags. NaN without positives or without negatives.

        Examples
        --------
        >>> ranking = Ranking(np.array([4.0, 3, 2, 1]), np.array([True, False, True, False]), np.arange(4))
        >>> float(ranking.curve(np.ones((1, 4))).equal_error_rate()[0])
        0.5
        """
        if not self.gain.shape[1]:
            return np.full(len(self.gain), np.nan)
        ones, zeros = self.positives[:, None], self.negatives[:, None]
        rise, high = ratio(self.gain, ones + 0 * self.gain), ratio(self.found, ones + 0 * self.gain)
        start = ratio(self.false_above, zeros + 0 * self.gain)
        width = ratio(self.false_here - self.false_above, zeros + 0 * self.gain)
        # The first step that ends on or beyond the line from (0, 1) to (1, 0); before its rise the curve runs level.
        step = np.argmax(start + width + high >= 1 - 1e-12, axis=1)[:, None]
        rise, high, start, width = (np.take_along_axis(x, step, axis=1)[:, 0] for x in (rise, high, start, width))
        low = high - rise
        share = np.clip(ratio(1 - start - low, rise + width), 0.0, 1.0)
        rate = np.where(start + low >= 1, 1 - low, start + share * width)
        return np.where((self.positives > 0) & (self.negatives > 0), rate, np.nan)

    def best_f1(self) -> tuple[np.ndarray, np.ndarray]:
        """The highest F1 over all thresholds `[draw]`, and the number of the step that reaches it."""
        under = self.found + self.false_here + self.positives[:, None]
        f1 = np.divide(2 * self.found, under, out=np.zeros_like(under), where=under > 0)
        if not f1.shape[1]:
            return np.full(len(f1), np.nan), np.full(len(f1), -1)
        best = f1.argmax(axis=1)
        value = np.take_along_axis(f1, best[:, None], axis=1)[:, 0]
        return np.where(self.positives > 0, value, np.nan), best


class Ranking:
    """Items of one class in the order of their scores.

    Parameters
    ----------
    scores : np.ndarray [shape=(item,)]
        Finite scores.
    positive : np.ndarray [shape=(item,), bool]
        Reference of each item.
    row : np.ndarray [shape=(item,), int]
        The weight that each item takes: a column of the weights.

    Examples
    --------
    >>> ranking = Ranking(np.array([0.9, 0.8, 0.1]), np.array([True, False, True]), np.array([0, 1, 1]))
    >>> ranking.curve(np.array([[1, 1], [1, 0]])).auc()
    array([0.5, nan])
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray, row: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        ordered, hit = scores[order], np.asarray(positive, bool)[order]
        row = np.asarray(row)[order]
        self._items, self._positives = Running(row, np.ones(len(row))), Running(row[hit], np.ones(int(hit.sum())))
        starts = np.flatnonzero(np.concatenate([[len(ordered) > 0], ordered[1:] != ordered[:-1]])[: len(ordered)])
        ends = np.append(starts[1:], len(ordered))[: len(starts)]
        hits = np.concatenate([[0], np.cumsum(hit)])
        steps = np.flatnonzero(hits[ends] > hits[starts])
        first, last = starts[steps], ends[steps]
        # Where each step begins and ends among all items, and where the last item is; and so among the positive ones.
        self._places = np.append(np.column_stack([first, last]).ravel(), len(row))
        self._hit_places = np.append(hits[last], hits[-1])
        #: Score of each step, from the highest down.
        self.thresholds = ordered[first]

    def curve(self, weights: np.ndarray) -> Curve:
        """Counts for each weighting.

        Parameters
        ----------
        weights : np.ndarray [shape=(draw, row)]
            Weights of the rows, not negative.
        """
        columns = by_row(weights)
        every = self._items.sums(columns, self._places)
        hits = self._positives.sums(columns, self._hit_places)
        found, positives = hits[:, :-1], hits[:, -1]
        gain = np.diff(found, prepend=0.0, axis=1)
        above, here = every[:, :-1:2], every[:, 1::2]
        return Curve(gain, found, above - found + gain, here - found, positives, every[:, -1] - positives)

    def __len__(self) -> int:
        return len(self._items)


def curves(rankings: Sequence[Ranking], weights: np.ndarray) -> Iterator[tuple[slice, int, Curve]]:
    """The curve of each ranking for blocks of draws that keep working memory small.

    Parameters
    ----------
    rankings : sequence of Ranking
        One for each class.
    weights : np.ndarray [shape=(draw, row)]
        Weights of the rows, not negative.

    Yields
    ------
    tuple of slice, int, Curve
        The draws, the number of the ranking, and its counts in these draws.
    """
    for block in blocks(len(weights), max([weights.shape[1], *map(len, rankings)])):
        # In the layout that products with them want, once for all rankings.
        once = by_row(weights[block]).T
        for number, ranking in enumerate(rankings):
            yield block, number, ranking.curve(once)
