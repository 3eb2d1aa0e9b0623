"""Whether two models differ, from the same clips: paired bootstrap, exact McNemar, permutation by group, Holm.

Everything pairs by recording group. McNemar's test takes clips for independent, so it applies only where every clip is
a group of its own; `sed_eval.test.mcnemar` documents a p-value but returns the corrected chi-square statistic, so the
exact binomial form is used here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.rng import stream
from benchbed.stats.bootstrap import CHUNK, Bootstrap, Interval


@dataclass(frozen=True)
class Difference:
    """Difference of one metric between two models, a − b.

    Attributes
    ----------
    value : float
        The difference.
    interval : Interval
        Its bootstrap interval.
    p : float or None
        Two-sided bootstrap p-value of no difference; None where there is no interval.
    error : float or None
        Bootstrap standard error.
    """

    value: float
    interval: Interval
    p: float | None
    error: float | None


@dataclass(frozen=True)
class McNemar:
    """Exact McNemar test.

    Attributes
    ----------
    only_a, only_b : int
        Clips that only one of the two models got right.
    p : float
        Two-sided exact p-value.
    odds_ratio : float
        `only_a / only_b`, the effect size; infinite if b never won alone, NaN if the models never disagreed.
    """

    only_a: int
    only_b: int
    p: float
    odds_ratio: float


def paired_difference(
    value_a: float,
    value_b: float,
    replicates_a: np.ndarray,
    replicates_b: np.ndarray,
    bootstrap: Bootstrap,
    *,
    groups: int | None = None,
) -> Difference:
    """Difference with interval and p-value, from replicates made by one and the same `Bootstrap`.

    The p-value is twice the smaller share of draws on either side of zero, draws at zero counting for both sides and
    one being added to both counts, so that it is never zero.

    Parameters
    ----------
    value_a, value_b : float
        The metric of each model.
    replicates_a, replicates_b : np.ndarray [shape=(draw,)]
        The metric of each model in every draw.
    bootstrap : Bootstrap
        What drew them.
    groups : int, optional
        Recording groups behind the metric.

    Examples
    --------
    >>> draw = Bootstrap(50, name="toy")
    >>> a, b = np.ones((50, 1)), np.repeat([1.0, 0.0], 25)[:, None]
    >>> found = paired_difference(1.0, 0.5, draw.replicates(a)[:, 0] / 50, draw.replicates(b)[:, 0] / 50, draw)
    >>> found.value, found.interval.low > 0.3, found.p < 0.01
    (0.5, True, True)
    """
    if replicates_a.shape != replicates_b.shape:
        raise CannotMeasure(f"replicates of {len(replicates_a)} and {len(replicates_b)} draws cannot be paired")
    drawn = replicates_a - replicates_b
    value = float(value_a - value_b)
    interval = bootstrap.interval(drawn, groups=groups, value=value)
    defined = drawn[np.isfinite(drawn)]
    if interval.low is None or not np.isfinite(value):
        same = value == 0 and len(defined) == len(drawn) > 0 and not defined.any()
        return Difference(value, interval, 1.0 if same else None, 0.0 if same else None)
    # Differences that are equal in exact arithmetic differ in the last bits after the matrix product.
    zero = 1e-12 * max(1.0, float(np.abs(replicates_a[np.isfinite(replicates_a)]).max()))
    sides = min(np.sum(defined <= zero), np.sum(defined >= -zero))
    return Difference(
        value, interval, float(min(1.0, 2 * (sides + 1) / (len(defined) + 1))), float(defined.std(ddof=1))
    )


def mcnemar(right_a: np.ndarray, right_b: np.ndarray, group: np.ndarray | None = None) -> McNemar:
    """Exact McNemar test on which clips each model got right (McNemar 1947, binomial form).

    Parameters
    ----------
    right_a, right_b : np.ndarray [shape=(clip,), bool]
        Whether each model was right.
    group : np.ndarray [shape=(clip,)], optional
        Recording group of each clip.

    Raises
    ------
    CannotMeasure
        Different lengths, or several clips of one recording group: they are not independent.

    Examples
    --------
    >>> a = np.array([True] * 9 + [False])
    >>> found = mcnemar(a, ~a)
    >>> found.only_a, found.only_b, round(found.p, 6)  # 2 · (1 + 10) / 2**10
    (9, 1, 0.021484)
    """
    from scipy.special import bdtr

    right_a, right_b = np.asarray(right_a, bool), np.asarray(right_b, bool)
    if right_a.shape != right_b.shape:
        raise CannotMeasure(f"{len(right_a)} and {len(right_b)} clips cannot be paired")
    if group is not None and len(np.unique(group)) < len(right_a):
        raise CannotMeasure(
            f"McNemar's test does not apply: {len(right_a)} clips of {len(np.unique(group))} recordings depend on "
            "each other",
            hint="use the paired bootstrap or the permutation test over recording groups",
        )
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    differ = only_a + only_b
    p = min(1.0, 2 * float(bdtr(min(only_a, only_b), differ, 0.5))) if differ else 1.0
    ratio = only_a / only_b if only_b else (np.inf if only_a else np.nan)
    return McNemar(only_a, only_b, p, float(ratio))


def permutation_test(
    sums_a: np.ndarray,
    sums_b: np.ndarray,
    value: Callable[[np.ndarray], np.ndarray],
    *,
    draws: int = 9999,
    name: str = "",
    seed: int = 0,
) -> float:
    """Two-sided p-value of no difference, by swapping the two models within whole recording groups.

    All 2^groups swaps are made where that is no more than `draws`; else a random sample, with one added to both
    counts (Phipson & Smyth 2010).

    Parameters
    ----------
    sums_a, sums_b : np.ndarray [shape=(group, statistic)]
        Statistics of each model, groups in the same order.
    value : callable
        Summed statistics `[draw, statistic]` to the metric `[draw]`.
    draws : int, default=9999
        Random swaps.
    name : str
        What is tested, for the random stream.
    seed : int, default=0
        Seed of the run.

    Raises
    ------
    CannotMeasure
        Different shapes, or a metric that is undefined for the data as they are.

    Examples
    --------
    >>> a, b = np.array([[1.0], [1], [1], [1]]), np.zeros((4, 1))
    >>> permutation_test(a, b, lambda s: s[..., 0] / 4)  # both unanimous ones of 2**4 swaps
    0.125
    """
    if sums_a.shape != sums_b.shape:
        raise CannotMeasure(f"statistics of shapes {sums_a.shape} and {sums_b.shape} cannot be paired")
    total_a, total_b = sums_a.sum(axis=0), sums_b.sum(axis=0)
    seen = float(value(total_a[None])[0] - value(total_b[None])[0])
    if not np.isfinite(seen):
        raise CannotMeasure("the metric is undefined, so there is no difference to test")
    change = sums_b - sums_a
    # Groups on which the models agree exactly change nothing, whichever way they are swapped.
    change = change[np.abs(change).max(axis=1, initial=0.0) > 0]
    exact = len(change) < 63 and 2 ** len(change) <= draws + 1
    count = 2 ** len(change) if exact else draws
    reach = abs(seen) - 1e-12 * max(1.0, abs(seen))
    extreme = 0
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        if exact:
            swap = (np.arange(start, start + size)[:, None] >> np.arange(len(change))) & 1
        else:
            swap = stream("permutation", name, seed, len(change), start).integers(0, 2, (CHUNK, len(change)))[:size]
        moved = swap.astype(np.float64) @ change
        differences = value(total_a + moved) - value(total_b - moved)
        # An undefined swap counts as extreme, which can only make the test more cautious.
        extreme += int(np.sum(~(np.abs(differences) < reach)))
    return extreme / count if exact else (extreme + 1) / (count + 1)


def holm(p_values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Holm's adjusted p-values (Holm 1979); tests without a p-value stay out of the count.

    Examples
    --------
    >>> {name: round(p, 6) for name, p in holm({"a": 0.01, "b": 0.04, "c": 0.03}).items()}
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    known = sorted((p, name) for name, p in p_values.items() if p is not None and np.isfinite(p))
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    highest = 0.0
    for place, (p, name) in enumerate(known):
        highest = max(highest, min(1.0, p * (len(known) - place)))
        adjusted[name] = highest
    return adjusted


def minimum_detectable_effect(error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test of this standard error finds with the given power.

    Examples
    --------
    >>> round(minimum_detectable_effect(0.01), 4)  # (1.96 + 0.8416) · 0.01
    0.028
    """
    from scipy.special import ndtri

    return float((ndtri(1 - alpha / 2) + ndtri(power)) * error)
