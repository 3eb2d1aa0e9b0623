"""How far perturbations move answers that are vectors: one minus the cosine to the clean vector of the same clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.outputs.contract import Output
from benchbed.results import record
from benchbed.results.conditions import spoken, strengths
from benchbed.run.scoring.aggregate import AnswersOfCell, ScoredCell

#: Mean over clips.
DISPLACEMENT = MetricInfo("Displacement", "displacement:one-minus-cosine-to-clean", "", "lower", low=0.0, high=2.0)


def displacements(cells: Sequence[record.Cell], scored: Mapping[str, ScoredCell], output: Output) -> dict[str, Number]:
    """`displacement:CELL` of every cell that is not clean, where answers are vectors that decide nothing.

    Parameters
    ----------
    cells : sequence of record.Cell
    scored : mapping of str to ScoredCell
        Cell → its clips with their answers.
    output : Output
        What the answers are.
    """
    if not output.displaced:
        return {}
    clean = {cell.split: scored[cell.key] for cell in cells if cell.condition.kind == "clean"}
    told, made = strengths(cells), dict[str, Number]()
    for cell in cells:
        base = clean.get(cell.split)
        if base is None or cell.condition.kind == "clean":
            continue
        info = replace(DISPLACEMENT, scope=spoken(cell.key.split("/", 2)[2], told))
        made[f"displacement:{cell.key}"] = _displacement(base.read(), scored[cell.key].read(), info)
    return made


def _displacement(clean: AnswersOfCell, moved: AnswersOfCell, info: MetricInfo) -> Number:
    rows = {int(position): row for row, position in enumerate(clean.position)}
    known = np.array([int(position) in rows for position in moved.position], bool)
    if not known.any():
        return number(float("nan"), info, 0, undefined="no clip has both answers")
    from benchbed.metrics.neighbours.ranked import unit

    before = clean.fold.scores[[rows[int(position)] for position in moved.position[known]]]
    after = moved.fold.scores[known]
    apart = np.maximum(0.0, 1 - (unit(before) * unit(after)).sum(1))
    bootstrap, groups = moved.fold.bootstrap, moved.fold.group[known]
    sums = np.stack(
        [np.bincount(groups, apart, bootstrap.groups), np.bincount(groups, minlength=bootstrap.groups)], axis=1
    )
    drawn = bootstrap.replicates(sums) if bootstrap.draws else None
    replicates = None if drawn is None else drawn[:, 0] / np.maximum(drawn[:, 1], 1)
    return number(float(apart.mean()), info, len(apart), replicates=replicates, bootstrap=bootstrap)
