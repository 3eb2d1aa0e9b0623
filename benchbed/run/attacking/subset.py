"""Which clips an attack condition is about: a fixed subset, the same for every model, cut into units of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchbed import rng
from benchbed.run.job.job import Job, Unit
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import pandas as pd

#: Clips of one unit of attacking, at least and at most, and seconds of audio in between: few enough to lose little when
#: killed and to see progress, enough to fill batches and for the checks that the first unit makes.
CHUNK, CHUNK_SECONDS = (8, 32), 80.0
#: A gradient by the waveform beside its forward pass, in forward passes (2.5 to 6 on small networks). Progress is
#: counted as if no clip left early; a plan attacks some of them.
GRADIENT = 3


def attacked_rows(table: pd.DataFrame, n: int) -> list[int]:
    """Rows of a split's clip table that are attacked: `n` clips, balanced over classes, the same for every model.

    Clips with one label each are drawn class by class. Of clips with several, the next one is always taken from the
    class that has the fewest so far; clips without any are taken in their proportion. A smaller `n` gives the beginning
    of a larger one, and the order of the table does not matter.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": list("abcdef"), "label": list("xxxxyy")})
    >>> chosen = attacked_rows(table, 4)
    >>> sorted(table["label"].iloc[chosen])
    ['x', 'x', 'y', 'y']
    >>> table["label"] = [("x",), ("x",), ("x", "y"), ("z",), (), ()]
    >>> sorted(table["label"].iloc[attacked_rows(table, 3)])
    [(), ('x', 'y'), ('z',)]
    """
    keys = {clip: rng.key("attacked", clip) for clip in table["clip_id"]}
    if len(table) and isinstance(table["label"].iat[0], tuple):
        return _several(table, n, keys)
    ranked: list[tuple[int, int, int]] = []
    for label in sorted(set(table["label"])):
        rows = [int(i) for i in np.flatnonzero(table["label"].to_numpy() == label)]
        rows.sort(key=lambda row: keys[table["clip_id"].iat[row]])
        ranked += [(rank, keys[table["clip_id"].iat[row]], row) for rank, row in enumerate(rows)]
    return [row for _, _, row in sorted(ranked)[:n]]


def _several(table: pd.DataFrame, n: int, keys: dict[str, int]) -> list[int]:
    """Rows of clips with any number of labels."""
    labels = table["label"].to_list()
    order = sorted(range(len(table)), key=lambda row: keys[table["clip_id"].iat[row]])
    empty = [row for row in order if not labels[row]]
    waiting: dict[str, list[int]] = {}
    for row in reversed(order):
        for label in labels[row]:
            waiting.setdefault(label, []).append(row)
    per_class = dict.fromkeys(sorted(waiting), 0)
    rows: list[int] = []
    taken: set[int] = set()
    silent = 0
    while len(rows) < min(n, len(table)):
        if silent < len(empty) and (not per_class or silent + 1 <= (len(rows) + 1) * len(empty) / len(table)):
            rows.append(empty[silent])
            silent += 1
            continue
        label = min(per_class, key=lambda name: (per_class[name], len(waiting[name]), name), default=None)
        if label is None:
            continue
        while waiting[label] and waiting[label][-1] in taken:
            waiting[label].pop()
        if not waiting[label]:
            del per_class[label]
            continue
        row = waiting[label].pop()
        taken.add(row)
        rows.append(row)
        for name in labels[row]:
            if name in per_class:
                per_class[name] += 1
    return rows


def subset(job: Job, split: str, condition: AttackCondition) -> list[int]:
    """Rows of a job's split that a condition is about; none that is annotated less finely than the task asks."""
    table, coarse = job.clips[split], job.output.coarse(job.references[split])
    if not coarse.any():
        return attacked_rows(table, condition.n)
    fine = np.flatnonzero(~coarse)
    return [int(fine[row]) for row in attacked_rows(table.iloc[fine], condition.n)]


def attack_units(job: Job, split: str, condition: AttackCondition, seconds: float) -> list[tuple[int, ...]]:
    """Rows of each unit of an attack condition: 32 clips of a second, 16 of five seconds, 8 of ten and more."""
    rows, table = subset(job, split, condition), job.clips[split]
    low, high = CHUNK
    size = max(low, min(high, int(CHUNK_SECONDS * max(len(table), 1) / max(seconds, 1e-9))))
    return [tuple(rows[start : start + size]) for start in range(0, len(rows), size)]


def passes(job: Job, unit: Unit) -> int:
    """Forward passes that a unit can need at most, by which progress is counted; of anything but an attack its
    evaluations."""
    condition = job.conditions[unit.condition]
    if not isinstance(condition, AttackCondition):
        return unit.evaluations
    from benchbed.run.attacking.ensembles import ensemble_of

    sources = bool(job.others or condition.sources)
    chosen = ensemble_of(condition, job.task, sources=sources, differentiable=job.opened, powered=job.powered)
    cost = chosen.cost(len(job.labels), len(unit.cells), len(unit.rows))
    return unit.evaluations + cost.forwards + GRADIENT * cost.backwards


def job_identity(job: Job, split: str, condition: AttackCondition) -> dict[str, object]:
    """What a unit of attacking depends on besides its clips: the whole subset, and so what is left to fit on."""
    table = job.clips[split]
    rows = subset(job, split, condition)
    return {"attacked": f"{rng.key('ids', [str(table['clip_id'].iat[row]) for row in rows]):032x}"}
