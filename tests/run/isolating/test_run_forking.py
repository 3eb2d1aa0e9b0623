"""Processes that a fork server makes: what they have in common with it, what not, and with whom they end."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from benchbed.errors import CannotMeasure
from benchbed.run.isolating import forking
from benchbed.run.isolating.crew import shared_out
from benchbed.run.isolating.forking import ChildEnded, Forked, ForkReply, Refused, received, said, serving
from benchbed.run.isolating.forkserver import _Server
from benchbed.run.isolating.process import Isolated, alone, parts
from benchbed.run.job.limits import Limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Ctrl-C is heard, as it is not where tests run in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def here() -> dict[str, object]:
    """What a process is."""
    import random

    import numpy as np

    return {
        "parent": os.getppid(),
        "process": os.getpid(),
        "torch": "torch" in sys.modules,
        "loaded": [name for name in ("pandas", "scipy.special", "sklearn") if name in sys.modules],
        "folder": os.getcwd(),
        "variable": os.environ.get("BENCHBED_TOY"),
        "chance": (float(np.random.rand()), random.random()),  # noqa: NPY002  (what a model may use)
        "collection": gc.isenabled(),
        "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    }


def many(count: int) -> Iterator[dict[str, object]]:
    """A process that has others compute."""
    yield here()
    yield from shared_out("toys", Limits(), 2, here, each_here, range(count))


def with_modules(modules: list[str]) -> Iterator[dict[str, object]]:
    """A process whose workers need some modules."""
    yield from shared_out("toys", Limits(), 2, here, each_here, range(2), modules)


def each_here(number: int) -> Iterator[dict[str, object]]:
    yield here()


def waiting(place: str) -> Iterator[int]:
    Path(place, str(os.getpid())).touch()
    time.sleep(300)
    yield 0


def with_workers(place: str) -> Iterator[int]:
    yield from shared_out("toys", Limits(), 2, here, waiting, [place, place])


def ending(code: int) -> None:
    os._exit(code)


def test_processes_of_one_server_have_its_imports_and_chance_of_their_own(monkeypatch, tmp_path):
    with serving():
        first = alone("toy", Limits(), here)
        monkeypatch.chdir(tmp_path)
        second = alone("toy", Limits(), here)
    assert first["torch"] and first["parent"] == second["parent"] != os.getpid()
    assert first["process"] != second["process"]
    assert first["chance"][0] != second["chance"][0] and first["chance"][1] != second["chance"][1]
    assert second["folder"] == str(tmp_path) != first["folder"]
    assert first["collection"], "what a model no longer needs is collected"
    assert first["interrupt"], "Ctrl-C reaches it as it reaches any process"
    assert not psutil.pid_exists(first["parent"]), "the server ends with the block"


def test_workers_find_imported_what_they_need_of_what_benchbed_stands_on():
    """Tables that a worker is sent would each import pandas; what models bring is imported where they run."""
    with serving(), contextlib.closing(Isolated("toy", Limits())) as process:
        before = list(parts(process, partial(with_modules, [])))
        after = list(parts(process, partial(with_modules, ["scipy.special", "sklearn"])))
    assert [one["loaded"] for one in before] == 2 * [["pandas"]]
    assert [one["loaded"] for one in after] == 2 * [["pandas", "scipy.special"]]


@pytest.mark.parametrize("fork", ["1", "0"])
def test_what_ignores_ctrl_c_has_it_ignored_in_processes_of_its_own(monkeypatch, fork):
    """A shell's script ignores it in what it runs in the background."""
    monkeypatch.setenv("BENCHBED_FORK", fork)
    with serving():
        assert alone("toy", Limits(), here)["interrupt"]
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            assert not alone("toy", Limits(), here)["interrupt"]
        finally:
            signal.signal(signal.SIGINT, before)


def test_without_a_server_a_process_is_started_anew(monkeypatch):
    assert alone("toy", Limits(), here)["parent"] == os.getpid()
    monkeypatch.setenv("BENCHBED_FORK", "0")
    with serving():
        assert alone("toy", Limits(), here)["parent"] == os.getpid()


def test_other_settings_of_the_environment_have_another_server(monkeypatch):
    """Libraries read them when they are loaded."""
    with serving():
        first = alone("toy", Limits(), here)
        monkeypatch.setenv("BENCHBED_TOY", "other")
        second = alone("toy", Limits(), here)
    assert (first["variable"], second["variable"]) == (None, "other")
    assert first["parent"] != second["parent"]


def test_workers_of_a_forked_process_come_from_the_same_server():
    with serving(), contextlib.closing(Isolated("toy", Limits())) as process:
        found = list(parts(process, partial(many, 6)))
    first, workers = found[0], found[1:]
    assert len(workers) == 6 and {one["parent"] for one in found} == {first["parent"]}
    assert first["process"] not in {one["process"] for one in workers}


def test_a_process_that_is_killed_takes_its_workers_along(tmp_path):
    with serving(), contextlib.closing(Isolated("toy", Limits())) as process:
        process.send(partial(with_workers, str(tmp_path)))
        deadline = time.monotonic() + 120
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        workers = [psutil.Process(int(path.name)) for path in tmp_path.iterdir()]
        assert len(workers) == 2
        process.kill()
        assert psutil.wait_procs(workers, timeout=20)[1] == []


