"""How far a run is, as it is shown and as others are told."""

from __future__ import annotations

import contextlib
import time
from functools import partial

from benchbed.run import progress
from benchbed.run.isolating.process import Isolated, parts
from benchbed.run.job.limits import Limits
from benchbed.run.progress import Progress, followed


def test_the_innermost_follower_is_told_of_runs_that_begin_in_its_block(capsys):
    told: list[float] = []
    outer = Progress(10, "all", quiet=True)
    with followed(told.append):
        with Progress(4, "one", quiet=True) as inner:
            inner.advance(1)
            outer.advance(5)  # it began before
            inner.advance(3)
        with followed(None):
            Progress(0, "nothing", quiet=True).advance(0)
    Progress(2, "later", quiet=True).advance(1)
    assert told == [0.25, 1.0, 0.0]
    assert capsys.readouterr().err == ""


def test_without_a_terminal_a_line_comes_now_and_then(capsys):
    with Progress(4, "toy", every=0.0) as progress:
        progress.advance(1)
    assert capsys.readouterr().err.startswith("toy: 1/4, about ")


def working(steps: int):
    with Progress(steps, "toy", quiet=True) as progress:
        for _ in range(steps):
            time.sleep(0.4)
            progress.advance(1)
    yield "done"


def test_another_process_tells_how_far_it_is():
    told: list[float] = []
    with contextlib.closing(Isolated("toy", Limits())) as process:
        assert list(parts(process, partial(working, 4), told.append)) == ["done"]
        assert process.share == 1.0
    assert told == sorted(told) and {0.25, 0.5, 0.75} & set(told)


def test_time_in_which_another_process_has_the_terminal_does_not_count(monkeypatch, capsys):
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with Progress(10, "toy", every=10.0) as shown:
        clock[0] += 8
        with progress.paused():
            clock[0] += 600
        shown.advance(4)
        assert capsys.readouterr().err == "" and shown.waited == 600
        clock[0] += 8
        shown.advance(4)
        assert capsys.readouterr().err == "toy: 8/10, about 4 s left\n"
    with progress.paused():
        clock[0] += 5
    assert shown.waited == 600


def test_a_bar_leaves_the_terminal_while_it_is_paused(monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Progress(10, "toy") as shown:
        assert shown._bar.live.is_started
        with progress.paused():
            assert not shown._bar.live.is_started
        assert shown._bar.live.is_started
