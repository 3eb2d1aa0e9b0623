"""Which sounds fool a model: of the clips that it had right, the share that a sound of each class turns.

Clips that were wrong without the sound say nothing about it and are left out, so a class is not blamed for the scenes
that it happened to be put into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.stats.bootstrap import Bootstrap

RULE = "turned:of-right-when-clean"


@dataclass(frozen=True)
class SoundsPutIn:
    """Clips with a sound in each.

    Attributes
    ----------
    sounds : np.ndarray [shape=(row,), str]
        Class of the sound.
    right, still : np.ndarray [shape=(row,), bool]
        The clip is right without it, and with it.
    clips, groups : np.ndarray [shape=(row,), int]
        The clip of each row, and its recording group.
    """

    sounds: np.ndarray
    right: np.ndarray
    still: np.ndarray
    clips: np.ndarray
    groups: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[SoundsPutIn]) -> SoundsPutIn:
        """Several as one."""
        return cls(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(cls)))


def turned(rows: SoundsPutIn, bootstrap: Bootstrap | None, title: str = "Turned") -> dict[str, Number]:
    """Share of clips that were right and are wrong with a sound in them, for each class of sound.

    Parameters
    ----------
    rows : SoundsPutIn
    bootstrap : Bootstrap or None
        Draws of the groups.
    title : str
        What the figure is called.

    Examples
    --------
    >>> right, still = np.array([1, 1, 1, 0], bool), np.array([1, 0, 1, 0], bool)
    >>> dogs = turned(SoundsPutIn(np.array(["dog"] * 4), right, still, np.arange(4), np.arange(4)), None)["dog"]
    >>> round(dogs.value, 3), dogs.n
    (0.333, 3)
    """
    info = MetricInfo(title, RULE, "fraction", "lower", low=0.0, high=1.0)
    figures = {}
    for name in sorted(set(rows.sounds.tolist())):
        mine = (rows.sounds == name) & rows.right
        count = int(mine.sum())
        if not count:
            figures[name] = number(float("nan"), info, 0, undefined="no clip with this sound was right without it")
            continue
        replicates = None
        if bootstrap is not None and bootstrap.draws:
            of = [np.bincount(rows.groups[part], minlength=bootstrap.groups) for part in (mine & ~rows.still, mine)]
            drawn = bootstrap.replicates(np.stack(of, axis=1).astype(np.float64))
            with np.errstate(invalid="ignore"):
                replicates = drawn[:, 0] / drawn[:, 1]
        figures[name] = number(
            float((mine & ~rows.still).sum() / count),
            info,
            len(np.unique(rows.clips[mine])),
            replicates=replicates,
            bootstrap=bootstrap,
            groups=len(np.unique(rows.groups[mine])),
        )
    return figures
