"""Areas under the PSD-ROC from steps of counts, for many weightings of the recordings at once.

At each threshold a class has a true-positive ratio and an effective false-positive rate: false alarms per hour, plus
`alpha_ct` times the mean over other classes of cross-triggers per hour of their reference. Its curve is the best ratio
that any threshold reaches at or below a rate. The curves' mean less `alpha_st` times their standard deviation, not
below zero, is integrated up to `max_efpr`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.at_least import in_type_of
from benchbed.metrics.running import Running, blocks, bounded, by_row, stretches, worthwhile
from benchbed.metrics.sample import Sample
from benchbed.metrics.sed.intersection import Criteria
from benchbed.metrics.steps import Steps, falling_order

#: Microseconds in an hour.
HOUR = 3_600_000_000

#: Rates and effective ratios of a curve, and rates and rises of each class.
Roc = tuple[tuple[np.ndarray, np.ndarray], dict[int, tuple[np.ndarray, np.ndarray]]]


@dataclass(frozen=True)
class Scenario:
    """Parameters of a polyphonic sound detection score.

    Attributes
    ----------
    criteria : Criteria
        Intersection criteria.
    alpha_ct, alpha_st : float
        Weight of cross-triggers in the false-positive rate, and of the spread over classes.
    max_efpr : float
        End of the curve, effective false positives per hour.
    ct_mean : {"C-1", "C"}
        Cross-trigger rates averaged over the other classes, as psds_eval from 0.4 on and sed_scores_eval do, or over
        all classes with zero for the own one, as psds_eval 0.3 did.
    classes : {"referenced", "all"}
        Classes in the mean: those that have reference events, or all, where a class without any scores 0.
    """

    criteria: Criteria
    alpha_ct: float = 0.0
    alpha_st: float = 0.0
    max_efpr: float = 100.0
    ct_mean: Literal["C-1", "C"] = "C-1"
    classes: Literal["referenced", "all"] = "referenced"

    def __post_init__(self) -> None:
        if (self.alpha_ct > 0) != (self.criteria.cttc is not None):
            raise ConfigError(
                f"alpha_ct={self.alpha_ct:g} with cttc={self.criteria.cttc}",
                hint="a weight of cross-triggers and their criterion go together",
            )
        if self.alpha_ct < 0 or self.alpha_st < 0 or not self.max_efpr > 0:
            raise ConfigError("alpha_ct and alpha_st must not be negative, max_efpr must be positive")
        if self.ct_mean not in ("C-1", "C") or self.classes not in ("referenced", "all"):
            raise ConfigError(f"ct_mean={self.ct_mean}, classes={self.classes}")

    @property
    def name(self) -> str:
        """For rules."""
        parts = [self.criteria.name, f"alpha_st-{self.alpha_st:g}", f"max_efpr-{self.max_efpr:g}-per-h"]
        if self.alpha_ct:
            parts[1:1] = [f"alpha_ct-{self.alpha_ct:g}", f"ct_mean={self.ct_mean}"]
        return ":".join([*parts, f"{self.classes}-classes"])


#: The two scenarios of DCASE Task 4 since 2021.
SCENARIOS = {
    "psds1": Scenario(Criteria(0.7, 0.7), alpha_st=1.0),
    "psds2": Scenario(Criteria(0.1, 0.1, 0.3), alpha_ct=0.5, alpha_st=1.0),
}


@dataclass(frozen=True)
class Exposure:
    """What rates are taken over, by row of a cell.

    Attributes
    ----------
    row : np.ndarray [shape=(clip,), int]
        Row of each recording.
    hours : np.ndarray [shape=(row,)]
        Length of the recordings.
    events, event_hours : np.ndarray [shape=(row, class)]
        Reference events and their length.
    """

    row: np.ndarray
    hours: np.ndarray
    events: np.ndarray
    event_hours: np.ndarray


class PsdCurves:
    """One class: how hits and false alarms change as the threshold falls, ready to be weighted.

    Parameters
    ----------
    hits, false, cross : Steps
        Changes, of this class only.
    row : np.ndarray [shape=(clip,), int]
        Row of each recording.
    rows : int
        Number of rows.
    thresholds : np.ndarray, optional
        Operating points; all if not given.
    """

    def __init__(
        self, hits: Steps, false: Steps, cross: Steps, row: np.ndarray, rows: int, thresholds: np.ndarray | None = None
    ) -> None:
        kind = np.concatenate([np.zeros(len(false.score), np.int64), cross.kind + 1])
        clip, amount = (np.concatenate([getattr(false, n), getattr(cross, n)]) for n in ("clip", "amount"))
        score = np.concatenate([false.score, cross.score])
        falls, rises = falling_order(score), falling_order(hits.score)
        self._rows = rows
        self._false = Running((kind * rows + row[clip])[falls], amount[falls])
        self._hits = Running(row[hits.clip[rises]], hits.amount[rises])
        if thresholds is None:
            # Only where hits change or false alarms vanish can a point be the best one at its rate.
            points = np.unique(-np.concatenate([hits.score, score[amount < 0]]))
        else:
            points = -np.sort(in_type_of(np.concatenate([hits.score, score]), thresholds))[::-1]
        self._at = (
            np.searchsorted(-hits.score[rises], points, "right"),
            np.searchsorted(-score[falls], points, "right"),
        )
        self.thresholds = -points

    def reached(self, weights: np.ndarray, most: np.ndarray) -> np.ndarray:
        """Operating points that some draw may reach with a rate that counts; the others are too loose for all.

        Parameters
        ----------
        weights : np.ndarray [shape=(row, draw)]
            Weight of each row.
        most : np.ndarray [shape=(draw,)]
            False alarms that make the highest rate of the curve; cross-triggers only add to their rate.
        """
        count = len(self.thresholds)
        if not worthwhile(count, len(most)):
            return np.arange(count)
        edges, least = self._stretches
        near = (least @ weights <= most * (1 + 1e-9)).any(axis=1)
        return np.flatnonzero(np.repeat(near, np.diff(edges)))

    def points(self, weights: np.ndarray, rates: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hits and effective false-positive rates at chosen operating points, each `[draw, point]`.

        Parameters
        ----------
        weights : np.ndarray [shape=(row, draw)]
            Weight of each row.
        rates : np.ndarray [shape=(row or (1 + class) × row, draw)]
            What a false alarm in each row, and then a cross-trigger on each class there, adds to the rate.
        chosen : np.ndarray [shape=(point,), int]
            Numbers of the points, rising; their thresholds fall.
        """
        hits = self._hits.sums(weights, self._at[0][chosen])
        found = self._false.sums(rates, self._at[1][chosen])
        # Sums of rates up and down leave rounding errors near zero.
        found[np.abs(found) < 1e-9] = 0.0
        return hits, found

    @cached_property
    def _stretches(self) -> tuple[np.ndarray, np.ndarray]:
        # Stretches of points, and how many false alarms there are at least.
        edges = stretches(len(self.thresholds), self._rows)
        return edges, bounded(self._false, self._at[1], edges, self._rows)[0]


