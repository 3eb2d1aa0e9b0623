"""How much may go wrong: `--fail-on-error true|N|FRACTION`, and `--reuse missing|always|never|only`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from benchbed.errors import ConfigError


class Reuse(StrEnum):
    """What to do with predictions that a folder already holds."""

    MISSING = "missing"
    """Use those whose key fits, compute the rest."""
    ALWAYS = "always"
    """Use also those made by other versions of the code; the record says so."""
    NEVER = "never"
    """Compute everything anew."""
    ONLY = "only"
    """Compute nothing; a missing prediction is an error."""


@dataclass(frozen=True)
class ErrorPolicy:
    """Failures that a run tolerates.

    Attributes
    ----------
    count : int or None
        At most so many failed predictions.
    fraction : float or None
        At most this share of all predictions.

    Examples
    --------
    >>> ErrorPolicy.parse("0.01").exceeded(3, 200), ErrorPolicy.parse("5").exceeded(3, 200)
    (True, False)
    >>> ErrorPolicy.parse("true").fail_fast
    True
    """

    count: int | None = None
    fraction: float | None = None

    @property
    def fail_fast(self) -> bool:
        """Nothing is tolerated: stop at the first failure."""
        return self.count == 0

    @classmethod
    def parse(cls, text: str) -> ErrorPolicy:
        """Read the flag: `true` (stop at the first), a whole number, or a fraction below 1."""
        word = text.strip().lower()
        if word == "true":
            return cls(count=0)
        try:
            if word.isdigit():
                return cls(count=int(word))
            value = float(word)
        except ValueError:
            value = -1.0
        if not 0 <= value < 1:
            raise ConfigError(
                f"--fail-on-error {text}: not understood",
                hint="true (stop at the first), a number of clips, or a fraction such as 0.01",
            )
        return cls(fraction=value)

    def exceeded(self, failed: int, total: int) -> bool:
        """Whether so many failures are more than the policy allows."""
        if self.count is not None:
            return failed > self.count
        return failed > (self.fraction or 0.0) * total

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{(self.fraction or 0):g} of all clips"
