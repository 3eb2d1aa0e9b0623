"""Which predicted source is which reference source, in all cells at once: the pairs with the least sum of angles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import perm

import numpy as np

from benchbed.metrics.seld.angles import Angle
from benchbed.metrics.seld.flat import FlatTracks

#: Up to this number of ways all of them are tried; a larger cell is solved by itself.
MOST_WAYS = 120

#: Sums of angles closer than this are equal.
TIE = 1e-6

#: Weight of a relative distance error beside an angle: of pairs with the same angles those at the right distance win.
NEARNESS = 1e-7


@dataclass(frozen=True)
class Pairs:
    """Pairs, by cell and then by row of the reference.

    Attributes
    ----------
    reference, output : np.ndarray [shape=(pair,), int64]
        Their rows.
    angle : np.ndarray [shape=(pair,)]
        Degrees between them.
    """

    reference: np.ndarray
    output: np.ndarray
    angle: np.ndarray


def cells(rows: FlatTracks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells that have rows, the first row of each, and how many there are."""
    starts = np.flatnonzero(np.diff(rows.cell, prepend=-1))
    return rows.cell[starts], starts, np.diff(starts, append=len(rows))


def pairs(reference: FlatTracks, output: FlatTracks, angle: Angle, *, official: bool) -> Pairs:
    """Pair the sources of every cell that both sides have.

    Parameters
    ----------
    reference, output : FlatTracks
        Rows by cell.
    angle : Angle
        Angles of pairs of rows.
    official : bool
        Among pairings with the same sum take the one that SciPy's solver finds, as the scripts do; else the one whose
        distances agree best, then the first by source number.
    """
    held, start, count = cells(reference)
    other, other_start, other_count = cells(output)
    _, here, there = np.intersect1d(held, other, assume_unique=True, return_indices=True)
    found = []
    sizes = count[here] * (1 << 32) + other_count[there]
    for size in np.unique(sizes):
        mine = np.flatnonzero(sizes == size)
        left, right = int(size >> 32), int(size & 0xFFFFFFFF)
        ref = start[here[mine], None] + np.arange(left)
        out = other_start[there[mine], None] + np.arange(right)
        found.append(_of_size(ref, out, reference, output, angle, official))
    if not found:
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    ref, out, degrees = (np.concatenate(column) for column in zip(*found))
    order = np.argsort(ref, kind="stable")
    return Pairs(ref[order], out[order], degrees[order])


def _of_size(
    ref: np.ndarray, out: np.ndarray, reference: FlatTracks, output: FlatTracks, angle: Angle, official: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    left, right = ref.shape[1], out.shape[1]
    cost = angle(ref[:, :, None], out[:, None, :])
    if left == right == 1:
        return ref[:, 0], out[:, 0], cost[:, 0, 0]
    ranked = cost if official else cost + NEARNESS * _distance_error(reference, output, ref, out)
    if left <= right:
        rows, columns = _assigned(ranked, official)
    else:
        columns, rows = _assigned(ranked.transpose(0, 2, 1), official)
    cell = np.arange(len(ref))[:, None]
    return ref[cell, rows].ravel(), out[cell, columns].ravel(), cost[cell, rows, columns].ravel()


def _assigned(cost: np.ndarray, official: bool) -> tuple[np.ndarray, np.ndarray]:
    """Best rows and columns of `cost` `[cell, few, many]`, each `[cell, few]`."""
    few, many = cost.shape[1:]
    rows = np.broadcast_to(np.arange(few), cost.shape[:2])
    if perm(many, few) > MOST_WAYS:
        return rows, np.stack([_solved(one) for one in cost])
    ways = np.array(list(permutations(range(many), few)))
    totals = cost[:, np.arange(few), ways].sum(axis=2)
    best = totals.argmin(axis=1)
    columns = ways[best]
    if official:
        least = totals[np.arange(len(best)), best]
        for cell in np.flatnonzero((totals <= least[:, None] + TIE).sum(axis=1) > 1):
            columns[cell] = _solved(cost[cell])
    return rows, columns


def _solved(cost: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(cost)[1]


def _distance_error(reference: FlatTracks, output: FlatTracks, ref: np.ndarray, out: np.ndarray) -> np.ndarray:
    there, said = reference.distance[ref][:, :, None], output.distance[out][:, None, :]
    error = np.abs(there - said) / np.maximum(np.maximum(there, said), 1e-12)
    return np.nan_to_num(error, nan=0.0)
