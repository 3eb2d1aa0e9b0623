"""Which devices of a record training had not: recorded are the figures of sets, not who belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isclose

from benchbed.results.record import Cell, Value

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
    prefix = f"{column}="
    held = {key.removeprefix(prefix): of for key, of in cell.groups.items() if key.startswith(prefix)}
    # A device that is declared and has no clips takes no part in a mean.
    occupied = {name: of for name, of in held.items() if any(value.n for value in of.values())}
    seen_mean, unseen_mean = (cell.groups.get(f"{plural}_mean={name}", {}) for name in ("seen", "unseen"))
    if not seen_mean or not unseen_mean or not 1 < len(occupied) <= MOST:
        return ()
    fitting = []
    for size in range(1, len(occupied)):
        for members in combinations(occupied, size):
            others = [name for name in occupied if name not in members]
            if _is_mean(occupied, members, unseen_mean) and _is_mean(occupied, others, seen_mean):
                fitting.append(members)
    return fitting[0] if len(fitting) == 1 else ()


def _is_mean(of: Mapping[str, Mapping[str, Value]], members: Sequence[str], mean: Mapping[str, Value]) -> bool:
    """Clips and figures of the members give those of the mean, in every metric that all of them have."""
    compared = False
    for metric, whole in mean.items():
        parts = [of[name].get(metric) for name in members]
        if sum(part.n for part in parts if part is not None) != whole.n:
            return False
        values = [part.value for part in parts if part is not None and part.value is not None]
        if len(values) == len(members) and whole.value is not None:
            if not isclose(sum(values) / len(values), whole.value, rel_tol=1e-9, abs_tol=1e-12):
                return False
            compared = True
    return compared
