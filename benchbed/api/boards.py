"""Static pages from runs, from Python."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.run import Run
from benchbed.api.runs import paths_of
from benchbed.results.find import find_results
from benchbed.threads import one_thread

if TYPE_CHECKING:
    from benchbed.results.record import Result


@one_thread
def leaderboard(
    runs: str | Path | Run | Sequence[str | Path | Run],
    out: str | Path = "leaderboard",
    *,
    title: str = "Leaderboard",
    references: Sequence[str | Path] | None = None,
    comparisons: Sequence[str | Path] = (),
    ranks: bool = True,
    records: bool = False,
    compare: bool = True,
    told: Callable[[str], None] = lambda line: None,
) -> Path:
    """Build static pages from runs.

    Parameters
    ----------
    runs : Run, path, pattern, or list of them
    out : str or Path
        Folder of the pages. Those that an earlier board left there of runs that are not among these go, unless somebody
        changed them.
    title : str
        Heading of the first page.
    references : sequence of path, optional
        Files of published figures, or `["none"]` for none; by default those that come with benchbed.
    comparisons : sequence of path
        Files that `Compared.save` wrote; a page each.
    ranks : bool
        Rank runs by paired bootstrap draws.
    records : bool
        Put an Every Eval Ever record beside the page of each run.
    compare : bool
        Compare the models of every suite with each other, a page each; done only where ranks are.
    told : callable
        Is called with a line for each board whose models could not be compared.

    Returns
    -------
    Path
        The first page.

    Examples
    --------
    >>> import benchbed as bb
    >>> bb.leaderboard(bb.load("runs/**"), "site")  # doctest: +SKIP
    """
    from benchbed.compare.boards import board_comparisons
    from benchbed.compare.defences import defence_tables
    from benchbed.compare.families import families_of
    from benchbed.compare.foretelling import foretelling
    from benchbed.compare.ranking import ranks_of
    from benchbed.report.leaderboard import write_leaderboard
    from benchbed.report.namesakes import apart
    from benchbed.results.comparison import read_comparison
    from benchbed.results.find import earlier_records
    from benchbed.results.reference import asked_references

    with _lasting() as lasting:
        opened = records_of(runs, summary=True)
        lasting()
        shown = asked_references(references)
        compared, reasons = board_comparisons(opened) if compare and ranks else ([], [])
        for line in reasons:
            told(f"not compared: {line}")
        pages = write_leaderboard(
            opened,
            Path(out),
            ranks=ranks_of(opened) if ranks else None,
            families=families_of([result for _, result in apart(opened)[0]]),
            references=shown,
            comparisons=[*(read_comparison(Path(path)) for path in comparisons), *compared],
            earlier=[old for path, _ in opened for old in earlier_records(path)],
            records=records,
            title=title,
            foretell=foretelling if ranks else None,
            defences=defence_tables(apart(opened)[0]) if ranks else (),
        )
        return pages[0]


@contextmanager
def _lasting() -> Iterator[Callable[[], None]]:
    """Objects that are made before what it gives is called last until the end, so that no collection looks through
    them: of a thousand records none goes away before the last page stands."""
    collects, frozen = gc.isenabled(), gc.get_freeze_count()
    gc.disable()

    def lasting() -> None:
        if collects:
            gc.freeze()
            gc.enable()

    try:
        yield lasting
    finally:
        if collects:
            gc.enable()
            if not frozen:  # what others froze stays as it is
                gc.unfreeze()


def records_of(
    runs: str | Path | Run | Sequence[str | Path | Run], *, summary: bool = False
) -> list[tuple[Path, Result]]:
    """Paths and records of runs, in whatever form they are given; what boards ask of them where that is enough."""
    given = [runs] if isinstance(runs, (str, Path, Run)) else [*runs]
    found: dict[Path, Result] = {}
    for run in given:
        if isinstance(run, Run):
            found.setdefault(run.path.resolve() / "result.json", run.result)
        else:
            for path, result in find_results(paths_of(str(run)), summary=summary):
                found.setdefault(path, result)
    return list(found.items())
