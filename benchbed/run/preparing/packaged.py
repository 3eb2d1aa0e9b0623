"""What the conditions of a suite are made with, looked at before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable

from benchbed.packages import need
from benchbed.perturb import resolve
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.load import LoadedSuite


def refuse_unmade(loaded: LoadedSuite, conditions: Iterable[int] | None = None) -> None:
    """Refuse conditions that this machine cannot make, for a package that cannot be imported.

    Parameters
    ----------
    loaded : LoadedSuite
        The suite; what it names is known to be there.
    conditions : iterable of int, optional
        Places in its list of those that will be made; all by default.

    Raises
    ------
    PackageError
        Of the first such condition, with its line.

    Examples
    --------
    >>> from benchbed.suite.load import load_suite
    >>> refuse_unmade(load_suite("dcase_task1"))
    """
    asked = range(len(loaded.suite.conditions)) if conditions is None else sorted(set(conditions))
    for index in asked:
        condition = loaded.suite.conditions[index]
        if isinstance(condition, CorruptionCondition):
            corruption = resolve(condition.corruption, condition.parameters, condition.options)
            need(corruption.packages, condition.corruption, loaded.where("conditions", index))
