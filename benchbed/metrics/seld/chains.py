"""Which rows of a reference are one source, also where it numbers several of a class alike."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.seld.angles import great_circle
from benchbed.metrics.seld.flat import FlatTracks


def chains(rows: FlatTracks, group: np.ndarray) -> np.ndarray:
    """A number for the source of each row: equal numbers in one group are one source.

    Where a frame has several rows of one class and source number, each goes on where it was nearest in the frame
    before, so neither the order of rows nor where azimuths start decides.

    Parameters
    ----------
    rows : FlatTracks
        Rows by cell and source.
    group : np.ndarray [shape=(row,), int64]
        Unit and class of each row.

    Examples
    --------
    >>> turn, flat = np.array([0.0, 90.0, 1.0, 91.0]), np.zeros(4)
    >>> rows = FlatTracks(np.array([0, 0, 1, 1]), flat.astype(int), turn, flat, flat, flat > 0)
    >>> chains(rows, np.zeros(4, int)).tolist()
    [0, 1, 0, 1]
    """
    _, number = np.unique(rows.source, return_inverse=True)
    number = number.reshape(-1)
    again = np.zeros(len(rows), bool)
    again[1:] = (np.diff(rows.cell) == 0) & (np.diff(rows.source) == 0)
    if not again.any():
        return number
    sources = int(number.max()) + 1
    key = group * sources + number
    link = np.zeros(len(rows), np.int64)
    order = np.argsort(key, kind="stable")
    edges = np.searchsorted(key[order], np.unique(key[again]), side="left")
    ends = np.searchsorted(key[order], np.unique(key[again]), side="right")
    for first, last in zip(edges, ends):
        mine = order[first:last]
        link[mine] = _linked(rows.cell[mine], rows.azimuth[mine], rows.elevation[mine])
    return number * (int(link.max()) + 1) + link


def _linked(cell: np.ndarray, azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment

    link = np.zeros(len(cell), np.int64)
    last = np.zeros(0, np.int64)
    for frame in np.unique(cell):
        here = np.flatnonzero(cell == frame)
        far = great_circle(azimuth[here][:, None], elevation[here][:, None], azimuth[last], elevation[last])
        row, chain = linear_sum_assignment(far)
        new = np.setdiff1d(np.arange(len(here)), row)
        link[here[row]], link[here[new]] = chain, len(last) + np.arange(len(new))
        last = np.concatenate([last, here[new]])
        last[chain] = here[row]
    return link
