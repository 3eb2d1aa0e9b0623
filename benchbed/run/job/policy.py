"""How much may go wrong: `--fail-on-error true|N|FRACTION`, and `--reuse missing|always|never|only`."""

from __future__ import annotations

from collections.abc import Sequence
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
class Tally:
    """What became of the clips of one cell.

    Attributes
    ----------
    cell : str
        Its key.
    failed, clips : int
        Clips without a prediction, of how many.
    """

    cell: str
    failed: int
    clips: int

    def __str__(self) -> str:
        return f"{self.failed} of {self.clips} clips of {self.cell}"


@dataclass(frozen=True)
class ErrorPolicy:
    """Failures that a run tolerates.

    A share holds for every cell by itself: one per cent of a run may be a seventh of one of its cells, whose figure is
    then about the clips that were easy to load.

    Attributes
    ----------
    count : int or None
        At most so many failed clips, over all cells.
    fraction : float or None
        At most this share of the clips of each cell.

    Examples
    --------
    >>> tallies = [Tally("scene/test/clean", 0, 200), Tally("scene/test/gain@1", 3, 200)]
    >>> [str(t) for t in ErrorPolicy.parse("0.01").exceeded(tallies)], ErrorPolicy.parse("5").exceeded(tallies)
    (['3 of 200 clips of scene/test/gain@1'], [])
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

    def exceeded(self, tallies: Sequence[Tally]) -> list[Tally]:
        """The cells that lost more clips than the policy allows, the worst first."""
        lost = sorted((t for t in tallies if t.failed), key=lambda t: -t.failed / max(t.clips, 1))
        if self.count is not None:
            return lost if sum(t.failed for t in lost) > self.count else []
        return [t for t in lost if t.failed > (self.fraction or 0.0) * t.clips]

    def __str__(self) -> str:
        return str(self.count) if self.count is not None else f"{(self.fraction or 0):g} of the clips of each cell"
