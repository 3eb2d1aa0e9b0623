"""Programs that a model starts, and never ends: they end with its process, however that ends, and nothing else does."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from made_faults import adapter, command, surroundings, words, world

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Linux keeps orphans below a process that asks for them"
)

#: One that ends when it is asked to, one that does not, and one in the background, whose parent is gone at once.
STARTED = """
        if self.calls == 1:
            waits = [sys.executable, "-c", "import time; time.sleep(600)", PLACE]
            deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
            subprocess.Popen(waits)
            subprocess.Popen([sys.executable, "-c", deaf, PLACE])
            subprocess.run(["sh", "-c", 'setsid "$@" & exit 0', "sh", *waits], check=True)
            AFTER
"""


def program(place: Path, after: str = "pass") -> str:
    return adapter(place, at_predict=STARTED.replace("PLACE", repr(str(place))).replace("AFTER", after).strip())


def left(place: Path) -> list[psutil.Process]:
    """What a model of this folder has started and still runs."""
    return [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] and p.info["cmdline"][-1] == str(place)]


@pytest.mark.parametrize("fork", ["1", "0"], ids=["forked", "anew"])
@pytest.mark.parametrize(
    ("after", "code"),
    [("pass", 0), ("ctypes.string_at(0)", 3), ("time.sleep(600)", 3)],
    ids=["ends", "crashes", "hangs"],
)
def test_what_a_model_starts_ends_with_it(tmp_path: Path, after: str, code: int, fork: str):
    other = subprocess.Popen(["sleep", "600"])
    try:
        done = command(world(tmp_path), program(tmp_path, after), more=("--call-seconds", "10"), BENCHBED_FORK=fork)
        assert done.returncode == code, done.stderr
        psutil.wait_procs(left(tmp_path), timeout=5)
        assert left(tmp_path) == []
        assert other.poll() is None, "a program of somebody else runs on"
    finally:
        other.kill()
        other.wait()


def test_it_ends_with_a_command_that_is_killed(tmp_path: Path):
    spec = program(world(tmp_path), "time.sleep(600)")
    process = subprocess.Popen(words(tmp_path, spec), env=surroundings(tmp_path), stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while len(left(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(left(tmp_path)) == 3
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)  # until nobody holds its stream
    psutil.wait_procs(left(tmp_path), timeout=10)
    assert left(tmp_path) == []
