"""One-sided answers about a difference: swaps of two models by recording, and bootstrap tails against a margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.rng import stream
from benchbed.stats.bootstrap import CHUNK, quantile_levels
from benchbed.stats.replicates import Replicates

#: Draws beyond a value that are needed to read a p-value off them.
RESOLVED = 10
#: Swaps of groups that are kept for the next pair of models, at most.
SMALL = 100_000
#: Sums of swaps that are made into metrics at once: so many that calling the metrics costs little.
BLOCK = 200_000

Side = Literal["less", "greater", "two-sided"]


@dataclass(frozen=True)
class Swaps:
    """Differences of several metrics after the two models were swapped within random groups.

    Attributes
    ----------
    seen : dict of str to float
        Metric → the difference as it is.
    swapped : dict of str to np.ndarray [shape=(draw,)]
        Metric → the difference in every swap.
    exact : bool
        Every possible swap was made.
    """

    seen: dict[str, float]
    swapped: dict[str, np.ndarray]
    exact: bool

    def p(self, metric: str, side: Side = "two-sided") -> float | None:
        """p-value of no difference; None where the metric is undefined as it is.

        An undefined swap counts as extreme, which can only make the test more cautious; in a random sample of swaps
        one is added to both counts (Phipson & Smyth 2010). Where fewer than ten swaps are as extreme, the normal tail
        takes over.
        """
        seen, drawn = self.seen[metric], self.swapped[metric]
        if not np.isfinite(seen):
            return None
        slack = 1e-12 * max(1.0, abs(seen))
        if side == "two-sided":
            extreme = ~(np.abs(drawn) < abs(seen) - slack)
        elif side == "less":
            extreme = ~(drawn > seen + slack)
        else:
            extreme = ~(drawn < seen - slack)
        count = int(extreme.sum())
        if self.exact:
            return count / len(drawn)
        p = (count + 1) / (len(drawn) + 1)
        # Infinite draws (d′ of a class that is told apart without an error) have no spread to read a tail off.
        if count >= RESOLVED or not np.isfinite(drawn).all() or not drawn.std():
            return p
        # Beyond what the sample of swaps can resolve: the sum of swapped differences is close to normal, and bounded,
        # so that its tail is lighter than the normal one. A correction over many tests would else find nothing.
        tail = _normal_tail(
            abs(seen) / drawn.std() if side == "two-sided" else (-seen if side == "less" else seen) / drawn.std()
        )
        return min(p, (2 if side == "two-sided" else 1) * tail)

    def critical(self, metric: str, groups: int, alpha: float = 0.05) -> float | None:
        """Size from which the two-sided test calls a difference; None where it can call none.

        A difference widens its own swaps: recordings whose differences have the spread s and the sum d are swapped with
        the variance G · s² + d²/G. So it is called from k · σ / √(1 − k²/G), where σ is the spread of the swaps less
        what the seen difference adds, and k their quantile in units of their spread.

        Parameters
        ----------
        metric : str
            Which metric.
        groups : int
            Recording groups, of which some may not differ.
        alpha : float, default=0.05
            Level.

        Examples
        --------
        >>> alike = np.repeat([1.0, -1.0], 30)[:, None]
        >>> found = swap_models([alike], [0 * alike], lambda sums: {"mean": sums[0][..., 0] / 60})
        >>> 0.24 < found.critical("mean", 60) < 0.28  # 1.96 · √(1/60) / √(1 − 1.96²/60) = 0.262
        True
        >>> found.critical("mean", 5) is None  # the rarest of 2⁵ swaps, and its mirror, are 6 % of them
        True
        """
        from scipy.special import ndtri

        seen, drawn = self.seen[metric], np.abs(self.swapped[metric])
        finite = drawn[np.isfinite(drawn)]
        # Undefined swaps count as extreme.
        if 2.0 ** (1 - groups) > alpha or not np.isfinite(seen) or len(finite) <= (1 - alpha) * len(drawn):
            return None
        spread = float(np.sqrt((finite**2).mean()))
        own = spread**2 - seen**2 / groups
        if own <= 0:
            return 0.0 if spread == 0 else None
        reach = float(-ndtri(alpha / 2))
        if alpha * len(drawn) >= RESOLVED:
            reach = _called_from(np.sort(np.where(np.isfinite(drawn), drawn, np.inf)), alpha) / spread
        return None if reach**2 >= groups else reach * float(np.sqrt(own / (1 - reach**2 / groups)))


def swap_models(
    a: Sequence[np.ndarray],
    b: Sequence[np.ndarray],
    values: Callable[[list[np.ndarray]], dict[str, np.ndarray]],
    *,
    draws: int = 1999,
    name: str = "",
    seed: int = 0,
    counted: np.ndarray | None = None,
    seen: Mapping[str, float] | None = None,
) -> Swaps:
    """Swap two models within whole recording groups, in all splits at once.

    Under the hypothesis that the models are exchangeable, every swap is as likely as what was seen.

    Parameters
    ----------
    a, b : sequence of np.ndarray [shape=(group, statistic)]
        Statistics of each model, one array per split, groups in the same order.
    values : callable
        Summed statistics `[draw, statistic]` of each split to metrics `[draw]`; `[statistic, draw]` where some are
        `counted`.
    draws : int, default=1999
        Random swaps; all of them are made where there are no more.
    name : str
        What is tested, for the random stream.
    seed : int, default=0
        Seed of the run.
    counted : np.ndarray [shape=(needed,), int], optional
        Statistics that the metrics follow from, all of them whole numbers: sums of these alone are made. Which groups
        differ, and so which swaps are drawn, is still seen from all statistics.
    seen : mapping of str to float, optional
        The differences as they are, where they are known; the metrics of both models less each other.

    Examples
    --------
    >>> a, b = [np.array([[1.0], [1], [1], [1]])], [np.zeros((4, 1))]
    >>> found = swap_models(a, b, lambda sums: {"mean": sums[0][..., 0] / 4})
    >>> found.exact, found.p("mean"), found.p("mean", "greater"), found.p("mean", "less")
    (True, 0.125, 0.0625, 1.0)
    """
    if [x.shape for x in a] != [x.shape for x in b]:
        raise CannotMeasure("statistics of different shapes cannot be paired")
    # Groups on which the models agree change nothing, whichever way they are swapped.
    changes = [y - x for x, y in zip(a, b)]
    changes = [c[np.abs(c).max(axis=1, initial=0.0) > 0] for c in changes]
    if counted is not None:
        a, b, changes = ([x[:, counted] for x in each] for each in (a, b, changes))
    edges = np.cumsum([0, *map(len, changes)])
    total = int(edges[-1])
    exact = total < 40 and 2**total <= draws + 1
    count = 2**total if exact else draws

    def shaped(sums: np.ndarray) -> np.ndarray:
        return sums[None] if counted is None else sums[:, None]

    totals = [(shaped(x.sum(axis=0)), shaped(y.sum(axis=0))) for x, y in zip(a, b)]
    if seen is None:
        first, second = values([x for x, _ in totals]), values([y for _, y in totals])
        with np.errstate(invalid="ignore"):
            # Two infinite values of d′ have no difference, here and below.
            seen = {metric: float(first[metric][0] - second[metric][0]) for metric in first}
    parts: dict[str, list[np.ndarray]] = {metric: [] for metric in seen}
    # Swaps are made into metrics in large blocks: of few recordings calling the metrics is most of the work.
    width = max((x.shape[1] for x in a), default=1)
    large = CHUNK * max(1, BLOCK // (CHUNK * max(width, 1)))
    for start in range(0, count, large):
        swap = _swaps(name, seed, total, start, min(large, count - start), exact)
        product = _moved if counted is None else _moved_counts
        moved = [product(swap[:, low:high], c) for low, high, c in zip(edges, edges[1:], changes)]
        one = values([x + m for (x, _), m in zip(totals, moved)])
        other = values([y - m for (_, y), m in zip(totals, moved)])
        with np.errstate(invalid="ignore"):
            for metric in parts:
                parts[metric].append(one[metric] - other[metric])
    return Swaps(dict(seen), {metric: np.concatenate(replicates) for metric, replicates in parts.items()}, exact)


def _swaps(name: str, seed: int, total: int, start: int, size: int, exact: bool) -> np.ndarray:
    """Which groups are swapped in some of the draws `[draw, group]` uint8; small ones are kept."""
    # A model is compared with a hundred others in the same figure, and many of them differ from it in as many groups.
    made = _kept_swaps if size * total <= SMALL else _drawn_swaps
    return made(name, seed, total, start, size, exact)


def _drawn_swaps(name: str, seed: int, total: int, start: int, size: int, exact: bool) -> np.ndarray:
    if exact:
        return ((np.arange(start, start + size)[:, None] >> np.arange(total)) & 1).astype(np.uint8)
    blocks = [
        # Each of its own stream, so that a draw does not depend on how many there are.
        stream("swaps", name, seed, total, at).integers(0, 2, (CHUNK, total), dtype=np.uint8)
        for at in range(start, start + size, CHUNK)
    ]
    drawn = np.concatenate(blocks)[:size]
    drawn.flags.writeable = False
    return drawn


_kept_swaps = lru_cache(maxsize=512)(_drawn_swaps)


def _moved(swap: np.ndarray, change: np.ndarray) -> np.ndarray:
    """What swaps add to the sums of the first model, `[draw, statistic]`."""
    # By as many draws at a time as ever: the last bit of sums that are no whole numbers depends on it.
    return np.concatenate([swap[at : at + CHUNK].astype(np.float64) @ change for at in range(0, len(swap), CHUNK)])


def _moved_counts(swap: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The same of whole numbers, `[statistic, draw]`."""
    exact = float(np.abs(change).sum(axis=0).max(initial=0.0)) < 2**24
    number = np.float32 if exact else np.float64
    return (change.T.astype(number) @ swap.T.astype(number)).astype(np.float64)


