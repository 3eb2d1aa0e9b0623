"""What was found about many runs, kept in the cache folder under everything that it depends on.

That is the digests of the records (which hold those of their sums), their places, which sums lie there still, the
procedure, and our own code. What is asked again of the same runs is then read; the folder may be emptied at any time. A
file repeats its own name, so that one that was copied to another's place is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchbed.cache import cache_folder, recall, remember
from benchbed.code import closure
from benchbed.compare.answer import Procedure
from benchbed.results.find import Whereabouts
from benchbed.results.record import Result
from benchbed.results.statistics import NAME as SUMS

#: Files of one kind that are kept, some hundred kilobytes each at most.
KEPT = 200


def place_of(kind: str, module: str, runs: Sequence[tuple[Path, Result]], procedure: Procedure) -> Path | None:
    """Where the answer about runs is kept; None where it depends on more than can be known beforehand.

    Parameters
    ----------
    kind : str
        What was asked, and the folder of its answers.
    module : str
        Dotted name of the module that answers.
    runs : sequence of (Path, Result)
        The runs in the order in which they are asked about.
    procedure : Procedure
        How.
    """
    whereabouts = Whereabouts()
    known = [(str(whereabouts.of(path)), result.digest, _sums(path)) for path, result in runs]
    if procedure.swapper is not None or not all(result.digest for _, result in runs):
        return None
    depends = json.dumps([known, repr(procedure), closure(module).digest])
    return cache_folder() / kind / f"{hashlib.blake2b(depends.encode(), digest_size=16).hexdigest()}.json"


def _sums(path: Path) -> list[int] | None:
    """Size and time of a run's sums; None where somebody has taken them away, without which nothing is compared."""
    folder = path if path.is_dir() else path.parent
    try:
        found = os.stat(folder / SUMS)
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def board_place(kind: str, module: str, ending: str, *of: object) -> Path:
    """Where what is known of the runs of a board is kept, whichever they are.

    Parameters
    ----------
    kind : str
        What was asked, and the folder of its answers.
    module : str
        Dotted name of the module that answers.
    ending : str
        Ending of the file's name.
    *of : object
        What tells the board from others; JSON.
    """
    depends = json.dumps([*of, closure(module).digest])
    return cache_folder() / kind / f"{hashlib.blake2b(depends.encode(), digest_size=16).hexdigest()}.{ending}"


def kept(place: Path | None) -> dict[str, Any]:
    """What was found before; empty where nothing was.

    Examples
    --------
    >>> kept(None), kept(Path("nowhere.json"))
    ({}, {})
    """
    if place is None:
        return {}
    held = recall(place)
    found = held.get("found")
    return found if held.get("of") == _name(place) and isinstance(found, dict) else {}


def keep(place: Path | None, made: Mapping[str, Any], most: int = KEPT) -> None:
    """Keep what was found, and drop what was written first beyond so many files."""
    if place is None:
        return
    # A cache that cannot be written, or is full, only costs time.
    with contextlib.suppress(OSError):
        remember(place, {"of": _name(place), "found": dict(made)})
        held = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for path in held[:-most]:
            path.unlink(missing_ok=True)


def _name(place: Path) -> str:
    """What was asked, and of what; the same runs are asked about in several folders."""
    return f"{place.parent.name}/{place.name}"
