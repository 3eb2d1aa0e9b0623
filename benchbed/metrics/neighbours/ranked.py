"""Of each clip all others from the nearest on, clips of its own recording left out; and figures of such lists.

Nearness is the cosine. A clip that shares a class is relevant. Among others of its nearness a relevant one stands last,
so that no figure owes anything to the order of a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchbed.outputs.embedding.described import DescribedClip

#: Clips whose lists are made at once.
BLOCK = 512


@dataclass(frozen=True)
class RelevantClips:
    """The list of one clip.

    Attributes
    ----------
    ranks : np.ndarray [shape=(relevant,), int64]
        Ranks of relevant clips from 1, rising.
    listed : int
        Clips in the list.
    nearest : np.ndarray [shape=(k,), int64]
        Rows of the nearest clips, best first.
    near : np.ndarray [shape=(k,)]
        Their cosines.
    """

    ranks: np.ndarray
    listed: int
    nearest: np.ndarray
    near: np.ndarray


class EmbeddedGallery:
    """All clips that are ranked together.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(clip, feature)]
    described : sequence of DescribedClip
    """

    def __init__(self, embeddings: np.ndarray, described: Sequence[DescribedClip]) -> None:
        self.unit = unit(embeddings)
        self.described = list(described)
        self.labels = sorted({label for one in described for label in one.labels})
        number = {label: column for column, label in enumerate(self.labels)}
        self.present = np.zeros((len(described), len(self.labels)), np.float32)
        for row, one in enumerate(described):
            self.present[row, [number[label] for label in one.labels]] = 1.0
        known = {name: code for code, name in enumerate(dict.fromkeys(one.group for one in described))}
        self.group = np.array([known[one.group] for one in described], np.int64)
        self._groups = known
        self._number = number

    def lists(
        self, embeddings: np.ndarray, described: Sequence[DescribedClip], nearest: int
    ) -> Iterator[RelevantClips]:
        """The list of each of some clips.

        Parameters
        ----------
        embeddings : np.ndarray [shape=(clip, feature)]
        described : sequence of DescribedClip
        nearest : int
            How many of the nearest are given.
        """
        asked = unit(embeddings)
        for start in range(0, len(asked), BLOCK):
            near = asked[start : start + BLOCK] @ self.unit.T
            for row, one in enumerate(described[start : start + BLOCK]):
                yield self._ranked(near[row], one, nearest)

    def _ranked(self, near: np.ndarray, one: DescribedClip, nearest: int) -> RelevantClips:
        others = np.flatnonzero(self.group != self._groups.get(one.group, -1))
        mine = np.zeros(len(self.labels), np.float32)
        mine[[self._number[label] for label in one.labels if label in self._number]] = 1.0
        relevant: np.ndarray = self.present[others] @ mine > 0
        order = np.lexsort((relevant, -near[others]))
        first = others[order[:nearest]]
        return RelevantClips(np.flatnonzero(relevant[order]) + 1, len(others), first, near[first])


def unit(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings of length one, float64; one of length zero stays, and is as near to all.

    Examples
    --------
    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    plain = np.asarray(embeddings, np.float64)
    length = np.linalg.norm(plain, axis=1, keepdims=True)
    return plain / np.where(length > 0, length, 1.0)


def precision(ranks: np.ndarray, k: int | None = None) -> float:
    """Average precision of a list, of its first k: divided by as many relevant clips as could stand there.

    Examples
    --------
    >>> precision(np.array([1, 3])), precision(np.array([1, 3]), 2)
    (0.8333333333333333, 0.5)
    """
    counted = ranks if k is None else ranks[ranks <= k]
    wanted = len(ranks) if k is None else min(len(ranks), k)
    return float((np.arange(1, len(counted) + 1) / counted).sum() / wanted) if wanted else float("nan")


def gain(ranks: np.ndarray, k: int) -> float:
    """nDCG of the first k of a list, relevant or not.

    Examples
    --------
    >>> gain(np.array([1, 2]), 2), round(gain(np.array([2]), 2), 4)
    (1.0, 0.6309)
    """
    wanted = min(len(ranks), k)
    found = (1 / np.log2(1 + ranks[ranks <= k])).sum()
    return float(found / (1 / np.log2(1 + np.arange(1, wanted + 1))).sum()) if wanted else float("nan")


def random_precision(relevant: int, listed: int, k: int | None = None) -> float:
    """What average precision is expected to be in a random order.

    Examples
    --------
    >>> random_precision(1, 2), random_precision(2, 2)
    (0.75, 1.0)
    """
    if not relevant:
        return float("nan")
    places = np.arange(1, min(k or listed, listed) + 1)
    before = (places - 1) * (relevant - 1) / max(listed - 1, 1)
    wanted = relevant if k is None else min(relevant, k)
    return float((relevant / listed * (1 + before) / places).sum() / wanted)


def random_gain(relevant: int, listed: int, k: int) -> float:
    """What nDCG is expected to be in a random order.

    Examples
    --------
    >>> round(random_gain(1, 2, 2), 4)
    0.8155
    """
    if not relevant:
        return float("nan")
    places = 1 / np.log2(1 + np.arange(1, min(k, listed) + 1))
    return float(relevant / listed * places.sum() / places[: min(relevant, k)].sum())
