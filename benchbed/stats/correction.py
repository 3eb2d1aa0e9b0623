"""What many tests at once are held against: Holm over all, declared primary ones, a hierarchy, or false discoveries.

A family of fifty tests leaves none of them much power. Four ways out, each chosen before the figures are seen and named
in every output: `primary` corrects the declared comparisons by themselves, so that what was asked first does not pay
for what was asked besides; `hierarchical` asks families first (a rule, a metric) and members only of the families that
hold; `fdr` lets a share of the calls be false instead of any; `none` leaves every test at its own level.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

import numpy as np

from benchbed.errors import ConfigError, did_you_mean
from benchbed.stats.paired import holm

Correction = Literal["holm", "primary", "hierarchical", "fdr", "none"]

P = Mapping[str, float | None]


def adjust(
    p_values: P, correction: Correction, *, families: Mapping[str, str] | None = None, primary: Collection[str] = ()
) -> dict[str, float | None]:
    """Adjusted p-values: below a level, a test is called at this level. Tests without a p-value stay out of the count.

    Parameters
    ----------
    p_values : mapping of str to float or None
        Test → p-value.
    correction : {"holm", "primary", "hierarchical", "fdr", "none"}
        How.
    families : mapping of str to str, optional
        Test → its family, for `hierarchical`.
    primary : collection of str
        The declared tests, for `primary`.

    Raises
    ------
    ConfigError
        A correction that is not known.

    Examples
    --------
    >>> p = {"clean": 0.03, "a": 0.02, "b": 0.5, "c": 0.6}
    >>> adjust(p, "holm")["clean"], adjust(p, "primary", primary=["clean"])["clean"]
    (0.09, 0.03)
    >>> adjust({"x": 0.01, "y": 0.02, "z": 0.04}, "fdr")["y"]
    0.03
    """
    if correction not in get_args(Correction):
        known = get_args(Correction)
        hint = did_you_mean(correction, known) or ", ".join(known)
        raise ConfigError(f"no correction '{correction}'", hint=hint)
    if correction == "none":
        return dict(p_values)
    if correction == "fdr":
        return false_discovery(p_values)
    if correction == "hierarchical":
        return hierarchical(p_values, families or {})
    if correction == "primary":
        declared = holm({name: p for name, p in p_values.items() if name in primary})
        others = holm({name: p for name, p in p_values.items() if name not in primary})
        return {name: declared[name] if name in declared else others[name] for name in p_values}
    return holm(p_values)


def false_discovery(p_values: P) -> dict[str, float | None]:
    """Adjusted p-values of Benjamini and Hochberg (1995): of the calls below a level, this share is false on average.

    It holds where tests do not depend on each other or rise and fall together, as figures of the same clips do.

    Examples
    --------
    >>> {name: round(p, 4) for name, p in false_discovery({"a": 0.01, "b": 0.02, "c": 0.03, "d": 0.5}).items()}
    {'a': 0.04, 'b': 0.04, 'c': 0.04, 'd': 0.5}
    """
    known = sorted(((p, name) for name, p in p_values.items() if p is not None and np.isfinite(p)), reverse=True)
    adjusted: dict[str, float | None] = dict.fromkeys(p_values)
    lowest = 1.0
    for place, (p, name) in enumerate(known):
        lowest = min(lowest, p * len(known) / (len(known) - place))
        adjusted[name] = lowest
    return adjusted


def hierarchical(p_values: P, families: Mapping[str, str]) -> dict[str, float | None]:
    """Adjusted p-values where families are asked first, by Holm, and then the members of each by themselves.

    A family is called by its smallest p-value times its size. The level holds for families; within a family that is
    called it holds for its members. A test alone in its family does not pay for the size of another family.

    Examples
    --------
    >>> p = {"clean": 0.02, "dog": 0.03, "cat": 0.5, "cow": 0.6}
    >>> hierarchical(p, {"clean": "mean", "dog": "class", "cat": "class", "cow": "class"})["clean"]  # of two families
    0.04
    """
    members: dict[str, dict[str, float | None]] = {}
    for name, p in p_values.items():
        members.setdefault(families.get(name, name), {})[name] = p
    within = {family: holm(held) for family, held in members.items()}
    over = holm({family: _smallest(held) for family, held in within.items()})
    return {
        name: None if p is None else max(p, over[family] or 0.0)
        for family, held in within.items()
        for name, p in held.items()
    }


def words(correction: str, tests: int, primary: int = 0, families: int = 0, what: str = "families") -> str:
    """How tests were corrected, for people.

    Examples
    --------
    >>> words("holm", 12), words("primary", 12, primary=2)
    ('Holm over 12 tests', 'Holm over 2 declared primary tests, and over the 10 others by themselves')
    """
    return {
        "holm": f"Holm over {tests} tests",
        "primary": f"Holm over {primary} declared primary tests, and over the {tests - primary} others by themselves",
        "hierarchical": f"Holm over {families} {what} first, then over the tests within each; {tests} tests",
        "fdr": f"false discovery rate over {tests} tests, by Benjamini and Hochberg",
        "none": f"{tests} tests, uncorrected",
    }[correction]


def _smallest(held: Mapping[str, float | None]) -> float | None:
    known = [p for p in held.values() if p is not None]
    return min(known, default=None)
