"""Teacher and student: how often they answer alike, and how much of the gap distillation has closed.

A student that agrees with its teacher where the teacher is wrong has copied it, not merely learnt the same task; so the
agreement on those clips is a figure of its own. The recovered fraction holds a distilled student against the same
network trained without a teacher (`alone`): 0 where it is no better than that, 1 where it is as good as the teacher.
"""

from __future__ import annotations

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.number import Number, number
from benchbed.metrics.ratios import ratio
from benchbed.stats.bootstrap import Bootstrap

#: Every figure that `distilled` gives.
FIGURES = {
    "agreement": MetricInfo("Agreement", "agreement:equal-answers", "fraction", "higher", None, 0.0, 1.0),
    "agreement_when_wrong": MetricInfo(
        "Agreement where the teacher is wrong",
        "agreement:equal-answers:teacher-wrong",
        "fraction",
        "higher",
        None,
        0,
        1,
    ),
    "gap": MetricInfo("Teacher − student", "accuracy:teacher-minus-student", "fraction", "lower", None, -1.0, 1.0),
    "recovered": MetricInfo(
        "Recovered fraction", "accuracy:(student-alone)/(teacher-alone)", "fraction", "higher", None
    ),
}


def distilled(
    teacher: np.ndarray,
    student: np.ndarray,
    reference: np.ndarray,
    group: np.ndarray,
    *,
    alone: np.ndarray | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, Number]:
    """Figures of a teacher and its student on the same clips, by `FIGURES`; intervals by recording group.

    Parameters
    ----------
    teacher, student : np.ndarray [shape=(clip,)]
        Their answers.
    reference : np.ndarray [shape=(clip,)]
        The right ones.
    group : np.ndarray [shape=(clip,)]
        Recording of each clip.
    alone : np.ndarray [shape=(clip,)], optional
        Answers of the student's network trained without the teacher; `recovered` needs them.
    draws, seed : int
        Of the bootstrap; without draws there are no intervals.

    Raises
    ------
    CannotMeasure
        No clips, or answers to another number of them.

    Examples
    --------
    >>> truth, teacher, student = np.array([0, 1, 1, 0]), np.array([0, 1, 1, 1]), np.array([0, 1, 0, 1])
    >>> found = distilled(teacher, student, truth, np.arange(4), alone=np.array([0, 0, 0, 1]), draws=0)
    >>> {name: found[name].value for name in found}
    {'agreement': 0.75, 'agreement_when_wrong': 1.0, 'gap': 0.25, 'recovered': 0.5}
    """
    columns = [np.asarray(x) for x in (teacher, student, reference, group, *([] if alone is None else [alone]))]
    clips = {len(column) for column in columns}
    if len(clips) > 1 or 0 in clips:
        raise CannotMeasure(f"teacher and student answered {sorted(clips)} clips", hint="give both the same clips")
    right, right_student = (answers == reference for answers in columns[:2])
    right_alone = right_student if alone is None else columns[4] == reference
    same = columns[0] == columns[1]
    rows = np.column_stack([np.ones(len(right)), right, right_student, right_alone, same, ~right, same & ~right])
    names, place = np.unique(columns[3].astype(str), return_inverse=True)
    boot = Bootstrap(len(names), draws=draws, name="distillation", seed=seed)
    sums = np.zeros((len(names), rows.shape[1]))
    np.add.at(sums, place.reshape(-1), rows)
    values = _values(sums.sum(axis=0), alone is not None)
    drawn = _values(boot.replicates(sums), alone is not None) if draws else {}
    undefined = {
        "agreement_when_wrong": "the teacher is never wrong",
        "recovered": "the student's network alone is as good as the teacher",
    }
    counts = {"agreement_when_wrong": int((~right).sum())}
    return {
        name: number(
            float(value),
            FIGURES[name],
            counts.get(name, len(right)),
            replicates=drawn.get(name),
            bootstrap=boot,
            groups=len(names),
            undefined=undefined.get(name, "undefined"),
        )
        for name, value in values.items()
    }


def _values(sums: np.ndarray, alone: bool) -> dict[str, np.ndarray]:
    clips, teacher, student, without, same, wrong, same_wrong = np.moveaxis(sums, -1, 0)
    found = {
        "agreement": ratio(same, clips),
        "agreement_when_wrong": ratio(same_wrong, wrong),
        "gap": ratio(teacher - student, clips),
    }
    # A gap that closes in a draw has no fraction; one that turns over has a meaningless one, and is left in.
    closed = teacher == without
    share = np.divide(student - without, teacher - without, out=np.full(clips.shape, np.nan), where=~closed)
    return found | ({"recovered": share} if alone else {})
