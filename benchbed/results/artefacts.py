"""Files beside a record, and their digests, by which the record names what it was made from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchbed.errors import DataError
from benchbed.results.record import Result
from benchbed.results.statistics import AGAIN, NAME, Statistics, read_statistics
from benchbed.seal import digest


def naming(result: Result, folder: Path, names: Iterable[str], **more: str) -> Result:
    """The record with the digests of the files that are there.

    Parameters
    ----------
    folder : Path
        Folder of the files.
    names : iterable of str
        Their names.
    **more : str
        Name → digest of what lies elsewhere.
    """
    held = {name: digest((folder / name).read_bytes()) for name in names if (folder / name).is_file()}
    provenance = result.provenance.model_copy(update={"artefacts": {**more, **held}})
    return result.model_copy(update={"provenance": provenance})


def statistics_of(
    result: Result,
    folder: Path,
    *,
    cells: Callable[[str], bool] = lambda key: True,
    scores: Callable[[str], bool] = lambda name: True,
) -> Statistics:
    """The sums that a record names, from the folder that holds both; of the cells and figures that are wanted.

    Raises
    ------
    DamagedError
        The file is missing or not the one that the record names.
    DataError
        The record names none.
    """
    expected = result.provenance.artefacts.get(NAME)
    if expected is None:
        raise DataError(f"the record names no {NAME}", where=str(folder), hint=AGAIN)
    return read_statistics(folder / NAME, expected, cells=cells, scores=scores)
