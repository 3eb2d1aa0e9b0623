"""From counters to the figures of each year: error rate, F, localisation and distance errors, recall, SELD score.

By default a macro mean runs over the classes that occur in the reference and a figure of nothing is undefined; the
official scripts divide by zero plus epsilon and average over every class of the data set.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.ratios import defined_mean, ratio
from benchbed.metrics.seld.counting import EPS, OVERALL, TrackCounts
from benchbed.metrics.seld.rules import SeldRule
from benchbed.types import Direction

#: Degrees that a class without a match counts for until 2023.
UNMATCHED = 180.0

#: Names of the figures that exist as macro and micro averages, by year and kind of unit.
_DIRECTIONS = ("f20", "le_cd", "lr_cd", "seld")
_DISTANCES_2024 = ("f20", "doae", "distance_error", "relative_distance_error", "lr_cd", "seld")
_STEREO = ("f20", "doae", "distance_error", "relative_distance_error", "onscreen_accuracy")

_TITLES = {
    "er20": "ER20°",
    "f20": "F20°",
    "le_cd": "LE_CD",
    "lr_cd": "LR_CD",
    "doae": "DOAE",
    "distance_error": "Distance error",
    "relative_distance_error": "Relative distance error",
    "onscreen_accuracy": "On/off-screen accuracy",
    "seld": "SELD score",
}
_UNITS = {
    "er20": "errors per reference",
    "le_cd": "degrees",
    "doae": "degrees",
    "distance_error": "m",
    "seld": "score",
}
_HIGHER = ("f20", "lr_cd", "onscreen_accuracy")


def figures(rule: SeldRule) -> tuple[str, ...]:
    """Figures of a rule that are averaged over classes, without the error rate.

    Examples
    --------
    >>> figures(SeldRule(2022, "segment"))
    ('f20', 'le_cd', 'lr_cd', 'seld')
    """
    if rule.year == 2025:
        return _STEREO
    return _DISTANCES_2024 if rule.distances else _DIRECTIONS


def averages(rule: SeldRule) -> tuple[str, ...]:
    """Averages that a rule has, the ranking one first: the scripts of 2020 and 2021 have micro averages alone."""
    if rule.year >= 2022:
        return ("macro", "micro")
    return ("micro",) if rule.official else ("micro", "macro")


def values(counts: TrackCounts, rule: SeldRule) -> dict[str, np.ndarray]:
    """Every figure over all classes, `[…]`; NaN where it is undefined, or where the script stops."""
    each, rate = per_class(counts, rule), _error_rate(counts, rule)
    pooled = {name: value[..., 0] for name, value in _figures(_pooled(counts), rule, rate[..., None]).items()}
    made = {} if rule.year == 2025 else {"er20": rate}
    there = counts.reference > 0
    for name in figures(rule):
        made[f"micro_{name}"] = pooled[name]
        if "macro" in averages(rule):
            made[f"macro_{name}"] = _macro(each[name], there, rule, name)
    scored = (counts.recordings > 0) & (counts.stopped == 0)
    return {name: np.where(scored, value, np.nan) for name, value in made.items()}


def per_class(counts: TrackCounts, rule: SeldRule) -> dict[str, np.ndarray]:
    """Every figure of each class, `[…, class]`; its SELD score holds the error rate of all classes."""
    made = _figures(counts, rule, _error_rate(counts, rule)[..., None])
    if rule.official:
        held = ((counts.recordings > 0) & (counts.stopped == 0))[..., None]
        return {name: np.where(held, value, np.nan) for name, value in made.items()}
    there = counts.reference > 0
    # A class that is only ever output has an F, which is 0; its errors have no reference to refer to.
    held = {name: there | (counts.output > 0) if name == "f20" else there for name in made}
    return {name: np.where(held[name], value, np.nan) for name, value in made.items()}


def infos(rule: SeldRule) -> tuple[dict[str, MetricInfo], dict[str, MetricInfo]]:
    """Meanings of all figures and of those of each class."""
    metrics = {} if rule.year == 2025 else {"er20": _info("er20", "er20", rule, "")}
    for average in averages(rule):
        suffix = "" if average == averages(rule)[0] else f", {average}"
        metrics |= {f"{average}_{name}": _info(name, f"{average}_{name}", rule, suffix) for name in figures(rule)}
    return metrics, {name: _info(name, f"class_{name}", rule, "") for name in figures(rule)}


def _info(name: str, rule_name: str, rule: SeldRule, suffix: str) -> MetricInfo:
    direction: Direction = "higher" if name in _HIGHER else "lower"
    unit = _UNITS.get(name, "fraction")
    high = 180.0 if unit == "degrees" else 1.0 if direction == "higher" else None
    title = _TITLES[name]
    if name == "lr_cd" and rule.by_class:
        title = "LR_CD (as F)"
    return MetricInfo(f"{title}{suffix}", f"{rule_name}:{rule.name}", unit, direction, None, 0.0, high)


def _pooled(counts: TrackCounts) -> TrackCounts:
    """The counters with all classes as one."""
    parts = {name: value.sum(axis=-1, keepdims=True) for name, value in vars(counts).items() if name not in OVERALL}
    return replace(counts, **parts)


def _figures(counts: TrackCounts, rule: SeldRule, rate: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of whatever the last axis holds: classes, or all of them as one."""
    share = _officially if rule.official else ratio
    made = {"f20": _f20(counts, rule), "lr_cd": _recall(counts, rule)}
    errors = {
        "doae": counts.angle,
        "distance_error": counts.distance,
        "relative_distance_error": counts.relative,
        "onscreen_accuracy": counts.onscreen,
    }
    made |= {name: np.where(counts.matched > 0, share(sum_, counts.matched), np.nan) for name, sum_ in errors.items()}
    # Where nothing sounds there is no source to be 180° away from; the scripts print 180 there, too.
    missed = np.where(rule.official | (counts.reference > 0), UNMATCHED, np.nan)
    made["le_cd"] = np.where(counts.matched > 0, made["doae"], missed)
    if rule.distances:
        parts = [1 - made["f20"], made["doae"] / 180, made["relative_distance_error"]]
    else:
        parts = [np.broadcast_to(rate, made["f20"].shape), 1 - made["f20"], made["le_cd"] / 180, 1 - made["lr_cd"]]
    score = np.stack(np.broadcast_arrays(*parts), axis=-1)
    # Until 2023 every part has a value; in 2024 those without one are left out.
    made["seld"] = defined_mean(score) if rule.distances else score.mean(axis=-1)
    return {name: made[name] for name in figures(rule)}


