"""Where the programs and models lie that some caption metrics need: an option of the suite, else the environment."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchbed.metrics.captions.outside import clap, fluency, sentences, spice

#: What can be given, by the name of its option.
OUTSIDE = {part.NAME: part for part in (spice, sentences, fluency, clap)}


@dataclass(frozen=True)
class PartPlace:
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

    @property
    def identity(self) -> str:
        """Who a model is, for the rule of what it scores: its folder's name, and a hash of its weights.

        Examples
        --------
        >>> PartPlace(None, "needs a model", False).identity
        'no-model'
        """
        return "no-model" if self.path is None else f"{_plain(self.path.name)}@{_content(self.path)}"


def _plain(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name)


def _content(path: Path) -> str:
    files = sorted(held for held in path.glob("*") if held.suffix in (".safetensors", ".bin", ".ckpt"))
    return _digest(tuple((str(held), held.stat().st_size, held.stat().st_mtime_ns) for held in files))


@lru_cache(maxsize=16)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    # By content: a folder may be called anything. Size and time tell when it must be read again.
    held = hashlib.blake2b(digest_size=4)
    for name, _, _ in files:
        with Path(name).open("rb") as file:
            while block := file.read(1 << 22):
                held.update(block)
    return held.hexdigest()


def variable(name: str) -> str:
    """Environment variable of a part.

    Examples
    --------
    >>> variable("sentences")
    'BENCHBED_SENTENCES'
    """
    return f"BENCHBED_{name.upper()}"


def place(name: str, option: str | Path | None = None) -> PartPlace:
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
        return PartPlace(None, f"needs {part.TITLE}: option {name}, or {variable(name)}", False)
    path = Path(named).expanduser()
    why = part.fault(path) if path.exists() else f"there is no {path}"
    return PartPlace(None if why else path.resolve(), why, True)
