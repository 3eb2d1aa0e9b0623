"""Polyphonic sound detection scores: PSDS1 and PSDS2 of DCASE Task 4, and any other parameters.

By default exact over all thresholds, as sed_scores_eval computes it (Ebbers, Serizel and Haeb-Umbach 2022); a number or
list of thresholds gives the older figure of psds_eval, which is lower (0.169 against 0.208 on one set with 50
thresholds), so the rule says which. With several median filters the score is independent of post-processing (Ebbers,
Haeb-Umbach and Serizel 2023): for every class and rate, the best ratio that any of them reaches.

A score is no sum over recordings, so it needs the predictions, and intervals come from weighted recordings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import LabelledTable, MetricInfo
from benchbed.metrics.roc import RocCurve
from benchbed.metrics.sample import Sample
from benchbed.metrics.sed.decision import Median
from benchbed.metrics.sed.detection import OverThresholds, paired
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import FlatEvents, flatten, framed
from benchbed.metrics.sed.intersection import Criteria, joined, sweep_by
from benchbed.metrics.sed.psds import HOUR, SCENARIOS, Exposure, PsdSample, Scenario
from benchbed.metrics.steps import Steps, by_class

#: Points of a curve's table.
DRAWN = 101


def family(
    labels: Sequence[str],
    *,
    scenarios: Sequence[str] | Mapping[str, Mapping[str, float]] = ("psds1", "psds2"),
    ct_mean: Literal["C-1", "C"] = "C-1",
    classes: Literal["referenced", "all"] = "referenced",
    thresholds: int | Sequence[float] | None = None,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
    independent: bool = False,
) -> Psds:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    scenarios : sequence of str or mapping of str to mapping
        `psds1`, `psds2`, or own names with `dtc`, `gtc`, `cttc`, `alpha_ct`, `alpha_st`, `max_efpr`.
    ct_mean : {"C-1", "C"}
        Cross-trigger rates averaged over the other classes, or over all as psds_eval 0.3 did.
    classes : {"referenced", "all"}
        Classes in the mean.
    thresholds : int or sequence of float, optional
        Operating points: so many, evenly spaced in 0…1, or these; every threshold if not given.
    median_frames, median_seconds : float or sequence of float, optional
        Median filter over the scores: one length for all classes or one per class, or, if `independent`, several to
        choose among.
    independent : bool, default=False
        Score independently of post-processing over the given filters and none.

    Examples
    --------
    >>> family(("dog",), scenarios=("psds1",), thresholds=50).metrics["psds1"].rule
    'psds:50-linear:dtc-0.7:gtc-0.7:alpha_st-1:max_efpr-100-per-h:referenced-classes'
    """
    if isinstance(scenarios, Mapping):
        made = {name: _scenario(dict(options), ct_mean, classes) for name, options in scenarios.items()}
    else:
        unknown = [name for name in scenarios if name not in SCENARIOS]
        if unknown or not len(scenarios):
            raise ConfigError(f"unknown scenarios {unknown}", hint="psds1, psds2, or a mapping with own parameters")
        made = {name: _replaced(SCENARIOS[name], ct_mean, classes) for name in scenarios}
    return Psds(tuple(labels), made, thresholds, _filters(median_frames, median_seconds, independent))


def example(generator: np.random.Generator, clips: int) -> tuple[Psds, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_corpus(generator, clips, 3))


