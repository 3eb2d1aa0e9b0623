"""What the ensembles consist of: attacks with their options, by the name that a suite gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Ensembles: attack and options of each member. `loss: each` stands for every default loss of the output kind.
PRESETS: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "fast": (("apgd", {"loss": "each", "steps": 50}),),
    "standard": (
        ("apgd", {"loss": "each", "steps": 50}),
        ("apgd_t", {"targets": 3, "steps": 50}),
        ("square", {"queries": 300}),
        ("transfer", {"steps": 50}),
    ),
    "full": (
        ("apgd", {"loss": "each", "steps": 100, "restarts": 5}),
        ("apgd_t", {"targets": 9, "steps": 100}),
        ("square", {"queries": 1000}),
        ("transfer", {"steps": 100}),
    ),
}

#: What an ensemble with a black box tries besides on a model that shows no gradient, or whose gradient is that of a
#: stand-in: a substitute made from its answers, and a walk along its boundary.
POWER: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "standard": (("surrogate", {"queries": 10000}), ("boundary", {"queries": 600})),
    "full": (("surrogate", {"queries": 20000}), ("boundary", {"queries": 2000})),
}


@dataclass(frozen=True)
class Shorter:
    """What members are cut to on clips whose gradient is shown to be the model's own.

    Attributes
    ----------
    steps : float
        Share of the steps of gradient attacks after the first, which stays whole.
    queries : int
        Most queries of a search from scores.
    """

    steps: float
    queries: int


#: Ensembles that are shorter on clips that are vouched for: what is left of their gradient attacks and of their black
#: box. At least the first attack has had all its steps, from a gradient that leads where the model goes.
SHORTER: dict[str, Shorter] = {"standard": Shorter(0.5, 30)}

#: Ensemble → when it is wanted.
ABOUT = {
    "fast": "gradients alone, for a first look",
    "standard": "gradients, then attacks without them, on what stands; the default of the attack suites",
    "full": "the same with twice the steps, restarts and more queries, for a figure to be published",
}

_SPARED = """\
A clip that stands after the first attack is vouched for where finite differences through `predict` agree with its
gradient, its loss rose, and it came nearer to success than any noise of the budget. On such a clip the other gradient
attacks take {steps:.0%} of their steps and the black box {queries} queries; on every other clip, and on random and
defended models, all of them run whole. The columns `members` and `passes` of the predictions say what was run on each
clip, the check `shortened` on how many."""


def told(name: str) -> str:
    """An ensemble in words: its members one after the other, and what is spared on clips that are vouched for.

    Examples
    --------
    >>> print(told("fast").splitlines()[1])
    apgd (loss=each, steps=50)
    """
    lines = [f"{ABOUT[name]}; each attack sees what the ones before it left:"]
    lines += [_member(*each) for each in PRESETS[name]]
    if name in POWER:
        lines.append("and on models that show no gradient, or a stand-in's:")
        lines += [_member(*each) for each in POWER[name]]
    cut = SHORTER.get(name)
    if cut is not None:
        lines.append(_SPARED.format(steps=cut.steps, queries=cut.queries))
    return "\n".join(lines)


def _member(name: str, options: dict[str, Any]) -> str:
    return f"{name} ({', '.join(f'{key}={value}' for key, value in options.items())})"
