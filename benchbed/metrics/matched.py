"""Differences between values of a column on the same content, e.g. devices that recorded the same moment.

Unmatched device accuracies mix what the device does with what was recorded on it. Where several devices recorded one
moment in parallel, only the device differs between the two sides of the difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.number import Number, derived, number
from benchbed.metrics.weighing import chosen
from benchbed.metrics.weighing import drawn as drawn_scores
from benchbed.stats.bootstrap import Bootstrap


def matched_differences(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    values: np.ndarray,
    content: np.ndarray,
    reference: str,
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
    scores, target, group : np.ndarray [shape=(clip, …)]
        As in `score_cell`.
    values : np.ndarray [shape=(clip,), str]
        The column, e.g. the device.
    content : np.ndarray [shape=(clip,)]
        What was recorded; equal for parallel recordings of one moment.
    reference : str
        Value to compare with.
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
    >>> made = matched_differences(
    ...     family(("bus", "tram")), np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0]), np.array([0, 0]),
    ...     np.array(["a", "s4"]), np.array(["moment", "moment"]), "a")
    >>> made["device_matched=s4"]["accuracy"].value
    -1.0
    """
    found: dict[str, dict[str, Number]] = {}
    base = values == reference
    infos = {metric: info for metric, info in family.metrics.items() if shown is None or metric in shown}
    for value in sorted(set(values.tolist()) - {reference, ""}):
        mine = values == value
        shared = np.intersect1d(content[mine], content[base])
        if not len(shared):
            continue
        sides = [side & np.isin(content, shared) for side in (mine, base)]
        found[f"{name}_matched={value}"] = _difference(
            family, scores, target, group, sides, len(shared), f"matched:{name}-minus-{reference}", bootstrap, infos
        )
    return found


def _difference(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    group: np.ndarray,
    sides: list[np.ndarray],
    moments: int,
    rule: str,
    bootstrap: Bootstrap | None,
    infos: Mapping[str, MetricInfo],
) -> dict[str, Number]:
    groups = bootstrap.groups if bootstrap is not None else int(group.max()) + 1
    rows = [family.grouped(scores[side], target[side], group[side], groups) for side in sides]
    # Ranking the clips of every draw takes long, where nothing that is shown needs it.
    samples = [
        None if family.ranked.isdisjoint(infos) else family.sample(scores[side], target[side], group[side], groups)
        for side in sides
    ]
    every = np.ones(groups, bool)
    points: list[Mapping[str, np.ndarray]] = [
        {**family.some_values(row.sum(axis=0), infos), **chosen(sample, every)[0]} for row, sample in zip(rows, samples)
    ]
    needed = family.needed(infos)
    drawn: list[Mapping[str, np.ndarray]] = []
    if bootstrap is not None and bootstrap.draws:
        drawn = [
            {
                **family.some_values(bootstrap.replicates(row, None, needed), infos),
                **drawn_scores(sample, bootstrap, np.arange(groups), every)[0],
            }
            for row, sample in zip(rows, samples)
        ]
    recordings = len(np.unique(group[sides[0]]))
    figures = {}
    for metric, info in infos.items():
        meaning = derived(info, rule, scope="matched difference", bounded=False)
        figures[metric] = number(
            float(points[0][metric]) - float(points[1][metric]),
            meaning,
            moments,
            replicates=drawn[0][metric] - drawn[1][metric] if drawn else None,
            bootstrap=bootstrap,
            groups=recordings,
            undefined="undefined on one of the two",
        )
    return figures
