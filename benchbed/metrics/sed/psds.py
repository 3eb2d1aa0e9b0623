"""Areas under the PSD-ROC from steps of counts, for many weightings of the recordings at once.

At each threshold a class has a true-positive ratio and an effective false-positive rate: false alarms per hour, plus
`alpha_ct` times the mean over other classes of cross-triggers per hour of their reference. Its curve is the best ratio
that any threshold reaches at or below a rate. The curves' mean less `alpha_st` times their standard deviation, not
below zero, is integrated up to `max_efpr`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import Sample
from benchbed.metrics.sed.intersection import Criteria
from benchbed.metrics.sed.steps import Steps

#: Microseconds in an hour.
HOUR = 3_600_000_000


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


class Curves:
    """One class: how hits and false alarms change as the threshold falls, ready to be weighted.

    Parameters
    ----------
    hits, false, cross : Steps
        Changes, of this class only.
    row : np.ndarray [shape=(clip,), int]
        Row of each recording.
    thresholds : np.ndarray, optional
        Operating points; all if not given.
    """

    def __init__(
        self, hits: Steps, false: Steps, cross: Steps, row: np.ndarray, thresholds: np.ndarray | None = None
    ) -> None:
        kind = np.concatenate([np.zeros(len(false.score), np.int64), cross.kind + 1])
        clip, amount = (np.concatenate([getattr(false, n), getattr(cross, n)]) for n in ("clip", "amount"))
        score = np.concatenate([false.score, cross.score])
        falls = np.argsort(-score, kind="stable")
        rises = np.argsort(-hits.score, kind="stable")
        self._false = row[clip[falls]], amount[falls].astype(np.float64), kind[falls]
        self._hits = row[hits.clip[rises]], hits.amount[rises].astype(np.float64)
        if thresholds is None:
            # Only where hits change or false alarms vanish can a point be the best one at its rate.
            points = np.unique(-np.concatenate([hits.score, score[amount < 0]]))
        else:
            points = -np.sort(np.asarray(thresholds, np.float64))[::-1]
        self._at = (
            np.searchsorted(-hits.score[rises], points, "right"),
            np.searchsorted(-score[falls], points, "right"),
        )
        self.thresholds = -points

    def points(self, weights: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Hits and effective false-positive rates at each operating point of one weighting, from the strictest on.

        Parameters
        ----------
        weights : np.ndarray [shape=(row,)]
            Weight of each row.
        factors : np.ndarray [shape=(1 + class,)]
            What a false alarm, and a cross-trigger on each class, adds to the rate.
        """
        row, amount = self._hits
        hits = np.concatenate([[0.0], np.cumsum(weights[row] * amount)])[self._at[0]]
        row, amount, kind = self._false
        rates = np.concatenate([[0.0], np.cumsum(weights[row] * amount * factors[kind])])[self._at[1]]
        # Sums of rates up and down leave rounding errors near zero.
        return hits, np.where(np.abs(rates) < 1e-9, 0.0, rates)


def envelope(hits: np.ndarray, rates: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the best count of hits at or below a rate rises: the rates, and by how much.

    Examples
    --------
    >>> at, rise = envelope(np.array([1, 3, 2]), np.array([0.0, 5.0, 2.0]), 10.0)
    >>> at.tolist(), rise.tolist()
    ([0.0, 2.0, 5.0], [1.0, 1.0, 1.0])
    """
    useful = (rates <= limit) & (hits > 0)
    hits, rates = hits[useful].astype(np.float64), rates[useful]
    order = np.argsort(rates, kind="stable")
    best = np.maximum.accumulate(hits[order]) if len(order) else np.zeros(0)
    rise = np.diff(best, prepend=0.0)
    steps = rise > 0
    return rates[order][steps], rise[steps]


def joined(curves: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """The curves of all classes on one axis: rates where any rises, and every class's ratio from there on.

    Examples
    --------
    >>> joined([(np.array([1.0]), np.array([0.5])), (np.array([0.0]), np.array([1.0]))])[1].tolist()
    [[0.0, 1.0], [0.5, 1.0]]
    """
    at = np.concatenate([np.zeros(0), *(curve[0] for curve in curves)])
    label = np.repeat(np.arange(len(curves)), [len(curve[0]) for curve in curves])
    order = np.argsort(at, kind="stable")
    ratios = np.zeros((len(at), len(curves)))
    ratios[np.arange(len(at)), label[order]] = np.concatenate([np.zeros(0), *(c[1] for c in curves)])[order]
    return at[order], np.cumsum(ratios, axis=0)


def roc(ratios: np.ndarray, alpha_st: float) -> np.ndarray:
    """Effective true-positive ratio from every class's ratio, `[point]`."""
    return np.maximum(ratios.mean(axis=1) - alpha_st * ratios.std(axis=1), 0.0)


class PsdSample(Sample):
    """Detection scores of weighted recordings.

    Parameters
    ----------
    curves : mapping of str to sequence of sequence of Curves
        Score → for each post-processing, the curves of every class.
    scenarios : mapping of str to Scenario
        Score → its parameters.
    exposure : Exposure
        What rates are taken over.
    """

    def __init__(
        self,
        curves: dict[str, list[list[Curves]]],
        scenarios: dict[str, Scenario],
        exposure: Exposure,
    ) -> None:
        self._curves, self._scenarios, self._exposure = curves, scenarios, exposure

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Each score `[draw]` and its part of each class `[draw, class]`."""
        draws, classes = len(weights), self._exposure.events.shape[1]
        values = {name: np.full(draws, np.nan) for name in self._scenarios}
        each = {name: np.full((draws, classes), np.nan) for name in self._scenarios}
        for draw in range(draws):
            weight = weights[draw].astype(np.float64)
            for name, scenario in self._scenarios.items():
                found = self.roc(name, weight)
                if found is None:
                    continue
                (at, ratio), curves = found
                widths = np.diff(np.append(at, scenario.max_efpr))
                values[name][draw] = (ratio * widths).sum() / scenario.max_efpr
                for label, (rates, rise) in curves.items():
                    each[name][draw, label] = (rise * (scenario.max_efpr - rates)).sum() / scenario.max_efpr
        return values, each

    def roc(
        self, name: str, weight: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], dict[int, tuple[np.ndarray, np.ndarray]]] | None:
        """The PSD-ROC of one score: rates and effective ratios, and each class's rates and rises; None without data."""
        scenario, exposure = self._scenarios[name], self._exposure
        hours = weight @ exposure.hours
        events, event_hours = weight @ exposure.events, weight @ exposure.event_hours
        classes = len(events)
        counted = [c for c in range(classes) if scenario.classes == "all" or events[c] > 0]
        if not hours > 0 or not counted or not events.any():
            return None
        others = classes - 1 if scenario.ct_mean == "C-1" else classes
        factors = np.zeros(1 + classes)
        factors[0] = 1 / hours
        if scenario.alpha_ct:
            np.divide(scenario.alpha_ct / max(others, 1), event_hours, out=factors[1:], where=event_hours > 0)
        curves = {}
        for label in counted:
            points = [made[label].points(weight, factors) for made in self._curves[name]]
            hits, rates = (np.concatenate(side) for side in zip(*points))
            at, rise = envelope(hits, rates, scenario.max_efpr)
            curves[label] = at, rise / max(events[label], 1e-300)
        at, ratios = joined(list(curves.values()))
        return (at, roc(ratios, scenario.alpha_st)), curves
