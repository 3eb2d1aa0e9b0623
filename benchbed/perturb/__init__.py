"""Perturbations of clean audio: corruptions with physical severities, and simulated or measured devices."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.packages import need
from benchbed.perturb.possible import refuse_impossible
from benchbed.registry import Registry

if TYPE_CHECKING:
    from benchbed.perturb.contract import Corruption

#: Corruptions, by file name. A module has `CORRUPTION`, an instance of `benchbed.perturb.contract.Corruption`.
CORRUPTIONS = Registry("corruption", "benchbed.perturb.corruptions")


def resolve(
    name: str, parameters: Any = None, options: Mapping[str, Any] | None = None, *, where: str | None = None
) -> Corruption:
    """The corruption that a suite names, with its own severities and options.

    Parameters
    ----------
    name : str
        A registered name, or `audiomentations:<Transform>`.
    parameters : list, optional
        Severities in the place of the corruption's five, mildest first, of the same form as those. For an
        audiomentations transform (needed there): keyword arguments, see
        `benchbed.perturb.audiomentations_bridge.corruption`.
    options : mapping, optional
        Options of this corruption, e.g. a `folder`; they go before those of the run's context.
    where : str, optional
        Place in the suite, for error messages.

    Raises
    ------
    ConfigError
        Unknown name (the nearest one is suggested), unknown option, or parameters of another form.
    PackageError
        audiomentations cannot be imported.

    Examples
    --------
    >>> resolve("white_noise").parameters
    (20.0, 15.0, 10.0, 5.0, 0.0)
    >>> resolve("low_pass", [6, 3]).parameters
    (6, 3)
    """
    if name.startswith("audiomentations:"):
        from benchbed.perturb import audiomentations_bridge

        if options:
            raise ConfigError(f"{name} takes parameters, not options", where=where)
        need(("audiomentations",), name, where)
        return audiomentations_bridge.corruption(name, parameters if parameters is not None else {})
    found = copy.copy(CORRUPTIONS.get(name, where=where).CORRUPTION)
    for option in options or {}:
        if option not in found.option_names:
            known = ", ".join(found.option_names) or "none"
            hint = did_you_mean(option, found.option_names) or f"its options: {known}"
            raise ConfigError(f"{name} has no option '{option}'", where=where, hint=hint)
    found.take(options or {})
    if parameters is not None:
        found.parameters = _severities(name, parameters, found.parameters[0], where)
        for parameter in found.parameters:
            refuse_impossible(name, parameter, found.unit, where)
    return found


def _severities(name: str, parameters: Any, example: Any, where: str | None) -> tuple[Any, ...]:
    """The given parameters, if each has the form of `example`."""
    if not isinstance(parameters, Sequence) or isinstance(parameters, str) or not parameters:
        raise ConfigError(f"{name}: parameters must be a list of severities, mildest first", where=where)
    for parameter in parameters:
        if not _alike(parameter, example):
            raise ConfigError(
                f"{name}: {parameter!r} is no parameter of this corruption",
                where=where,
                hint=f"for example {example!r}",
            )
    return tuple(tuple(p) if isinstance(p, Sequence) and not isinstance(p, str) else p for p in parameters)


def _alike(value: Any, example: Any) -> bool:
    if isinstance(example, tuple):
        same = isinstance(value, Sequence) and not isinstance(value, str) and len(value) == len(example)
        return same and all(_alike(v, e) for v, e in zip(value, example))
    if isinstance(example, str):
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return not isinstance(example, int) or float(value).is_integer()
