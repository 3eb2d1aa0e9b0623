"""What every run imports, at what it has to cost."""

from __future__ import annotations

import contextlib
import gc
import importlib
import weakref

#: What a run imports in any case.
ALWAYS = ("pandas", "pyarrow.parquet", "soundfile", "torch", "benchbed.api.one", "benchbed.run.session")


def load() -> None:
    """Import what a run needs in any case, for a process whose forks use it and end without taking it apart."""
    collected = gc.isenabled()
    gc.disable()  # a hundred thousand new objects, none of which goes away, would be looked through again and again
    try:
        for name in ALWAYS:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        _stay()
    finally:
        if collected:
            gc.enable()
    gc.freeze()  # what is imported stays: no collection has to touch it in every child


def _stay() -> None:
    """Leave torch's operators registered when a process ends.

    A process that leaves with `os._exit` has nobody who could call them afterwards, but taking 134 libraries of them
    out one by one costs each fork of this process 25 ms, mostly for pages that it has to copy first.
    """
    for finalizer in list(getattr(weakref.finalize, "_registry", ())):
        alive = finalizer.peek()
        if alive is not None and getattr(alive[1], "__module__", "") == "torch.library":
            finalizer.atexit = False
