"""Checks of figures that rank clips: mAP alone hides classes that are ranked in reverse.

Only clean cells are looked at: under a perturbation, classes near chance are what was asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from benchbed.metrics.rank_agreement import LIMIT, disagreement
from benchbed.results import record

#: Positive clips for each class on average, below which chance alone can part the figures by the limit.
FEWEST = 5
#: Classes that are named.
NAMED = 5


def rank_checks(cells: Sequence[record.Cell]) -> list[record.Check]:
    """Two checks for each clean cell with tags.

    `ranks`
        Whether mAP and mAUC tell the same distance of positives from negatives, up to a standard deviation
        (`benchbed.metrics.rank_agreement`).
    `ranks:classes`
        Whether a class is ranked below chance, its AUC under one half with its whole interval, although its average
        precision is above that of chance, the share of its clips.

    Parameters
    ----------
    cells : sequence of record.Cell
        Scored cells.

    Returns
    -------
    list of record.Check
        `warn` where the figures disagree, `skipped` where there are too few clips to say so; none without tags.
    """
    found = []
    for cell in cells:
        if cell.condition.kind == "clean":
            for prefix in [name.removesuffix("mauc") for name in cell.metrics if name.endswith("mauc")]:
                found += _of_cell(cell, prefix)
    return found


def _of_cell(cell: record.Cell, prefix: str) -> list[record.Check]:
    # Figures of segments rank more than one item of a clip, whose share of positives the record does not hold.
    metrics = cell.metrics
    if not {f"{prefix}map", f"{prefix}d_prime"} <= set(metrics):
        return []
    classes = {key.removeprefix("class="): values for key, values in cell.groups.items() if key.startswith("class=")}
    pairs = {
        label: (values[f"{prefix}ap"], values[f"{prefix}auc"])
        for label, values in classes.items()
        if f"{prefix}ap" in values
    }
    held = {label: pair for label, pair in pairs.items() if all(value.value is not None for value in pair)}
    clips = max(metrics[f"{prefix}map"].n, 1)
    if not held:
        return []
    share = float(np.mean([ap.n for ap, _ in held.values()])) / clips
    return [_together(cell, prefix, share, clips, len(held)), _apart(cell, prefix, held, clips)]


def _together(cell: record.Cell, prefix: str, share: float, clips: int, classes: int) -> record.Check:
    name, few = f"ranks:{prefix.rstrip('_')}" if prefix else "ranks", share * clips < FEWEST
    mean_ap, mean_auc = (cell.metrics[prefix + metric].value for metric in ("map", "mauc"))
    gap = math.nan if mean_ap is None or mean_auc is None else disagreement(mean_ap, mean_auc, share)
    if few or math.isnan(gap) or mean_ap is None or mean_auc is None:
        why = (
            f"{share * clips:.1f} positive clips for each of {classes} classes are too few"
            if few
            else "a figure is undefined, 0 or 1"
        )
        return record.Check(name=name, status="skipped", message=f"mAP against mAUC: {why}", cell=cell.key)
    text = (
        f"mAP {mean_ap:.3f} and mAUC {mean_auc:.3f} tell distances of positives from negatives that differ by "
        f"{abs(gap):.2f} standard deviations"
    )
    if abs(gap) <= LIMIT:
        return record.Check(name=name, status="pass", message=text, cell=cell.key)
    where = "the first clips are ranked far better than the rest" if gap > 0 else "the first clips are ranked far worse"
    return record.Check(
        name=name, status="warn", message=f"{text}: {where}; neither figure speaks for the other", cell=cell.key
    )


def _apart(
    cell: record.Cell, prefix: str, held: Mapping[str, tuple[record.Value, record.Value]], clips: int
) -> record.Check:
    name = f"ranks:{prefix}classes"
    reversed_ = []
    for label, (ap, auc) in held.items():
        chance = ap.n / clips
        if auc.high is not None and auc.high < 0.5 and ap.value is not None and ap.value > chance:
            reversed_.append(f"{label} (AUC {auc.value:.2f}, AP {ap.value:.2f} where chance is {chance:.2f})")
    if not reversed_:
        return record.Check(
            name=name,
            status="pass",
            cell=cell.key,
            message="no class is ranked below chance with an average precision above it",
        )
    listed = ", ".join(reversed_[:NAMED]) + (", …" if len(reversed_) > NAMED else "")
    text = f"{len(reversed_)} of {len(held)} classes are ranked below chance, though some clips come first: {listed}"
    return record.Check(name=name, status="warn", message=text, cell=cell.key)
