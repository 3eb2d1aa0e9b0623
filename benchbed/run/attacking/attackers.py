"""Who attacked: a robust accuracy that gradients left and one that answers alone left are figures of two kinds.

A model that shows no gradient reads as robust next to its own twin that does. Both figures are upper bounds of what is
left of a model, and only those with one kind of attacker are ever held against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchbed.attack.ensemble import Ensemble
from benchbed.run.attacking.ensembles import ensemble_of
from benchbed.suite.conditions import AttackCondition

if TYPE_CHECKING:
    import pandas as pd

#: Column of an attacked clip: an attack used the model's own gradient on it.
COLUMN = "with_gradient"
#: What attacked, as records call it.
GRADIENTS, ANSWERS, SOME = "gradients and answers", "answers alone", "gradients of some clips, answers of all"
#: Scopes of figures over budgets, by what attacked.
WHITE_BOX, BLACK_BOX = "adversarial:", "black_box:"


def attacker_of(condition: AttackCondition, task: str, rows: pd.DataFrame) -> str:
    """What attacked the clips of a condition, for conditions that use gradients where a model has them; else empty.

    Parameters
    ----------
    condition : AttackCondition
        As in the suite.
    task : str
        The suite's task.
    rows : DataFrame
        Predictions of the attacked clips.
    """
    if COLUMN not in rows or not ensemble_of(condition, task).white_box:
        return ""
    used = rows[COLUMN].dropna().astype(bool)
    if not len(used):
        return ""
    return GRADIENTS if used.all() else SOME if used.any() else ANSWERS


def members_of(condition: AttackCondition, task: str, rows: pd.DataFrame) -> Ensemble:
    """The attacks that a condition's model met."""
    blind = attacker_of(condition, task, rows) == ANSWERS
    return ensemble_of(condition, task, differentiable=not blind, powered=blind)


def scope_of(prefix: str, attacker: str) -> str:
    """The scope of figures over budgets.

    Examples
    --------
    >>> scope_of("adversarial:", ANSWERS), scope_of("adversarial:", GRADIENTS), scope_of("adversarial:a:", ANSWERS)
    ('black_box:', 'adversarial:', 'black_box:a:')
    """
    return prefix.replace(WHITE_BOX, BLACK_BOX, 1) if attacker == ANSWERS else prefix
