"""Which detected event answers which reference event, for a whole corpus at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.sed.flat import FlatEvents
from benchbed.outputs.frames.recording import SECOND, whole

Clock = Literal["integer", "float"]


@dataclass(frozen=True)
class Collar:
    """How far a detected event may be from the reference.

    Attributes
    ----------
    onset : float or None
        Largest difference of onsets in seconds; None if onsets do not matter.
    offset : float or None
        Largest difference of offsets in seconds; None if offsets do not matter.
    ratio : float
        Or this share of the reference event's length, whichever is more.
    clock : {"integer", "float"}
        `integer` compares microseconds, both ends included; `float` subtracts seconds in binary floating point, as
        sed_eval does, where a difference of exactly the collar may fall on either side.
    """

    onset: float | None = 0.2
    offset: float | None = 0.2
    ratio: float = 0.2
    clock: Clock = "integer"

    def __post_init__(self) -> None:
        if min(self.onset or 0, self.offset or 0, self.ratio) < 0:
            raise ConfigError("collars and ratio must not be negative")

    @property
    def name(self) -> str:
        """For rules: `on-200ms:off-200ms-or-20%`."""
        on = "any" if self.onset is None else f"{1000 * self.onset:g}ms"
        off = "any" if self.offset is None else f"{1000 * self.offset:g}ms-or-{100 * self.ratio:g}%"
        return f"on-{on}:off-{off}"

    def pairs(self, reference: FlatEvents, output: FlatEvents, classes: int, *, by_class: bool = True) -> np.ndarray:
        """Every allowed pair, `[pair, 2]`: index of the reference event, index of the detected event, sorted.

        `by_class` asks for the same class; without it only the recording must be the same.
        """
        found = _near(reference, output, classes, by_class, self.onset)
        ref, out = found[:, 0], found[:, 1]
        keep = np.ones(len(found), bool)
        if self.clock == "float":
            times = {name: (getattr(reference, name) / SECOND)[ref] for name in ("onset", "offset")}
            if self.onset is not None:
                keep &= np.abs(times["onset"] - (output.onset / SECOND)[out]) <= self.onset
            if self.offset is not None:
                allowed = np.maximum(self.offset, self.ratio * (times["offset"] - times["onset"]))
                keep &= np.abs(times["offset"] - (output.offset / SECOND)[out]) <= allowed
            return found[keep]
        if self.onset is not None:
            keep &= np.abs(reference.onset[ref] - output.onset[out]) <= whole(self.onset, SECOND)
        if self.offset is not None:
            length = share(reference.offset - reference.onset, self.ratio)
            allowed = np.maximum(whole(self.offset, SECOND), length)[ref]
            keep &= np.abs(reference.offset[ref] - output.offset[out]) <= allowed
        return found[keep]


def share(length: np.ndarray, ratio: float) -> np.ndarray:
    """The largest whole number not above `ratio` × length, with the ratio as written in decimals.

    Examples
    --------
    >>> share(np.array([10]), 0.7).tolist()
    [7]
    """
    exact = Fraction(str(ratio))
    if exact.denominator > 10**6:
        raise ConfigError(f"a ratio of {ratio}", hint="at most six decimals")
    return length * exact.numerator // exact.denominator


def optimal(pairs: np.ndarray) -> np.ndarray:
    """As many pairs as possible with every event at most once, `[pair, 2]`.

    Where several choices are equally many, the earlier reference in the list goes to the detection met first, as in
    sed_eval; which events are left over then decides about substitutions.
    """
    chosen = greedy(pairs, outer="output")
    rest = _unfinished(pairs, chosen)
    if not rest.any():
        return chosen
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    left, row = np.unique(pairs[rest, 0], return_inverse=True)
    right, column = np.unique(pairs[rest, 1], return_inverse=True)
    graph = csr_matrix((np.ones(len(row), np.int8), (row, column)), shape=(len(left), len(right)))
    match = maximum_bipartite_matching(graph, perm_type="column")
    held = match >= 0
    kept = chosen[_without(chosen[:, 0], left)]
    return np.concatenate([kept, np.column_stack([left[held], right[match[held]]])])


def greedy(pairs: np.ndarray, outer: Literal["reference", "output"] = "reference") -> np.ndarray:
    """Each event of one side, in order, takes the first free event of the other side, `[pair, 2]`.

    Parameters
    ----------
    pairs : np.ndarray [shape=(pair, 2)]
        Allowed pairs, sorted by reference and then output.
    outer : {"reference", "output"}
        Which side is walked along; outputs are met in the order of the pairs.
    """
    if not len(pairs):
        return pairs
    single = (np.bincount(pairs[:, 0])[pairs[:, 0]] == 1) & (np.bincount(pairs[:, 1])[pairs[:, 1]] == 1)
    walk = pairs[~single]
    if outer == "output" and len(walk):
        _, first, inverse = np.unique(walk[:, 1], return_index=True, return_inverse=True)
        walk = walk[np.lexsort((walk[:, 0], first[inverse.reshape(-1)]))]
    taken: tuple[set[int], set[int]] = (set(), set())
    kept = []
    for ref, out in walk.tolist():
        if ref not in taken[0] and out not in taken[1]:
            taken[0].add(ref)
            taken[1].add(out)
            kept.append((ref, out))
    return np.concatenate([pairs[single], np.array(kept, np.int64).reshape(-1, 2)])


MATCHINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"optimal": optimal, "greedy": greedy}


def _unfinished(pairs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    # A group of linked events is finished when one of its sides is used up: no matching of it can be larger.
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(pairs):
        return np.zeros(0, bool)
    free = _without(pairs[:, 0], chosen[:, 0]), _without(pairs[:, 1], chosen[:, 1])
    if not (free[0].any() and free[1].any()):
        return np.zeros(len(pairs), bool)
    refs, outs = int(pairs[:, 0].max()) + 1, int(pairs[:, 1].max()) + 1
    links = csr_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1] + refs)), shape=(refs + outs,) * 2)
    group = connected_components(links, directed=False)[1][pairs[:, 0]]
    both = [np.bincount(group, weights=side, minlength=group.max() + 1) > 0 for side in free]
    return (both[0] & both[1])[group]


def _without(numbers: np.ndarray, others: np.ndarray) -> np.ndarray:
    # Numbers that are not among the others; they are small, so that a table is quicker than a sort.
    table = np.ones(max(int(numbers.max(initial=0)), int(others.max(initial=0))) + 1, bool)
    table[others] = False
    return np.asarray(table[numbers])


def _near(reference: FlatEvents, output: FlatEvents, classes: int, by_class: bool, collar: float | None) -> np.ndarray:
    # Events of one recording (and class) share a key; detections are sorted by key and onset, and each reference finds
    # its range by bisection. One microsecond more than the collar leaves the exact test to the caller.
    keys = [e.clip * classes + e.label if by_class else e.clip for e in (reference, output)]
    if not len(reference) or not len(output):
        return np.zeros((0, 2), np.int64)
    margin = None if collar is None else whole(collar, SECOND) + 1
    low = min(int(reference.onset.min()), int(output.onset.min())) - (margin or 0)
    span = max(int(reference.onset.max()), int(output.onset.max())) - low + (margin or 0) + 1
    if (max(int(k.max()) for k in keys) + 1) * span > 2**62:
        raise CannotMeasure("recordings are too long and too many to be matched at once", hint="score them in parts")
    at = keys[1] * span + output.onset - low
    order = np.argsort(at, kind="stable")
    centre = keys[0] * span + reference.onset - low
    if margin is None:
        first = np.searchsorted(at[order], keys[0] * span, "left")
        last = np.searchsorted(at[order], (keys[0] + 1) * span, "left")
    else:
        first = np.searchsorted(at[order], centre - margin, "left")
        last = np.searchsorted(at[order], centre + margin, "right")
    sizes = last - first
    ref = np.repeat(np.arange(len(reference)), sizes)
    step = np.arange(len(ref)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    out = order[first[ref] + step]
    place = np.lexsort((out, ref))
    return np.column_stack([ref[place], out[place]])
