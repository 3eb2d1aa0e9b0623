"""Running sums of weighted items, for many weightings at once.

Metrics over all thresholds are functions of counts that change item by item as the threshold falls, and the items are
in the same order whatever they weigh. A running sum over them is then a sparse matrix times the weights, of which only
the wanted places are ever made, and what it can be at most or at least over a stretch follows from a small dense one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from benchbed.metrics.steps import stable_order

#: Numbers of one block of draws; bounds working memory.
BLOCK = 2_000_000

#: Draws, and points × draws, from which on it pays to bound stretches of points first; how many stretches at the most,
#: and how many numbers there may be for their bounds.
FEW, WORTH, STRETCHES, STRETCHED = 8, 100_000, 128, 200_000

#: By how much of themselves bounds may be off that are made in single precision.
ROUNDED = 1e-4

#: Columns up to which counts at the wanted places are one product of two dense tables.
DENSE = 256

#: Items between two wanted places from which on they are added up by column first, which is one product with a vector.
FAR = 2048


#: Items from which on copies are added up two in one number, and how many before they are taken apart: their sum must
#: not be above what a byte holds.
PACKED, TOGETHER = 4096, 15


class Running:
    """Items in order, each with a weight to take and an amount.

    Parameters
    ----------
    column : np.ndarray [shape=(item,), int]
        The weight that each item takes: a row of the weights.
    amount : np.ndarray [shape=(item,)]
        What each item counts.

    Examples
    --------
    >>> items = Running(np.array([0, 1, 0]), np.array([1, 1, -1]))
    >>> items.sums(np.array([[1.0, 2.0], [1.0, 0.0]]), np.array([0, 2, 3])).tolist()
    [[0.0, 2.0, 1.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, column: np.ndarray, amount: np.ndarray) -> None:
        self._column, self._amount = np.asarray(column, np.int32), np.asarray(amount, np.float64)

    def __len__(self) -> int:
        return len(self._column)

    def only(self, columns: int) -> Running:
        """The same items, of which so many in a row share a column.

        Examples
        --------
        >>> Running(np.array([0, 1, 2]), np.ones(3)).only(2).sums(np.ones((2, 1)), np.array([3])).tolist()
        [[3.0]]
        """
        return Running(self._column // columns, self._amount)

    def sums(self, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Weighted sums of the first so many items, `[draw, place]`.

        Parameters
        ----------
        weights : np.ndarray [shape=(column, draw)]
            Weights of each column; fastest if its rows are contiguous.
        places : np.ndarray [shape=(place,), int]
            Numbers of items; fastest if they do not fall.
        """
        from scipy.sparse import csr_matrix

        if (np.diff(places) < 0).any():
            order = np.argsort(places, kind="stable")
            return self.sums(weights, places[order])[:, np.argsort(order)]
        out = np.empty((weights.shape[1], len(places)))
        base, done = np.zeros(weights.shape[1]), 0
        leaps = np.flatnonzero(np.diff(places) > FAR) + 1
        for start, stop in pairwise([0, *leaps.tolist(), len(places)] if len(places) else []):
            first, last = int(places[start]), int(places[stop - 1])
            if first > done:
                base = base + self._totals(done, first, len(weights)) @ weights
            between = slice(first, last)
            ends = np.concatenate([[0], places[start:stop] - first])
            # Put in by hand: looking through the numbers for the smallest type takes as long as the product.
            between_places = csr_matrix((stop - start, len(weights)))
            between_places.data, between_places.indices = self._amount[between], self._column[between]
            between_places.indptr = ends.astype(np.int32)
            out[:, start:stop] = (between_places @ weights).T
            out[:, start] += base
            np.cumsum(out[:, start:stop], axis=1, out=out[:, start:stop])
            base, done = out[:, stop - 1], last
        return out

    def counts(self, copies: Columns, places: np.ndarray) -> np.ndarray:
        """`sums` of whole amounts with the places first, `[place, draw]`.

        Of few columns and whole numbers of copies it is one exact product, in single precision where that holds it.

        Parameters
        ----------
        copies : Columns
            Weights of each column.
        places : np.ndarray [shape=(place,), int]
            Numbers of items, not falling.

        Examples
        --------
        >>> items = Running(np.array([0, 1, 0]), np.array([1, 1, -1]))
        >>> items.counts(Columns(np.array([[1, 1], [2, 0]], np.uint8)), np.array([0, 2, 3])).tolist()
        [[0.0, 0.0], [2.0, 2.0], [1.0, 0.0]]
        """
        return copies.product(self.held(places, copies.columns)) if copies.dense else self.sums(copies.double, places).T

    def held(self, places: np.ndarray, columns: int) -> np.ndarray:
        """Summed amounts of each column among the first so many items, `[place, column]`.

        Parameters
        ----------
        places : np.ndarray [shape=(place,), int]
            Numbers of items, not falling.
        columns : int
            Number of columns.
        """
        last = int(places[-1]) if len(places) else 0
        key = np.repeat(np.arange(len(places)) * columns, np.diff(places, prepend=0)) + self._column[:last]
        gained = np.bincount(key, self._amount[:last], len(places) * columns).reshape(len(places), columns)
        return np.cumsum(gained, axis=0, out=gained)

    def extremes(self, edges: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Least, most and last of each column's running sum from edge to edge, each `[stretch, column]` float32.

        Weighted, the first two bound every sum of the stretch, ends included, and the third is that at its end.

        Parameters
        ----------
        edges : np.ndarray [shape=(1 + stretch,), int]
            Numbers of items, not falling.
        columns : int
            Number of columns; items of others are left out.

        Examples
        --------
        >>> [x.tolist() for x in Running(np.array([0, 0, 0]), np.array([1, 1, -1])).extremes(np.array([0, 1, 3]), 1)]
        [[[0.0], [1.0]], [[1.0], [2.0]], [[1.0], [1.0]]]
        """
        stretches = len(edges) - 1
        stretch = np.repeat(np.arange(stretches), np.diff(edges))
        items = np.arange(edges[0], edges[-1])
        kept = self._column[items] < columns
        stretch, items = stretch[kept], items[kept]
        key = self._column[items].astype(np.int64) * stretches + stretch
        order = stable_order(key)
        key, amount = key[order], self._amount[items][order]
        net = np.bincount(key, weights=amount, minlength=columns * stretches).reshape(columns, stretches)
        before = self._totals(0, int(edges[0]), columns)
        begins = before[:, None] + np.cumsum(net, axis=1) - net
        least, most = begins.ravel().copy(), begins.ravel().copy()
        if len(key):
            starts = np.flatnonzero(np.diff(key, prepend=-1))
            levels = key[starts]
            # Sums within a stretch: those of all items less what had come before the stretch's first.
            total = np.cumsum(amount)
            moved = total - np.repeat(total[starts] - amount[starts], np.diff(np.append(starts, len(key))))
            least[levels] += np.minimum(np.minimum.reduceat(moved, starts), 0)
            most[levels] += np.maximum(np.maximum.reduceat(moved, starts), 0)
        return (
            np.ascontiguousarray(least.reshape(columns, stretches).T, np.float32),
            np.ascontiguousarray(most.reshape(columns, stretches).T, np.float32),
            np.ascontiguousarray((begins + net).T, np.float32),
        )

    def _totals(self, start: int, stop: int, columns: int) -> np.ndarray:
        column, amount = self._column[start:stop], self._amount[start:stop]
        kept = column < columns
        return np.bincount(column[kept], weights=amount[kept], minlength=columns)


class Stretches:
    """Items in order, cut into stretches, each item with a weight to take.

    Parameters
    ----------
    column : np.ndarray [shape=(item,), int]
        The weight that each item takes: a row of the weights.
    edges : np.ndarray [shape=(1 + stretch,), int]
        With which item each stretch begins, and where the last ends; not falling.

    Examples
    --------
    >>> items = Stretches(np.array([0, 1, 0]), np.array([0, 1, 3]))
    >>> items.sums(Columns(np.array([[1, 1], [2, 0]], np.uint8))).tolist()
    [[1, 2], [2, 2]]
    """

    def __init__(self, column: np.ndarray, edges: np.ndarray) -> None:

        self._column, self._edges = np.asarray(column, np.int32), np.asarray(edges, np.int32)
        self._most = int(np.bincount(self._column).max(initial=0))

    def __len__(self) -> int:
        return len(self._column)

    def sums(self, weights: Columns) -> np.ndarray:
        """Summed weights of each stretch, `[stretch, draw]`; of whole numbers exact, in the least type that holds."""
        if len(self) >= PACKED and weights.most * TOGETHER < 2**8:
            return self._packed(weights)
        # No sum is more than that of all weights, each as often as the commonest column is there.
        return self._every.of(weights.held(self._most))

    def _packed(self, weights: Columns) -> np.ndarray:
        # Half as many numbers to fetch and to add.
        parts, together = self._parts
        copies = parts.of(weights.pairs).view(np.uint8)[:, : weights.draws]
        return together.of(copies.astype(weights.least(self._most)))

    @cached_property
    def _every(self) -> _Ones:
        return _Ones(np.uint8, self._column, self._edges)

    @cached_property
    def _parts(self) -> tuple[_Ones, _Ones]:
        # Stretches cut into parts of a few items, and which parts make which stretch.
        sizes = -(-np.diff(self._edges) // TOGETHER)
        first = np.concatenate([[0], np.cumsum(sizes)])
        begins = np.repeat(self._edges[:-1], sizes) + TOGETHER * (np.arange(first[-1]) - np.repeat(first[:-1], sizes))
        parts = _Ones(np.uint16, self._column, np.append(begins, self._edges[-1:]))
        return parts, _Ones(np.uint8, np.arange(first[-1]), first)


class _Ones:
    """Stretches of columns as a sparse matrix of ones, whose products with weights are their sums."""

    def __init__(self, number: type, column: np.ndarray, edges: np.ndarray) -> None:
        from scipy.sparse import csr_matrix

        self._columns = int(column.max(initial=-1)) + 1
        places = column.astype(np.int32), edges.astype(np.int32)
        self._made = csr_matrix((np.ones(len(column), number), *places), shape=(len(edges) - 1, self._columns))

    def of(self, weights: np.ndarray) -> np.ndarray:
        return np.asarray(self._made @ weights[: self._columns])


class Columns:
    """Weights in the layout and the types that products with them want, each made once.

    Parameters
    ----------
    weights : np.ndarray [shape=(draw, column)]
        Weights, not negative; of an unsigned type where they are copies.

    Examples
    --------
    >>> Columns(np.array([[1, 2]], np.uint8)).held(3).dtype, Columns(np.array([[0.5, 2]])).held(3).dtype
    (dtype('uint16'), dtype('float64'))
    """

    def __init__(self, weights: np.ndarray) -> None:
        self._weights = weights
        #: Whether weights are whole numbers of copies.
        self.whole = weights.dtype.kind == "u"
        self._total = int(weights.sum(axis=1, dtype=np.int64).max(initial=0)) if self.whole else math.inf
        #: The highest number of copies.
        self.most = int(weights.max(initial=0)) if self.whole else math.inf
        self._made: dict[type, np.ndarray] = {}

    @property
    def draws(self) -> int:
        """Number of weightings."""
        return len(self._weights)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._weights.shape[1]

    @property
    def double(self) -> np.ndarray:
        """Weights `[column, draw]` in double precision."""
        return self.of(np.float64)

    def some(self, draws: slice) -> Columns:
        """Those of some draws."""
        return self if draws == slice(0, self.draws) else Columns(self._weights[draws])

    @property
    def dense(self) -> bool:
        """Whether sums of whole numbers are best had from `product`."""
        return self.whole and self.columns <= DENSE and self.draws >= FEW

    def product(self, table: np.ndarray) -> np.ndarray:
        """Weighted sums of the rows of a table of whole numbers, `[row, draw]`; exact where weights are copies.

        Parameters
        ----------
        table : np.ndarray [shape=(row, column)]
            What each column counts; in single precision if no sum can be beyond it.

        Examples
        --------
        >>> Columns(np.array([[1, 2]], np.uint8)).product(np.array([[3.0, 1.0]])).tolist()
        [[5.0]]
        """
        most = max(table.max(initial=0), -table.min(initial=0)) * self._total if table.size else 0
        number = np.float32 if most < 2**24 else np.float64
        return np.asarray(table.astype(number, copy=False) @ self.of(number))

    def held(self, times: int) -> np.ndarray:
        """Weights `[column, draw]` of the smallest type in which their sum, so many times, is exact."""
        return self.of(self.least(times))

    def least(self, times: int) -> type:
        """The smallest type in which the sum of all weights, so many times, is exact."""
        most = times * self._total if times else 0
        kinds = ((np.uint16, 2**16), (np.float32, 2**24), (np.float64, math.inf))
        return next(kind for kind, end in kinds if most < end or end == math.inf)

    @cached_property
    def pairs(self) -> np.ndarray:
        """Copies `[column, pair of draws]`, a byte each, two side by side in one number."""
        even = self.draws + self.draws % 2
        held = np.zeros((self.columns, even), np.uint8)
        held[:, : self.draws] = self._weights.T
        return held.view(np.uint16)

    def of(self, number: type) -> np.ndarray:
        """Weights `[column, draw]` of a type, with contiguous rows."""
        if number not in self._made:
            self._made[number] = np.ascontiguousarray(self._weights.T, number)
        return self._made[number]


def running_totals(rows: np.ndarray) -> np.ndarray:
    """Running sums over the first axis, as `np.cumsum` has them of whole numbers, in few passes and in place.

    Examples
    --------
    >>> running_totals(np.array([[1.0, 0.0], [2.0, 5.0], [3.0, 1.0]])).tolist()
    [[1.0, 0.0], [3.0, 5.0], [6.0, 6.0]]
    """
    places = len(rows)
    if places < 4 or rows.size == places:
        return np.cumsum(rows, axis=0, dtype=rows.dtype, out=rows)
    # Within stretches of about √n places, then over the stretches.
    each = math.isqrt(places)
    whole = places // each * each
    parts = rows[:whole].reshape(-1, each, *rows.shape[1:])
    for i in range(1, each):
        parts[:, i] += parts[:, i - 1]
    for i in range(1, len(parts)):
        parts[i] += parts[i - 1, -1]
    for i in range(whole, places):
        rows[i] += rows[i - 1]
    return rows


def by_row(weights: np.ndarray) -> np.ndarray:
    """Weights `[draw, row]` as float64 `[row, draw]` with contiguous rows; no copy if they are that already.

    Examples
    --------
    >>> by_row(np.array([[1, 2]], np.uint8)).tolist()
    [[1.0], [2.0]]
    """
    return np.ascontiguousarray(weights.T, np.float64)


def blocks(draws: int, each: int) -> list[slice]:
    """Slices of the draws of which each needs so many numbers, that keep working memory bounded.

    numpy adds up one draw by itself in another order than several, so that a last one that is left goes with those
    before it: no draw's value depends on how many others there are.

    Examples
    --------
    >>> blocks(4, BLOCK // 2)
    [slice(0, 2, None), slice(2, 4, None)]
    >>> blocks(5, BLOCK // 2)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    size = max(1, BLOCK // max(1, each))
    starts = [*range(0, draws, size)]
    if size > 1 and len(starts) > 1 and draws - starts[-1] == 1:
        starts.pop()
    return [slice(*edges) for edges in pairwise([*starts, draws])]


def batches(sizes: Sequence[int]) -> list[range]:
    """Numbers of things in a row that are together no larger than a block, or single ones.

    Examples
    --------
    >>> batches([1, 2, BLOCK, 3])
    [range(0, 2), range(2, 3), range(3, 4)]
    """
    edges, held = [0], 0
    for number, size in enumerate(sizes):
        if held and held + size > BLOCK:
            edges, held = [*edges, number], 0
        held += size
    return [range(start, stop) for start, stop in pairwise([*edges, len(sizes)])]


def worthwhile(points: int, draws: int, rows: int = 1) -> bool:
    """Whether it pays to find out first which points matter; several rows are asked for one weighting before many.

    Examples
    --------
    >>> worthwhile(200_000, 100), worthwhile(200_000, 1), worthwhile(200_000, 1, 50)
    (True, False, True)
    """
    return (draws >= FEW or rows > 1) and points * max(draws, rows) >= WORTH


def nearly_best(values: np.ndarray, slack: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of each draw whose value is its highest but for rounding.

    Parameters
    ----------
    values : np.ndarray [shape=(point, draw)]
        None negative, and at least one point.
    slack : float
        By how much of itself a value may be off.

    Returns
    -------
    tuple of np.ndarray
        Numbers of points and draws, by draw and then by point, and with which of them each draw begins.

    Examples
    --------
    >>> [x.tolist() for x in nearly_best(np.array([[0.5, 0.1], [0.4999, 0.7]]), 1e-3)]
    [[0, 1, 1], [0, 0, 1], [0, 2]]
    """
    near = values >= values.max(axis=0) * (1 - 2 * slack)
    draw, point = np.ascontiguousarray(near.T).nonzero()
    return point, draw, np.searchsorted(draw, np.arange(values.shape[1]))


def stretches(points: int, rows: int) -> np.ndarray:
    """Edges of stretches of points that are bounded as one, short ones first: from there on counts hardly move.

    Examples
    --------
    >>> stretches(16, 1_000)[:4].tolist(), len(stretches(100_000, 1_000)), len(stretches(100_000, 100_000))
    ([0, 1, 2, 3], 129, 3)
    """
    count = max(1, min(STRETCHES, STRETCHED // max(1, rows)))
    return np.unique(np.rint(points * np.linspace(0, 1, count + 1) ** 2).astype(np.int64))


def bounded(running: Running, places: np.ndarray, edges: np.ndarray, columns: int) -> tuple[np.ndarray, ...]:
    """`Running.extremes` of stretches of places, of which `edges` says with which place each begins."""
    ends = np.append(places, places[-1:])[edges]
    return running.extremes(ends, columns)
