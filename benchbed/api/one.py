"""One model of a command from its suite to its page, in whatever process that is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.api.asked import AskedModel
from benchbed.api.run import Run

if TYPE_CHECKING:
    from benchbed.run.session import Finished, Prepared, Settings
    from benchbed.suite.load import LoadedSuite


@dataclass(frozen=True)
class OnDisk:
    """A run that is on disk, as another process is told of it.

    Attributes
    ----------
    name : str
        Of the model, in tables.
    path : Path
        Of its record.
    reused : tuple of int
        Units that were there already, and all units.
    over : tuple of str
        Cells that lost more clips than the policy allows.
    """

    name: str
    path: Path
    reused: tuple[int, int]
    over: tuple[str, ...]

    def opened(self) -> Run:
        """The run for a Python user."""
        run = Run(self.path)
        run.reused, run.exceeded, run.over = self.reused, bool(self.over), self.over
        return run


@dataclass
class _Open:
    """A model that this process has run, and may be asked about again."""

    prepared: Prepared
    finished: Finished
    report: bool
    listen: int | None


_open: dict[str, _Open] = {}


def run_one(
    key: str,
    loaded: LoadedSuite,
    one: AskedModel,
    settings: Settings,
    report: bool,
    listen: int | None,
    first: bool,
    ready: Callable[[Prepared], None] | None = None,
) -> Iterator[str | OnDisk]:
    """Run a suite on one model and write its page.

    Parameters
    ----------
    key : str
        Under which this process keeps the model for `compared` until `forget`.
    report : bool
        Write the page.
    listen : int or None
        Clips worth hearing to keep; as many as the data's licence suggests by default.
    first : bool
        Nothing has been said of the data yet.
    ready : callable, optional
        Is given the run when it is prepared.

    Yields
    ------
    str or OnDisk
        Lines that a person should read, as they come; at last what is on disk.
    """
    from benchbed.run import session
    from benchbed.run.collecting import seldom_collected

    with seldom_collected():
        prepared = session.prepare(loaded, one.spec, one.options, settings)  # type: ignore[arg-type]
    if first and prepared.source.banner:
        yield prepared.source.banner
    yield from prepared.place.said
    if ready is not None:
        ready(prepared)
    finished = session.run(prepared, settings, one.options)
    yield from finished.said
    _open[key] = _Open(prepared, finished, report, listen)
    yield from _page(_open[key], ())
    name = finished.result.model.name
    yield OnDisk(name, finished.path, (finished.reused, len(prepared.units)), tuple(map(str, finished.over)))


def compared(key: str, others: Sequence[OnDisk]) -> Iterator[str]:
    """Write the page of a model again, now that it is known where others disagree with it."""
    yield from _page(_open[key], others)


def forget(key: str) -> None:
    """Let go of a model."""
    _open.pop(key, None)


def _page(opened: _Open, others: Sequence[OnDisk]) -> Iterator[str]:
    from benchbed.run.collecting import seldom_collected
    from benchbed.run.journal import Journal
    from benchbed.run.showing.listening import keep, lies_there

    done, listen = opened.finished, opened.listen
    names = [(other.name, other.path.parent) for other in others]
    count = 6 if listen is None else listen
    noted = {"basis": done.basis, "count": count, "others": [name for name, _ in names]}
    if not (done.stands and not others and lies_there(opened.prepared.folder, noted)):
        with seldom_collected():
            said: list[str] = []
            why_not = keep(opened.prepared, done.result, count, names, done.stored, said.append)
        if not others:
            yield from said
        if done.basis is not None:
            Journal(opened.prepared.folder).write("listening", **noted)
        if why_not and listen and not others:
            yield why_not
    if opened.report:
        with seldom_collected():
            Run.written(done.path, done.result).report()
