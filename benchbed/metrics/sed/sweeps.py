"""F1 at every threshold, for many weightings of the recordings."""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np

from benchbed.metrics.at_least import in_type_of
from benchbed.metrics.running import (
    ROUNDED,
    STRETCHES,
    Columns,
    Running,
    blocks,
    bounded,
    nearly_best,
    stretches,
    worthwhile,
)
from benchbed.metrics.sample import Sample
from benchbed.metrics.steps import Steps, by_class, falling_order

#: By how much of itself an F1 in single precision may be off, with some to spare.
ROUNDING = 2.0**-20


class F1Curve:
    """Hits and false alarms of one class at every threshold that can be the best.

    Parameters
    ----------
    hits, false : Steps
        Changes, of this class only.
    row : np.ndarray [shape=(clip,), int]
        Row of each recording.
    """

    def __init__(self, hits: Steps, false: Steps, row: np.ndarray) -> None:
        # F1 rises only where hits are gained or false alarms vanish.
        self.thresholds = np.unique(np.concatenate([hits.score[hits.amount > 0], false.score[false.amount < 0]]))[::-1]
        self._rows = int(row.max(initial=-1)) + 1
        self._sides, self._scores = [], []
        for steps in (hits, false):
            order = falling_order(steps.score)
            self._scores.append(-steps.score[order])
            self._sides.append(Running(row[steps.clip[order]], steps.amount[order]))
        self._own = self.places(self.thresholds)

    def summed(self) -> F1Curve:
        """The same with all rows in one."""
        made = copy(self)
        made._rows, made._sides = 1, [side.only(self._rows) for side in self._sides]
        return made

    def places(self, thresholds: np.ndarray) -> tuple[np.ndarray, ...]:
        """How many changes of hits and of false alarms have come at each threshold; to be found once for all draws."""
        return tuple(np.searchsorted(scores, -thresholds, "right").astype(np.int32) for scores in self._scores)

    def listed(self, thresholds: np.ndarray) -> tuple[np.ndarray, ...]:
        """`places` of thresholds that were written down, in the type of the scores."""
        return self.places(in_type_of(np.concatenate(self._scores), thresholds))

    def counts(self, weight: np.ndarray, places: tuple[np.ndarray, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Weighted hits and false alarms at its own thresholds, or at `places` of others.

        Weights `[row]` give counts `[threshold]`, and weights `[row, draw]` counts `[draw, threshold]`.
        """
        weights = weight.reshape(len(weight), -1)
        hits, false = (side.sums(weights, at) for side, at in zip(self._sides, places or self._own))
        return (hits, false) if weight.ndim == 2 else (hits[0], false[0])

    def drawn(self, copies: Columns, places: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Weighted hits and false alarms at `places` that do not fall, `[threshold, draw]`."""
        hits, false = (side.counts(copies, at) for side, at in zip(self._sides, places))
        return hits, false

    def held(self, places: tuple[np.ndarray, ...], rows: int) -> np.ndarray:
        """Hits and false alarms of each row at `places` that do not fall, `[2, threshold, row]`."""
        return np.stack([side.held(at, rows) for side, at in zip(self._sides, places)])

    def below(self, threshold: float) -> float:
        """The next lower threshold with other hits or false alarms, all weights being one; -inf if there is none."""
        lower = np.unique(np.concatenate([-scores for scores in self._scores]))[::-1]
        tried = np.append(threshold, lower[lower < threshold])
        hits, false = self.counts(np.ones(self._rows), self.places(tried))
        other = np.flatnonzero((hits != hits[0]) | (false != false[0]))
        return float(tried[other[0]]) if len(other) else float("-inf")

    def own(self, points: np.ndarray) -> tuple[np.ndarray, ...]:
        """Places of its own thresholds of these numbers."""
        return tuple(side[points] for side in self._own)

    def bounds(self, places: tuple[np.ndarray, ...], edges: np.ndarray, rows: int) -> np.ndarray:
        """Most hits in each stretch of places and hits at its end, then least false alarms and those at its end.

        `[4 × stretch, row]`, one after the other.
        """
        _, most, hits = bounded(self._sides[0], places[0], edges, rows)
        least, _, false = bounded(self._sides[1], places[1], edges, rows)
        return np.concatenate([most, hits, least, false])


def f1(hits: np.ndarray, false: np.ndarray, events: np.ndarray | float) -> np.ndarray:
    """F1 from hits, false alarms and reference events; 0 where there is nothing at all."""
    under = hits + false + events
    if np.size(events) and np.min(events) > 0:
        return np.asarray(2 * hits / under)
    return np.divide(2 * hits, under, out=np.zeros(np.broadcast(hits, under).shape), where=under > 0)


class SweepSample(Sample):
    """Best F1 of weighted recordings.

    Parameters
    ----------
    hits, false : Steps
        Changes of all classes.
    events : np.ndarray [shape=(row, class)]
        Reference events or segments.
    row : np.ndarray [shape=(clip,), int]
        Row of each recording.
    """

    def __init__(self, hits: Steps, false: Steps, events: np.ndarray, row: np.ndarray) -> None:
        classes = events.shape[1]
        self._events = events
        self._curves = [F1Curve(h, f, row) for h, f in zip(by_class(hits, classes), by_class(false, classes))]
        self._common = np.unique(np.concatenate([curve.thresholds for curve in self._curves]))[::-1]
        self._places = [curve.places(self._common) for curve in self._curves]

    def summed(self) -> SweepSample:
        """The same recordings in one row."""
        made = copy(self)
        made.__dict__.pop("_bounds", None)
        made._events, made._curves = self._events.sum(axis=0, keepdims=True), [c.summed() for c in self._curves]
        return made

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Macro and micro F1 at each class's best threshold and at the best common one; F1 and threshold by class.

        The micro F1 at each class's best threshold leaves out classes without references, whose best threshold would
        be to detect nothing.
        """
        draws, classes = len(weights), len(self._curves)
        best, chosen = np.full((2, draws, classes), np.nan)
        names = ("best_macro_f1", "best_micro_f1", "best_common_macro_f1", "best_common_micro_f1")
        values = {n: np.full(draws, np.nan) for n in names}
        for block in blocks(draws, max(self.rows, classes * STRETCHES)):
            copies = Columns(weights[block])
            events = self._events.T @ copies.double
            present, count = events > 0, (events > 0).sum(axis=0)
            own, *common = self._near(copies, events)
            pooled = np.zeros((2, len(count)))
            for c in np.flatnonzero(present.any(axis=1)).tolist():
                best[block, c], chosen[block, c], counts = self._best(self._curves[c], own[c], copies, events[c])
                pooled += counts * present[c]
            kept = np.where(present.T, best[block], 0.0)
            best[block], chosen[block] = (np.where(present.T, picked[block], np.nan) for picked in (best, chosen))
            picked = (
                kept.sum(axis=1) / np.maximum(count, 1),
                f1(pooled[0], pooled[1], events.sum(axis=0)),
                self._best_macro(common[0], copies, events) / np.maximum(count, 1),
                self._best_micro(common[1], copies, events.sum(axis=0)),
            )
            for name, value in zip(names, picked):
                values[name][block] = np.where(count > 0, value, np.nan)
        return values, {"best_f1": best, "best_threshold": chosen}

    def _near(self, copies: Columns, events: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        # Numbers of each class's own thresholds, and of common ones for macro and micro F1, that can be the best in
        # some draw: those in stretches whose most hits and least false alarms together are no worse than the end of
        # any stretch.
        sizes, common = [len(curve.thresholds) for curve in self._curves], len(self._common)
        if not worthwhile(common, copies.draws, self.rows):
            return [np.arange(size) for size in sizes], np.arange(common), np.arange(common)
        edges, bounds = self._bounds
        shape = 2, 2, len(edges) - 1, copies.draws
        own, total, macro = [], np.zeros(shape, np.float32), np.zeros(shape[1:], np.float32)
        weight, events = copies.of(np.float32), events.astype(np.float32)
        for curve, part, count in zip(self._curves, bounds, events):
            made = (part @ weight).reshape(shape)
            total += made
            ends = f1(made[0], made[1], count)
            macro += ends * (count > 0)
            stretch = np.searchsorted(edges, np.searchsorted(-self._common, -curve.thresholds), "right") - 1
            own.append(np.flatnonzero(_can_be_best(*ends)[stretch]))
        near = (_can_be_best(*macro), _can_be_best(*f1(total[0], total[1], events.sum(axis=0))))
        macros, micros = (np.flatnonzero(np.repeat(stretch, np.diff(edges))) for stretch in near)
        return own, macros, micros

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, list[np.ndarray]]:
        edges = stretches(len(self._common), self.rows)
        return edges, [c.bounds(places, edges, self.rows) for c, places in zip(self._curves, self._places)]

    def _best_macro(self, points: np.ndarray, copies: Columns, events: np.ndarray) -> np.ndarray:
        # The highest sum over classes of F1 at a common threshold: about, at every point, and exactly where it counts.
        best = np.zeros(copies.draws)
        # Most common thresholds change nothing in one class.
        each = [tuple(side[points] for side in places) for places in self._places]
        changed = [np.any([np.diff(side, prepend=-1) for side in places], axis=0) for places in each]
        places = [tuple(side[kept] for side in at) for at, kept in zip(each, changed)]
        size = sum(2 * len(at[0]) for at in places) + len(points)
        for part in blocks(copies.draws, size) if len(points) else []:
            some, made = copies.some(part), []
            about = np.zeros((len(points), some.draws), np.float32)
            for curve, at, kept, count in zip(self._curves, places, changed, events[:, part]):
                hits, false = curve.drawn(some, at)
                made.append((hits, false, np.cumsum(kept) - 1))
                own = f1(hits, false, count.astype(hits.dtype)) * (count > 0)
                about += np.take(own, made[-1][-1], axis=0)
            point, draw, starts = nearly_best(about, len(made) * ROUNDING)
            exact = np.zeros(len(point))
            for (hits, false, same), count in zip(made, events[:, part]):
                exact += _f1_at(hits, false, count, same[point], draw) * (count > 0)[draw]
            best[part] = np.maximum.reduceat(exact, starts)
        return best

    def _best_micro(self, points: np.ndarray, copies: Columns, events: np.ndarray) -> np.ndarray:
        best = np.zeros(copies.draws)
        places = [tuple(side[points] for side in each) for each in self._places]
        held = [curve.held(at, self.rows) for curve, at in zip(self._curves, places)] if copies.dense else []
        together = np.sum(held, axis=0)
        for part in blocks(copies.draws, 3 * len(points)) if len(points) else []:
            some = copies.some(part)
            if held:
                hits, false = (some.product(side) for side in together)
            else:
                hits, false = np.sum([c.drawn(some, at) for c, at in zip(self._curves, places)], axis=0)
            point, draw, starts = nearly_best(f1(hits, false, events[part].astype(hits.dtype)), ROUNDING)
            best[part] = np.maximum.reduceat(_f1_at(hits, false, events[part], point, draw), starts)
        return best

    def common(
        self, weight: np.ndarray, thresholds: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Macro and micro F1 at common thresholds, and those, from the highest down if none are given.

        Without `thresholds`, at every one that can be the best.
        """
        events = weight @ self._events
        at = self._common if thresholds is None else thresholds
        places = self._places if thresholds is None else [curve.listed(at) for curve in self._curves]
        macro, hits, false = np.zeros((3, len(at)))
        for curve, place, count in zip(self._curves, places, events):
            here = curve.counts(weight, place)
            hits += here[0]
            false += here[1]
            if count > 0:
                macro += f1(*here, count)
        return macro / max((events > 0).sum(), 1), f1(hits, false, events.sum()), at

    @property
    def rows(self) -> int:
        """Rows that recordings are summed in."""
        return len(self._events)

    @property
    def events(self) -> np.ndarray:
        """Reference events or segments of each class in all recordings, `[class]`."""
        return self._events.sum(axis=0)

    def silent(self, label: int) -> float:
        """The lowest threshold at which one class has neither hits nor false alarms."""
        highest = [-scores[0] for scores in self._curves[label]._scores if len(scores)]
        return float(np.nextafter(max(highest, default=0.0), np.inf))

    def points(self, label: int, thresholds: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Thresholds of one class, and its hits and false alarms at each of them in all recordings.

        Without `thresholds`, those that can be the best, from the highest down.
        """
        curve, weight = self._curves[label], np.ones(self.rows)
        if thresholds is None:
            return curve.thresholds, *curve.counts(weight)
        return thresholds, *curve.counts(weight, curve.listed(thresholds))

    def middle(self, threshold: float, label: int | None = None) -> float:
        """The middle of the thresholds with the counts of this one, which is the highest of them.

        Parameters
        ----------
        threshold : float
            One from `points` or `common`.
        label : int, optional
            The class whose hits and false alarms stay; without it, those of all classes do.

        Returns
        -------
        float
            Rounded as long as it stays within a quarter of the stretch; `threshold` itself where nothing lies below.
        """
        curves = self._curves if label is None else [self._curves[label]]
        low = max(curve.below(threshold) for curve in curves)
        half = (threshold - low) / 2
        # Between neighbouring numbers in single precision there is no room.
        if not np.isfinite(half) or half <= 1e-6 * max(abs(threshold), abs(low)):
            return threshold
        return round(threshold - half, int(np.ceil(-np.log10(half))))

    @staticmethod
    def _best(
        curve: F1Curve, points: np.ndarray, copies: Columns, events: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Highest F1 of each draw at the points of a class, its threshold, and hits and false alarms there.
        draws = copies.draws
        value, threshold, counts = np.zeros(draws), np.full(draws, np.nan), np.zeros((2, draws))
        for part in blocks(draws, 3 * len(points)) if len(points) else []:
            hits, false = curve.drawn(copies.some(part), curve.own(points))
            point, draw, starts = nearly_best(f1(hits, false, events[part].astype(hits.dtype)), ROUNDING)
            found = _f1_at(hits, false, events[part], point, draw)
            value[part] = np.maximum.reduceat(found, starts)
            # Of equally good thresholds the highest, which makes the fewest detections.
            at = np.where(found == value[part][draw], point, len(points))
            at = np.minimum.reduceat(at, starts)
            threshold[part] = curve.thresholds[points[at]]
            counts[:, part] = [side[at, np.arange(len(at))] for side in (hits, false)]
        return value, threshold, counts


def _f1_at(hits: np.ndarray, false: np.ndarray, events: np.ndarray, point: np.ndarray, draw: np.ndarray) -> np.ndarray:
    return f1(hits[point, draw].astype(np.float64), false[point, draw].astype(np.float64), events[draw])


def _can_be_best(most: np.ndarray, ends: np.ndarray) -> np.ndarray:
    # Stretches [stretch] of which some draw may have its highest value: what is reached somewhere is not above there.
    return (most * (1 + ROUNDED) >= ends.max(axis=0)).any(axis=1)
