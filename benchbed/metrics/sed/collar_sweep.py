"""Collar-based matching at every threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.metrics.sed.flat import FlatEvents
from benchbed.metrics.sed.levels import LevelEvents, levels
from benchbed.metrics.sed.matching import Collar
from benchbed.metrics.steps import Steps, crossings
from benchbed.outputs.frames.recording import FrameScores


def collar_sweep(
    frames: Sequence[FrameScores], reference: FlatEvents, classes: int, collar: Collar
) -> tuple[Steps, Steps]:
    """Hits and false alarms of optimal matching at every threshold.

    Parameters
    ----------
    frames : sequence of FrameScores
        Scores of each recording.
    reference : FlatEvents
        Reference events.
    classes : int
        Number of classes.
    collar : Collar
        What counts as a hit.
    """
    order = np.argsort(reference.clip, kind="stable")
    reference = reference.only(order)
    hits, every = [], []
    for block in levels(frames):
        hits.append(_hits(block, reference, classes, collar))
        every.append(block.changes(np.arange(len(block))))
    found = Steps.join(hits)
    missed = found.negative()
    return found, Steps.join([*every, (missed.score, missed.clip, missed.label, missed.kind, missed.amount)])


def _hits(block: LevelEvents, reference: FlatEvents, classes: int, collar: Collar) -> tuple[np.ndarray, ...]:
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    low, high = np.searchsorted(reference.clip, [block.recording[0], block.recording[-1] + 1])
    mine = reference.only(np.arange(low, high))
    events = FlatEvents(block.clip, block.onset, block.offset, block.label, reference.duration)
    pairs = collar.pairs(mine, events, classes)
    if not len(pairs):
        return np.zeros(0), *(np.zeros(0, np.int64) for _ in range(4))
    refs = len(mine)
    size = refs + len(block)
    links = csr_matrix((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1] + refs)), shape=(size, size))
    group = connected_components(links, directed=False)[1]
    # References linked to no other reference are hit whenever any of their detections is there.
    crowd = np.bincount(group[np.unique(pairs[:, 0])], minlength=group.max() + 1)
    alone = crowd[group[pairs[:, 0]]] == 1
    ref, event = pairs[alone, 0], pairs[alone, 1]
    crossed = crossings(
        ref, block.high[event], block.low[event], np.ones(len(ref), np.int64), lambda total, _: total > 0
    )
    score, target, amount = [crossed[0]], [crossed[1]], [crossed[2]]
    linked = pairs[~alone]
    linked = linked[np.argsort(group[linked[:, 0]], kind="stable")]
    starts = np.flatnonzero(np.diff(group[linked[:, 0]], prepend=-1))
    for part in np.split(linked, starts[1:]) if len(linked) else []:
        at, change = _together(part, block.high, block.low)
        score.append(at)
        target.append(np.full(len(at), part[0, 0]))
        amount.append(change)
    at, which = np.concatenate(score), np.concatenate(target)
    zero = np.zeros(len(at), np.int64)
    return at, mine.clip[which], mine.label[which], zero, np.concatenate(amount)


def _together(pairs: np.ndarray, high: np.ndarray, low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Largest matching of a group of linked events at each threshold where one of its detections comes or goes.
    events = np.unique(pairs[:, 1])
    at = np.unique(np.concatenate([high[events], low[events]]))
    at = at[np.isfinite(at)][::-1]
    counts = np.zeros(len(at) + 1, np.int64)
    edges = [(int(ref), int(event), float(high[event]), float(low[event])) for ref, event in pairs]
    for i, threshold in enumerate(at.tolist()):
        near: dict[int, list[int]] = {}
        for ref, event, top, bottom in edges:
            if bottom < threshold <= top:
                near.setdefault(event, []).append(ref)
        counts[i + 1] = _largest(near)
    change = np.diff(counts)
    kept = change != 0
    return at[kept], change[kept]


def _largest(near: dict[int, list[int]]) -> int:
    taken: dict[int, int] = {}

    def place(event: int, seen: set[int]) -> bool:
        for ref in near[event]:
            if ref not in seen:
                seen.add(ref)
                if ref not in taken or place(taken[ref], seen):
                    taken[ref] = event
                    return True
        return False

    return sum(place(event, set()) for event in near)