def bootstrap_tail(
    replicates: np.ndarray | Replicates,
    bound: float,
    groups: int,
    side: Literal["less", "greater"],
    *,
    value: float | None = None,
    freedom: float | None = None,
) -> float | None:
    """One-sided p-value that a value is not beyond a bound, the inverse of the centred percentile interval.

    `side="less"` asks whether the value is shown to be below the bound. The share of draws on the other side is widened
    by Student's t, as the interval is (Hesterberg 2015); draws at the bound count against.

    Parameters
    ----------
    replicates : np.ndarray [shape=(draw,)] or Replicates
        The value in every draw.
    bound : float
        The bound.
    groups : int
        Recording groups behind the value.
    side : {"less", "greater"}
        Where the value is suspected.
    value : float, optional
        The value itself, where the replicates do not say it: the bias of the draws is taken off, as in the interval.
    freedom : float, optional
        Degrees of freedom of the spread; groups − 1 by default.

    Examples
    --------
    >>> draws = np.linspace(-1.0, 0.2, 1000)
    >>> bootstrap_tail(draws, 0.3, 50, "less") < 0.05 < bootstrap_tail(draws, 0.0, 50, "less")
    True
    """
    from scipy.special import ndtri, stdtr

    drawn = Replicates.of(replicates, value)
    defined = drawn.defined
    if groups < 2 or len(defined) < 0.9 * len(drawn.values) or not len(defined):
        return None
    slack = 1e-12 * max(1.0, drawn.largest)
    # Draws in which nothing tells the models apart stay at the bound wherever the others are moved.
    level = np.abs(defined - bound) <= slack
    moved = defined - drawn.bias
    against = level | (moved >= bound - slack if side == "less" else moved <= bound + slack)
    count = int(against.sum())
    share = (count + 1) / (len(moved) + 1)
    if share >= 1:
        return 1.0
    wider = np.sqrt(groups / (groups - 1))
    freedom = groups - 1 if freedom is None else freedom
    p = float(stdtr(freedom, float(ndtri(share)) / wider))
    if count >= RESOLVED:
        return p
    spread = float(moved.std()) if np.isfinite(moved).all() else 0.0
    if spread == 0:
        return p
    # Beyond what the draws can resolve: Student's t with the bootstrap's error.
    reach = (float(moved.mean()) - bound) * (1 if side == "less" else -1) / (spread * wider)
    return min(p, float(stdtr(freedom, reach)))


