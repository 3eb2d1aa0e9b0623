"""One measured number with everything needed to read it: rule, clips, interval or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.stats.bootstrap import Bootstrap


@dataclass(frozen=True)
class Number:
    """A value, its interval and its meaning.

    Attributes
    ----------
    value : float or None
        The value; None where it is undefined, then `reason` says why.
    low, high : float or None
        Ends of the interval.
    n : int
        Clips behind the value.
    info : MetricInfo
        Rule, unit and direction.
    interval : str or None
        Method of the interval.
    reason : str or None
        Why there is no value or no interval.
    note : str or None
        What else is needed to read it, e.g. which device is the worst.
    drawn : np.ndarray or None [shape=(draw,)]
        The value in every bootstrap draw, so that two models can be compared in the same draws.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    info: MetricInfo
    interval: str | None = None
    reason: str | None = None
    note: str | None = None
    drawn: np.ndarray | None = field(default=None, repr=False, compare=False)


def number(
    value: float,
    info: MetricInfo,
    n: int,
    *,
    replicates: np.ndarray | None = None,
    bootstrap: Bootstrap | None = None,
    groups: int | None = None,
    undefined: str = "undefined",
    no_interval: str = "intervals are turned off",
    note: str | None = None,
) -> Number:
    """Put a value and its bootstrap replicates into a `Number`.

    Parameters
    ----------
    value : float
        The value; NaN or infinity if it is undefined.
    info : MetricInfo
        What it means.
    n : int
        Clips behind it.
    replicates : np.ndarray [shape=(draw,)], optional
        The value in every draw of `bootstrap`.
    bootstrap : Bootstrap, optional
        What drew them.
    groups : int, optional
        Recording groups behind the value.
    undefined : str
        Reason to give if the value is undefined.
    no_interval : str
        Reason to give if there are no replicates.
    note : str, optional
        What else is needed to read it.

    Examples
    --------
    >>> number(float("nan"), MetricInfo("Accuracy", "accuracy", "fraction", "higher"), 0, undefined="no clips").reason
    'no clips'
    """
    if not math.isfinite(value):
        return Number(None, None, None, n, info, reason=undefined, note=note)
    if info.no_interval is not None:
        # Two models are still compared in the same draws.
        return Number(float(value), None, None, n, info, reason=info.no_interval, note=note, drawn=replicates)
    if replicates is None or bootstrap is None:
        return Number(float(value), None, None, n, info, reason=no_interval, note=note)
    found = bootstrap.interval(replicates, groups=groups, value=float(value))
    # An interval that is centred on a value near the end of its range can reach beyond it.
    low = found.low if found.low is None or info.low is None else max(found.low, info.low)
    high = found.high if found.high is None or info.high is None else min(found.high, info.high)
    return Number(float(value), low, high, n, info, found.method, found.reason, note, replicates)


def derived(
    info: MetricInfo, rule: str, *, title: str | None = None, scope: str = "", bounded: bool = True
) -> MetricInfo:
    """The meaning of a number made from others of one metric; `rule` and `scope` are appended to theirs.

    Examples
    --------
    >>> made = derived(MetricInfo("Accuracy", "accuracy", "fraction", "higher"), "mean-over-device", scope="mean")
    >>> made.rule, made.title, made.scope
    ('accuracy|mean-over-device', 'Accuracy', 'mean')
    """
    about = ", ".join(part for part in (info.scope, scope) if part)
    made = replace(info, rule=f"{info.rule}|{rule}", title=title or info.title, scope=about)
    return made if bounded else replace(made, chance=None, low=None, high=None)
