"""Curves over thresholds for the page: PSD-ROC, and F1, precision and recall of events, segments and tags.

Made by the same parts of the metrics that make the record, so that the area below a PSD-ROC is the recorded score, and
the figures at the declared threshold are the recorded ones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import cast

import numpy as np

from benchbed.metrics.at_least import at_least, in_type_of
from benchbed.metrics.contract import Family
from benchbed.metrics.families.sed_event import EventBased
from benchbed.metrics.families.sed_intersection import IntersectionBased
from benchbed.metrics.families.sed_segment import SegmentBased
from benchbed.metrics.families.tagging import Tagging
from benchbed.metrics.sed import counts
from benchbed.metrics.sed.decision import Decision
from benchbed.metrics.sed.judging import unfiltered
from benchbed.metrics.steps import Steps, by_class
from benchbed.outputs.frames.recording import FrameScores
from benchbed.results.curves import AtThreshold, CellCurves, Declared, Roc, RocLine, ThresholdCurves, ThresholdLine

#: Evenly spaced thresholds that are drawn; fewer where every one needs a matching of its own.
DRAWN, DRAWN_SLOWLY = 51, 21
#: Classes with a line of their own: those with the most references.
CLASSES = 30
#: Steps of a stored line; the line of all classes has twice as many.
STEPS = 60

Detector = EventBased | SegmentBased | IntersectionBased
#: Thresholds → figure → its values: `[threshold]` over all classes, `[threshold, class]` of each.
Figures = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def cell_curves(family: Family, scores: np.ndarray, target: np.ndarray, cell: str, strong: np.ndarray) -> CellCurves:
    """Every curve that the metrics of a suite have a score or a threshold for.

    Parameters
    ----------
    family : Family
        All metrics of the suite.
    scores, target : np.ndarray
        Outputs and references of the cell, as the family takes them. Lists of events have no curves.
    cell : str
        Key of the cell.
    strong : np.ndarray [shape=(clip,), bool]
        Clips that count for more than tags.
    """
    rocs: list[Roc] = []
    # Metrics that differ in their thresholds only share their curves.
    alike: dict[Hashable, list[tuple[str, Family]]] = {}
    if not len(scores):
        return CellCurves(cell=cell)
    rule = "" if strong.all() else ":strong-labels"
    for prefix, part in family.parts.items():
        rocs += [
            one.model_copy(update={"rule": one.rule + rule})
            for one in _rocs(prefix, part, scores[strong], target[strong])
        ]
        if part.curves is not None:
            alike.setdefault(part.curves, []).append((prefix, part))
    lines = []
    for members in alike.values():
        clips = members[0][1].tagged(scores, target)
        if clips is not None:
            # Only taggers have answers to clips as tags.
            lines.append(_tagger(cast("list[tuple[str, Tagging]]", members), *clips))
            continue
        detector = _detector(cast("list[tuple[str, Detector]]", members), scores[strong], target[strong])
        declared = [one.model_copy(update={"rule": one.rule + rule}) for one in detector.declared]
        lines.append(detector.model_copy(update={"declared": declared}))
    return CellCurves(cell=cell, rocs=rocs, thresholds=lines)


def _rocs(prefix: str, family: Family, scores: np.ndarray, target: np.ndarray) -> list[Roc]:
    found = []
    drawn = family.rocs(scores, target)
    events = family.class_counts(family.statistics(scores, target).sum(axis=0)) if drawn else np.zeros(0)
    for name, curve in drawn.items():
        classes, (at, ratio) = curve.classes, curve.overall
        kept = _most(events, np.array(sorted(classes), np.int64))
        lines = [_roc_line("all", at, np.diff(ratio, prepend=0.0), curve.limit, 2 * STEPS)]
        lines += [_roc_line(family.labels[c], *classes[int(c)], curve.limit, STEPS) for c in kept]
        found.append(
            Roc(
                metric=prefix + name,
                rule=family.metrics[name].rule,
                max_rate=curve.limit,
                alpha_st=curve.spread,
                lines=lines,
                left_out=len(classes) - len(kept),
            )
        )
    return found


def _roc_line(name: str, at: np.ndarray, rise: np.ndarray, limit: float, most: int) -> RocLine:
    area = float((rise * (limit - at)).sum() / limit)
    at, rise = thinned(at, rise, limit, most)
    rates, ratios = np.round(at, 4).tolist(), np.round(np.cumsum(rise), 6).tolist()
    return RocLine(name=name, area=area, rates=rates, ratios=ratios)


def thinned(at: np.ndarray, rise: np.ndarray, limit: float, most: int) -> tuple[np.ndarray, np.ndarray]:
    """A line of steps with few steps and the same area up to `limit`.

    Steps at one place become one. If there are still too many, those of each of equal stretches become one where they
    weigh equal, rising and falling ones apart.

    Parameters
    ----------
    at : np.ndarray [shape=(step,)]
        Where the line steps, rising.
    rise : np.ndarray [shape=(step,)]
        By how much.
    limit : float
        End of the line.
    most : int
        Most steps that are wanted.

    Examples
    --------
    >>> at, rise = thinned(np.array([1.0, 2, 3, 8]), np.array([0.1, 0.1, 0.1, 0.5]), 10.0, 3)
    >>> np.round(at, 6).tolist(), np.round(rise, 6).tolist()
    ([2.0, 8.0], [0.3, 0.5])
    """
    places, same = np.unique(at, return_inverse=True)
    amounts = np.bincount(same.reshape(-1), weights=rise, minlength=len(places))
    places, amounts = places[amounts != 0], amounts[amounts != 0]
    if len(places) <= most:
        return places, amounts
    stretches = most // 2 if (amounts < 0).any() else most
    # Zero false positives is a place of its own: what is reached there is read off the axis.
    key = np.where(places == 0, 0, 1 + (places * stretches / limit).astype(np.int64)) * 2 + (amounts < 0)
    _, one = np.unique(key, return_inverse=True)
    total = np.bincount(one.reshape(-1), weights=amounts)
    centre = np.bincount(one.reshape(-1), weights=amounts * places) / total
    order = np.argsort(centre, kind="stable")
    return centre[order], total[order]


def _detector(members: Sequence[tuple[str, Detector]], scores: np.ndarray, target: np.ndarray) -> ThresholdCurves:
    family = members[0][1]
    classes = len(family.labels)
    plain, filtered = unfiltered(family, scores)
    declared = [part.decision.thresholds for _, part in members]
    swept = family.swept(list(filtered), target)
    grid = _grid(filtered, declared, DRAWN if swept else DRAWN_SLOWLY)
    if swept is not None:
        hits, false, there = swept
        hit, wrong = (_counted(steps, grid, classes) for steps in (hits, false))
        made = _figures(hit, np.broadcast_to(there, hit.shape), hit + wrong)
    else:
        made = _one_by_one(plain, filtered, target, grid)
    at = []
    for limits in declared:
        plain.decision = Decision(limits)
        sums = plain.statistics(filtered, target).sum(axis=0)
        at.append((plain.values(sums), plain.per_class(sums)))
    return _curves(str(family.curves[0]), members, family.class_counts(sums), grid, made, list(zip(declared, at)))


def _counted(steps: Steps, grid: np.ndarray, classes: int) -> np.ndarray:
    """Counts at each threshold, `[threshold, class]`."""
    made = np.zeros((len(grid), classes))
    for label, part in enumerate(by_class(steps, classes)):
        order = np.argsort(-part.score, kind="stable")
        running = np.concatenate([[0.0], np.cumsum(part.amount[order])])
        made[:, label] = running[np.searchsorted(-part.score[order], -in_type_of(steps.score, grid), "right")]
    return made


def _one_by_one(family: Detector, scores: np.ndarray, target: np.ndarray, grid: np.ndarray) -> Figures:
    whole: dict[str, list[np.ndarray]] = {}
    each: dict[str, list[np.ndarray]] = {}
    for threshold in grid.tolist():
        family.decision = Decision((threshold,))
        sums = family.statistics(scores, target).sum(axis=0)
        for held, found in ((whole, family.values(sums)), (each, family.per_class(sums))):
            for name, value in found.items():
                held.setdefault(name, []).append(value)
    return {k: np.array(v) for k, v in whole.items()}, {k: np.array(v) for k, v in each.items()}


def _tagger(members: Sequence[tuple[str, Tagging]], scores: np.ndarray, target: np.ndarray) -> ThresholdCurves:
    family = members[0][1]
    classes = len(family.labels)
    known = ~np.isnan(target)
    limits = [part.threshold for _, part in members]
    declared = [tuple(each[:1] if len(set(each)) == 1 else each) for each in limits]
    grid = _grid(scores, declared, DRAWN)
    there = ((target > 0.5) & known).sum(axis=0)

    def count(rows: Callable[[int], np.ndarray]) -> np.ndarray:
        figures = np.zeros((len(grid), classes))
        for label in range(classes):
            mine = np.sort(scores[rows(label), label])
            figures[:, label] = len(mine) - np.searchsorted(mine, in_type_of(scores, grid), "left")
        return figures

    hit = count(lambda label: known[:, label] & (target[:, label] > 0.5))
    said = count(lambda label: known[:, label])
    figures = _figures(hit, np.broadcast_to(there, hit.shape), said)
    at = []
    for each in limits:
        output = at_least(scores, each) & known
        at.append(_figures((output & (target > 0.5)).sum(axis=0), there, output.sum(axis=0)))
    return _curves("tags", members, there, grid, figures, list(zip(declared, at)))


def _figures(hit: np.ndarray, reference: np.ndarray, output: np.ndarray) -> Figures:
    none = np.zeros(hit.shape[:-1])
    held = counts.EventCounts(hit, reference, output, none, none, none)
    return counts.values(held, "benchbed"), counts.per_class(held, "benchbed")


def _grid(scores: np.ndarray, declared: Sequence[tuple[float, ...]], drawn: int) -> np.ndarray:
    """Thresholds over 0…1, or over what scores of another range take, and the declared ones of all classes."""
    low, high = 0.0, 1.0
    for item in scores:
        values = item.scores if isinstance(item, FrameScores) else item
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    grid = np.round(np.linspace(low, high, drawn), 6)
    for limits in declared:
        if len(limits) > 1 or not low <= limits[0] <= high:
            continue
        near = np.abs(grid - limits[0]).argmin()
        # What lies on the grid but for its rounding stays one point.
        if abs(grid[near] - limits[0]) < 1e-9:
            grid[near] = limits[0]
        else:
            grid = np.sort(np.append(grid, limits[0]))
    return grid


def _curves(
    what: str,
    members: Sequence[tuple[str, Family]],
    there: np.ndarray,
    grid: np.ndarray,
    figures: Figures,
    marks: Sequence[tuple[tuple[float, ...], Figures]],
) -> ThresholdCurves:
    labels = members[0][1].labels
    lines = []
    for mean in ("macro", "micro"):
        names = {name: f"{mean}_{name}" for name in ("f1", "precision", "recall")}
        curve = {name: figures[0].get(key) for name, key in names.items()}
        at = [
            _at(limits[0] if len(limits) == 1 else None, {name: whole.get(key) for name, key in names.items()})
            for limits, (whole, _) in marks
        ]
        lines.append(_line(mean, there.sum(), curve, at, grid))
    kept = _most(there, np.flatnonzero(there > 0))
    for label in kept:
        curve = {name: figures[1][name][:, label] for name in ("f1", "precision", "recall")}
        at = [
            _at(limits[label % len(limits)], {name: each[name][label] for name in curve}) for limits, (_, each) in marks
        ]
        lines.append(_line(labels[label], there[label], curve, at, grid))
    declared = [
        Declared(prefix=prefix, rule=part.metrics["macro_f1"].rule, own=len(limits) > 1)
        for (prefix, part), (limits, _) in zip(members, marks)
    ]
    left_out = int((there > 0).sum()) - len(kept)
    return ThresholdCurves(what=what, declared=declared, thresholds=grid.tolist(), lines=lines, left_out=left_out)


def _at(threshold: float | None, figures: Mapping[str, np.ndarray | None]) -> AtThreshold:
    known = {name: None if value is None or np.isnan(value) else float(value) for name, value in figures.items()}
    return AtThreshold(threshold=threshold, **known)


def _line(
    name: str,
    references: int,
    curve: Mapping[str, np.ndarray | None],
    at: list[AtThreshold],
    grid: np.ndarray,
) -> ThresholdLine:
    f1 = np.asarray(curve["f1"], np.float64)
    best = None
    if not np.isnan(f1).all():
        # Of equally good thresholds the highest, which makes the fewest detections.
        best = len(f1) - 1 - int(np.nanargmax(f1[::-1]))
    return ThresholdLine(
        name=name,
        references=int(references),
        f1=_rounded(f1),
        precision=_rounded(curve["precision"], len(grid)),
        recall=_rounded(curve["recall"], len(grid)),
        at=at,
        best_threshold=None if best is None else float(grid[best]),
        best_f1=None if best is None else float(f1[best]),
    )


def _most(there: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Of many classes those with the most references, in the dataset's order."""
    return np.sort(labels[np.argsort(-there[labels], kind="stable")][:CLASSES])


def _rounded(values: np.ndarray | None, length: int = 0) -> list[float | None]:
    if values is None:
        return [None] * length
    return [None if np.isnan(value) else round(float(value), 5) for value in values]
