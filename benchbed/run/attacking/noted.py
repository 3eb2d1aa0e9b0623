"""What the units of an attack note for its sanity checks, kept with their predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


class Noted(TypedDict):
    """A fact for one check; those of all units are put together when a run is scored.

    Attributes
    ----------
    check : str
        Its name.
    n, bad : int
        Clips looked at, and those of them that it is about.
    worst : float
        The greatest amount among them, in the check's own unit.
    cell : str or None
        Key of the budget that it is about; None for what counts for all budgets of the condition.
    text : str
        What else is to be said.

    Examples
    --------
    >>> Noted(check="budget", n=8, bad=0, worst=0.001, cell="scene/test/pgd@1", text="")["n"]
    8
    """

    check: str
    n: int
    bad: int
    worst: float
    cell: str | None
    text: str


@dataclass(frozen=True)
class FactSum:
    """Facts of one check over all units.

    Attributes
    ----------
    n, bad : int
        Clips looked at, and those of them that it is about.
    worst : float
        The greatest amount of any unit.
    text : str
        What they say besides.
    most : int
        The greatest `n` of any unit.
    """

    n: int
    bad: int
    worst: float
    text: str
    most: int = 0
