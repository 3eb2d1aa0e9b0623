"""Errors a user can act on: what was wrong, where, and what to do next.

Every error benchbed raises on purpose is a `BenchbedError`. The command line prints it in one screen without a
traceback and leaves with its `exit_code`; a library user catches it as an ordinary exception.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BenchbedWarning(UserWarning):
    """Something the user should know that does not stop the work."""


class BenchbedError(Exception):
    """An error with a cause, a place and a cure.

    Parameters
    ----------
    what : str
        What was wrong, in one sentence.
    where : str, optional
        The place: `file:line:column` for YAML, a row for tables, a clip for audio.
    hint : str, optional
        What to do next.

    Examples
    --------
    >>> print(ConfigError("unknown metric 'acuracy'", where="suite.yaml:7:5", hint="did you mean 'accuracy'?"))
    unknown metric 'acuracy'
      at: suite.yaml:7:5
      try: did you mean 'accuracy'?
    """

    exit_code = 2

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint

    def __reduce__(self) -> tuple:
        # Keyword-only arguments do not survive the default pickling, which worker processes need.
        return _rebuild, (type(self), self.what, self.where, self.hint)

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  at: {self.where}")
        if self.hint:
            lines.append(f"  try: {self.hint}")
        return "\n".join(lines)


def _rebuild(kind: type[BenchbedError], what: str, where: str | None, hint: str | None) -> BenchbedError:
    return kind(what, where=where, hint=hint)


class ConfigError(BenchbedError):
    """A suite, option or flag that cannot be used as written (exit code 2)."""


class AdapterError(BenchbedError):
    """An adapter that cannot be loaded, or breaks its contract (exit code 2)."""


class CheckpointError(AdapterError):
    """Weights that are missing, unsafe to load, or do not fit the model (exit code 2)."""


class PackageError(BenchbedError):
    """A package that is not installed, or cannot be imported as it is installed (exit code 2)."""


class CannotMeasure(BenchbedError):
    """The question is well put but cannot be answered: failures over policy, too few clips (exit code 3)."""

    exit_code = 3


class DataError(CannotMeasure):
    """Data that are missing, incomplete or inconsistent, which no second try will mend (exit code 2)."""

    exit_code = 2


class DamagedError(DataError):
    """A file of benchbed's own that is not as it was written (exit code 2)."""


class AudioError(DataError):
    """One audio file that cannot be used; counted and listed, or fatal, by the run's error policy (exit code 2)."""


class UnforeseenError(BenchbedError):
    """An error that benchbed did not foresee, in the work on one of several models (exit code 70)."""

    exit_code = 70


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name that a word looks most like, or None.

    Examples
    --------
    >>> nearest("acuracy", ["accuracy", "log_loss"])
    'accuracy'
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Suggest the nearest known name, or None.

    Examples
    --------
    >>> did_you_mean("acuracy", ["accuracy", "log_loss"])
    "did you mean 'accuracy'?"
    """
    close = nearest(word, known)
    return f"did you mean '{close}'?" if close is not None else None
