"""A suite as a list of independent cells: task × split × condition × severity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchbed.suite.conditions import AttackCondition, CleanCondition, CorruptionCondition
from benchbed.suite.model import Suite


@dataclass(frozen=True)
class CellPlan:
    """One cell to be measured.

    Attributes
    ----------
    key : str
        `task/split/condition[@severity]`, unique in a run; `task/split/apgd@l2:30dB` for an attack,
        `task/split/apgd@features-l2:0.1` for one on features, `task/split/apgd@l2-each:30dB` where every channel has
        a budget of its own.
    task, split : str
        As in the suite.
    kind, name : str
        Kind of condition and its registered name.
    severity : int, optional
        Counted from 1.
    condition : int
        Index of the condition in the suite; cells of one condition share their preparation.
    draws : int
        Independent random draws per clip.
    budget : float, optional
        Of an attack, in the unit of its threat model.
    """

    key: str
    task: str
    split: str
    kind: str
    name: str
    severity: int | None
    condition: int
    draws: int = 1
    budget: float | None = None


def plan_cells(suite: Suite) -> list[CellPlan]:
    """All cells of a suite, in the order of its splits and conditions.

    Examples
    --------
    >>> suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"},
    ...               conditions=["clean", {"corruption": "gain", "severities": [1, 3]}])
    >>> [cell.key for cell in plan_cells(suite)]
    ['scene/test/clean', 'scene/test/gain@1', 'scene/test/gain@3']
    """
    cells: list[CellPlan] = []
    for split in suite.data.splits:
        for index, condition in enumerate(suite.conditions):
            cells += _of_condition(suite.task, split, index, condition)
    curves: dict[str, list[int]] = {}
    unique: dict[str, CellPlan] = {}
    for cell in cells:
        # The same corruption may stand twice in a suite with other options; its cells need other names.
        number, key = 1, cell.key
        if cell.kind == "attack":
            # Budgets of one condition make a curve, which needs a name of its own even where no budget is the same.
            alike = curves.setdefault(cell.key.rpartition(":")[0], [])
            if cell.condition not in alike:
                alike.append(cell.condition)
            number = alike.index(cell.condition) + 1
            key = cell.key if number == 1 else f"{cell.key}#{number}"
        while key in unique:
            number += 1
            key = f"{cell.key}#{number}"
        unique[key] = CellPlan(**{**cell.__dict__, "key": key})
    return list(unique.values())


def _of_condition(task: str, split: str, index: int, condition: Any) -> list[CellPlan]:
    if isinstance(condition, CleanCondition):
        return [CellPlan(f"{task}/{split}/clean", task, split, "clean", "clean", None, index)]
    if isinstance(condition, AttackCondition):
        return [_attacked(task, split, index, condition, budget) for budget in condition.budgets]
    assert isinstance(condition, CorruptionCondition)
    name = condition.corruption
    return [
        CellPlan(f"{task}/{split}/{name}@{s}", task, split, "corruption", name, s, index, condition.draws)
        for s in condition.severities
    ]


def _attacked(task: str, split: str, index: int, condition: AttackCondition, budget: float) -> CellPlan:
    sound = condition.space == "waveform"
    threat = condition.threat + ("-each" if condition.channels == "each" else "")
    threat = ("" if sound else "features-") + threat + ("+nmr" if condition.audibility else "")
    threat += f"+{condition.band}" if condition.band else ""
    name = condition.attack + (f"+{condition.goal}" if condition.goal else "")
    key = f"{task}/{split}/{name}@{threat}:{budget:g}" + ("dB" if sound and condition.threat == "l2" else "")
    return CellPlan(key, task, split, "attack", condition.attack, None, index, budget=budget)
