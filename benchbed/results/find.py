"""Finding the records that a user means by a list of paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchbed.errors import BenchbedError, ConfigError
from benchbed.results.columns import Shared
from benchbed.results.record import Result
from benchbed.results.store import read
from benchbed.results.summary import read_summary


def find_results(places: Sequence[Path], *, summary: bool = False) -> list[tuple[Path, Result]]:
    """Records in result files, run folders, and folders that hold runs; earlier records in `history/` are left out.

    Parameters
    ----------
    places : sequence of Path
    summary : bool
        What boards ask of a record (`benchbed.results.summary`) is enough.

    Raises
    ------
    ConfigError
        A place holds no record, or a record cannot be read.
    DamagedError
        A record is not as it was written.
    """
    found: dict[Path, Result] = {}
    shared, whereabouts = Shared(later=True), Whereabouts()
    for home in places:
        if home.is_file():
            paths = [home]
        else:
            paths = [p for p in sorted(home.rglob("result.json")) if "history" not in p.relative_to(home).parts]
        if not paths:
            raise ConfigError("no result.json here", where=str(home), hint="give run folders or result files")
        for path in paths:
            place = whereabouts.of(path)
            if place not in found:
                found[place] = read_summary(path, shared) if summary else read(path)
    return list(found.items())


class Whereabouts:
    """Where files really are: of many in the same folders, links on the way are looked for once.

    Examples
    --------
    >>> Whereabouts().of(Path(".")) == Path(".").resolve()
    True
    """

    def __init__(self) -> None:
        self._folders: dict[Path, Path] = {}

    def of(self, path: Path) -> Path:
        """The path without links, as `Path.resolve` gives it."""
        if not path.name or ".." in path.parts or path.is_symlink():
            return path.resolve()
        folder = path.parent
        if folder not in self._folders:
            self._folders[folder] = self.of(folder)
        return self._folders[folder] / path.name


def earlier_records(path: Path) -> list[tuple[Path, Result]]:
    """Records that a run folder held before the present one, oldest first.

    Parameters
    ----------
    path : Path
        The present record, or its folder.
    """
    folder = path if path.is_dir() else path.parent
    found = []
    shelf = folder / "history"
    held = [*shelf.glob("[!.]*.json"), *shelf.glob("[!.]*/record.json")]
    for old in sorted(held, key=lambda path: path.relative_to(shelf)):
        try:
            found.append((old, read(old)))
        except BenchbedError:
            # A record of an older schema, or without a digest, cannot stand beside today's; it stays on disk.
            continue
    return found
