"""Areas under the PSD-ROC from steps of counts, for many weightings of the recordings at once.

At each threshold a class has a true-positive ratio and an effective false-positive rate: false alarms per hour, plus
`alpha_ct` times the mean over other classes of cross-triggers per hour of their reference. Its curve is the best ratio
that any threshold reaches at or below a rate. The curves' mean less `alpha_st` times their standard deviation, not
below zero, is integrated up to `max_efpr`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.at_least import in_type_of
from benchbed.metrics.running import ROUNDED, Columns, Running, blocks, bounded, stretches, worthwhile
from benchbed.metrics.sample import Sample
from benchbed.metrics.sed.intersection import Criteria
from benchbed.metrics.steps import BINS, Steps, beyond, falling_order

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
    most : float, optional
        False alarms beyond which no point counts, where there is one row, which every draw takes or not; points that
        have more are left out.
    """

    def __init__(
        self,
        hits: Steps,
        false: Steps,
        cross: Steps,
        row: np.ndarray,
        rows: int,
        thresholds: np.ndarray | None = None,
        most: float = math.inf,
    ) -> None:
        if thresholds is None and most < math.inf and len(false.score) >= BINS:
            loosest = beyond(false.score, false.amount, most)
            hits, false, cross = (steps.only(steps.score > loosest) for steps in (hits, false, cross))
        kind = np.concatenate([np.zeros(len(false.score), np.int64), cross.kind + 1])
        clip, amount = (np.concatenate([getattr(false, n), getattr(cross, n)]) for n in ("clip", "amount"))
        score = np.concatenate([false.score, cross.score])
        falls, rises = falling_order(score), falling_order(hits.score)
        self._rows = rows
        self._false = Running((kind * rows + row[clip])[falls], amount[falls])
        self._hits = Running(row[hits.clip[rises]], hits.amount[rises])
        if thresholds is None:
            # Only where hits are gained or false alarms vanish can a point be the best one at its rate.
            points = np.unique(-np.concatenate([hits.score[hits.amount > 0], score[amount < 0]]))
        else:
            points = -np.sort(in_type_of(np.concatenate([hits.score, score]), thresholds))[::-1]
        self._at = (
            np.searchsorted(-hits.score[rises], points, "right"),
            np.searchsorted(-score[falls], points, "right"),
        )
        self.thresholds = -points

    def summed(self) -> PsdCurves:
        """The same with all rows in one."""
        made = copy(self)
        made.__dict__.pop("_stretches", None)
        made._rows, made._false, made._hits = 1, self._false.only(self._rows), self._hits.only(self._rows)
        return made

    def reached(self, copies: Columns, most: np.ndarray) -> np.ndarray:
        """Operating points that some draw may reach with a rate that counts; the others are too loose for all.

        Parameters
        ----------
        copies : Columns
            Weight of each row.
        most : np.ndarray [shape=(draw,)]
            False alarms that make the highest rate of the curve; cross-triggers only add to their rate.
        """
        count = len(self.thresholds)
        if not worthwhile(count, copies.draws):
            return np.arange(count)
        edges, least = self._stretches
        bound = (most * (1 + ROUNDED)).astype(np.float32)
        near = (least @ copies.of(np.float32) <= bound).any(axis=1)
        return np.flatnonzero(np.repeat(near, np.diff(edges)))

    def points(
        self, copies: Columns, rates: np.ndarray, chosen: np.ndarray, limit: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Most hits at each effective false-positive rate of the chosen operating points that some draw reaches.

        Parameters
        ----------
        copies : Columns
            Weight of each row.
        rates : np.ndarray [shape=(row or (1 + class) × row, draw)]
            What a false alarm in each row, and then a cross-trigger on each class there, adds to the rate.
        chosen : np.ndarray [shape=(point,), int]
            Numbers of the points, rising; their thresholds fall.
        limit : float
            Rates beyond it do not count.

        Returns
        -------
        tuple of np.ndarray [shape=(draw, rate)]
            Hits, and rates; infinite beyond the limit.
        """
        # Points with the same false alarms share a rate, whatever is drawn, and the one with the most hits speaks.
        hits, false = (side[chosen] for side in self._at)
        starts = np.flatnonzero(np.diff(false, prepend=-1))
        found = self._false.sums(rates, false[starts])
        within = found <= limit
        useful = within.any(axis=0)
        found = np.where(within[:, useful], found[:, useful], np.inf)
        # Sums of rates up and down leave rounding errors near zero.
        found[np.abs(found) < 1e-9] = 0.0
        sizes = np.diff(np.append(starts, len(chosen)))
        made = self._hits.counts(copies, hits[np.repeat(useful, sizes)])
        if useful.any():
            made = np.maximum.reduceat(made, np.cumsum(sizes[useful]) - sizes[useful], axis=0)
        return made.T, found

    @cached_property
    def _stretches(self) -> tuple[np.ndarray, np.ndarray]:
        # Stretches of points, and how many false alarms there are at least.
        edges = stretches(len(self.thresholds), self._rows)
        return edges, bounded(self._false, self._at[1], edges, self._rows)[0]


def envelopes(hits: np.ndarray, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the best count of hits at or below a rate rises in each draw: the draws, the rates, and that count.

    Parameters
    ----------
    hits, rates : np.ndarray [shape=(draw, point)]
        Hits, none negative, and rates of false alarms at each operating point; infinite where a point does not count.

    Examples
    --------
    >>> rates = np.array([[0.0, 5, 2], [3, np.inf, 1]])
    >>> draw, at, best = envelopes(np.array([[1, 3, 2], [0, 1, 1]]), rates)
    >>> draw.tolist(), at.tolist(), best.tolist()
    ([0, 0, 0, 1], [0.0, 2.0, 5.0, 1.0], [1, 2, 3, 1])
    """
    order = np.argsort(rates, axis=1)
    order += np.arange(len(rates))[:, None] * rates.shape[1]
    rates, best = rates.ravel()[order], hits.ravel()[order]
    best[rates == np.inf] = 0
    np.maximum.accumulate(best, axis=1, out=best)
    rises = best > 0
    rises[:, 1:] &= best[:, 1:] > best[:, :-1]
    # Of several at one rate the last holds; without false alarms there are many.
    draw, place = np.nonzero(rises)
    at, best = rates[draw, place], best[draw, place]
    last = _last_of_runs(draw, at)
    return draw[last], at[last], best[last]


def _last_of_runs(draw: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.append((draw[1:] != draw[:-1]) | (at[1:] != at[:-1]), True)[: len(draw)]


@dataclass(frozen=True)
class _Curve:
    """The ratio of one class, by draw and then by rate.

    Attributes
    ----------
    label : int
        The class.
    draw, at, ratio : np.ndarray [shape=(rise,)]
        The draw, the rate where the ratio rises, and what it is from there on.
    """

    label: int
    draw: np.ndarray
    at: np.ndarray
    ratio: np.ndarray


def combined(classes: Sequence[_Curve]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The curves of all classes on one axis for each draw: draws and rates where any class rises, and every class's
    ratio from there on, `[class, point]`.

    Examples
    --------
    >>> def one(at):
    ...     return _Curve(0, np.array([0]), np.array([at]), np.array([0.5]))
    >>> combined([one(1.0), one(0.0)])[2].tolist()
    [[0.0, 0.5], [0.5, 0.5]]
    """
    draw = np.concatenate([np.zeros(0, np.int64), *(one.draw for one in classes)])
    at = np.concatenate([np.zeros(0), *(one.at for one in classes)])
    order = _by_draw(classes, draw, at)
    draw, at = draw[order], at[order]
    last = _last_of_runs(draw, at)
    # The point at which each rise is seen: the first that is kept at or after its own place.
    point = np.empty(len(order), np.int64)
    point[order] = np.cumsum(last) - last
    draw, at = draw[last], at[last]
    ratios = np.zeros((len(classes), len(at)))
    fresh = np.diff(draw, prepend=-1) != 0
    begin = 0
    for row, one in enumerate(classes):
        # A class keeps its ratio from one of its own rises to the next, in one draw.
        mine = point[begin : begin + len(one.draw)]
        changes, ratio = fresh.copy(), np.zeros(len(at))
        changes[mine], ratio[mine] = True, one.ratio
        places = np.flatnonzero(changes)
        ratios[row] = np.repeat(ratio[places], np.diff(np.append(places, len(at))))
        begin += len(one.draw)
    return draw, at, ratios


def _by_draw(classes: Sequence[_Curve], draw: np.ndarray, at: np.ndarray) -> np.ndarray:
    # Order by draw and then by rate, equal ones as they come about: a row for each draw, to be sorted on its own.
    draws = int(draw.max(initial=-1)) + 1
    held = np.zeros(draws, np.int64)
    places = []
    for one in classes:
        count = np.bincount(one.draw, minlength=draws)
        places.append(np.arange(len(one.draw)) + (held - np.cumsum(count) + count)[one.draw])
        held += count
    if not len(draw):
        return np.zeros(0, np.int64)
    width = int(held.max())
    place = draw * width + np.concatenate(places)
    rates, item = np.full(draws * width, np.inf), np.empty(draws * width, np.int64)
    rates[place], item[place] = at, np.arange(len(at))
    order = np.argsort(rates.reshape(draws, width), axis=1) + np.arange(draws)[:, None] * width
    return np.asarray(item[order[np.arange(width) < held[:, None]]])


def area(draw: np.ndarray, at: np.ndarray, ratio: np.ndarray, draws: int, limit: float) -> np.ndarray:
    """Area below the steps of each draw up to a rate, `[draw]`, over the largest there can be.

    Examples
    --------
    >>> area(np.array([0, 0, 2]), np.array([0.0, 5, 5]), np.array([0.5, 1, 1]), 3, 10.0).tolist()
    [0.75, 0.0, 0.5]
    """
    ends = np.append(at[1:], limit)[: len(at)]
    ends[:-1][draw[1:] != draw[:-1]] = limit
    return np.bincount(draw, weights=ratio * (ends - at), minlength=draws) / limit


def roc(ratios: np.ndarray, counted: np.ndarray, alpha_st: float) -> np.ndarray:
    """Effective true-positive ratio `[point]` from every class's ratio `[class, point]` and whether it counts there."""
    count = counted.sum(axis=0)
    mean = ratios.sum(axis=0) / count
    if not alpha_st:
        return mean
    apart = np.where(counted, ratios - mean, 0.0)
    return np.maximum(mean - alpha_st * np.sqrt(np.einsum("cp,cp->p", apart, apart) / count), 0.0)


class PsdSample(Sample):
    """Detection scores of weighted recordings.

    Parameters
    ----------
    steps : mapping of str to sequence of sequence of sequence of Steps
        Score → for each post-processing, hits, false alarms and cross-triggers of every class.
    scenarios : mapping of str to Scenario
        Score → its parameters.
    exposure : Exposure
        What rates are taken over.
    thresholds : np.ndarray, optional
        Operating points; all if not given.
    """

    def __init__(
        self,
        steps: Mapping[str, Sequence[Sequence[Sequence[Steps]]]],
        scenarios: Mapping[str, Scenario],
        exposure: Exposure,
        thresholds: np.ndarray | None = None,
    ) -> None:
        self._scenarios, self._exposure = scenarios, exposure
        row, rows = exposure.row, len(exposure.hours)
        self._curves: dict[str, list[list[PsdCurves]]] = {}
        for name, scenario in scenarios.items():
            most = scenario.max_efpr * exposure.hours[0] if rows == 1 else math.inf
            self._curves[name] = [
                [PsdCurves(hits, false, cross, row, rows, thresholds, most) for hits, false, cross in zip(*parts)]
                for parts in steps[name]
            ]

    def summed(self) -> PsdSample:
        """The same recordings in one row."""
        exposure = self._exposure
        row, hours = np.zeros_like(exposure.row), exposure.hours.sum(keepdims=True)
        parts = (part.sum(axis=0, keepdims=True) for part in (exposure.events, exposure.event_hours))
        made = copy(self)
        made._exposure = Exposure(row, hours, *parts)
        made._curves = {
            name: [[curve.summed() for curve in curves] for curves in filters] for name, filters in self._curves.items()
        }
        return made

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Each score `[draw]` and its part of each class `[draw, class]`."""
        draws, classes = len(weights), self._exposure.events.shape[1]
        values = {name: np.full(draws, np.nan) for name in self._scenarios}
        each = {name: np.full((draws, classes), np.nan) for name in self._scenarios}
        rows = len(weights[0]) * (1 + classes) if draws else 1
        for block in blocks(draws, rows):
            copies = Columns(weights[block])
            for name in self._scenarios:
                values[name][block], each[name][block] = self._areas(name, copies)
        return values, each

    def roc(self, name: str, weight: np.ndarray) -> Roc | None:
        """The PSD-ROC of one score: rates and effective ratios, and each class's rates and rises; None without data."""
        classes, counted = self._drawn(name, Columns(weight[None]))
        if not counted.any():
            return None
        _, at, ratios = combined(classes)
        labels = [one.label for one in classes]
        there = np.broadcast_to(counted[labels], ratios.shape)
        curve = roc(ratios, there, self._scenarios[name].alpha_st)
        return (at, curve), {one.label: (one.at, np.diff(one.ratio, prepend=0.0)) for one in classes}

    def _areas(self, name: str, copies: Columns) -> tuple[np.ndarray, np.ndarray]:
        """The score `[draw]` and its part of each class `[draw, class]`, for weights of the rows."""
        scenario, draws = self._scenarios[name], copies.draws
        classes, counted = self._drawn(name, copies)
        each = np.where(counted.T, 0.0, np.nan)
        for one in classes:
            each[:, one.label] += area(one.draw, one.at, one.ratio, draws, scenario.max_efpr)
        draw, at, ratios = combined(classes)
        curve = roc(ratios, counted[[one.label for one in classes]][:, draw], scenario.alpha_st)
        values = np.where(counted.any(axis=0), area(draw, at, curve, draws, scenario.max_efpr), np.nan)
        return values, each

    def _drawn(self, name: str, copies: Columns) -> tuple[list[_Curve], np.ndarray]:
        """The curve of each class that some draw counts, and which draws count which classes, `[class, draw]`."""
        scenario, exposure, weights = self._scenarios[name], self._exposure, copies.double
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
        counted &= defined
        class_rises = []
        for label in np.flatnonzero(counted.any(axis=1)).tolist():
            class_curves = [curves[label] for curves in self._curves[name]]
            chosen = [curve.reached(copies, most) for curve in class_curves]
            drawn = []
            for block in blocks(draws, sum(map(len, chosen))):
                kept = np.flatnonzero(counted[label, block])
                some = copies.some(block)
                parts = [
                    curve.points(some, rates[:, block], at, scenario.max_efpr)
                    for curve, at in zip(class_curves, chosen)
                ]
                hits, alarms = (np.concatenate(side, axis=1) for side in zip(*parts))
                if len(kept) < some.draws:
                    hits, alarms = hits[kept], alarms[kept]
                draw, at, best = envelopes(hits, alarms)
                draw = kept[draw] + block.start
                drawn.append((draw, at, best / np.maximum(events[label, draw], 1e-300)))
            class_rises.append(_Curve(label, *(np.concatenate(column) for column in zip(*drawn))))
        return class_rises, counted
