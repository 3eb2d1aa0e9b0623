"""What is said about one figure of two runs: the difference, its interval, its tests, the smallest effect they find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from benchbed.compare.figure import Figure
from benchbed.compare.runs import OpenRun
from benchbed.metrics.contract import MetricInfo
from benchbed.stats.correction import Correction
from benchbed.stats.replicates import Replicates
from benchbed.stats.swaps import Swaps, bootstrap_critical, bootstrap_tail, detectable

#: Two runs, and the figure of each, to swaps of the models in all metrics that no sum gives; None where they cannot be
#: swapped.
Swapper = Callable[[OpenRun, OpenRun, Figure, Figure], Swaps | None]

#: Names of the tests, as every output shows them.
BOTH, BOOTSTRAP = "paired bootstrap and swaps", "paired bootstrap"


@dataclass(frozen=True)
class Procedure:
    """How comparisons are made.

    Attributes
    ----------
    draws : int
        Bootstrap draws.
    swaps : int
        Random swaps of the models.
    level : float
        Coverage of the intervals.
    alpha : float
        Level of the tests.
    power : float
        Power that the minimum detectable effect is stated for.
    seed : int
        Seed of both.
    correction : {"holm", "primary", "hierarchical", "fdr", "none"}
        What many tests at once are held against (`benchbed.stats.correction`).
    primary : tuple of str
        Declared comparisons for `primary`: patterns of `CONDITION` or `CONDITION/METRIC`, the metric that ranks where
        none is said.
    swapper : callable, optional
        Swaps the models in metrics that no sum gives, where the clips of both runs are at hand.
    """

    draws: int = 2000
    swaps: int = 1999
    level: float = 0.95
    alpha: float = 0.05
    power: float = 0.8
    seed: int = 0
    correction: Correction = "holm"
    primary: tuple[str, ...] = ("clean",)
    swapper: Swapper | None = field(default=None, repr=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """The procedure for programs."""
        names = ("draws", "swaps", "level", "alpha", "power", "seed", "correction")
        held = {name: getattr(self, name) for name in names} | {"swapped_predictions": self.swapper is not None}
        return held | ({"primary": list(self.primary)} if self.correction == "primary" else {})


@dataclass(frozen=True)
class Contrast:
    """A figure of two models, a − b, in one metric.

    Attributes
    ----------
    figure : Figure
        Which clips.
    metric : str
        Which metric.
    info : MetricInfo
        What it means.
    direction : str
        Which way is better.
    a, b : float or None
        The figure of each model.
    value : float or None
        a − b; None where it is undefined, then `reason` says why.
    low, high : float or None
        Interval of the difference.
    p : float or None
        Two-sided p-value: the larger of bootstrap and swap test, or of the bootstrap alone where there are no swaps.
    p_bootstrap, p_swap : float or None
        Either of them.
    exact : bool
        Every possible swap was made.
    error : float or None
        Bootstrap standard error of the difference.
    mde : float or None
        Smallest true difference that the test would find with the stated power.
    effect : float or None
        Difference in standard deviations between recordings (Cohen's d_z).
    relative : float or None
        Difference as a share of b.
    clips, groups : int
        Clips and recordings behind the figure.
    differing : int or None
        Recordings on which the two models' sums differ; None for a figure that is made from no sums.
    dropped : int
        Recordings left out because one of the models has not scored all of the other's clips.
    incomplete : str or None
        Which cells lost clips.
    mcnemar : dict or None
        Exact McNemar test; None where it does not apply, then `no_mcnemar` says why.
    method : str or None
        Method of the interval.
    test : str
        Which tests gave the p-value.
    freedom : float or None
        Degrees of freedom of the bootstrap's spread.
    reason : str or None
        Why there is no value or no test.
    drawn_a, drawn_b : np.ndarray or None [shape=(draw,)]
        Replicates of each model in the same draws.
    swaps : Swaps or None
        Differences after swapping.
    """

    figure: Figure
    metric: str
    info: MetricInfo
    direction: str
    a: float | None
    b: float | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_bootstrap: float | None = None
    p_swap: float | None = None
    exact: bool = False
    error: float | None = None
    mde: float | None = None
    effect: float | None = None
    relative: float | None = None
    clips: int = 0
    groups: int = 0
    differing: int | None = None
    dropped: int = 0
    incomplete: str | None = None
    mcnemar: dict[str, float] | None = None
    no_mcnemar: str | None = None
    method: str | None = None
    test: str = BOTH
    freedom: float | None = None
    reason: str | None = None
    drawn_a: np.ndarray | None = field(default=None, repr=False, compare=False)
    drawn_b: np.ndarray | None = field(default=None, repr=False, compare=False)
    swaps: Swaps | None = field(default=None, repr=False, compare=False)

    @property
    def gain(self) -> float | None:
        """How much better a is, positive whichever way the metric points."""
        return None if self.value is None else (self.value if self.direction == "higher" else -self.value)

    def p_worse(self, margin: float = 0.0, relative: float = 0.0) -> float | None:
        """One-sided p-value that a is not worse than b by more than a margin.

        Parameters
        ----------
        margin : float
            Loss that is tolerated, in the metric's unit.
        relative : float
            Loss that is tolerated, as a share of b.
        """
        gains = self._gains(margin, relative)
        if gains is None or self.p is None:
            return 1.0 if self.value == 0 else None
        tail, swap = self.worse_by(margin, relative)
        if self.swaps is None:
            return tail if self.error else 1.0
        return None if tail is None or swap is None else max(tail, swap)

    def worse_by(self, margin: float = 0.0, relative: float = 0.0) -> tuple[float | None, float | None]:
        """The two p-values that `p_worse` is the larger of: of the bootstrap, and of swaps, which know no margin."""
        gains = self._gains(margin, relative)
        tail = None if gains is None else self._tail(gains, margin, relative, "less")
        side: Literal["less", "greater"] = "less" if self.direction == "higher" else "greater"
        return tail, None if self.swaps is None else self.swaps.p(self.metric, side)

    def p_too_bad(self, margin: float = 0.0, relative: float = 0.0) -> float | None:
        """One-sided p-value that a is worse than b by the margin or more; small values show non-inferiority."""
        if self.error == 0:
            return 0.0 if margin > 0 or relative > 0 else 1.0
        gains = self._gains(margin, relative)
        return None if gains is None else self._tail(gains, margin, relative, "greater")

    def detectable(self, alpha: float, power: float, replicates: Replicates | None = None) -> float | None:
        """Smallest true difference that the two-sided test of this level finds with this power.

        None where there is no error to tell it from, or where the swaps can call no difference, whatever its size, as
        with five recordings. A loss that a one-sided test finds has twice its level. The `replicates` of the difference
        need not be made again by who has them.
        """
        if not self.error or self.value is None or self.drawn_a is None or self.drawn_b is None:
            return None
        if replicates is None:
            with np.errstate(invalid="ignore"):
                replicates = Replicates(self.drawn_a - self.drawn_b, self.value)
        critical = bootstrap_critical(replicates, self.value, self.groups, alpha, self.freedom)
        if critical is None:
            critical = detectable(self.error, self.groups, alpha=alpha, power=0.5, freedom=self.freedom)
        if self.swaps is not None:
            called = self.swaps.critical(self.metric, self.groups, alpha)
            if called is None:
                return None
            critical = max(critical, called)
        return detectable(self.error, self.groups, power=power, freedom=self.freedom, critical=critical)

    def _tail(
        self, gains: np.ndarray, margin: float, relative: float, side: Literal["less", "greater"]
    ) -> float | None:
        value = None
        if self.gain is not None and self.b is not None:
            value = self.gain + margin + relative * abs(self.b)
        return bootstrap_tail(gains, 0.0, self.groups, side, value=value, freedom=self.freedom)

    def _gains(self, margin: float, relative: float) -> np.ndarray | None:
        if self.drawn_a is None or self.drawn_b is None or self.value is None:
            return None
        sign = 1.0 if self.direction == "higher" else -1.0
        return sign * (self.drawn_a - self.drawn_b) + margin + relative * np.abs(self.drawn_b)
