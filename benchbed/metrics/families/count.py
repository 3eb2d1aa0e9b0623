"""Counting: mean absolute and root mean square error, and errors beside the count itself.

`mae` is what crowd counting calls accuracy; `rmse` what it calls MSE and robustness, a root without saying so (Hu et
al., Ambient sound helps: audiovisual crowd counting in extreme conditions, arXiv:2005.07097, whose evaluator takes it:
qingzwang/AudioVisualCrowdCounting at 740cb04). `nae`, the normalised absolute error, is the mean of |error| / count
over clips with a count above zero; `wape` is the sum of |error| over the sum of counts. `bias`, the mean of answer
minus count in absolute value, is near zero for a model that errs both ways.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.ratios import ratio

#: Statistics of a clip.
_CLIPS, _ABSOLUTE, _SQUARED, _SIGNED, _COUNT, _RELATIVE, _COUNTED = range(7)
#: The sum that each metric is made of.
_SUMMED = {"mae": _ABSOLUTE, "rmse": _SQUARED, "nae": _RELATIVE, "wape": _ABSOLUTE, "bias": _SIGNED}


def family(labels: Sequence[str] = (), *, unit: str = "objects") -> CountErrors:
    """The family; there are no classes.

    Parameters
    ----------
    labels : sequence of str
        None.
    unit : str
        What is counted, e.g. `people`: the unit of errors.

    Raises
    ------
    ConfigError
        A unit without a word.

    Examples
    --------
    >>> made = family()
    >>> sums = made.statistics(np.array([[10.0], [30.0]]), np.array([20.0, 25.0])).sum(axis=0)
    >>> {name: round(float(value), 3) for name, value in made.values(sums).items()}
    {'mae': 7.5, 'rmse': 7.906, 'nae': 0.35, 'wape': 0.333, 'bias': 2.5}
    """
    if not unit.strip():
        raise ConfigError("count: the unit is empty", hint="unit: people")
    return CountErrors(unit)


def example(generator: np.random.Generator, clips: int) -> tuple[CountErrors, np.ndarray, np.ndarray]:
    """The family with made-up counts that fit it; some clips hold nothing.

    Examples
    --------
    >>> metrics, answers, target = example(np.random.default_rng(0), 4)
    >>> answers.shape, target.shape
    ((4, 1), (4,))
    """
    truth = generator.integers(0, 8, clips).astype(np.float64)
    return family(), (truth + generator.normal(0, 2, clips)).reshape(-1, 1), truth


class CountErrors(Family):
    """Errors of counts, from answers `[clip, 1]` and counts `[clip]`."""

    output = "count"
    primary = "mae"

    def __init__(self, counted: str) -> None:
        def info(title: str, rule: str, unit: str) -> MetricInfo:
            return MetricInfo(title, rule, unit, "lower", low=0.0)

        self.metrics = {
            "mae": info("MAE", "mae:over-clips", counted),
            "rmse": info("RMSE", "rmse:over-clips", counted),
            "nae": info("Normalised absolute error", "nae:counts-above-zero", "fraction"),
            "wape": info("Absolute error over count", "wape:sum-over-sum", "fraction"),
            "bias": info("Absolute bias", "absolute-mean-error", counted),
        }

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Number of clips, absolute, squared and signed error, count, relative error and clips with a count.

        Raises
        ------
        CannotMeasure
            Answers that are no finite numbers, or counts below zero.
        """
        given, truth = np.asarray(scores, np.float64).reshape(len(target), -1), np.asarray(target, np.float64)
        if given.shape[1] != 1 or not np.isfinite(given).all():
            raise CannotMeasure(f"answers of the shape {list(given.shape)} are no finite number for each clip")
        if not (np.isfinite(truth) & (truth >= 0)).all():
            raise CannotMeasure("a count is a finite number, 0 or more", hint="look for the clip in the table of clips")
        with np.errstate(over="ignore"):  # what has no sum is said by `reasons`
            error = given[:, 0] - truth
            squared = error**2
        there = truth > 0
        relative = np.where(there, np.abs(error) / np.where(there, truth, 1.0), 0.0)
        ones = np.ones(len(truth))
        return np.stack([ones, np.abs(error), squared, error, truth, relative, there.astype(np.float64)], axis=1)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values from sums `[..., 7]`."""
        sums = np.where(np.isinf(sums), np.nan, sums)
        clips = sums[..., _CLIPS]
        return {
            "mae": ratio(sums[..., _ABSOLUTE], clips),
            "rmse": np.sqrt(ratio(sums[..., _SQUARED], clips)),
            "nae": ratio(sums[..., _RELATIVE], sums[..., _COUNTED]),
            "wape": ratio(sums[..., _ABSOLUTE], sums[..., _COUNT]),
            "bias": np.abs(ratio(sums[..., _SIGNED], clips)),
        }

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the sums `[7]`."""
        if not sums[_CLIPS]:
            return dict.fromkeys(self.metrics, "no clips")
        why = dict.fromkeys(("nae", "wape"), "every clip has a count of zero") if not sums[_COUNT] else {}
        beyond = [name for name, column in _SUMMED.items() if not np.isfinite(sums[column])]
        return why | dict.fromkeys(beyond, "errors so large have no sum in double precision")

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Which way the bias goes, and how many clips have no relative error."""
        said = {"bias": f"answers are {'above' if sums[_SIGNED] > 0 else 'below'} counts"} if sums[_SIGNED] else {}
        if left := int(sums[_CLIPS] - sums[_COUNTED]):
            said["nae"] = f"{left} clips with a count of zero left out"
        return said
