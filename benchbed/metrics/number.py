"""One measured number with everything needed to read it: rule, clips, interval or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.stats.bootstrap import Bootstrap
from benchbed.stats.intervals import intervals


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
    return told([Estimate(value, info, n, replicates, groups, undefined, no_interval, note)], bootstrap)[0]


@dataclass(frozen=True)
class Estimate:
    """A value that has no interval yet; its attributes are the parameters of `number`."""

    value: float
    info: MetricInfo
    n: int
    replicates: np.ndarray | None = None
    groups: int | None = None
    undefined: str = "undefined"
    no_interval: str = "intervals are turned off"
    note: str | None = None


def told(figures: Sequence[Estimate], bootstrap: Bootstrap | None) -> list[Number]:
    """Figures of one bootstrap as numbers; their intervals are taken at once.

    Parameters
    ----------
    figures : sequence of Estimate
    bootstrap : Bootstrap or None
        What drew their replicates; without it they have no intervals.

    Examples
    --------
    >>> info = MetricInfo("Accuracy", "accuracy", "fraction", "higher")
    >>> [one.value for one in told([Estimate(0.5, info, 4), Estimate(0.25, info, 4)], None)]
    [0.5, 0.25]
    """
    made = [_plain(figure, bootstrap) for figure in figures]
    asked = [i for i, one in enumerate(made) if one is None]
    drawn = [replicates for i in asked if (replicates := figures[i].replicates) is not None]
    if bootstrap is None or not drawn:
        return [one for one in made if one is not None]
    rests = [bootstrap.groups if (count := figures[i].groups) is None else count for i in asked]
    found = intervals(bootstrap, np.stack(drawn), [float(figures[i].value) for i in asked], rests)
    for i, interval in zip(asked, found, strict=True):
        figure, info = figures[i], figures[i].info
        # An interval that is centred on a value near the end of its range can reach beyond it.
        low = interval.low if interval.low is None or info.low is None else max(interval.low, info.low)
        high = interval.high if interval.high is None or info.high is None else min(interval.high, info.high)
        said = interval.method, interval.reason, figure.note
        made[i] = Number(float(figure.value), low, high, figure.n, info, *said, figure.replicates)
    return [one for one in made if one is not None]


def _plain(figure: Estimate, bootstrap: Bootstrap | None) -> Number | None:
    """The number of a figure that gets no interval; None for one that does."""
    n, info, note = figure.n, figure.info, figure.note
    if not math.isfinite(figure.value):
        return Number(None, None, None, n, info, reason=figure.undefined, note=note)
    value = float(figure.value)
    if info.no_interval is not None:
        # Two models are still compared in the same draws.
        return Number(value, None, None, n, info, reason=info.no_interval, note=note, drawn=figure.replicates)
    if figure.replicates is None or bootstrap is None:
        return Number(value, None, None, n, info, reason=figure.no_interval, note=note)
    return None


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
