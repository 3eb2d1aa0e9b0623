"""Bootstrap over recording groups, as matrix products on sufficient statistics.

A draw gives each recording group a whole number of copies. Replicates of any sum over clips are then `weights @ sums`,
and everything computed from one `Bootstrap` (slices, conditions, models) is paired, because the copies are the same.
The copies depend on the number of groups, the name and the seed only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.rng import stream

#: Draws made from one random stream; part of what a seed means, and the bound on working memory.
CHUNK = 100

#: Below this number of groups, an interval says that it rests on few.
FEW_GROUPS = 20

#: An interval needs this share of draws in which the value is defined.
DEFINED = 0.9

Method = Literal["expanded", "percentile", "basic", "bca"]


@dataclass(frozen=True)
class Interval:
    """Ends of an interval, or the reason why there is none.

    Attributes
    ----------
    low, high : float or None
        The ends.
    method : str or None
        How it was made, in words.
    reason : str or None
        Why there is none, or why an end is open.
    """

    low: float | None
    high: float | None
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Bootstrap:
    """Draws of recording groups with replacement.

    Parameters
    ----------
    groups : int
        Number of recording groups.
    draws : int, default=1000
        Number of replicates; 0 turns intervals off.
    name : str
        What is resampled, e.g. the hash of the dataset's index, so that two sets of data do not share draws.
    seed : int, default=0
        Seed of the run.
    level : float, default=0.95
        Coverage of the intervals.
    method : {"expanded", "percentile", "basic", "bca"}, default="expanded"
        `expanded` widens the percentiles by Student's t for the number of groups (Hesterberg 2015, The American
        Statistician 69:4, section 5), which corrects the known under-coverage of `percentile` with few groups;
        `tests/benchmarks/interval_coverage.py` measures both.

    Examples
    --------
    >>> draw = Bootstrap(30, draws=200, name="toy")
    >>> correct = np.repeat([1.0, 0.0], 15)[:, None]
    >>> replicates = draw.replicates(correct)[:, 0] / 30
    >>> interval = draw.interval(replicates)
    >>> 0.2 < interval.low < 0.5 < interval.high < 0.8
    True
    """

    groups: int
    draws: int = 1000
    name: str = ""
    seed: int = 0
    level: float = 0.95
    method: Method = "expanded"

    def __post_init__(self) -> None:
        if not 0.5 < self.level < 1:
            raise ConfigError(f"an interval of level {self.level}", hint="a level between 0.5 and 1, e.g. 0.95")
        if self.draws < 0 or self.groups < 0:
            raise ConfigError(f"a bootstrap of {self.draws} draws over {self.groups} groups")
        if 0 < self.draws < 20:
            raise ConfigError(f"{self.draws} bootstrap draws are too few", hint="1000, or 0 for no intervals")

    def weights(self) -> Iterator[np.ndarray]:
        """Copies of each group, in blocks `[≤ 100 draws, group]` uint8 that together make up all draws."""
        for start in range(0, self.draws, CHUNK):
            # The cells of a run share their draws, so they are kept while they are small (16 blocks of 5 MB at most).
            made = _kept_block if self.groups <= 50_000 else _block
            yield made(self.name, self.seed, self.groups, start)[: self.draws - start]

    def replicates(self, sums: np.ndarray, group: np.ndarray | None = None) -> np.ndarray:
        """Replicates of the column sums of `sums`, `[draw, statistic]`.

        Parameters
        ----------
        sums : np.ndarray [shape=(row, statistic)]
            Statistics of groups, or of parts of groups.
        group : np.ndarray [shape=(row,), int], optional
            Group number of each row; by default there is one row per group, in order.
        """
        if group is None and len(sums) != self.groups:
            raise ConfigError(f"{len(sums)} rows of statistics for {self.groups} groups")
        return self.replicates_of_parts(sums, group, [slice(None)])[0]

    def replicates_of_parts(
        self, sums: np.ndarray, group: np.ndarray | None, parts: Sequence[np.ndarray | slice]
    ) -> np.ndarray:
        """Replicates of the column sums of several choices of rows, `[part, draw, statistic]`, from one set of draws.

        Parameters
        ----------
        sums : np.ndarray [shape=(row, statistic)]
            Statistics of groups, or of parts of groups.
        group : np.ndarray [shape=(row,), int] or None
            Group number of each row; None for one row per group, in order.
        parts : sequence of np.ndarray or slice
            Rows of each part.
        """
        out = np.empty((len(parts), self.draws, sums.shape[1]))
        chosen = [(sums[part], part if group is None else group[part]) for part in parts]
        for start, block in zip(range(0, self.draws, CHUNK), self.weights()):
            for i, (rows, columns) in enumerate(chosen):
                out[i, start : start + len(block)] = block[:, columns].astype(np.float64) @ rows
        return out

    def interval(
        self,
        replicates: np.ndarray,
        *,
        groups: int | None = None,
        value: float | None = None,
        jackknife: np.ndarray | None = None,
    ) -> Interval:
        """Interval from the replicates of one value.

        Parameters
        ----------
        replicates : np.ndarray [shape=(draw,)]
            The value in every draw; NaN where it is undefined, infinite where it lies beyond what was measured.
        groups : int, optional
            Groups that the value rests on, where a slice holds fewer than all.
        value : float, optional
            The value itself; `basic` and `bca` need it.
        jackknife : np.ndarray [shape=(group,)], optional
            The value without each group in turn; `bca` needs it.
        """
        groups = self.groups if groups is None else groups
        if self.draws == 0:
            return Interval(None, None, reason="intervals are turned off")
        if groups < 2:
            return Interval(None, None, reason=f"{groups} recording group: nothing to resample")
        defined = np.sort(replicates[~np.isnan(replicates)])
        if len(defined) < DEFINED * self.draws:
            return Interval(None, None, reason=f"undefined in {self.draws - len(defined)} of {self.draws} draws")
        # Infinite ends are real spread: ∞ − x ≤ ∞ must not pass for "the same value".
        finite = np.isfinite(defined[0]) and np.isfinite(defined[-1])
        equal = finite and defined[-1] - defined[0] <= 1e-12 * max(1.0, abs(float(defined[0])))
        if defined[-1] == defined[0] or equal:
            return Interval(None, None, reason="every draw gives the same value")
        low, high = _ends(self.method, defined, self.level, groups, value, jackknife)
        open_ends = [name for name, end in (("lower", low), ("upper", high)) if not np.isfinite(end)]
        reason = f"the {' and '.join(open_ends)} end lies beyond what was measured" if open_ends else None
        return Interval(
            low if np.isfinite(low) else None, high if np.isfinite(high) else None, self.describe(groups), reason
        )

    def describe(self, groups: int | None = None) -> str:
        """The method in words, for the record.

        Examples
        --------
        >>> Bootstrap(12).describe()
        'bootstrap expanded percentile 95 %, 12 groups (few), 1000 draws'
        """
        groups = self.groups if groups is None else groups
        title = {"expanded": "expanded percentile", "bca": "BCa"}.get(self.method, self.method)
        few = " (few)" if groups < FEW_GROUPS else ""
        return f"bootstrap {title} {100 * self.level:g} %, {groups} groups{few}, {self.draws} draws"


@lru_cache(maxsize=1024)
def quantile_levels(level: float, groups: int) -> tuple[float, float]:
    """Quantiles of the expanded percentile interval, as shares of the replicates.

    Examples
    --------
    >>> [round(q, 4) for q in quantile_levels(0.95, 10)]
    [0.0086, 0.9914]
    """
    from scipy.special import ndtr, stdtrit

    tail = float(ndtr(np.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, (1 - level) / 2)))
    return tail, 1 - tail


def _ends(
    method: str,
    defined: np.ndarray,
    level: float,
    groups: int,
    value: float | None,
    jackknife: np.ndarray | None,
) -> tuple[float, float]:
    plain = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "expanded":
        low, high = _quantiles(defined, np.array(quantile_levels(level, groups)))
    elif method == "percentile":
        low, high = _quantiles(defined, plain)
    elif value is None:
        raise ConfigError(f"the bootstrap method '{method}' needs the value itself")
    elif method == "basic":
        high, low = 2 * value - _quantiles(defined, plain)
    elif method == "bca":
        if jackknife is None:
            raise ConfigError("the bootstrap method 'bca' needs jackknife values")
        low, high = _quantiles(defined, _bca_levels(defined, value, jackknife, plain))
    else:
        raise ConfigError(f"unknown bootstrap method '{method}'", hint="expanded, percentile, basic or bca")
    return float(low), float(high)


def _quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    # numpy's linear rule on values that are sorted already; a cell has hundreds of intervals, and numpy's own call
    # costs more than the sorting.
    place = shares * (len(ordered) - 1)
    left = np.floor(place).astype(np.int64)
    right = np.minimum(left + 1, len(ordered) - 1)
    low, high = ordered[left], ordered[right]
    # Between a number and infinity there is nothing to interpolate: the nearer of the two counts.
    with np.errstate(invalid="ignore"):
        between = low + (place - left) * (high - low)
    return np.where(np.isinf(low) | np.isinf(high), np.where(place - left < 0.5, low, high), between)


def _bca_levels(defined: np.ndarray, value: float, jackknife: np.ndarray, plain: np.ndarray) -> np.ndarray:
    # Efron 1987; ties with the value count half, which matters for accuracies of few clips.
    from scipy.special import ndtr, ndtri

    from benchbed.stats.jackknife import acceleration

    below = (np.sum(defined < value) + 0.5 * np.sum(defined == value)) / len(defined)
    bias = ndtri(np.clip(below, 0.5 / len(defined), 1 - 0.5 / len(defined)))
    normal = bias + ndtri(plain)
    return ndtr(bias + normal / (1 - acceleration(jackknife) * normal))


def _block(name: str, seed: int, groups: int, start: int) -> np.ndarray:
    if groups == 0:
        return np.zeros((CHUNK, 0), np.uint8)
    # Counting uniform picks is a multinomial draw, several times quicker than one by conditional binomials.
    generator = stream("bootstrap", name, seed, groups, start)
    picks = generator.integers(0, groups, size=(CHUNK, groups), dtype=np.int64)
    picks += np.arange(CHUNK)[:, None] * groups
    counts = np.bincount(picks.ravel(), minlength=CHUNK * groups).reshape(CHUNK, groups)
    # More than 255 copies of one group cannot happen in less than 256 picks and does not happen (p < 1e-500) in more.
    block = counts.astype(np.uint8)
    block.flags.writeable = False
    return block


_kept_block = lru_cache(maxsize=16)(_block)
