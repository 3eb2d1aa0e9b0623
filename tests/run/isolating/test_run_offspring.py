"""What is below a process, and ending it: not what tidies up, and not what is spared."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from benchbed.run.isolating import offspring

WAITS = "import time; time.sleep(600)"


@pytest.fixture
def below():
    """A process of its own with a child and one that tidies up; gives it, and the two."""
    script = (
        "import subprocess, sys, time\n"
        f"for words in ({WAITS!r}, 'from time import sleep; sleep(600)  # multiprocessing.resource_tracker'):\n"
        "    print(subprocess.Popen([sys.executable, '-c', words]).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    waiting, tidying = (psutil.Process(int(process.stdout.readline())) for _ in range(2))
    yield process, waiting, tidying
    for each in (waiting, tidying, psutil.Process(process.pid)):
        if each.is_running():
            each.kill()
    process.communicate()


def test_what_is_below_a_process_ends_and_what_tidies_up_does_so_by_itself(below):
    process, waiting, tidying = below
    offspring.end_below(process.pid)
    deadline = time.monotonic() + 5
    while waiting.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:  # its parent never looks
        time.sleep(0.02)
    assert waiting.status() == psutil.STATUS_ZOMBIE
    assert tidying.is_running() and process.poll() is None


def test_what_is_spared_stays_with_what_is_below_it(below):
    process, waiting, _ = below
    mine = subprocess.Popen([sys.executable, "-c", WAITS])
    spared = {child for child in offspring.children() or () if child != mine.pid}
    offspring.end(spared)
    assert not psutil.pid_exists(mine.pid) and process.poll() is None and waiting.is_running()
    mine.wait()


def test_what_a_process_that_is_gone_has_started_is_known_by_its_mark():
    mark, marks = offspring.new_mark({offspring.MARKS: "of-those-above"})
    other, _ = offspring.new_mark({})
    words = [sys.executable, "-c", WAITS]
    mine, theirs = (
        subprocess.Popen(words, env={**os.environ, offspring.MARKS: each}, start_new_session=True)
        for each in (f"{marks} of-one-below", other)
    )
    try:
        offspring.end_marked(mark)
        assert mine.wait(5) != 0 and theirs.poll() is None
    finally:
        for each in (mine, theirs):
            each.kill()
            each.wait()


def test_a_process_that_is_gone_has_nothing_below_it():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    offspring.end_below(process.pid)
