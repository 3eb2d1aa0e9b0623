"""Thresholds chosen on validation data, one per class, and then frozen.

A figure at thresholds that were chosen on the clips it is about says what the scores hold, not what the system does.
Here the choice is an object of its own: it names the data that it was made on, is written down, and goes into a metric
family as a plain option.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family
from benchbed.metrics.sed.sweeps import SweepSample
from benchbed.metrics.tuning import Average, ChosenThresholds, choose, tag_sweep
from benchbed.outputs.contract import Json

#: Threshold of a class that validation data say nothing about.
FALLBACK = 0.5


@dataclass(frozen=True)
class Thresholds:
    """Frozen thresholds.

    Attributes
    ----------
    labels : tuple of str
        Classes, in the order of `values`.
    values : tuple of float
        A class is output where its score is at least this.
    tuned_on : str
        The data that they were chosen on, e.g. `desed/validation`.
    rule : str
        How they were chosen.
    untuned : tuple of str
        Classes without positives there, which keep the fallback, 0.5 if nothing else was said.
    median_seconds : tuple of float, optional
        Length of the median filter before each threshold, where that was chosen too; 0 for none.
    reached : float, optional
        The F1 that was reached there; NaN if no class had positives.
    class_f1 : tuple of float, optional
        That of each class; NaN without positives.
    """

    labels: tuple[str, ...]
    values: tuple[float, ...]
    tuned_on: str
    rule: str
    untuned: tuple[str, ...] = ()
    median_seconds: tuple[float, ...] | None = None
    reached: float | None = None
    class_f1: tuple[float, ...] | None = None

    def options(self, labels: Sequence[str], scored_on: str) -> dict[str, list[float]]:
        """The option `threshold` of a metric family, and `median_seconds` where filters were chosen too.

        Parameters
        ----------
        labels : sequence of str
            Classes of the family.
        scored_on : str
            The data to be scored, which must be other data than these were chosen on.

        Raises
        ------
        ConfigError
            The same data, or a class without a threshold.

        Examples
        --------
        >>> frozen = Thresholds(("dog", "rain"), (0.3, 0.6), "toy/validation", "best-f1")
        >>> frozen.options(("rain", "dog"), "toy/test")
        {'threshold': [0.6, 0.3]}
        """
        if scored_on == self.tuned_on:
            raise ConfigError(
                f"thresholds that were chosen on {scored_on} cannot be scored there",
                hint="choose them on validation data, or report sed_best, which says what it is",
            )
        absent = [label for label in labels if label not in self.labels]
        if absent:
            raise ConfigError(f"no threshold for {', '.join(absent)}", hint=f"thresholds of {', '.join(self.labels)}")
        place = [self.labels.index(label) for label in labels]
        found = {"threshold": [self.values[i] for i in place]}
        if self.median_seconds is not None and any(self.median_seconds):
            found["median_seconds"] = [self.median_seconds[i] for i in place]
        return found

    def only(self, labels: Sequence[str]) -> Thresholds:
        """Those of some classes, in their order.

        Examples
        --------
        >>> Thresholds(("dog", "rain"), (0.3, 0.6), "toy/validation", "best-f1").only(["rain"]).values
        (0.6,)
        """
        place = [self.labels.index(label) for label in labels]
        median, each = (
            None if values is None else tuple(values[i] for i in place)
            for values in (self.median_seconds, self.class_f1)
        )
        return replace(
            self,
            labels=tuple(labels),
            values=tuple(self.values[i] for i in place),
            median_seconds=median,
            class_f1=each,
        )

    def as_dict(self) -> dict[str, Json]:
        """Plain values, to be written down."""
        written: dict[str, Json] = {
            "thresholds": dict(zip(self.labels, self.values)),
            "tuned_on": self.tuned_on,
            "rule": self.rule,
            "untuned": list(self.untuned),
        }
        if self.median_seconds is not None:
            written["median_seconds"] = dict(zip(self.labels, self.median_seconds))
        if self.reached is not None:
            written["reached"] = _written(self.reached)
        if self.class_f1 is not None:
            written["class_f1"] = {label: _written(value) for label, value in zip(self.labels, self.class_f1)}
        return written

    @classmethod
    def from_dict(cls, written: Mapping[str, Json], where: str | None = None) -> Thresholds:
        """Read what `as_dict` wrote.

        Raises
        ------
        ConfigError
            Something else.
        """
        try:
            pairs = {label: _number(value) for label, value in _mapping(written["thresholds"]).items()}
            each = {
                name: tuple(_number(_mapping(written[name])[label]) for label in pairs) if name in written else None
                for name in ("median_seconds", "class_f1")
            }
            untuned = written.get("untuned", ())
            if not isinstance(untuned, list | tuple):
                raise TypeError("untuned is no list")
            if not all(map(math.isfinite, (*pairs.values(), *(each["median_seconds"] or ())))):
                raise ValueError("a value is not finite")
            return cls(
                tuple(pairs),
                tuple(pairs.values()),
                str(written["tuned_on"]),
                str(written["rule"]),
                tuple(str(label) for label in untuned),
                each["median_seconds"],
                _number(written["reached"]) if "reached" in written else None,
                each["class_f1"],
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"not a file of thresholds ({type(error).__name__}: {error})",
                where=where,
                hint="thresholds, tuned_on and rule",
            ) from error


def _written(value: float) -> float | None:
    return None if math.isnan(value) else value


def _number(value: Json) -> float:
    """A number as it was written; null is a figure that was undefined."""
    if value is None:
        return math.nan
    if isinstance(value, int | float | str):
        return float(value)
    raise TypeError(f"{value!r} is no number")


def _mapping(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is no mapping of classes")
    return {str(key): held for key, held in value.items()}


def tune_tags(
    scores: np.ndarray,
    target: np.ndarray,
    labels: Sequence[str],
    tuned_on: str,
    *,
    average: Average = "macro",
    per_class: bool = True,
    fallback: float = FALLBACK,
) -> Thresholds:
    """The threshold of each class with the highest F1 over clips.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
        Finite scores on validation data.
    target : np.ndarray [shape=(clip, class)]
        1 present, 0 absent, NaN unknown.
    labels : sequence of str
        Class names.
    tuned_on : str
        The data, e.g. `fsd50k/val`.
    average, per_class
        As in `benchbed.metrics.tuning.choose`.
    fallback : float, default=0.5
        Threshold of classes without positives.

    Raises
    ------
    CannotMeasure
        Wrong shapes, or scores that are not finite.

    Examples
    --------
    >>> tune_tags(np.array([[0.9], [0.4], [0.2]]), np.array([[1], [1], [0]]), ["dog"], "toy/val").values
    (0.3,)
    """
    if np.ndim(scores) != 2 or np.shape(scores)[1] != len(labels):
        raise CannotMeasure(f"scores {list(np.shape(scores))} for {len(labels)} classes")
    choice = choose([tag_sweep(scores, target)], average=average, per_class=per_class)
    return frozen(choice, labels, tuned_on, f"{_named(average, per_class)}:every-threshold:clips", fallback)


def tune_events(
    family: Family | Sequence[Family],
    scores: np.ndarray,
    target: np.ndarray,
    tuned_on: str,
    *,
    median_seconds: Sequence[float] | None = None,
    average: Average = "macro",
    per_class: bool = True,
    fallback: float = FALLBACK,
) -> Thresholds:
    """The threshold of each class with the highest F1 over events, by the rules of a `sed_best` family.

    Parameters
    ----------
    family : Family, or a sequence of them
        From `benchbed.metrics.families.sed_best`; says what a hit is, and which median filter comes first. Several
        that differ in their filter alone: each class takes the best one, and of equally good ones the first.
    scores, target : np.ndarray [shape=(recording,), object]
        `FrameScores` and reference `Events` of validation data.
    tuned_on : str
        The data, e.g. `desed/validation`.
    median_seconds : sequence of float, optional
        The length of each family's filter, 0 for none, if several are tried.
    average, per_class
        As in `benchbed.metrics.tuning.choose`.
    fallback : float, default=0.5
        Threshold of classes without events, which take the first filter.

    Raises
    ------
    ConfigError
        Another kind of family.
    """
    families = [family] if isinstance(family, Family) else list(family)
    samples: list[SweepSample] = []
    for one in families:
        sample = one.sample(scores, target, np.zeros(len(scores), int), 1)
        if not isinstance(sample, SweepSample):
            raise ConfigError("thresholds of events are chosen by a family of sed_best")
        samples.append(sample)
    choice = choose(samples, average=average, per_class=per_class)
    rule = families[0].class_metrics["best_threshold"].rule.removeprefix("best_threshold")
    if median_seconds is not None:
        tried = ",".join(f"{length:g}" for length in median_seconds)
        rule = rule.partition(":median")[0] + f":median-of-{tried}-s"
    made = frozen(choice, families[0].labels, tuned_on, _named(average, per_class) + rule, fallback)
    if median_seconds is None:
        return made
    return replace(made, median_seconds=tuple(float(median_seconds[i]) for i in choice.candidate))


def _named(average: Average, per_class: bool) -> str:
    """`best-f1:middle`, and what else was asked: `best-common-micro-f1:middle`."""
    return "best-" + ("" if per_class else "common-") + ("micro-" if average == "micro" else "") + "f1:middle"


def frozen(choice: ChosenThresholds, labels: Sequence[str], tuned_on: str, rule: str, fallback: float) -> Thresholds:
    """Choices with their data and rule; classes without any keep the fallback.

    Parameters
    ----------
    choice : ChosenThresholds
        What was chosen.
    labels : sequence of str
        Class names.
    tuned_on, rule : str
        The data, and how it was chosen.
    fallback : float
        Threshold of classes that the data say nothing about.
    """
    values = np.where(np.isnan(choice.thresholds), fallback, choice.thresholds)
    untuned = tuple(label for label, value in zip(labels, choice.thresholds) if np.isnan(value))
    return Thresholds(
        tuple(labels),
        tuple(float(v) for v in values),
        tuned_on,
        rule,
        untuned,
        None,
        choice.reached,
        tuple(float(v) for v in choice.class_f1),
    )
