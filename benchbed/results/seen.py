"""Which devices of a record training had not: recorded are the figures of sets, not who belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isclose

from benchbed.results.later import Later
from benchbed.results.record import Cell, Value

#: Clips behind a figure, and its value.
_Seen = tuple[int, float | None]

#: Values of a column from which on their sets are too many to be tried.
MOST = 16


def unseen(cell: Cell, column: str = "device", plural: str = "devices") -> tuple[str, ...]:
    """The values of a column that training had not, found from the figures of the cell.

    A record has the figures of every device, and the mean over those that training had not (`devices_mean=unseen`).
    Exactly one choice of devices has its clips and, in every metric, its mean; where two have, nothing is said.

    Parameters
    ----------
    cell : Cell
        One with the figures of each value, such as the clean one.
    column, plural : str
        Column of the clips, and what its sets are called.

    Returns
    -------
    tuple of str
        In the order of the record; empty where the figures do not tell.

    Examples
    --------
    >>> from benchbed.results.record import Condition, Counts
    >>> def of(value, n):
    ...     return {"accuracy": Value(value=value, n=n, direction="higher", unit="fraction", rule="r")}
    >>> groups = {"device=a": of(0.7, 10), "device=s4": of(0.4, 10), "device=s5": of(0.2, 10)}
    >>> groups |= {"devices_mean=seen": of(0.7, 10), "devices_mean=unseen": of(0.3, 20)}
    >>> clean = Condition(kind="clean", name="clean")
    >>> unseen(Cell(key="scene/test/clean", task="scene", split="test", condition=clean, metrics={}, groups=groups,
    ...             counts=Counts(clips=30, scored=30)))
    ('s4', 's5')
    """
    parts = _parts(cell, column, plural)
    if parts is None:
        return ()
    fitting = [
        members
        for size in range(1, len(parts.occupied))
        for members in combinations(parts.occupied, size)
        if _fits(parts, members)
    ]
    return fitting[0] if len(fitting) == 1 else ()


def fits(cell: Cell, members: Sequence[str], column: str = "device", plural: str = "devices") -> bool:
    """These values of a column may be those that training had not: one look where a search would be repeated."""
    parts = _parts(cell, column, plural)
    return parts is not None and set(members) <= parts.occupied.keys() and _fits(parts, members)


@dataclass(frozen=True)
class _Parts:
    """Figures of each value that has clips, and of the means over both sets."""

    occupied: Mapping[str, Mapping[str, _Seen]]
    seen: Mapping[str, _Seen]
    unseen: Mapping[str, _Seen]


def _parts(cell: Cell, column: str, plural: str) -> _Parts | None:
    prefix = f"{column}="
    held = {key.removeprefix(prefix): _glances(of) for key, of in cell.groups.items() if key.startswith(prefix)}
    # A device that is declared and has no clips takes no part in a mean.
    occupied = {name: of for name, of in held.items() if any(n for n, _ in of.values())}
    seen_mean, unseen_mean = (_glances(cell.groups.get(f"{plural}_mean={name}", {})) for name in ("seen", "unseen"))
    if not seen_mean or not unseen_mean or not 1 < len(occupied) <= MOST:
        return None
    return _Parts(occupied, seen_mean, unseen_mean)


def _glances(of: Mapping[str, Value]) -> Mapping[str, _Seen]:
    """Clips and value of each figure: a thousand models have a hundred of these, and are asked for nothing else."""
    return of.glances(_glance) if isinstance(of, Later) else {metric: _glance(value) for metric, value in of.items()}


def _glance(value: Value) -> _Seen:
    return value.n, value.value


def _fits(parts: _Parts, members: Sequence[str]) -> bool:
    others = [name for name in parts.occupied if name not in members]
    return _is_mean(parts.occupied, members, parts.unseen) and _is_mean(parts.occupied, others, parts.seen)


def _is_mean(of: Mapping[str, Mapping[str, _Seen]], members: Sequence[str], mean: Mapping[str, _Seen]) -> bool:
    """Clips and figures of the members give those of the mean, in every metric that all of them have."""
    compared = False
    chosen = [of[name] for name in members]
    for metric, (clips, whole) in mean.items():
        parts = [held[metric] for held in chosen if metric in held]
        if sum(n for n, _ in parts) != clips:
            return False
        values = [value for _, value in parts if value is not None]
        if len(values) == len(members) and whole is not None:
            if not isclose(sum(values) / len(values), whole, rel_tol=1e-9, abs_tol=1e-12):
                return False
            compared = True
    return compared
