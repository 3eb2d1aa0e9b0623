"""What a comparison is asked: which conditions, metrics and groups of two runs stand in its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from benchbed.compare.drawing import meanings
from benchbed.compare.figure import Figure, conditions, matching, recipe, recipes
from benchbed.compare.runs import Mismatch, OpenRun, condition_mismatch, shared
from benchbed.errors import CannotMeasure, did_you_mean
from benchbed.results.conditions import settings, spoken


@dataclass(frozen=True)
class Wanted:
    """What to compare.

    Attributes
    ----------
    conditions : tuple of str
        Patterns of conditions.
    metrics : tuple of str
        Metrics; by default the one that ranks everywhere, and all others on clean audio.
    groups : tuple of str
        Groups such as `device=s4`, `devices=unseen`, or `class=*` for all of a kind.
    """

    conditions: tuple[str, ...] = ("*",)
    metrics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def questions(a: OpenRun, b: OpenRun, wanted: Wanted, primary: str) -> list[tuple[Figure, list[str]]]:
    """Figures to compare and the metrics to compare them in."""
    told = settings((a.result, b.result))
    both = [c for pattern in wanted.conditions for c in _like(a, pattern, told) if c in _like(b, pattern, told)]
    if not both:
        raise CannotMeasure(f"the runs share no condition like {', '.join(wanted.conditions)}")
    odd = _otherwise(a, b, both, wanted)
    if odd and len(odd) == len(set(both)):
        raise CannotMeasure(next(iter(odd.values())))
    both = [condition for condition in both if condition not in odd]
    groups = _groups(a, wanted.groups)
    over_cells = scores(a, b, wanted)
    a, b, _ = shared(a, b)
    questions: list[tuple[Figure, list[str]]] = []
    for condition in dict.fromkeys(both):
        for group in groups:
            figure = Figure(condition, group)
            known = meanings(a, figure)
            if wanted.metrics:
                metrics = [m for m in wanted.metrics if m in known]
            elif group is not None:
                metrics = [primary if primary in known else next(iter(known))]
            else:
                metrics = [primary, *(m for m in known if condition == "clean" and m != primary)]
            if metrics:
                questions.append((figure, metrics))
    if not questions and not over_cells:
        names = [*a.family.metrics, *_held(a, b)]
        kinds = [*a.family.metrics, *dict.fromkeys(f"{name.partition(':')[0]}:*" for name in _held(a, b))]
        hint = did_you_mean(wanted.metrics[0], names) or f"there are: {', '.join(kinds)}"
        raise CannotMeasure(f"no metric {', '.join(wanted.metrics)} in both runs", hint=hint)
    return questions


def _like(run: OpenRun, pattern: str, told: Mapping[str, str]) -> list[str]:
    """Conditions that match a pattern by their key, or as they are printed: `white_noise, 10 dB*`."""
    known = matching(run.sums, pattern)
    return known or [c for c in conditions(run.sums) if c in told and fnmatchcase(spoken(c, told), pattern)]


def _held(a: OpenRun, b: OpenRun) -> list[str]:
    """Figures over cells that both runs have."""
    return [name for name in a.result.scores if name in b.result.scores and ":" in name]


def scores(a: OpenRun, b: OpenRun, wanted: Wanted) -> list[str]:
    """Figures over cells that were asked for by name or pattern, e.g. `robustness:*`."""
    patterns = [pattern for pattern in wanted.metrics if ":" in pattern]
    return [name for name in _held(a, b) if any(name == p or fnmatchcase(name, p) for p in patterns)]


def alone(a: OpenRun, b: OpenRun, wanted: Wanted) -> list[Mismatch]:
    """Conditions that were asked for and only one of the two runs has."""
    told = settings((a.result, b.result))
    mine, theirs = ([c for pattern in wanted.conditions for c in _like(run, pattern, told)] for run in (a, b))
    only = [[c for c in one if c not in other] for one, other in ((mine, theirs), (theirs, mine))]
    found = []
    if any(only):
        one, other = (f"{', '.join(some[:4])}{', …' if len(some) > 4 else ''}" if some else "none" for some in only)
        found.append(Mismatch("conditions that only one run has, so left out", one, other, False))
    both = [condition for condition in mine if condition in theirs]
    for why in _otherwise(a, b, both, wanted).values():
        found.append(Mismatch("left out, as it is another question", "", why, False))
    return found


def _otherwise(a: OpenRun, b: OpenRun, both: Sequence[str], wanted: Wanted) -> dict[str, str]:
    """Attacked conditions that are not the same question in both runs, and why.

    What is asked for by its own name is refused; what a pattern finds is left out, so that one model without gradient
    does not take all other figures along.
    """
    found: dict[str, str] = {}
    for cell in a.result.cells:
        condition = cell.key.split("/", 2)[2]
        if cell.condition.kind != "attack" or condition not in both or condition in wanted.conditions:
            continue
        why = condition_mismatch(a.result, b.result, cell.key)
        if why is not None:
            found.setdefault(condition, why)
    return found


def _groups(run: OpenRun, wanted: Sequence[str]) -> list[str | None]:
    found: list[str | None] = [None]
    known = list(recipes(run.sums))
    for name in wanted:
        hits = [g for g in known if g == name or (name.endswith("=*") and g.startswith(name[:-1]))]
        if not hits:
            recipe(run.sums, Figure("clean", name))
        found += hits
    return found
