"""Several runs as one list, and those that came to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api import tables
from benchbed.api.run import Run
from benchbed.errors import BenchbedError, ConfigError

if TYPE_CHECKING:
    import pandas as pd


class Runs(list[Run]):
    """Runs in the order they were asked for, with one table of all their figures.

    Attributes
    ----------
    errors : dict of str to BenchbedError
        Model → why it has no run, where one of several failed; the others are here all the same.
    """

    def __init__(self, runs: Iterable[Run] = (), errors: Mapping[str, BenchbedError] | None = None) -> None:
        super().__init__(runs)
        self.errors = dict(errors or {})

    def figures(self) -> pd.DataFrame:
        """One row per figure of every run; the column `model` tells them apart."""
        return tables.figures_table([run.result for run in self])

    def cells(self) -> pd.DataFrame:
        """One row per cell of every run."""
        return tables.cells_table([run.result for run in self])

    def __repr__(self) -> str:
        failed = [f"<no run of {name}: {error}>" for name, error in self.errors.items()]
        return "[" + ",\n ".join([*(repr(run) for run in self), *failed]) + "]"

    def _repr_html_(self) -> str:
        from html import escape

        failed = "".join(f"<p>No run of <b>{escape(n)}</b>: {escape(str(e))}</p>" for n, e in self.errors.items())
        return "".join(run._repr_html_() for run in self) + failed


def load(places: str | Path | Sequence[str | Path]) -> Runs:
    """Open runs that are on disk.

    Parameters
    ----------
    places : str, Path, or sequence of them
        Run folders, result files, folders that hold runs, or patterns such as `runs/**`. Earlier records in `history/`
        are left out.

    Raises
    ------
    ConfigError
        A place holds no run, or a record cannot be read.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.load("runs/**").figures()  # doctest: +SKIP
    """
    from benchbed.results.find import find_results

    opened: dict[Path, Run] = {}
    for place in [places] if isinstance(places, (str, Path)) else places:
        for path in paths_of(str(place)):
            for record, _ in find_results([path]):
                opened.setdefault(record, Run(record))
    return Runs(opened.values())


def paths_of(place: str) -> list[Path]:
    """Run folders, result files or folders of runs that a place or a pattern means."""
    if not has_magic(place) or Path(place).exists():
        path = Path(place)
        if not path.exists():
            raise ConfigError("no run here", where=place, hint="a run folder, a result.json, or a pattern of them")
        return [path]
    matches = [Path(match) for match in sorted(glob(place, recursive=True))]
    records = [path for path in matches if path.name == "result.json" and "history" not in path.parts]
    folders = [path for path in matches if path.is_dir() and (path / "result.json").is_file()]
    if not records and not folders:
        raise ConfigError(f"no run like '{place}'", hint="a pattern of run folders or result files, e.g. runs/**")
    return [*folders, *records]
