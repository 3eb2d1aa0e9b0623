"""How far a figure is from breaking its rule: one number, and what is known about the chance in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Slack:
    """Distance from breaking a rule; negative is broken.

    Attributes
    ----------
    point : float
        The distance as it is.
    p_broken : float or None
        p-value that the rule is not broken: small shows that it is. None where chance is not known.
    p_kept : float or None
        p-value that it is not kept: small shows that it is.
    error : float or None
        Standard error of the distance.
    how : str
        How chance was treated.
    strict : bool
        A distance of zero is broken.
    facts : dict
        Numbers for programs.

    Examples
    --------
    >>> Slack(0.0).broken, Slack(0.0, strict=True).broken
    (False, True)
    """

    point: float
    p_broken: float | None = None
    p_kept: float | None = None
    error: float | None = None
    how: str = "as it is"
    strict: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def broken(self) -> bool:
        """The figures as they are break the rule."""
        slack = 1e-9 * max(1.0, abs(self.point))
        return self.point <= slack if self.strict else self.point < -slack
