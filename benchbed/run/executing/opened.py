"""Files that a model opens while it predicts: they belong to the predictions of that unit, and to those after it.

A model that reads a table at its first call and keeps it answers every later call from it. So a unit names what was
opened while it was computed, and what the same model had opened before it in this process.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchbed.adapter.contract import Adapter
from benchbed.adapter.digests import label

#: Files of earlier units that are named with a unit: a model that opens a file for every clip keeps none of them.
MOST = 1000

_before: dict[int, dict[str, str]] = {}


def opened_so_far(adapter: Adapter, now: Mapping[str, str], loaded_from: Iterable[Path], home: Path) -> dict[str, str]:
    """Files that predictions of a model rest on beside those it was loaded from, with their digests.

    Parameters
    ----------
    adapter : Adapter
    now : mapping of str to str
        What was opened for this unit: name, relative to `home` → digest.
    loaded_from : iterable of Path
        What the model was loaded from, which is in the name of the unit.
    home : Path
        The folder that files are named from.
    """
    key = id(adapter)
    if key not in _before:
        _before[key] = {}
        weakref.finalize(adapter, _before.pop, key, None)
    before, own = _before[key], {label(path, home) for path in loaded_from}
    mine = {name: digest for name, digest in now.items() if name not in own}
    found = {**before, **mine}
    before.update(itertools.islice(mine.items(), max(MOST - len(before), 0)))
    return found
