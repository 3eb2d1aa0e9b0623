"""What each defence costs and gives, held against the same model without it: what was found, as tables show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchbed.results.record import Result

#: Option of an adapter that puts a defence in front of another, see `adapters/defended.py`.
OPTION = "defence"


@dataclass(frozen=True)
class HeldFigure:
    """A figure of a defended model beside that of its twin.

    Attributes
    ----------
    value, low, high : float or None
        The figure, with its interval.
    difference, difference_low, difference_high : float or None
        Defended minus undefended, paired by recording.
    unit : str
        Of all of them.
    reason : str or None
        Why there is no difference, or none with an interval.
    """

    value: float | None
    low: float | None
    high: float | None
    unit: str
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class DefenceRow:
    """One model of a table.

    Attributes
    ----------
    name : str
        Of the model.
    defence : str
        What stands in front of it; empty for the undefended twin.
    clean, robust : HeldFigure or None
        The metric that ranks on clean audio, and robust accuracy.
    milliseconds, times : float or None
        Median time of one clip, and its median CPU time over that of the twin.
    ranked : bool
        No check of the attack failed, so that its robust accuracy may stand beside those of others.
    failed, warned : tuple of str
        Checks of that attack that failed or warn.
    """

    name: str
    defence: str
    clean: HeldFigure | None
    robust: HeldFigure | None
    milliseconds: float | None
    times: float | None
    ranked: bool
    failed: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()


@dataclass(frozen=True)
class DefenceTable:
    """Defences in front of one model, the model itself first.

    Attributes
    ----------
    suite : str
        What they were measured by.
    metric : str
        Title of the metric that ranks.
    attack : str
        The attack and its budget, in words; empty where the suite attacks nothing.
    clips : int
        Clips that were attacked.
    rows : tuple of DefenceRow
        The undefended twin first.
    runs : frozenset of Path
        Records that they are from.
    """

    suite: str
    metric: str
    attack: str
    clips: int
    rows: tuple[DefenceRow, ...]
    runs: frozenset[Path]


def defence_of(result: Result) -> str:
    """The defence that a run's model stands behind; empty for none.

    Examples
    --------
    >>> defence_named({"defence": "codec", "strength": None}), defence_named({})
    ('codec', '')
    """
    return defence_named(result.model.options)


def defence_named(options: Mapping[str, object]) -> str:
    """The same, from a model's options."""
    named = options.get(OPTION)
    return named if isinstance(named, str) else ""


def twins(results: Mapping[Path, Result]) -> dict[Path, Path]:
    """Record of each defended model → that of the model with the same weights and without a defence.

    Weights tell them apart, not names: a defence in front of another checkpoint has no twin here.
    """
    bare = {_weights(result): path for path, result in results.items() if not defence_of(result) and _weights(result)}
    return {
        path: bare[_weights(result)]
        for path, result in results.items()
        if defence_of(result) and _weights(result) in bare
    }


def _weights(result: Result) -> tuple[str, ...]:
    return tuple(sorted(result.model.weights.values()))
