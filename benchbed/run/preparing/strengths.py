"""The conditions of a suite in words, with what their severities are in their units, before anything is run."""

from __future__ import annotations

from benchbed.perturb import resolve
from benchbed.results.conditions import curve_of
from benchbed.suite.conditions import CorruptionCondition
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells


def conditions_in_words(suite: Suite) -> dict[str, str]:
    """Condition → its strengths, mildest first, and their unit; clean audio has none.

    Examples
    --------
    >>> noisy = {"corruption": "white_noise", "parameters": [20, 10], "severities": [1, 2]}
    >>> suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=["clean", noisy])
    >>> conditions_in_words(suite)
    {'clean': '', 'white_noise': '20, 10 dB SNR, active level'}
    """
    told: dict[str, str] = {}
    budgets: dict[str, list[str]] = {}
    for cell in plan_cells(suite):
        condition = suite.conditions[cell.condition]
        if isinstance(condition, CorruptionCondition):
            known = resolve(condition.corruption, condition.parameters, condition.options)
            strengths = [_short(known.parameters[severity - 1]) for severity in condition.severities]
            again = cell.key.partition("#")[2]
            told[f"{cell.name}{f' (no. {again})' if again else ''}"] = f"{', '.join(strengths)} {known.unit}".strip()
        elif cell.kind == "attack":
            curve, budget = curve_of(cell.key), cell.key.partition("#")[0].rpartition(":")[2]
            if budget not in budgets.setdefault(curve, []):
                budgets[curve].append(budget)
            told[curve] = ", ".join(budgets[curve])
        else:
            told[cell.name] = ""
    return told


def _short(parameter: object) -> str:
    if isinstance(parameter, int | float):
        return f"{parameter:g}"
    if isinstance(parameter, dict):
        return " ".join(f"{name} {_short(value)}" for name, value in parameter.items())
    return "/".join(map(_short, parameter)) if isinstance(parameter, list | tuple) else str(parameter)
