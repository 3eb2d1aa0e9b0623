"""F1 at every threshold, for many weightings of the recordings."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.contract import Sample
from benchbed.metrics.sed.steps import Steps, by_class


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
        self._sides = []
        for steps in (hits, false):
            order = np.argsort(-steps.score, kind="stable")
            self._sides.append((-steps.score[order], row[steps.clip[order]], steps.amount[order].astype(np.float64)))
        self._own = self.places(self.thresholds)

    def places(self, thresholds: np.ndarray) -> tuple[np.ndarray, ...]:
        """How many changes of hits and of false alarms have come at each threshold; to be found once for all draws."""
        return tuple(np.searchsorted(side[0], -thresholds, "right").astype(np.int32) for side in self._sides)

    def counts(self, weight: np.ndarray, places: tuple[np.ndarray, ...] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Weighted hits and false alarms at its own thresholds, or at `places` of others."""
        found = []
        for (_, row, amount), at in zip(self._sides, places or self._own):
            running = np.zeros(len(row) + 1)
            np.cumsum(weight[row] * amount, out=running[1:])
            found.append(running[at])
        return found[0], found[1]


def f1(hits: np.ndarray, false: np.ndarray, events: np.ndarray | float) -> np.ndarray:
    """F1 from hits, false alarms and reference events; 0 where there is nothing at all."""
    under = hits + false + events
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

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Macro and micro F1 at each class's best threshold and at the best common one; F1 and threshold by class.

        The micro F1 at each class's best threshold leaves out classes without references, whose best threshold would
        be to detect nothing.
        """
        draws, classes = len(weights), len(self._curves)
        best, chosen = np.full((2, draws, classes), np.nan)
        names = ("best_macro_f1", "best_micro_f1", "best_common_macro_f1", "best_common_micro_f1")
        values = {n: np.full(draws, np.nan) for n in names}
        for draw in range(draws):
            weight = weights[draw].astype(np.float64)
            events = weight @ self._events
            held = np.flatnonzero(events > 0)
            if not len(held):
                continue
            pooled = np.zeros(2)
            for c in held:
                best[draw, c], chosen[draw, c], counts = self._best(self._curves[c], weight, events[c])
                pooled += counts
            values["best_micro_f1"][draw] = f1(pooled[0], pooled[1], events[held].sum())
            values["best_macro_f1"][draw] = best[draw, held].mean()
            macro, micro, _ = self.common(weight)
            values["best_common_macro_f1"][draw] = macro.max(initial=0.0)
            values["best_common_micro_f1"][draw] = micro.max(initial=0.0)
        return values, {"best_f1": best, "best_threshold": chosen}

    def common(
        self, weight: np.ndarray, thresholds: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Macro and micro F1 at common thresholds, and those, from the highest down if none are given.

        Without `thresholds`, at every one that can be the best.
        """
        events = weight @ self._events
        at = self._common if thresholds is None else thresholds
        places = self._places if thresholds is None else [curve.places(at) for curve in self._curves]
        macro, hits, false = np.zeros((3, len(at)))
        for curve, place, count in zip(self._curves, places, events):
            here = curve.counts(weight, place)
            hits += here[0]
            false += here[1]
            if count > 0:
                macro += f1(*here, count)
        return macro / max((events > 0).sum(), 1), f1(hits, false, events.sum()), at

    @staticmethod
    def _best(curve: F1Curve, weight: np.ndarray, events: float) -> tuple[float, float, np.ndarray]:
        if not len(curve.thresholds):
            return 0.0, np.nan, np.zeros(2)
        counts = np.stack(curve.counts(weight))
        values = f1(counts[0], counts[1], events)
        # Of equally good thresholds the highest, which makes the fewest detections.
        best = int(values.argmax())
        return float(values[best]), float(curve.thresholds[best]), counts[:, best]
