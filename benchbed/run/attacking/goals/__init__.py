"""What attacks must know of each task: its references, its losses, and when a clip counts as broken. One file a task.

A module has `TASK`, a subclass of `benchbed.run.attacking.goal.Task`; its name is the task's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from benchbed.registry import Registry
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    from benchbed.run.attacking.goal import Settled, Task
    from benchbed.run.job.job import Job

#: Tasks that can be attacked, by file name.
TASKS = Registry("attacked task", "benchbed.run.attacking.goals")


def settle(
    task: str,
    condition: AttackCondition,
    labels: Sequence[str],
    declared: Mapping[str, Mapping[str, object]] | None = None,
    where: str | None = None,
) -> Settled:
    """What a condition leaves open, settled for a task: goal, rule of success and its options, as JSON can hold it.

    Parameters
    ----------
    declared : mapping, optional
        Metric family → options that the suite gives it.

    Raises
    ------
    ConfigError
        Unknown goal, a rule of another task, an option that the rule's metric does not have, or a targeted class that
        the dataset does not have.

    Examples
    --------
    >>> settle("tags", AttackCondition(attack="fast", budgets=[20]), ("dog", "rain"))["success"]["rule"]
    'clip_ap'
    """
    kind: type[Task] = TASKS.get(task, where=where).TASK
    return kind.settle(condition, labels, declared or {}, where)


def task_of(job: Job, index: int) -> Task:
    """The task of a job's condition `index`, with the success that was settled for it."""
    condition = job.conditions[index]
    assert isinstance(condition, AttackCondition)
    # What a condition rests on is JSON that `settle` has made.
    settled = cast("Settled", job.facts[index] if job.facts else {})
    if "goal" not in settled:
        settled = {**settled, **settle(job.task, condition, job.labels)}
    kind: type[Task] = TASKS.get(job.task).TASK
    return kind(job, condition, settled)
