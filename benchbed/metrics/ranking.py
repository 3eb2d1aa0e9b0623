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
from benchbed.metrics.running import Columns, Stretches, batches, blocks, running_totals


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
        # Where nothing weighs anything yet, nothing is found either: 0 over anything.
        part = self.found + self.false_here
        np.maximum(part, np.finfo(np.float64).tiny, out=part)
        np.divide(self.found, part, out=part)
        part *= self.gain
        return ratio(part.sum(axis=1), self.positives)

    def auc(self) -> np.ndarray:
        """Area under the ROC curve, `[draw]`; ties count half. NaN without positives or without negatives."""
        apart = self.false_above is not self.false_here
        middle = (self.false_above + self.false_here) / 2 if apart else self.false_here
        below = self.negatives[:, None] - middle
        below *= self.gain
        return ratio(below.sum(axis=1), self.positives * self.negatives)

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
        # The first step that ends on or beyond the line from (0, 1) to (1, 0); before its rise the curve runs level.
        step, draw = self._first_beyond(), np.arange(len(self.gain))
        gain, found, above, here = (x[draw, step] for x in (self.gain, self.found, self.false_above, self.false_here))
        rise, high = ratio(gain, self.positives), ratio(found, self.positives)
        start, width = ratio(above, self.negatives), ratio(here - above, self.negatives)
        low = high - rise
        share = np.clip(ratio(1 - start - low, rise + width), 0.0, 1.0)
        rate = np.where(start + low >= 1, 1 - low, start + share * width)
        return np.where((self.positives > 0) & (self.negatives > 0), rate, np.nan)

    def _first_beyond(self) -> np.ndarray:
        # Both rates only rise from step to step, so that halving finds the place without making them all; where neither
        # rate is defined the place does not matter.
        line = self.positives * self.negatives * (1 - 1e-12)
        draws, last = self.gain.shape[0], self.gain.shape[1] - 1
        found, here = (np.ascontiguousarray(side.T).ravel() for side in (self.found, self.false_here))
        draw, before = np.arange(draws), np.zeros(draws, np.int64)
        for jump in (1 << bit for bit in reversed(range(last.bit_length()))):
            further = before + jump
            place = (np.minimum(further, last) - 1) * draws + draw
            there = found[place] * self.negatives + here[place] * self.positives
            before = np.where((there < line) & (further <= last), further, before)
        return before

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
        # Items of equal score count at once, so that their order does not matter.
        order = np.argsort(-scores)
        ordered, hit = scores[order], np.asarray(positive, bool)[order]
        row = np.asarray(row, np.int32)[order]
        starts = np.flatnonzero(np.concatenate([[len(ordered) > 0], ordered[1:] != ordered[:-1]])[: len(ordered)])
        ends = np.append(starts[1:], len(ordered))[: len(starts)]
        hits = np.concatenate([[0], np.cumsum(hit)])
        steps = np.flatnonzero(hits[ends] > hits[starts])
        first, last = starts[steps], ends[steps]
        # By turns the items between two steps, none of which is positive, and those of a step.
        edges = np.concatenate([[0], np.column_stack([first, last]).ravel(), [len(row)]])
        self._items = Stretches(row, edges)
        tied = bool((hits[last] - hits[first] < last - first).any())
        #: The positive items of each step, where they are not all that it has.
        self._positives = Stretches(row[hit], np.append(hits[first], hits[-1])) if tied else None
        #: Score of each step, from the highest down.
        self.thresholds = ordered[first]

    def curve(self, weights: np.ndarray | Columns) -> Curve:
        """Counts for each weighting.

        Parameters
        ----------
        weights : np.ndarray [shape=(draw, row)] or Columns
            Weights of the rows, not negative; as `Columns` where several rankings share them.
        """
        columns = weights if isinstance(weights, Columns) else Columns(weights)
        return self._curve(columns, *self._sums(columns))

    def _sums(self, columns: Columns) -> tuple[np.ndarray, np.ndarray | None]:
        # Weights of all items by turns between and at the steps, and those of the positive ones, where they differ.
        return self._items.sums(columns), None if self._positives is None else self._positives.sums(columns)

    def _curve(self, columns: Columns, every: np.ndarray, hits: np.ndarray | None) -> Curve:
        # False positives between the steps, and what each step holds, side by side for one running sum of both.
        both = every[:-1].reshape(-1, 2, columns.draws)
        both = both.astype(np.float64) if both.dtype.kind == "f" else both.copy()
        tied = None
        if hits is not None:
            tied = both[:, 1] - hits
            both[:, 0] += tied.astype(both.dtype)
            both[:, 1] = hits
        gain = both[:, 1].astype(np.float64)
        # No running sum is above what the type of all sums holds.
        here, found = np.moveaxis(running_totals(both), 1, 0).astype(np.float64)
        none = np.zeros(columns.draws)
        positives, before = (part[-1] if len(part) else none for part in (found, here))
        there = here.T
        above = there if tied is None else (here - tied).T
        return Curve(gain.T, found.T, above, there, positives, before + every[-1])

    @property
    def steps(self) -> int:
        """Distinct scores of positive items."""
        return len(self.thresholds)

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
    each = max([weights.shape[1] // 2, *(2 * ranking.steps for ranking in rankings)])
    for block in blocks(len(weights), each):
        # In the layout that products with them want, once for all rankings.
        once = Columns(weights[block])
        for numbers in batches([2 * once.draws * ranking.steps for ranking in rankings]):
            # The weights stay in the cache while nothing else is done.
            sums = [rankings[number]._sums(once) for number in numbers]
            for number, made in zip(numbers, sums):
                yield block, number, rankings[number]._curve(once, *made)