@pytest.mark.parametrize("code", [0, 3])
def test_how_a_forked_process_ended_is_told(code: int):
    with serving(), pytest.raises(CannotMeasure, match=f"exit code {code}"):
        alone("toy", Limits(), partial(ending, code))


def test_a_server_that_dies_is_followed_by_another_one():
    with serving():
        first = alone("toy", Limits(), here)
        os.kill(first["parent"], signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not forking._kept.forked.gone and time.monotonic() < deadline:
            time.sleep(0.02)
        second = alone("toy", Limits(), here)
    assert second["parent"] not in (first["parent"], os.getpid())


def test_a_server_ends_with_who_started_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from benchbed.run.isolating.forking import forked, serving, _kept\n"
        "with serving():\n"
        "    forked()\n"
        "    print(_kept.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(done.stdout))


@contextlib.contextmanager
def answering(*answers: object) -> Iterator[Forked]:
    """A connection whose other end gives these answers, one to each request."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def serve() -> None:
        for answer in answers:
            for descriptor in received(theirs)[1]:
                os.close(descriptor)
            said(theirs, answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    forked = Forked(mine)
    try:
        yield forked
    finally:
        forked.close()
        theirs.close()


def test_what_a_server_refuses_is_started_anew(monkeypatch):
    with answering(Refused(1)) as refusing:
        monkeypatch.setattr("benchbed.run.isolating.process.forked", lambda: refusing)
        assert alone("toy", Limits(), here)["parent"] == os.getpid()


def test_a_child_that_ends_before_it_is_known_has_ended():
    with answering(ForkReply(1, 4_194_305)) as forked:
        forked._hear(pickle.dumps(ChildEnded(4_194_305, 7)))
        child = forked.fork([])
        assert child is not None and child.wait(5) == 7
        child.stdin.close(), child.stdout.close()


def test_a_server_with_threads_refuses():
    """They would be missing in what it forks."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before, wakeup = signal.getsignal(signal.SIGCHLD), signal.set_wakeup_fd(-1)
    server = _Server(theirs, os.getpid())
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    try:
        thread.start()
        server._fork(theirs, 5, [])
        assert received(mine)[0] == Refused(5)
    finally:
        stop.set()
        thread.join()
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGCHLD, before)
        for each in (mine, theirs, server.waker, server.writer):
            each.close()
        server.selector.close()


#: A command that tells what its server and a process of its own are.
COMMAND = """
import os, sys, signal, gc
sys.path.insert(0, {here!r})
from benchbed.run.isolating.command import Command
from benchbed.run.isolating.forking import _kept, forked, serving
from benchbed.run.isolating.process import alone
from benchbed.run.job.limits import Limits
from test_run_forking import apart, opened
Command.here = True
for number in (signal.SIGTERM, signal.SIGHUP):  # `nohup` ignores the second, and whoever it is told to stays so
    signal.signal(number, lambda number, frame: sys.exit("asked"))
sys.argv = ["benchbed", "run", "mine"]
held = open({file!r})
with serving():
    {before}
    told = alone("toy", Limits(), apart)
    print(*("forkserver" in word for word in open(f"/proc/{{_kept.process.pid}}/cmdline").read().split("\\0")))
    print(told["parent"] == _kept.process.pid, "torch" in sys.modules, gc.isenabled(), told["collection"])
    print(held.name in opened(_kept.process.pid), held.name in told["open"], told["words"], told["ends"])
    server = _kept.process.pid
print(os.path.exists(f"/proc/{{server}}"))
"""


def opened(process: int) -> list[str]:
    """Files that a process has open."""
    folder = f"/proc/{process}/fd"
    return [os.path.realpath(f"{folder}/{number}") for number in os.listdir(folder)]


def apart() -> dict[str, object]:
    """What a process has of the one that it was forked from."""
    ends = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    return {**here(), "open": opened(os.getpid()), "words": sys.argv[1:], "ends": ends}


def commanded(tmp_path: Path, before: str = "pass") -> list[str]:
    """What a command says that has a process of its own make a call."""
    file = tmp_path / "held"
    file.touch()
    script = tmp_path / "script.py"
    script.write_text(COMMAND.format(here=str(Path(__file__).parent), file=str(file), before=before))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_command_is_forked_for_its_server_which_imports_nothing_again(tmp_path):
    words, made, kept, left = commanded(tmp_path)
    assert "True" not in words.split(), "it is no interpreter of its own"
    assert made == "True True True True", "the command has imported, and both collect what they no longer need"
    assert kept == "False False [] True", "it has neither the command's files, nor its arguments, nor its signals"
    assert left == "False"


def test_a_command_with_threads_is_not_forked(tmp_path):
    """They would be missing in the server."""
    words, made, _, _ = commanded(
        tmp_path, "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()"
    )
    assert "True" in words.split()
    assert made == "True False True True"


def test_a_command_that_is_killed_takes_its_fork_along(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, signal\n"
        "from benchbed.run.isolating.command import Command\n"
        "from benchbed.run.isolating.forking import forked, serving, _kept\n"
        "Command.here = True\n"
        "with serving():\n"
        "    forked()\n"
        "    print(_kept.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 20
    while psutil.pid_exists(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(int(done.stdout))
