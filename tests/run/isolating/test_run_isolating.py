"""Processes of their own: what they give back, and how they end."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from benchbed.adapter.pulse import beating
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.run.isolating.crew import shared_out
from benchbed.run.isolating.process import Isolated, alone, parts
from benchbed.run.job.limits import Limits

POSIX = pytest.mark.skipif(os.name != "posix", reason="no signals, and no descriptors that are passed on")


def begun(text: str) -> None:
    os.environ["BEGUN"] = text


def squares(number: int) -> Iterator[tuple[int, str, int]]:
    for each in range(number):
        yield each * each, os.environ["BEGUN"], os.getpid()


def one_after_the_other(count: int) -> Iterator[int]:
    yield from range(count)


def raising(error: Exception) -> None:
    raise error


def beating_for(seconds: float) -> None:
    with beating("a long call"):
        with beating("a short one inside"):
            pass
        time.sleep(seconds)


def unpicklable() -> object:
    return lambda: None


def test_a_crew_shares_work_and_every_worker_begins_first():
    items = list(shared_out("toys", Limits(), 2, partial(begun, "yes"), squares, [1, 2, 3, 4]))
    assert sorted(square for square, _, _ in items) == [0, 0, 0, 0, 1, 1, 1, 4, 4, 9]
    assert {text for _, text, _ in items} == {"yes"} and "BEGUN" not in os.environ
    assert os.getpid() not in {process for _, _, process in items}


def test_one_process_keeps_what_it_has_between_calls():
    with contextlib.closing(Isolated("toy", Limits())) as process:
        process.send(partial(begun, "before"))
        assert list(parts(process, partial(one_after_the_other, 3))) == []  # the answer to the first call ends it
        assert list(parts(process, partial(one_after_the_other, 0))) == [0, 1, 2]


@pytest.mark.parametrize("error", [ConfigError("wrong", where="here:1", hint="mend it"), KeyError("inner")])
def test_an_error_comes_back_as_it_was(error: Exception):
    with pytest.raises(type(error)) as raised:
        alone("toy", Limits(), partial(raising, error))
    assert str(raised.value) == str(error)


def test_what_cannot_be_sent_is_an_error_and_no_hang():
    with pytest.raises(RuntimeError, match="pickle"):
        alone("toy", Limits(), unpicklable)


@POSIX
def test_a_call_within_a_call_does_not_make_the_outer_one_younger():
    began = time.monotonic()
    with pytest.raises(CannotMeasure, match=r"within 1 s from a long call"):
        alone("toy", Limits(seconds=1.0), partial(beating_for, 60.0))
    assert time.monotonic() - began < 40


@pytest.mark.parametrize("limits", [{"seconds": 0.0}, {"seconds": -1.0}, {"seconds": float("nan")}, {"memory": 0}])
def test_limits_that_nothing_can_keep_are_refused(limits: dict):
    with pytest.raises(ConfigError):
        Limits(**limits)


def test_a_script_without_a_guard_may_have_workers(tmp_path: Path):
    """Its file is run once, not once more for each process."""
    script = tmp_path / "script.py"
    script.write_text(
        "print('once')\n"
        "from functools import partial\n"
        "from benchbed.run.isolating.process import alone\n"
        "from benchbed.run.job.limits import Limits\n"
        "print(alone('toy', Limits(), partial(divmod, 7, 2)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["once", "(3, 1)"], done.stderr


@POSIX
@pytest.mark.parametrize("terminal", [True, False])
def test_a_process_that_dies_leaves_the_terminal_as_it_was(monkeypatch, terminal):
    written = io.StringIO()
    written.isatty = lambda: terminal
    with monkeypatch.context() as patch, contextlib.closing(Isolated("toy", Limits())) as process:
        patch.setattr(sys, "stderr", written)
        with pytest.raises(CannotMeasure, match="exit code 3"):
            list(parts(process, partial(os._exit, 3)))
    # The line is empty, and the cursor is seen.
    assert written.getvalue() == ("\r\x1b[2K\x1b[?25h" if terminal else "")