def envelope(hits: np.ndarray, rates: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the best count of hits at or below a rate rises: the rates, and by how much.

    Examples
    --------
    >>> at, rise = envelope(np.array([1, 3, 2]), np.array([0.0, 5.0, 2.0]), 10.0)
    >>> at.tolist(), rise.tolist()
    ([0.0, 2.0, 5.0], [1.0, 1.0, 1.0])
    """
    useful = np.flatnonzero(rates <= limit)
    rates = rates[useful]
    order = np.argsort(rates, kind="stable")
    best = np.maximum.accumulate(hits[useful[order]].astype(np.float64))
    rise = best.copy()
    rise[1:] -= best[:-1]
    steps = np.flatnonzero(rise > 0)
    return rates[order[steps]], rise[steps]


def joined(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of all classes on one axis: rates where any rises, and every class's ratio from there on.

    Examples
    --------
    >>> joined([(np.array([1.0]), np.array([0.5])), (np.array([0.0]), np.array([1.0]))])[1].tolist()
    [[0.0, 0.5], [1.0, 1.0]]
    """
    sizes = [len(curve[0]) for curve in curves]
    at = np.concatenate([np.zeros(0), *(curve[0] for curve in curves)])
    order = np.argsort(at, kind="stable")
    place = np.empty(len(at), np.int64)
    place[order] = np.arange(len(at))
    # A class keeps its ratio from one of its own rises to the next.
    held = [np.concatenate([[0.0], np.cumsum(curve[1])]) for curve in curves]
    stays = [np.diff(own, prepend=0, append=len(at)) for own in np.split(place, np.cumsum(sizes)[:-1])]
    ratios = np.repeat(np.concatenate(held), np.concatenate(stays))
    return at[order], ratios.reshape(len(curves), len(at))


def roc(ratios: np.ndarray, alpha_st: float) -> np.ndarray:
    """Effective true-positive ratio `[point]` from every class's ratio `[class, point]`."""
    mean = ratios.mean(axis=0)
    if not alpha_st:
        return mean
    apart = ratios - mean
    return np.maximum(mean - alpha_st * np.sqrt(np.einsum("cp,cp->p", apart, apart) / len(ratios)), 0.0)


class PsdSample(Sample):
    """Detection scores of weighted recordings.

    Parameters
    ----------
    curves : mapping of str to sequence of sequence of PsdCurves
        Score → for each post-processing, the curves of every class.
    scenarios : mapping of str to Scenario
        Score → its parameters.
    exposure : Exposure
        What rates are taken over.
    """

    def __init__(
        self,
        curves: dict[str, list[list[PsdCurves]]],
        scenarios: dict[str, Scenario],
        exposure: Exposure,
    ) -> None:
        self._curves, self._scenarios, self._exposure = curves, scenarios, exposure

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Each score `[draw]` and its part of each class `[draw, class]`."""
        draws, classes = len(weights), self._exposure.events.shape[1]
        values = {name: np.full(draws, np.nan) for name in self._scenarios}
        each = {name: np.full((draws, classes), np.nan) for name in self._scenarios}
        rows = len(weights[0]) * (1 + classes) if draws else 1
        for block in blocks(draws, rows):
            weight = by_row(weights[block])
            for name, scenario in self._scenarios.items():
                for draw, found in zip(range(block.start, block.stop), self._rocs(name, weight)):
                    if found is None:
                        continue
                    (at, ratio), curves = found
                    widths = np.diff(np.append(at, scenario.max_efpr))
                    values[name][draw] = (ratio * widths).sum() / scenario.max_efpr
                    for label, (rates, rise) in curves.items():
                        each[name][draw, label] = (rise * (scenario.max_efpr - rates)).sum() / scenario.max_efpr
        return values, each

    def roc(self, name: str, weight: np.ndarray) -> Roc | None:
        """The PSD-ROC of one score: rates and effective ratios, and each class's rates and rises; None without data."""
        return next(self._rocs(name, by_row(weight[None])))

    def _rocs(self, name: str, weights: np.ndarray) -> Iterator[Roc | None]:
        scenario, exposure = self._scenarios[name], self._exposure
        hours = exposure.hours @ weights
        events, event_hours = exposure.events.T @ weights, exposure.event_hours.T @ weights
        classes, draws = events.shape
        defined = (hours > 0) & events.any(axis=0)
        once = np.divide(1.0, hours, out=np.zeros(draws), where=hours > 0)
        rates = weights * once
        if scenario.alpha_ct:
            others = max(classes - 1 if scenario.ct_mean == "C-1" else classes, 1)
            weighed = np.full_like(event_hours, scenario.alpha_ct / others)
            factors = np.divide(weighed, event_hours, out=np.zeros_like(event_hours), where=event_hours > 0)
            rates = np.concatenate([rates[None], factors[:, None] * weights]).reshape(-1, draws)
        most = scenario.max_efpr * hours
        counted = np.ones((classes, draws), bool) if scenario.classes == "all" else events > 0
        drawn: list[dict[int, tuple[np.ndarray, np.ndarray]]] = [{} for _ in range(draws)]
        for label in np.flatnonzero((counted & defined).any(axis=1)).tolist():
            class_curves = [curves[label] for curves in self._curves[name]]
            chosen = [curve.reached(weights, most) for curve in class_curves]
            for block in blocks(draws, sum(map(len, chosen))):
                parts = [c.points(weights[:, block], rates[:, block], at) for c, at in zip(class_curves, chosen)]
                hits, alarms = (np.concatenate(side, axis=1) for side in zip(*parts))
                for draw in np.flatnonzero((counted[label] & defined)[block]).tolist():
                    at, rise = envelope(hits[draw], alarms[draw], scenario.max_efpr)
                    draw += block.start
                    drawn[draw][label] = at, rise / max(events[label, draw], 1e-300)
        for draw in range(draws):
            if not defined[draw] or not drawn[draw]:
                yield None
                continue
            at, ratios = joined(list(drawn[draw].values()))
            yield (at, roc(ratios, scenario.alpha_st)), drawn[draw]
