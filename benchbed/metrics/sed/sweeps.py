"""F1 at every threshold, for many weightings of the recordings."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from benchbed.metrics.at_least import in_type_of
from benchbed.metrics.running import ROUNDED, STRETCHES, Running, blocks, bounded, by_row, stretches, worthwhile
from benchbed.metrics.sample import Sample
from benchbed.metrics.steps import Steps, by_class, falling_order


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

    def bounds(self, places: tuple[np.ndarray, ...], edges: np.ndarray, rows: int) -> tuple[np.ndarray, ...]:
        """Most hits and least false alarms in each stretch of places, then both at its end, each `[stretch, row]`."""
        _, most, hits = bounded(self._sides[0], places[0], edges, rows)
        least, _, false = bounded(self._sides[1], places[1], edges, rows)
        return most, least, hits, false


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
        self._events, self._steps, self._row = events, (hits, false), row
        self._curves = [F1Curve(h, f, row) for h, f in zip(by_class(hits, classes), by_class(false, classes))]
        self._common = np.unique(np.concatenate([curve.thresholds for curve in self._curves]))[::-1]
        self._places = [curve.places(self._common) for curve in self._curves]

    def summed(self) -> SweepSample:
        """The same recordings in one row."""
        return SweepSample(*self._steps, self._events.sum(axis=0, keepdims=True), np.zeros_like(self._row))

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
            weight = by_row(weights[block])
            events = self._events.T @ weight
            present, count = events > 0, (events > 0).sum(axis=0)
            own, common = self._near(weight, events)
            pooled = np.zeros((2, len(count)))
            for c in np.flatnonzero(present.any(axis=1)).tolist():
                best[block, c], chosen[block, c], counts = self._best(self._curves[c], own[c], weight, events[c])
                pooled += counts * present[c]
            kept = np.where(present.T, best[block], 0.0)
            best[block], chosen[block] = (np.where(present.T, picked[block], np.nan) for picked in (best, chosen))
            picked = (
                kept.sum(axis=1) / np.maximum(count, 1),
                f1(pooled[0], pooled[1], events.sum(axis=0)),
                *self._best_common(common, weight, events),
            )
            for name, value in zip(names, picked):
                values[name][block] = np.where(count > 0, value, np.nan)
        return values, {"best_f1": best, "best_threshold": chosen}

    def _near(self, weight: np.ndarray, events: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        # Numbers of each class's own thresholds, and of common ones, that can be the best in some draw: those in
        # stretches whose most hits and least false alarms together are no worse than the end of any stretch.
        sizes, common = [len(curve.thresholds) for curve in self._curves], len(self._common)
        if not worthwhile(common, weight.shape[1]):
            return [np.arange(size) for size in sizes], np.arange(common)
        edges, bounds = self._bounds
        shape = len(edges) - 1, weight.shape[1]
        own, total, macro = [], np.zeros((4, *shape), np.float32), np.zeros((2, *shape), np.float32)
        weight, events = weight.astype(np.float32), events.astype(np.float32)
        for curve, parts, count in zip(self._curves, bounds, events):
            made = np.stack([part @ weight for part in parts])
            total += made
            ends = np.stack([f1(made[0], made[1], count), f1(made[2], made[3], count)])
            macro += ends * (count > 0)
            stretch = np.searchsorted(edges, np.searchsorted(-self._common, -curve.thresholds), "right") - 1
            own.append(np.flatnonzero(_can_be_best(*ends)[stretch]))
        micro = f1(total[0], total[1], events.sum(axis=0)), f1(total[2], total[3], events.sum(axis=0))
        near = _can_be_best(macro[0], macro[1]) | _can_be_best(*micro)
        return own, np.flatnonzero(np.repeat(near, np.diff(edges)))

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, list[tuple[np.ndarray, ...]]]:
        edges = stretches(len(self._common), self.rows)
        return edges, [c.bounds(places, edges, self.rows) for c, places in zip(self._curves, self._places)]

    def _best_common(self, points: np.ndarray, weight: np.ndarray, events: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        macro, micro = np.zeros((2, weight.shape[1]))
        for part in blocks(weight.shape[1], len(points)):
            mean, hits, false = np.zeros((3, len(points), len(macro[part])))
            for curve, places, count in zip(self._curves, self._places, events[:, part]):
                # Most common thresholds change nothing in one class.
                at = np.stack([side[points] for side in places])
                changed = np.any(np.diff(at, axis=1, prepend=-1), axis=0)
                same = np.cumsum(changed) - 1
                here = curve.counts(weight[:, part], tuple(at[:, changed]))
                own = f1(*here, count[:, None]) * (count > 0)[:, None]
                for total, one in zip((hits, false, mean), (*here, own)):
                    total += np.ascontiguousarray(one.T)[same]
            macro[part] = mean.max(axis=0, initial=0.0)
            micro[part] = f1(hits, false, events[:, part].sum(axis=0)).max(axis=0, initial=0.0)
        return macro / np.maximum((events > 0).sum(axis=0), 1), micro

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
        curve: F1Curve, points: np.ndarray, weight: np.ndarray, events: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        # Highest F1 of each draw at the points of a class, its threshold, and hits and false alarms there.
        draws = weight.shape[1]
        value, threshold, counts = np.zeros(draws), np.full(draws, np.nan), np.zeros((2, draws))
        for part in blocks(draws, len(points)) if len(points) else []:
            made = curve.counts(weight[:, part], curve.own(points))
            found = f1(*made, events[part, None])
            # Of equally good thresholds the highest, which makes the fewest detections.
            at = found.argmax(axis=1)[:, None]
            value[part] = np.take_along_axis(found, at, axis=1)[:, 0]
            threshold[part] = curve.thresholds[points[at[:, 0]]]
            counts[:, part] = [np.take_along_axis(side, at, axis=1)[:, 0] for side in made]
        return value, threshold, counts


def _can_be_best(most: np.ndarray, ends: np.ndarray) -> np.ndarray:
    # Stretches [stretch] of which some draw may have its highest value: what is reached somewhere is not above there.
    return (most * (1 + ROUNDED) >= ends.max(axis=0)).any(axis=1)
