"""Which attacks a condition of a suite stands for on a task, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

from benchbed.attack import BRIDGED, features
from benchbed.attack.ensemble import FLOOR, Ensemble, ensemble
from benchbed.attack.losses import Aimed
from benchbed.attack.threat import FeatureThreat, Threat
from benchbed.errors import ConfigError
from benchbed.outputs import output_of
from benchbed.protocols import Locates
from benchbed.run.attacking.aim import aim_of
from benchbed.run.attacking.goals import TASKS
from benchbed.suite.conditions import AttackCondition, Condition


def threats(condition: AttackCondition) -> list[Threat] | list[FeatureThreat]:
    """Budgets of a condition in its space, mildest first.

    Examples
    --------
    >>> [str(threat) for threat in threats(AttackCondition(attack="pgd", space="features", budgets=[0.3, 0.1]))]
    ['features-l2:0.1', 'features-l2:0.3']
    """
    if condition.space == "features":
        return [FeatureThreat(condition.threat, budget) for budget in condition.budgets]
    return [Threat(condition.threat, budget, condition.channels) for budget in condition.budgets]


def ensemble_of(
    condition: AttackCondition,
    task: str = "scene",
    *,
    differentiable: bool = True,
    sources: bool = True,
    powered: bool = False,
    where: str | None = None,
) -> Ensemble:
    """The attacks of a condition, for a model and a task.

    Raises
    ------
    ConfigError
        Unknown attack, goal, loss or option, or features of a frames task.

    Examples
    --------
    >>> made = ensemble_of(AttackCondition(attack="fast", budgets=[20], goal="hide"), "tags")
    >>> [attack.options["loss"] for attack in made.attacks]
    ['hide', 'hide_margin']

    What is made for waveforms is left out on features:

    >>> sorted(ensemble_of(AttackCondition(attack="standard", space="features")).skipped)
    ['square', 'transfer']
    """
    on_features = condition.space == "features"
    if condition.channels == "each" and condition.attack.startswith(BRIDGED):
        raise ConfigError(
            f"{condition.attack} has one budget for all channels, and cannot bound each by itself",
            where=where,
            hint="an attack of benchbed's own, or channels: together",
        )
    if on_features and output_of(task, where=where).hears == "windows":
        raise ConfigError(
            f"an attack on features needs a model that hears a whole clip at once; recordings of a {task} "
            "task are heard in windows, and balls around the features of each are none around the "
            "recording",
            where=where,
            hint="space: waveform, or a task of scenes or tags",
        )
    aim = aim_of(condition, task, where=where)
    return ensemble(
        condition.attack,
        condition.options,
        losses=losses_of(condition, aim),
        known=tuple(aim.LOSSES),
        output=task,
        steps=condition.steps,
        restarts=condition.restarts,
        differentiable=differentiable,
        sources=sources,
        powered=powered,
        refusal=features.refusal if on_features else None,
        floor=features.FLOOR if on_features else FLOOR,
        where=where,
    )


def losses_of(condition: AttackCondition, aim: Aimed) -> tuple[str, ...]:
    """Losses that an ensemble climbs: the goal's; where decisions count, not ranks, the class nearest to flipping."""
    return aim.by_rule.get(condition.success.rule or "", aim.names)


class Price(TypedDict):
    """Most passes that one attack condition can need.

    Attributes
    ----------
    attack, threat : str
        As in the suite.
    clips, budgets : int
        What is attacked, and how strongly.
    forwards, backwards : int
        Passes of the model, in clips.
    sampled : int
        Clips that a plan with a model attacked, to measure what that takes.
    seconds, reach : float
        What the condition takes by them, and how far that may be off.
    space : str
        Only of features.
    skipped : dict of str to str
        Members of an ensemble that are left out, and why.
    """

    attack: str
    threat: str
    clips: int
    budgets: int
    forwards: int
    backwards: int
    sampled: NotRequired[int]
    seconds: NotRequired[float]
    reach: NotRequired[float]
    space: NotRequired[str]
    skipped: NotRequired[dict[str, str]]


def prices(
    conditions: Sequence[Condition],
    clips: Mapping[str, int],
    classes: int,
    task: str = "scene",
    where: Locates = lambda *place: None,
    *,
    differentiable: bool = True,
    powered: bool = False,
) -> list[Price]:
    """Most passes that the attack conditions of a suite can need on a model, without sources to transfer from.

    Members of an ensemble that mean nothing for the task, or in the space of the condition, stand under `skipped`, with
    the reason.

    Parameters
    ----------
    conditions : sequence
        All conditions of the suite.
    clips : mapping of str to int
        Split → clips.
    classes : int
        Classes of the dataset.
    task : str
        The suite's task.
    where : callable
        Path in the suite → its place, for error messages.
    differentiable : bool
        The model shows a gradient; without one, attacks that need it are left out.
    powered : bool
        The model meets the black boxes with some thousand queries, as one without gradient does.

    Raises
    ------
    ConfigError
        Unknown attack, goal, loss or option.

    Examples
    --------
    >>> prices([AttackCondition(attack="fgsm", budgets=[20, 10], n=5)], {"test": 100}, 10)
    [{'attack': 'fgsm', 'threat': 'l2', 'clips': 5, 'budgets': 2, 'forwards': 80, 'backwards': 10}]
    >>> made = prices([AttackCondition(attack="standard", budgets=[20], n=5)], {"test": 100}, 10, "frames")
    >>> sorted(made[0]["skipped"])
    ['apgd_t', 'transfer']
    >>> one = [AttackCondition(attack="standard", budgets=[20], n=1)]
    >>> closed = prices(one, {"test": 1}, 10, differentiable=False, powered=True)[0]
    >>> closed["forwards"] >= 2900, closed["backwards"]
    (True, 0)
    """
    entries: list[Price] = []
    for index, condition in enumerate(conditions):
        if isinstance(condition, AttackCondition):
            count = sum(min(condition.n, number) for number in clips.values())
            place = where("conditions", index)
            chosen = ensemble_of(
                condition,
                task,
                sources=bool(condition.sources),
                differentiable=differentiable,
                powered=powered,
                where=place,
            )
            cost = chosen.cost(classes, len(condition.budgets), count if chosen.attacks else 0)
            entry: Price = {
                "attack": condition.attack,
                "threat": condition.threat,
                "clips": count,
                "budgets": len(condition.budgets),
                "forwards": cost.forwards,
                "backwards": cost.backwards,
            }
            if condition.space == "features":
                entry["space"] = f"features, {features.LABEL}"
            # What an ensemble on single answers leaves out is what this run gives it, not what the task does.
            if (TASKS.get(task).TASK.scored or "space" in entry or not chosen.attacks) and chosen.skipped:
                entry["skipped"] = dict(chosen.skipped)
            entries.append(entry)
    return entries
