"""Losses that attacks climb, one module per output kind of the model: its name is the output kind.

A module has `LOSSES` (name → loss `(scores, target) → [clip]`, greater is worse for the model), `GOALS` (what an
attacker may want → names of the losses that an ensemble climbs for it, the first one of them curved and the last one
straight, so that one of them keeps its gradient where the other has lost it; the first goal is the default), `DEFAULTS`
(the losses of the default goal), `margin(scores, target) → [clip]`, negative where the task's own decision is broken,
and `scores(forward, reading, heard)`, the differentiable twin of a reading's answers. `EXCLUSIVE` says that one class
is right and every other wrong; `STILL` that the clean point itself is where the loss begins, so that no slope is told
from it and no sound need break it; `BY_RULE` has the names of losses by goal and rule of success, where that matters. A
goal about one class, `class`, takes its loss from `towards_class(number)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from benchbed.errors import ConfigError, did_you_mean
from benchbed.outputs import OUTPUTS, output_of
from benchbed.registry import Registry

#: Loss modules by output kind.
LOSSES = Registry("attack loss", "benchbed.attack.losses")


@dataclass(frozen=True)
class Aimed:
    """The losses of an output kind, for one goal.

    Attributes
    ----------
    output : str
        Output kind.
    goal : str
        What is wanted.
    LOSSES : mapping of str to callable
        All losses by name.
    margin : callable
        The task's own decision, differentiable.
    names : tuple of str
        Losses that an ensemble climbs for this goal, curved first and straight last.
    by_rule : mapping of str to tuple of str
        Rule of success → names in their place.
    """

    output: str
    goal: str
    LOSSES: Mapping[str, Callable[..., Any]]
    margin: Callable[..., Any]
    names: tuple[str, ...]
    by_rule: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def curved(self) -> Callable[..., Any]:
        """The loss whose gradient vanishes for a confident model."""
        return self.LOSSES[self.names[0]]

    @property
    def straight(self) -> Callable[..., Any]:
        """The loss whose gradient does not."""
        return self.LOSSES[self.names[-1]]


def losses_of_kind(output: str, where: str | None = None) -> ModuleType:
    """The module of losses of an output kind.

    Raises
    ------
    ConfigError
        None is attacked; with the reason, where the kind has one.

    Examples
    --------
    >>> losses_of_kind("tags").__name__
    'benchbed.attack.losses.tags'
    """
    if output not in LOSSES.names() and output in OUTPUTS.names() and (reason := output_of(output).unattacked):
        hint = "conditions of such a suite are clean audio, corruptions and devices"
        raise ConfigError(f"answers of the kind {output} cannot be attacked: {reason}", where=where, hint=hint)
    return LOSSES.get(output, where=where)


def aimed(output: str, goal: str | None = None, *, number: int | None = None, where: str | None = None) -> Aimed:
    """The losses of an output kind for a goal.

    Parameters
    ----------
    output : str
        Output kind.
    goal : str, optional
        By default the first of the output kind.
    number : int, optional
        Number of the class that the goal `class` is about.
    where : str, optional
        Place in the suite, for error messages.

    Raises
    ------
    ConfigError
        Unknown goal (the nearest one is suggested), or a goal about a class without one.

    Examples
    --------
    >>> aimed("tags", "hide").names
    ('hide', 'hide_margin')
    """
    module = losses_of_kind(output, where)
    known: Mapping[str, tuple[str, ...]] = module.GOALS
    goal = goal or next(iter(known))
    if goal not in known:
        hint = did_you_mean(goal, known) or f"goals: {', '.join(known)}"
        raise ConfigError(f"an attack on {output} has no goal '{goal}'", where=where, hint=hint)
    losses = dict(module.LOSSES)
    if goal == "class":
        if number is None:
            raise ConfigError("the goal 'class' needs a class to aim at", where=where, hint="target_class: NAME")
        losses["class"] = module.towards_class(number)
    by_rule = {rule: names for (about, rule), names in getattr(module, "BY_RULE", {}).items() if about == goal}
    return Aimed(output, goal, losses, module.margin, known[goal], by_rule)