class Psds(OverThresholds):
    """Detection scores, from frame scores and reference events, one object per recording."""

    def __init__(
        self,
        labels: tuple[str, ...],
        scenarios: Mapping[str, Scenario],
        thresholds: int | Sequence[float] | None,
        filters: Sequence[Median | None],
    ) -> None:
        super().__init__(labels)
        self.scenarios, self.filters = dict(scenarios), tuple(filters)
        self.thresholds, how = _points(thresholds)
        self.primary = next(iter(self.scenarios))
        if len(self.filters) > 1:
            how = f"{how}:independent-of-{len(self.filters)}-filters"
        elif self.filters[0] is not None:
            how = f"{how}:{self.filters[0].name}"
        rules = {name: f"psds:{how}:{scenario.name}" for name, scenario in self.scenarios.items()}
        self.metrics = {
            name: MetricInfo(name.upper(), rule, "fraction", "higher", None, 0.0, 1.0) for name, rule in rules.items()
        }
        self.class_metrics = {
            name: MetricInfo(f"{name.upper()} of the class", f"{rule}:class", "fraction", "higher", None, 0.0, 1.0)
            for name, rule in rules.items()
        }
        self.ranked = frozenset(self.metrics)

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Reference events and their microseconds by class, and the recording's microseconds.

        Overlapping events of a class are joined first.
        """
        return np.concatenate(self._exposed(scores, target)[1:], axis=1)

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> PsdSample:
        """The recordings, swept over all thresholds; arguments as in `statistics`."""
        reference, events, lengths, duration = self._exposed(scores, target)
        row = np.asarray(row)
        summed = [np.zeros((rows, part.shape[1])) for part in (events, lengths, duration)]
        for total, part in zip(summed, (events, lengths, duration)):
            np.add.at(total, row, part)
        exposure = Exposure(row, summed[2][:, 0] / HOUR, summed[0], summed[1] / HOUR)
        classes = len(self.labels)
        frames = framed(scores, classes)
        # Of one row, which all draws take or not, it is known what counts.
        most = None
        if rows == 1 and self.thresholds is None:
            most = [scenario.max_efpr * float(exposure.hours[0]) for scenario in self.scenarios.values()]
        steps: dict[str, list[list[list[Steps]]]] = {name: [] for name in self.scenarios}
        for median in self.filters:
            filtered = frames if median is None else [median.apply(item) for item in frames]
            criteria = [scenario.criteria for scenario in self.scenarios.values()]
            for name, swept in zip(self.scenarios, sweep_by(filtered, reference, classes, criteria, most)):
                steps[name].append([by_class(changes, classes) for changes in swept])
        return PsdSample(steps, self.scenarios, exposure, self.thresholds)

    def rocs(self, scores: np.ndarray, target: np.ndarray) -> dict[str, RocCurve]:
        """The PSD-ROC of every score that is defined."""
        sample = self.sample(scores, target, np.zeros(len(scores), int), 1)
        drawn = {name: sample.roc(name, np.ones(1)) for name in self.scenarios}
        return {
            name: RocCurve(*curve, self.scenarios[name].max_efpr, self.scenarios[name].alpha_st)
            for name, curve in drawn.items()
            if curve is not None
        }

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference events of each class, `[..., class]`."""
        return sums[..., : len(self.labels)]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a score is undefined for the statistics `[statistic]`."""
        if sums[-1] == 0:
            why = "no recordings"
        elif not self.class_counts(sums).any():
            why = "no reference events"
        else:
            why = "a score over thresholds cannot be had from sums, nor that of a class without reference events"
        return dict.fromkeys(self.metrics, why)

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """`NAME_roc`: the PSD-ROC of each score and its classes, at evenly spaced rates."""
        return self.tables_of(None, scores, target, sums)

    def tables_of(
        self, sample: Sample | None, scores: np.ndarray, target: np.ndarray, sums: np.ndarray
    ) -> dict[str, LabelledTable]:
        """The same, from recordings that were swept."""
        if not len(scores):
            return {}
        zero = np.zeros(len(scores), int)
        sample = sample.summed() if isinstance(sample, PsdSample) else self.sample(scores, target, zero, 1)
        tables = {}
        for name, scenario in self.scenarios.items():
            curve = sample.roc(name, np.ones(1))
            if curve is None:
                continue
            (at, ratio), curves = curve
            grid = np.linspace(0, scenario.max_efpr, DRAWN)
            columns = {"all": _read(at, ratio, grid)}
            for label, (rates, rise) in curves.items():
                columns[self.labels[label]] = _read(rates, np.cumsum(rise), grid)
            tables[f"{name}_roc"] = LabelledTable(
                tuple(f"{x:g}" for x in grid),
                tuple(columns),
                np.column_stack(list(columns.values())),
                "effective false positives per hour",
                "class",
                "true-positive ratio",
            )
        return tables

    def _exposed(self, scores: np.ndarray, target: np.ndarray) -> tuple[FlatEvents, np.ndarray, np.ndarray, np.ndarray]:
        paired(scores, target)
        classes = len(self.labels)
        reference = joined(flatten(target, classes), classes)
        ends = np.array([item.edges[-1] for item in framed(scores, classes)], np.int64)
        duration = np.where(reference.duration >= 0, reference.duration, ends)
        place = reference.clip * classes + reference.label
        lengths = np.bincount(place, weights=reference.offset - reference.onset, minlength=len(target) * classes)
        return reference, reference.counts(classes), lengths.reshape(len(target), classes), duration[:, None] * 1.0


def _scenario(
    options: dict[str, float], ct_mean: Literal["C-1", "C"], classes: Literal["referenced", "all"]
) -> Scenario:
    try:
        criteria = Criteria(options.pop("dtc"), options.pop("gtc"), options.pop("cttc", None))
        return Scenario(criteria, ct_mean=ct_mean, classes=classes, **options)
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"a scenario cannot be made ({error})",
            hint="dtc and gtc, and if wanted cttc, alpha_ct, alpha_st, max_efpr",
        ) from error


def _replaced(scenario: Scenario, ct_mean: Literal["C-1", "C"], classes: Literal["referenced", "all"]) -> Scenario:
    return Scenario(scenario.criteria, scenario.alpha_ct, scenario.alpha_st, scenario.max_efpr, ct_mean, classes)


def _filters(
    frames: float | Sequence[float] | None, seconds: float | Sequence[float] | None, independent: bool
) -> list[Median | None]:
    if frames is not None and seconds is not None:
        raise ConfigError("a median filter has a length in frames or in seconds, not both")
    length = seconds if frames is None else frames
    if length is None:
        if independent:
            raise ConfigError("independence of post-processing needs median filters to choose among")
        return [None]
    lengths = tuple(float(n) for n in np.atleast_1d(np.asarray(length, np.float64)))
    if independent:
        return [None, *(Median((n,), frames is None) for n in lengths)]
    return [Median(lengths, frames is None)]


def _points(thresholds: int | Sequence[float] | None) -> tuple[np.ndarray | None, str]:
    if thresholds is None:
        return None, "exact"
    if isinstance(thresholds, int):
        return (np.arange(thresholds) + 0.5) / thresholds, f"{thresholds}-linear"
    return np.asarray(thresholds, np.float64), f"{len(thresholds)}-listed"


def _read(rates: np.ndarray, ratio: np.ndarray, grid: np.ndarray) -> np.ndarray:
    # The curve keeps each value until the next rise.
    return np.concatenate([[0.0], ratio])[np.searchsorted(rates, grid, "right")]
