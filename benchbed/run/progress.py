"""Progress on standard error: a bar on a terminal, a plain line now and then elsewhere, nothing with `--quiet`."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from benchbed.adapter.pulse import advance

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


#: Who follows the progress of runs in this process, the innermost last.
_followers: list[Callable[[float], None]] = []


@contextlib.contextmanager
def followed(follow: Callable[[float], None] | None) -> Iterator[None]:
    """Tell somebody which share of each run in the block is done, 0 to 1.

    Examples
    --------
    >>> with followed(lambda share: print(share)), Progress(4, "toy", quiet=True) as progress:
    ...     progress.advance(1)
    0.25
    """
    if follow is None:
        yield
        return
    _followers.append(follow)
    try:
        yield
    finally:
        _followers.pop()


#: What is shown by this process, the innermost last.
_shown: list[Progress] = []


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Show nothing in the block, whose time does not count: another process has the terminal.

    Examples
    --------
    >>> with Progress(4, "toy", quiet=True) as progress, paused():
    ...     time.sleep(0.01)
    >>> progress.waited >= 0.01
    True
    """
    began = time.monotonic()
    for each in _shown:
        each.hide()
    try:
        yield
    finally:
        for each in _shown:
            each.show(time.monotonic() - began)


class Progress:
    """Counts evaluations.

    Parameters
    ----------
    total : int
        Evaluations in all.
    title : str
        What is running.
    quiet : bool
        Say nothing.
    every : float
        Seconds between plain lines.
    """

    def __init__(self, total: int, title: str, *, quiet: bool = False, every: float = 10.0) -> None:
        self.total, self.title, self.quiet, self.every = total, title, quiet, every
        self.done = 0
        self._follow = _followers[-1] if _followers else None
        self.waited = 0.0
        """Seconds that it was paused."""
        self._bar: Bar | None = None
        self._last = self._began = time.monotonic()

    def __enter__(self) -> Progress:
        if not self.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self.title, total=self.total)
        _shown.append(self)
        return self

    def hide(self) -> None:
        """Leave the terminal to somebody else."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, seconds: float) -> None:
        """Come back after so many seconds that are not this run's."""
        self.waited += seconds
        self._began, self._last = self._began + seconds, self._last + seconds
        if self._bar is not None:
            self._bar.start()

    def advance(self, evaluations: int) -> None:
        """Count finished evaluations."""
        self.done += evaluations
        share = self.done / max(self.total, 1)
        advance(share)
        if self._follow is not None:
            self._follow(share)
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done)
        elif not self.quiet and time.monotonic() - self._last >= self.every:
            self._last = time.monotonic()
            left = (self._last - self._began) * (self.total - self.done) / max(self.done, 1)
            print(f"{self.title}: {self.done}/{self.total}, about {left:.0f} s left", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shown.remove(self)
        self.hide()