def bootstrap_critical(
    replicates: np.ndarray | Replicates,
    value: float,
    groups: int,
    alpha: float = 0.05,
    freedom: float | None = None,
) -> float | None:
    """Size from which the two-sided test by `bootstrap_tail` calls a difference from zero, the mean of its two sides.

    None where the draws cannot resolve it, so that Student's t with the bootstrap's error stands for it.

    Examples
    --------
    >>> draws = stream("example").normal(0.3, 1.0, 20_000)
    >>> round(bootstrap_critical(draws, 0.3, 50), 1)  # 2.01 · √(50/49)
    2.0
    """
    tail = quantile_levels(1 - alpha, groups, freedom)[0]
    drawn = Replicates.of(replicates, value)
    if not np.isfinite(drawn.values).all() or tail * len(drawn.values) < RESOLVED:
        return None
    away = drawn.ordered - drawn.bias - value
    return (_called_from(away, tail) + _called_from(-away[::-1], tail)) / 2


def detectable(
    error: float,
    groups: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    freedom: float | None = None,
    critical: float | None = None,
) -> float:
    """Smallest true difference that the two-sided test finds with the given power, with Student's t for the groups.

    The error, its factor √(G/(G − 1)) and the degrees of freedom are those of the test itself. A test that is one-sided
    at a level is two-sided at twice this level. Where the test is not Student's t alone, `critical` is the size from
    which it calls a difference, by default Student's quantile in standard errors.

    `minimum_detectable_effect` takes the error for known; with 20 recordings that promises eight per cent too much.

    Examples
    --------
    >>> round(detectable(0.01, 20), 4), round(detectable(0.01, 10_000), 4)
    (0.0303, 0.028)
    >>> round(detectable(0.01, 10_000, critical=0.03), 4)  # 0.03 + 0.8416 · 0.01
    0.0384
    """
    from scipy.special import stdtrit

    freedom = groups - 1 if freedom is None else freedom
    error *= float(np.sqrt(groups / (groups - 1)))
    if critical is None:
        critical = float(stdtrit(freedom, 1 - alpha / 2)) * error
    return critical + float(stdtrit(freedom, power)) * error


def _called_from(ordered: np.ndarray, share: float) -> float:
    """Of sizes in order, the middle between the largest that is not called and the smallest that is; infinite where
    none is called.

    A metric of counts moves in steps, and draws at the value itself count against it. Of a continuous metric the two
    are neighbours among the draws.
    """
    below = float(ordered[min(int((len(ordered) + 1) * (1 - share)), len(ordered) - 1)])
    above = ordered[np.searchsorted(ordered, below + 1e-12 * max(1.0, abs(below)), "right") :]
    return (below + float(above[0])) / 2 if len(above) and np.isfinite(above[0]) else below


def _normal_tail(reach: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-reach))
