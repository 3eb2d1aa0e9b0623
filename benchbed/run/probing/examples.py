"""Which clips of a training split a probe learns from, and which it is judged on while it is chosen.

All is by the names of clips and recordings, never by their order: fewer clips are always among the more (a curve over
their number changes nothing else), and clips of one recording are never on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

#: Share of a class's recordings that is kept for choosing.
HELD = 0.2


def fewer(
    table: pd.DataFrame,
    targets: np.ndarray,
    labels: Sequence[str],
    *,
    fraction: float = 1.0,
    shots: int | None = None,
    draw: int = 0,
) -> np.ndarray:
    """Rows of a training split that are used, in its order.

    Parameters
    ----------
    table : DataFrame
        With `clip_id`.
    targets : np.ndarray [shape=(clip, class)]
        1 where a class is present; one each, or any number.
    labels : sequence of str
    fraction : float
        Share of the clips of each class (of all clips, where they have several classes); one of each at least.
    shots : int, optional
        Clips of each class instead.
    draw : int
        Which of the random choices.

    Raises
    ------
    ConfigError
        No such share, or a class with fewer clips than shots.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": list("abcdef")})
    >>> rows = fewer(table, np.eye(2)[[0, 0, 0, 1, 1, 1]], ("x", "y"), shots=1)
    >>> len(rows), set(rows // 3)
    (2, {np.int64(0), np.int64(1)})
    """
    if not 0 < fraction <= 1:
        raise ConfigError(f"fraction={fraction:g} of the training split", hint="above 0, at most 1")
    if shots is not None and shots < 1:
        raise ConfigError(f"shots={shots}", hint="one clip of each class, or more")
    if shots is not None and fraction < 1:
        raise ConfigError("both shots and fraction are given", hint="leave one of them out")
    if shots is None and fraction == 1:
        return np.arange(len(table))
    order = sorted(range(len(table)), key=lambda row: rng.key("probe", draw, str(table["clip_id"].iat[row])))
    counts = targets.sum(0)
    if shots is not None:
        short = [f"{label} ({int(count)})" for label, count in zip(labels, counts) if count < shots]
        if short:
            raise ConfigError(
                f"{shots} shots, and fewer training clips of {', '.join(short[:5])}", hint="fewer shots, or fraction"
            )
        wanted = np.full(len(labels), shots)
    elif bool((targets.sum(1) == 1).all()):
        wanted = np.ceil(fraction * counts - 1e-9).astype(int)
    else:
        return np.sort(order[: math.ceil(fraction * len(order) - 1e-9)])
    taken: list[int] = []
    missing = wanted.astype(np.int64)
    for row in order:
        if (missing[targets[row] > 0] > 0).any():
            taken.append(row)
            missing = missing - (targets[row] > 0)
    return np.sort(taken)


def held_out(groups: Sequence[str], targets: np.ndarray, draw: int = 0) -> np.ndarray | None:
    """Clips that a probe is judged on while it is chosen `[clip]`, bool: a fifth of each class's recordings.

    Parameters
    ----------
    groups : sequence of str
        Recording of each clip.
    targets : np.ndarray [shape=(clip, class)]
    draw : int

    Returns
    -------
    np.ndarray or None
        None where a class has all its clips in one recording, so that nothing could be chosen by it.

    Examples
    --------
    >>> held_out(list("abcdefghij"), np.eye(2)[[0] * 5 + [1] * 5]).sum()
    np.int64(2)
    >>> held_out(["a", "b"], np.eye(2)) is None
    True
    """
    of_class: dict[int, set[str]] = {}
    for group, target in zip(groups, targets):
        for number in np.flatnonzero(target).tolist():
            of_class.setdefault(number, set()).add(group)
    if not of_class or min(map(len, of_class.values())) < 2:
        return None
    rank = {group: rng.key("probe held out", draw, group) for group in groups}
    kept: set[str] = set()
    # Rare classes first, so that a recording of several classes counts for all of them.
    for number in sorted(of_class, key=lambda one: (len(of_class[one]), one)):
        recordings = sorted(of_class[number], key=rank.__getitem__)
        wanted = max(1, round(HELD * len(recordings)))
        for group in recordings:
            if len(kept & of_class[number]) >= wanted:
                break
            others = [one for one, members in of_class.items() if group in members and one != number]
            # A class must keep a recording to be learnt from.
            if all(len(of_class[one] - kept - {group}) >= 1 for one in [number, *others]):
                kept.add(group)
    mask: np.ndarray = np.array([group in kept for group in groups], bool)
    return mask
