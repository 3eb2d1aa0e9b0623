"""Where the programs and models lie that some caption metrics need: an option of the suite, else the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchbed.metrics.captions.outside import clap, fluency, sentences, spice

#: What can be given, by the name of its option.
OUTSIDE = {part.NAME: part for part in (spice, sentences, fluency, clap)}


@dataclass(frozen=True)
class Place:
    """A path, or why there is none that can be used.

    Attributes
    ----------
    path : Path, optional
        None where it cannot be used.
    why : str
        Why; empty where it can.
    given : bool
        Somebody named one.
    """

    path: Path | None
    why: str
    given: bool


def variable(name: str) -> str:
    """Environment variable of a part.

    Examples
    --------
    >>> variable("sentences")
    'BENCHBED_SENTENCES'
    """
    return f"BENCHBED_{name.upper()}"


def place(name: str, option: str | Path | None = None) -> Place:
    """Where a part is.

    Parameters
    ----------
    name : str
        Of `OUTSIDE`.
    option : path, optional
        What a suite says; else the environment.

    Examples
    --------
    >>> place("clap", "/nowhere").why
    'there is no /nowhere'
    """
    part = OUTSIDE[name]
    named = option or os.environ.get(variable(name))
    if not named:
        return Place(
            None, f"it needs {part.WHAT}; the option {name} of the metrics, or {variable(name)}, names it", False
        )
    path = Path(named).expanduser()
    why = part.fault(path) if path.exists() else f"there is no {path}"
    return Place(None if why else path.resolve(), why, True)
