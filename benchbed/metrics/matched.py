"""Differences between values of a column on the same content, e.g. devices that recorded the same moment.

Unmatched device accuracies mix what the device does with what was recorded on it. Where several devices recorded one
moment in parallel, only the device differs between the two sides of the difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.cutting import KEPT, copies, drawn_counts
from benchbed.metrics.number import Estimate, Number, derived
from benchbed.metrics.slices import Groups, numbers
from benchbed.metrics.weighing import chosen
from benchbed.metrics.weighing import drawn as drawn_scores
from benchbed.stats.bootstrap import Bootstrap


class Matching:
    """Which clips are held against which, the same for all cells of the same clips.

    Parameters
    ----------
    group : np.ndarray [shape=(clip,), int]
        Number of each clip's recording group.
    values : np.ndarray [shape=(clip,), str]
        The column, e.g. the device.
    content : np.ndarray [shape=(clip,)]
        What was recorded; equal for parallel recordings of one moment.
    reference : str
        Value to compare with.

    Attributes
    ----------
    pairs : list of MatchedPair
        Every value that shares content with the reference, in order.
    clips : np.ndarray [shape=(clip,), int]
        Clips of all sides, one side after the other.
    edges : np.ndarray [shape=(1 + side,), int]
        With which of them each side begins, and where the last ends.
    row : np.ndarray [shape=(clip,), int]
        Row of each of them, one for each side and recording group.
    group_of : np.ndarray [shape=(row,), int]
        Recording group of each row.
    sides : list of np.ndarray of int
        Rows of each side: of a value, of the reference, of the next value, …

    Examples
    --------
    >>> made = Matching(np.array([0, 0]), np.array(["a", "s4"]), np.array(["moment", "moment"]), "a")
    >>> made.pairs, [side.tolist() for side in made.sides]
    ([MatchedPair(value='s4', moments=1, recordings=1)], [[0], [1]])
    """

    def __init__(self, group: np.ndarray, values: np.ndarray, content: np.ndarray, reference: str) -> None:
        self.group, self.reference, base = group, reference, values == reference
        self.pairs: list[MatchedPair] = []
        sides: list[np.ndarray] = []
        for value in sorted(set(values.tolist()) - {reference, ""}):
            mine = values == value
            shared = np.intersect1d(content[mine], content[base])
            if len(shared):
                both = [np.flatnonzero(side & np.isin(content, shared)) for side in (mine, base)]
                self.pairs.append(MatchedPair(value, len(shared), len(np.unique(group[both[0]]))))
                sides += both
        none = np.zeros(0, np.int64)
        self.clips = np.concatenate([none, *sides])
        self.edges = np.cumsum([0, *(len(side) for side in sides)])
        groups = int(group.max(initial=0)) + 1
        side_of = np.repeat(np.arange(len(sides)), np.diff(self.edges))
        key = side_of * groups + np.asarray(group, np.int64)[self.clips]
        named, row = np.unique(key, return_inverse=True)
        self.row, self.group_of = row.reshape(-1), named % groups
        begins = np.searchsorted(named, np.arange(len(sides) + 1) * groups)
        self.sides = [np.arange(first, last) for first, last in pairwise(begins)]
        self._copies: tuple[Bootstrap, list[np.ndarray]] | None = None

    def kept(self, boot: Bootstrap) -> list[np.ndarray] | None:
        """Copies of the rows of each side in every draw, where they are few enough to be kept."""
        if len(self.group_of) * boot.draws > KEPT:
            return None
        if self._copies is None or self._copies[0] != boot:
            self._copies = boot, copies(boot, [self.group_of[side] for side in self.sides])
        return self._copies[1]


@dataclass(frozen=True)
class MatchedPair:
    """A value of a column and the reference value on shared content.

    Attributes
    ----------
    value : str
    moments : int
        How much content both have.
    recordings : int
        Recording groups of the value's clips.
    """

    value: str
    moments: int
    recordings: int


def matched_differences(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    matching: Matching,
    *,
    name: str = "device",
    bootstrap: Bootstrap | None = None,
    shown: Collection[str] | None = None,
) -> dict[str, dict[str, Number]]:
    """Every value of a column against a reference value, on the content that both have.

    Parameters
    ----------
    family : Family
        The metrics.
    scores, target : np.ndarray [shape=(clip, …)]
        As in `score_cell`.
    matching : Matching
        Which clips are held against which.
    name : str
        The column's name.
    bootstrap : Bootstrap, optional
        Draws of recording groups.
    shown : collection of str, optional
        Metrics to compute; all by default.

    Returns
    -------
    dict of str to dict
        `device_matched=s4` → metric → value on the device minus value on the reference device; `n` is the number of
        matched moments. Values that share nothing with the reference are left out.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> both = Matching(np.array([0, 0]), np.array(["a", "s4"]), np.array(["moment", "moment"]), "a")
    >>> made = matched_differences(
    ...     family(("bus", "tram")), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]), both)
    >>> made["device_matched=s4"]["accuracy"].value
    -1.0
    """
    infos = {metric: info for metric, info in family.metrics.items() if shown is None or metric in shown}
    if not matching.pairs:
        return {}
    boot = None if bootstrap is None or bootstrap.draws == 0 else bootstrap
    points, drawn = _sides(family, scores, target, matching, boot, infos)
    found: Groups = {}
    for i, pair in enumerate(matching.pairs):
        mine, base = 2 * i, 2 * i + 1
        found[f"{name}_matched={pair.value}"] = {
            metric: Estimate(
                float(points[mine][metric]) - float(points[base][metric]),
                derived(info, f"matched:{name}-minus-{matching.reference}", scope="matched difference", bounded=False),
                pair.moments,
                replicates=drawn[mine][metric] - drawn[base][metric] if drawn else None,
                groups=pair.recordings,
                undefined="undefined on one of the two",
            )
            for metric, info in infos.items()
        }
    return numbers(found, bootstrap)


def _sides(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    matching: Matching,
    boot: Bootstrap | None,
    infos: Mapping[str, MetricInfo],
) -> tuple[list[Mapping[str, np.ndarray]], list[Mapping[str, np.ndarray]]]:
    """Values of each side, and in every draw."""
    clips, needed = matching.clips, family.needed(infos)
    rows = family.grouped(scores[clips], target[clips], matching.row, len(matching.group_of))
    points: list[Mapping[str, np.ndarray]] = []
    drawn: list[Mapping[str, np.ndarray]] = []
    if needed is not None:
        point = family.some_values(np.stack([rows[side].sum(axis=0) for side in matching.sides]), infos)
        points += [{name: values[i] for name, values in point.items()} for i in range(len(matching.sides))]
        if boot is not None:
            counts = drawn_counts(rows[:, needed], matching.group_of, matching.sides, boot, matching.kept(boot))
            replicates = family.values_of_counts(counts, infos)
            drawn += [{name: values[i] for name, values in replicates.items()} for i in range(len(matching.sides))]
        return points, drawn
    group = matching.group
    groups = int(group.max()) + 1 if boot is None else boot.groups
    for side, (first, last) in zip(matching.sides, pairwise(matching.edges)):
        row, every = np.zeros((groups, rows.shape[1])), np.ones(groups, bool)
        row[matching.group_of[side]] = rows[side]
        sample = None
        if not family.ranked.isdisjoint(infos):
            # Ranking the clips of every draw takes long, where nothing that is shown needs it.
            part = clips[first:last]
            sample = family.sample(scores[part], target[part], group[part], groups)
        points.append({**family.some_values(row.sum(axis=0), infos), **chosen(sample, every)[0]})
        if boot is not None:
            ranked = drawn_scores(sample, boot, np.arange(groups), every)[0]
            drawn.append({**family.some_values(boot.replicates(row), infos), **ranked})
    return points, drawn
