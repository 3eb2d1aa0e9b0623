"""Names of Python and numpy to which a model's code gives another meaning: there in its calls, gone for all others.

A model may replace `open`, `np.load` or `np.mean`, itself or by a package that does. Our code computes, reads and
writes by the same names, so that a figure could be another one and nothing would say so. Whoever replaces one mostly
means it for himself: it is put back after each call, and is there again in the next one.

Looked at are the modules that everything here stands on, and not all that there are, which would take as long as a
small model does. What is replaced in others, or in classes, stays as it is, and so do names that are added. Members of
an ensemble are one model here, and see what another one of them replaced.
"""

from __future__ import annotations

import builtins
import io
import json
import math
import os
import pathlib
import random
import sys
import time
from typing import Any, ClassVar

import numpy as np

#: What a model's code gave another meaning: module and name → what it stands for, or `GONE`.
Replaced = dict[tuple[str, str], Any]


class ModelsAlone:
    """Whether nobody but a model's code replaces names in this process, as in one that the command made for it.

    Elsewhere a debugger, a test or the user's own program may, between two calls of a model, and keeps what it did.
    """

    here: ClassVar[bool] = False


class _Gone:
    """Stands for a name that was taken away."""

    def __reduce__(self) -> str:
        return "GONE"


#: In place of what a name stands for that was deleted.
GONE = _Gone()
_NONE: Replaced = {}

#: Names that are no part of what they belong to: they hold what happens to be so.
_STATE = frozenset(
    ("stdin", "stdout", "stderr", "last_exc", "last_type", "last_value", "last_traceback", "argv", "ps1", "ps2")
)
#: Private names that code asks for without writing them.
_UNWRITTEN = ("__import__", "__build_class__")
_Error = Exception


def _owners() -> tuple[Any, ...]:
    """Whose names are looked at; those that looking itself needs come first."""
    return (
        *(builtins, sys, os, os.path, io, time, pathlib.Path, json, math, random),
        *(np, np.random, np.fft, np.linalg),
    )


class _Names:
    """The names of one module or class, and what they stand for where no model is at work."""

    def __init__(self, owner: Any) -> None:
        self.title = owner.__name__
        self._owner = owner
        self._there: Any = vars(owner)
        self.values = self._there.values
        self.usual: list[Any] = []
        self._known: dict[str, Any] = {}

    def take(self) -> None:
        """Hold what is there now for the usual."""
        self.usual = [*self.values()]
        self._known = {
            name: value
            for name, value in self._there.items()
            if (name[0] != "_" or name in _UNWRITTEN) and name not in _STATE
        }

    def put(self, name: str, value: Any) -> None:
        """Have a name stand for something, or for nothing."""
        # By the dictionary of a module, since the functions that would do it may have been replaced.
        there = self._there
        plain = there.__class__ is _Dict
        if value is not GONE:
            there.__setitem__(name, value) if plain else _assign(self._owner, name, value)
        elif name in there:
            there.__delitem__(name) if plain else _delete(self._owner, name)

    def put_back(self, found: Replaced) -> None:
        """Have each name stand for what it usually does; adds what it stood for to `found`."""
        for name, usual in self._known.items():
            now = self._there.get(name, GONE)
            if now is not usual:
                found[self.title, name] = now
                self.put(name, usual)
        if [*self.values()] != self.usual:  # something was added, or its order is another one
            self.take()


_Dict, _assign, _delete = dict, type.__setattr__, type.__delattr__
#: Filled when the first model is about to run: parts of numpy are imported for it.
_all: list[_Names] = []
_by_title: dict[str, _Names] = {}
#: Blocks that are open, one in the other.
_depth = 0


def begin(kept: Replaced | None = None) -> None:
    """Let code of a model run from here on to `end`, which finds what it had replaced before.

    Parameters
    ----------
    kept : dict
        What `end` gave of the same model.
    """
    global _depth
    if not _all:
        _all.extend(map(_Names, _owners()))
        _by_title.update((each.title, each) for each in _all)
    if _depth == 0:
        # While a model is loaded `__import__` is ours, also where it is alone.
        for each in _moved(_all[:1] if ModelsAlone.here and _all[-1].usual else _all):
            each.take()
    _depth += 1
    for (owner, name), value in (kept or _NONE).items():
        _by_title[owner].put(name, value)


def end() -> Replaced:
    """Put back what was replaced since `begin`, unless that was within another one; gives what was.

    Examples
    --------
    >>> usual = math.floor
    >>> begin()
    >>> math.floor = round
    >>> found = end()
    >>> math.floor is usual, list(found)
    (True, [('math', 'floor')])
    >>> begin(found)
    >>> math.floor is round
    True
    >>> end() == found, math.floor is usual
    (True, True)
    """
    global _depth
    _depth -= 1
    if _depth or not (moved := _moved(_all)):
        return _NONE
    found: Replaced = {}
    for each in moved:
        each.put_back(found)
    return found


def _moved(among: list[_Names]) -> list[_Names]:
    """Those of which some name does not stand for the usual."""
    try:
        return [each for each in among if [*each.values()] != each.usual]
    except _Error:  # what cannot be compared is another one
        return among
