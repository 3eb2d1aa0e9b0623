"""What follows from benchbed's own files alone, made once for as long as none of them changes.

Which modules a computation can import, and the digest of all sources, are asked for in every run, and take longer to
find than a thousand sizes and times take to look at.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from benchbed.cache import cache_folder, recall, remember

PACKAGE = Path(__file__).resolve().parent


class Known:
    """What follows from our files alone, for one state of them; kept on disk, one table for each installation."""

    known: ClassVar[dict[str, Any] | None] = None
    fresh: ClassVar[bool] = False

    @classmethod
    def table(cls) -> dict[str, Any]:
        if cls.known is None:
            held = recall(cls.place())
            cls.known = held if held.get("state") == state_of(PACKAGE) else {"state": state_of(PACKAGE)}
        return cls.known

    @staticmethod
    def place() -> Path:
        # Syntax trees are those of one version of Python.
        named = f"{PACKAGE}\0{sys.version_info[:2]}".encode()
        return cache_folder() / f"closures-{hashlib.blake2b(named, digest_size=6).hexdigest()}.json"


@lru_cache(maxsize=8)
def state_of(package: Path) -> str:
    """Names, sizes and times of all files of a package: the change time moves with every write, and with every move."""
    digest, been = hashlib.blake2b(digest_size=16), set[tuple[int, int]]()
    # Python imports from a folder that is a link, too; one that leads back to where it lies is looked at once.
    for folder, below, names in os.walk(package, followlinks=True):
        here = os.stat(folder)
        if (here.st_dev, here.st_ino) in been:
            below.clear()
            continue
        been.add((here.st_dev, here.st_ino))
        below[:] = sorted(name for name in below if name != "__pycache__")
        for name in sorted(name for name in names if name.endswith(".py")):
            said = f"{folder}/{name}\0"
            with contextlib.suppress(FileNotFoundError):  # the lock of an editor is a link to nowhere
                found = os.stat(f"{folder}{os.sep}{name}")
                said += f"{found.st_size},{found.st_mtime_ns},{found.st_ctime_ns},{found.st_ino};"
            digest.update(said.encode(errors="surrogateescape"))
    return digest.hexdigest()


def of_our_files(name: str, make: Callable[[], Any]) -> Any:
    """What follows from the files of benchbed alone, made once for as long as none of them changes.

    Parameters
    ----------
    name : str
        What it is.
    make : callable
        Gives it, as what JSON can hold.

    Examples
    --------
    >>> of_our_files("an example of two", lambda: [1, 2])
    [1, 2]
    """
    table = Known.table()
    if name not in table:
        table[name] = make()
        Known.fresh = True
    return table[name]


def keep_known() -> None:
    """Write what was newly found of our files, where that can be written."""
    if Known.fresh:
        Known.fresh = False
        with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not truth
            remember(Known.place(), Known.table())