def f20_parts(counts: TrackCounts, rule: SeldRule) -> tuple[np.ndarray, np.ndarray]:
    """What F20° is the ratio of, `[…, class]`; by the rule, not by its script, whose F of 2020 is no such ratio."""
    if rule.by_class:
        return 2 * counts.hit, counts.reference + counts.output
    wrong = 0.5 * (counts.false + counts.missed)
    misplaced = 0.5 * counts.misplaced if rule.year == 2021 else counts.misplaced
    return counts.hit, counts.hit + misplaced + wrong


def _f20(counts: TrackCounts, rule: SeldRule) -> np.ndarray:
    if rule.by_class:
        return _harmonic(counts.hit, counts, rule)
    return (_officially if rule.official else ratio)(*f20_parts(counts, rule))


def _recall(counts: TrackCounts, rule: SeldRule) -> np.ndarray:
    if rule.by_class:
        return _harmonic(counts.matched, counts, rule)
    below = counts.matched + counts.missed
    return _officially(counts.matched, below) if rule.official else ratio(counts.matched, below)


def _harmonic(right: np.ndarray, counts: TrackCounts, rule: SeldRule) -> np.ndarray:
    if not rule.official:
        return ratio(2 * right, counts.reference + counts.output)
    precision, recall = _officially(right, counts.output), _officially(right, counts.reference)
    return 2 * precision * recall / (precision + recall + EPS)


def _error_rate(counts: TrackCounts, rule: SeldRule) -> np.ndarray:
    errors, there = counts.substitutions + counts.deletions + counts.insertions, counts.reference.sum(axis=-1)
    return _officially(errors, there) if rule.official else ratio(errors, there)


def _officially(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    return over / (under + EPS)


def _macro(each: np.ndarray, there: np.ndarray, rule: SeldRule, name: str) -> np.ndarray:
    if not rule.official:
        return defined_mean(np.where(there, each, np.nan))
    return each.mean(axis=-1) if name in ("f20", "lr_cd", "le_cd", "seld") else defined_mean(each)
