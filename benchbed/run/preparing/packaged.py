"""What the conditions of a suite are made with, looked at before anything is computed.

Of a coder it is not enough that its package can be imported: what it calls may lack the codec, or not fit. So a tenth
of a second goes through each, which takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from benchbed import rng
from benchbed.errors import BenchbedError, PackageError
from benchbed.packages import need
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context, Corruption
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.load import LoadedSuite

#: Of what goes through a coder: a rate that most have, and samples.
_RATE, _SAMPLES = 48000, 4800


def refuse_unmade(loaded: LoadedSuite, conditions: Iterable[int] | None = None) -> None:
    """Refuse conditions that this machine cannot make, for a package that cannot be imported or a coder that fails.

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
            where = loaded.where("conditions", index)
            need(corruption.packages, condition.corruption, where)
            if corruption.group == "codec" and corruption.packages:
                _try_out(corruption, condition.corruption, where)


def _try_out(coder: Corruption, name: str, where: str | None) -> None:
    parameter = coder.parameters[0]
    if coder.unavailable(parameter, _RATE, 1) is not None:
        return
    random = rng.stream("a coder is tried", name)
    sound = 0.01 * random.standard_normal((1, _SAMPLES)).astype(np.float32)
    try:
        coder.apply(coder.prepare(sound, _RATE, random, Context()), parameter)
    except Exception as error:
        told = error.what if isinstance(error, BenchbedError) else f"{type(error).__name__}: {error}"
        hint = getattr(error, "hint", None) or f"pip install --force-reinstall {' '.join(coder.packages)}"
        raise PackageError(f"{name} cannot be made here: {told}", where=where, hint=hint) from error
