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
from benchbed.stats.replicates import Replicates, quantile

#: Draws made from one random stream; part of what a seed means, and the bound on working memory.
CHUNK = 100

#: Below this number of groups an interval says that it is known to be narrow: with 50 recordings of ten classes the
#: 95 % intervals of macro averages hold the truth in 92 … 95 %, with 20 in 91 … 94 % (tests/benchmarks).
FEW_GROUPS = 50

#: Copies of a group in one draw, at most; blocks are uint8.
MOST_COPIES = 255

#: An interval needs this share of draws in which the value is defined.
DEFINED = 0.9

#: Numbers of a table from which on it is looked for columns that are nearly all zero, and how few others these have.
LARGE, THIN = 4_000_000, 0.05

#: Copies of all groups in all draws that are kept as they are multiplied, at most.
FEW_COPIES = 1_000_000

#: Rows of a large table that are looked at together, no more than a byte counts.
ROWS = 250

Method = Literal["centred", "expanded", "percentile", "basic", "bca"]

#: Up to this number of groups the degrees of freedom of a value are estimated from its draws; with more of them,
#: Student's quantile moves by less than the draws do.
ESTIMATED = 300


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
    method : {"centred", "expanded", "percentile", "basic", "bca"}, default="centred"
        `expanded` widens the percentiles by Student's t for the number of groups (Hesterberg 2015, The American
        Statistician 69:4, section 5), which corrects the known under-coverage of `percentile` with few groups.
        `centred` also takes off the draws' bias, which a value that is biased has twice in its percentiles (macro F1
        with few recordings of a class, PSDS), and lowers the degrees of freedom where few groups carry most of the
        spread (`freedom`); without the value itself it is `expanded`. `tests/benchmarks/interval_coverage.py` measures
        all of them.

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
    method: Method = "centred"

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
            # The cells of a run share their draws, so they are kept while they are small (24 blocks of 5 MB at most);
            # comparisons ask for 20 in turn.
            made = _kept_block if self.groups <= 50_000 else _block
            yield made(self.name, self.seed, self.groups, start)[: self.draws - start]

    def replicates(
        self,
        sums: np.ndarray,
        group: np.ndarray | None = None,
        columns: np.ndarray | None = None,
        *,
        counts: bool = False,
    ) -> np.ndarray:
        """Replicates of the column sums of `sums`, `[draw, statistic]`.

        Parameters
        ----------
        sums : np.ndarray [shape=(row, statistic)]
            Statistics of groups, or of parts of groups.
        group : np.ndarray [shape=(row,), int], optional
            Group number of each row; by default there is one row per group, in order.
        columns : np.ndarray [shape=(needed,), int], optional
            Statistics that are wanted; the others are 0. All by default.
        counts : bool
            As in `replicates_of_parts`.
        """
        if group is None and len(sums) != self.groups:
            raise ConfigError(f"{len(sums)} rows of statistics for {self.groups} groups")
        return self.replicates_of_parts(sums, group, [slice(None)], columns, counts=counts)[0]

    def replicates_of_parts(
        self,
        sums: np.ndarray,
        group: np.ndarray | None,
        parts: Sequence[np.ndarray | slice],
        columns: np.ndarray | None = None,
        *,
        counts: bool = False,
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
        columns : np.ndarray [shape=(needed,), int], optional
            Statistics that are wanted; the others are 0. All by default.
        counts : bool
            All that is wanted are whole numbers, none negative: their sums are exact in float32 as well, which takes
            half the time, unless they are large.
        """
        number = np.float32 if counts and self.exact(sums, columns) else np.float64
        wanted = _taken(sums, columns, number)
        out = np.empty((len(parts), self.draws, wanted.shape[1]))
        chosen = [(_Product(wanted[part], number), part if group is None else group[part]) for part in parts]
        in_order = [isinstance(g, np.ndarray) and np.array_equal(g, np.arange(self.groups)) for _, g in chosen]
        for start, block in zip(range(0, self.draws, CHUNK), self.weights()):
            for i, (product, copied) in enumerate(chosen):
                copies = block if in_order[i] else block[:, copied]
                product.of(copies.astype(number), out[i, start : start + len(block)])
        if columns is None:
            return out
        made = np.zeros((len(parts), self.draws, sums.shape[1]))
        made[..., columns] = out
        return made

    def replicates_of_counts(self, counts: np.ndarray) -> np.ndarray:
        """Replicates of sums of whole numbers, none negative, whose draws come last, `[statistic, draw]`.

        Parameters
        ----------
        counts : np.ndarray [shape=(group, statistic)]
        """
        if len(counts) != self.groups:
            raise ConfigError(f"{len(counts)} rows of statistics for {self.groups} groups")
        number = np.float32 if self.exact(counts) else np.float64
        thin, out = counts.T.astype(number), np.empty((counts.shape[1], self.draws))
        if self.groups * self.draws <= FEW_COPIES and number == np.float32:
            np.matmul(thin, _by_group(self), out=out)
            return out
        for start, block in zip(range(0, self.draws, CHUNK), self.weights()):
            out[:, start : start + len(block)] = thin @ block.T.astype(number)
        return out

    def exact(self, counts: np.ndarray, columns: np.ndarray | None = None) -> bool:
        """Whether sums of whole numbers `[row, statistic]`, of some columns or all, are exact in float32."""
        totals = counts.sum(axis=0)
        most = float((totals if columns is None else totals[columns]).max(initial=0.0))
        return len(counts) > 0 and most * MOST_COPIES < 2**24

    def interval(
        self,
        replicates: np.ndarray | Replicates,
        *,
        groups: int | None = None,
        value: float | None = None,
        jackknife: np.ndarray | None = None,
        freedom: float | None = None,
    ) -> Interval:
        """Interval from the replicates of one value.

        Parameters
        ----------
        replicates : np.ndarray [shape=(draw,)] or Replicates
            The value in every draw; NaN where it is undefined, infinite where it lies beyond what was measured.
        groups : int, optional
            Groups that the value rests on, where a slice holds fewer than all.
        value : float, optional
            The value itself, where the replicates do not say it; `basic` and `bca` need it, `centred` is centred on it.
        jackknife : np.ndarray [shape=(group,)], optional
            The value without each group in turn; `bca` needs it.
        freedom : float, optional
            Degrees of freedom of the spread for `centred`, where replicates come from several bootstraps; by default
            they are found from the replicates.
        """
        groups = self.groups if groups is None else groups
        if self.draws == 0:
            return Interval(None, None, reason="intervals are turned off")
        if groups < 2:
            return Interval(None, None, reason=f"{groups} recording group: nothing to resample")
        drawn = Replicates.of(replicates, value)
        if len(drawn.defined) < DEFINED * self.draws:
            return Interval(None, None, reason=f"undefined in {self.draws - len(drawn.defined)} of {self.draws} draws")
        defined = drawn.ordered
        # Infinite ends are real spread: ∞ − x ≤ ∞ must not pass for "the same value".
        finite = np.isfinite(defined[0]) and np.isfinite(defined[-1])
        equal = finite and defined[-1] - defined[0] <= 1e-12 * max(1.0, abs(float(defined[0])))
        if defined[-1] == defined[0] or equal:
            return Interval(None, None, reason="every draw gives the same value")
        if self.method == "centred":
            defined = defined - drawn.bias
            if freedom is None:
                freedom = degrees_of_freedom([self], drawn.values, groups)
        low, high = _ends(self.method, defined, self.level, groups, drawn.value, jackknife, freedom)
        open_ends = [name for name, end in (("lower", low), ("upper", high)) if not np.isfinite(end)]
        reason = f"the {' and '.join(open_ends)} end lies beyond what was measured" if open_ends else None
        return Interval(
            low if np.isfinite(low) else None, high if np.isfinite(high) else None, self.describe(groups), reason
        )

    @property
    def estimates(self) -> bool:
        """Whether degrees of freedom are estimated from the draws, as with few groups."""
        return 0 < self.groups <= ESTIMATED

    def describe(self, groups: int | None = None) -> str:
        """The method in words, for the record.

        Examples
        --------
        >>> Bootstrap(12).describe()
        'bootstrap centred percentile 95 %, 12 groups (few, known to be narrow), 1000 draws'
        """
        groups = self.groups if groups is None else groups
        title = {"centred": "centred percentile", "expanded": "expanded percentile", "bca": "BCa"}
        few = " (few, known to be narrow)" if groups < FEW_GROUPS else ""
        made = title.get(self.method, self.method)
        return f"bootstrap {made} {100 * self.level:g} %, {groups} groups{few}, {self.draws} draws"


class _Product:
    """Sums of weighted rows; of a large table the columns that are nearly all zero are multiplied as such."""

    def __init__(self, rows: np.ndarray, number: type) -> None:
        rows = rows.astype(number, copy=False)
        self._thin = np.zeros(rows.shape[1], bool)
        self._rows, self._few = rows, None
        if rows.size < LARGE:
            return
        held = rows != 0
        self._thin = _counts(held) < THIN * len(rows)
        if self._thin.any():
            from scipy.sparse import csc_matrix

            held &= self._thin
            place = held.ravel().nonzero()[0]
            row, column = np.divmod(place, rows.shape[1])
            column = (np.cumsum(self._thin) - 1)[column]
            begins = np.searchsorted(row, np.arange(len(rows) + 1))
            self._rows = rows[:, ~self._thin]
            # By row, whose copies are then read one after the other.
            self._few = csc_matrix((rows.ravel()[place], column, begins), shape=(int(self._thin.sum()), len(rows)))

    def of(self, copies: np.ndarray, out: np.ndarray) -> None:
        """Put the sums for weights `[draw, row]` into `out` `[draw, column]`."""
        if self._few is None:
            out[:] = copies @ self._rows
            return
        out[:, ~self._thin] = copies @ self._rows
        out[:, self._thin] = (self._few @ np.ascontiguousarray(copies.T)).T


def _taken(sums: np.ndarray, columns: np.ndarray | None, number: type) -> np.ndarray:
    # Some columns in some type, without a copy of all of them in the type that they have.
    if columns is None or len(sums) < ROWS:
        return (sums if columns is None else sums[:, columns]).astype(number, copy=False)
    made: np.ndarray = np.empty((len(sums), len(columns)), number)
    for start in range(0, len(sums), ROWS):
        made[start : start + ROWS] = sums[start : start + ROWS, columns]
    return made


def _counts(held: np.ndarray) -> np.ndarray:
    # Rows in which each column holds something, added up in bytes as far as these go.
    found = np.zeros(held.shape[1], np.int64)
    for start in range(0, len(held), ROWS):
        found += held[start : start + ROWS].view(np.uint8).sum(axis=0, dtype=np.uint8)
    return found


@lru_cache(maxsize=1024)
def quantile_levels(level: float, groups: int, freedom: float | None = None) -> tuple[float, float]:
    """Quantiles of the expanded percentile interval, as shares of the replicates.

    Parameters
    ----------
    level : float
        Coverage.
    groups : int
        Groups that were resampled: the spread of the draws is √((G − 1)/G) of what it should be.
    freedom : float, optional
        Degrees of freedom of Student's t; groups − 1 by default.

    Examples
    --------
    >>> [round(q, 4) for q in quantile_levels(0.95, 10)]
    [0.0086, 0.9914]
    """
    from scipy.special import ndtr, stdtrit

    freedom = groups - 1 if freedom is None else freedom
    tail = float(ndtr(np.sqrt(groups / (groups - 1)) * stdtrit(freedom, (1 - level) / 2)))
    return tail, 1 - tail


def degrees_of_freedom(boots: Sequence[Bootstrap], replicates: np.ndarray, groups: int) -> float:
    """Degrees of freedom of a bootstrap variance, from the replicates and the draws that made them.

    The covariance of a group's copies with the value estimates the group's influence u (the infinitesimal jackknife,
    Efron 2014, JASA 109:507, section 3, less its Monte-Carlo noise). The variance is Σu², and by Satterthwaite it has
    2(Σu²)² / (Σu⁴ − (Σu²)²/G) degrees of freedom: about G − 1 where the influences are normal, fewer where a few groups
    carry the value, such as the only recordings of a rare class in a macro average.

    Parameters
    ----------
    boots : sequence of Bootstrap
        What drew the replicates, one for each split.
    replicates : np.ndarray [shape=(draw,)]
        The value in every draw.
    groups : int
        Groups that the value rests on.

    Returns
    -------
    float
        groups − 1 where there are more than 300 groups, where a draw is undefined, or where these draws do not explain
        the replicates.

    Examples
    --------
    >>> boot = Bootstrap(40, name="toy")
    >>> few = np.repeat([1.0, 0.0], [4, 36]) * np.resize([-1.0, 1.0], 40)
    >>> degrees_of_freedom([boot], boot.replicates(few[:, None])[:, 0], 40) < 10
    True
    """
    most, draws = float(groups - 1), len(replicates)
    usable = groups > 2 and 0 < sum(boot.groups for boot in boots) <= ESTIMATED
    if not usable or any(boot.draws != draws for boot in boots) or not np.isfinite(replicates).all():
        return most
    centred = replicates - replicates.mean()
    spread = float(centred @ centred) / draws
    if spread == 0:
        return most
    unit = (centred / np.sqrt(spread)).astype(np.float32)
    influence = influences(boots, unit) / draws
    square, fourth = float(np.sum(influence**2)), float(np.sum(influence**4))
    return effective_freedom(square, fourth, len(influence), draws, groups)


def influences(boots: Sequence[Bootstrap], unit: np.ndarray) -> np.ndarray:
    """Summed products of the draws' standardised values with the copies of each group less one, `[group]`.

    Parameters
    ----------
    boots : sequence of Bootstrap
        What drew them, one for each split.
    unit : np.ndarray [shape=(draw,), float32]
        The values, of mean zero and variance one.
    """
    return np.concatenate([unit @ _copies(boot) for boot in boots]).astype(np.float64)


def effective_freedom(squares: float, fourths: float, sources: int, draws: int, groups: int) -> float:
    """Satterthwaite's degrees of freedom from summed powers of estimated influences, their Monte-Carlo noise taken off.

    Parameters
    ----------
    squares, fourths : float
        Sums of the second and fourth powers of the influences.
    sources : int
        How many influences there are.
    draws : int
        Draws that they were estimated from.
    groups : int
        Groups that the value rests on; the answer is groups − 1 where the draws explain less than half of the spread.

    Examples
    --------
    >>> round(effective_freedom(1.0, 1 / 10, 100, 10**9, 101), 1)  # ten groups carry all
    22.2
    """
    most, noise = float(groups - 1), 1 / draws
    square = squares - sources * noise
    if square < 0.5:
        return most
    fourth = fourths - 6 * noise * square - 3 * sources * noise**2
    return max(2.0, 2 * square**2 / max(fourth - square**2 / groups, 2 * square**2 / most))


@lru_cache(maxsize=4)
def _by_group(boot: Bootstrap) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(list(boot.weights())).T, np.float32)


@lru_cache(maxsize=8)
def _copies(boot: Bootstrap) -> np.ndarray:
    return np.concatenate(list(boot.weights())).astype(np.float32) - np.float32(1)


def _ends(
    method: str,
    defined: np.ndarray,
    level: float,
    groups: int,
    value: float | None,
    jackknife: np.ndarray | None,
    freedom: float | None = None,
) -> tuple[float, float]:
    plain = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "centred":
        low, high = (quantile(defined, share) for share in quantile_levels(level, groups, freedom))
    elif method == "expanded":
        low, high = (quantile(defined, share) for share in quantile_levels(level, groups))
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
        raise ConfigError(f"unknown bootstrap method '{method}'", hint="centred, expanded, percentile, basic or bca")
    return float(low), float(high)


def _quantiles(ordered: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.array([quantile(ordered, float(share)) for share in shares])


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


_kept_block = lru_cache(maxsize=24)(_block)
