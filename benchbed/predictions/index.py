"""`predictions.json`: which units of predictions a record is made of, each with its digest.

The folder of units may hold more: those of a run on all clips stay where a run with `--limit` follows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchbed.errors import DamagedError
from benchbed.seal import seal, unseal
from benchbed.whole import write_whole

#: Name of the file in a run folder, and of the folder that it is about.
NAME, FOLDER = "predictions.json", "predictions"
#: Version of the file layout.
FORMAT = 1

_AGAIN = "run the suite again; stored predictions are reused"


def write_index(digests: Mapping[str, str], run: Path) -> Path:
    """Write the index, whole or not at all.

    Parameters
    ----------
    digests : mapping of str to str
        Name of each unit's file, without its ending → its digest.
    run : Path
        Run folder.
    """
    path = run / NAME
    text = json.dumps({"format": FORMAT, "units": dict(sorted(digests.items()))}, indent=0)
    write_whole(path, seal(text).encode())
    return path


def indexed(run: Path) -> list[Path]:
    """Files of the units that the record of a run folder is made of; none where it has no index.

    Raises
    ------
    DamagedError
        The index is not as it was written, or a unit that it names is missing.
    """
    path = run / NAME
    if not path.is_file():
        return []
    units, _ = unseal(path.read_bytes(), path, again=_AGAIN)
    found = [run / FOLDER / f"{name}.parquet" for name in units["units"]]
    lost = [each for each in found if not each.is_file()]
    if lost:
        what = f"{len(lost)} of {len(found)} files of predictions are missing"
        raise DamagedError(what, where=str(lost[0]), hint=_AGAIN)
    return found
