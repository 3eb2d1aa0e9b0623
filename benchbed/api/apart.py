"""Calls about a model in a process of its own, so that one that crashes, hangs or leaks is one error and no more."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from benchbed.errors import ConfigError

if TYPE_CHECKING:
    from benchbed.run.job.limits import Limits

Made = TypeVar("Made")

_OFF, _ON = ("0", "false", "no", "off", "n", "f"), ("", "1", "true", "yes", "on", "y", "t")


def wanted(isolate: bool | None) -> bool:
    """Whether models get processes of their own: as it was asked, else as `BENCHBED_ISOLATE` says, else yes.

    Raises
    ------
    ConfigError
        The variable is no yes and no no.

    Examples
    --------
    >>> wanted(False), wanted(True)
    (False, True)
    """
    if isolate is not None:
        return isolate
    word = os.environ.get("BENCHBED_ISOLATE", "").strip().lower()
    if word not in (*_ON, *_OFF):
        raise ConfigError(f"BENCHBED_ISOLATE={word}: not understood", hint="1 or 0")
    return word not in _OFF


def apart(name: str, call: Callable[[], Made], *, isolate: bool, limits: Limits | None = None) -> Made:
    """What a call about a model gives, made in a process of its own.

    Parameters
    ----------
    name : str
        Of the model, for errors.
    call : callable
        A `functools.partial` of a function of benchbed; it and its result are what pickle can send.
    isolate : bool
        Else the call is made here.
    limits : Limits, optional
        What the process may take.

    Raises
    ------
    BenchbedError
        What the call raised, or why the process ended.

    Examples
    --------
    >>> from functools import partial
    >>> apart("a toy", partial(divmod, 7, 2), isolate=False)
    (3, 1)
    """
    if not isolate:
        return call()
    from benchbed.run.isolating.process import alone
    from benchbed.run.job.limits import Limits

    return alone(name, limits or Limits(), call)
