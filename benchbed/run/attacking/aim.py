"""What a condition's goal climbs: the losses of its task."""

from __future__ import annotations

from collections.abc import Sequence

from benchbed.attack.losses import Aimed, aimed
from benchbed.errors import ConfigError, did_you_mean
from benchbed.suite.conditions import AttackCondition


def aim_of(condition: AttackCondition, task: str, labels: Sequence[str] = (), where: str | None = None) -> Aimed:
    """The losses that a condition's goal asks for.

    Raises
    ------
    ConfigError
        Unknown goal, or a targeted class that the dataset does not have.

    Examples
    --------
    >>> aim_of(AttackCondition(attack="fast", budgets=[20], goal="hide"), "tags").names
    ('hide', 'hide_margin')
    >>> condition = AttackCondition(attack="fast", budgets=[20], goal="class", target_class="dgo")
    >>> aim_of(condition, "tags", ("dog", "rain"))
    Traceback (most recent call last):
    benchbed.errors.ConfigError: the dataset has no class 'dgo' to aim at
      try: did you mean 'dog'?
    """
    number = None
    if condition.target_class is not None and labels:
        if condition.target_class not in labels:
            known = f"classes: {', '.join(labels[:8])}"
            raise ConfigError(
                f"the dataset has no class '{condition.target_class}' to aim at",
                where=where,
                hint=did_you_mean(condition.target_class, labels) or known,
            )
        number = list(labels).index(condition.target_class)
    elif condition.target_class is not None:
        number = 0  # where only the price is asked, any class will do
    return aimed(task, condition.goal, number=number, where=where)
