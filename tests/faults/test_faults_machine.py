"""What machines do to runs: full disks, folders that cannot be written, too few files, clocks, file systems, damage.

Each ends in a finished record or one clear error, and the same command continues; damage is detected and told.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_forks import Forks, forks
from test_faults_killed import KILLS, SMALL, record_of, toy

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and limits of processes")

#: Every write beyond so many bytes of a run meets a full disk.
FULL = """
import builtins, errno, io, os
left, was = [{bytes}], os.write
class Full(io.FileIO):
    def write(self, data):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.name))
        return super().write(data)
real = builtins.open
def opened(file, mode="r", *args, **kwargs):
    if isinstance(file, int) or not str(file).startswith({runs!r}) or not set(mode) & set("wax+"):
        return real(file, mode, *args, **kwargs)
    raw = Full(file, mode.replace("b", "").replace("t", ""))
    buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8", write_through=True)
builtins.open = io.open = opened
import pathlib
pathlib.io.open = opened
"""


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("forks")) as made:
        yield made


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    return toy(tmp_path_factory.mktemp("machine") / "toy", "scenes")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, forking: Forks, told: list[object]) -> Path:
    """A run that nothing happened to; nobody changes it."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    done = forking.run(*told, "--out", runs, first=SMALL)
    assert done.code == 0, done.said
    return runs


def again(forking: Forks, told: list[object], runs: Path, whole: Path) -> str:
    """The same command once more ends with the record it should have; what it said."""
    done = forking.run(*told, "--out", runs, first=SMALL)
    assert done.code == 0, done.said
    assert record_of(runs) == record_of(whole)
    return done.said


def clear(said: str) -> bool:
    return said.count("error:") == 1 and "internal" not in said and "Traceback" not in said and "try:" in said


def test_a_disk_that_fills_up_anywhere(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    """Also while the page is written, with the record finished."""
    size = sum(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    paged, chosen = [each for each in told if each != "--no-report"], random.Random(45)
    for number in range(min(KILLS, 45)):
        runs = tmp_path / f"runs{number}"
        # The page is as large as all the rest, and the first write is the smallest.
        room = 10 if number == 0 else chosen.randrange(2 * size)
        first = SMALL + "\n" + FULL.format(bytes=room, runs=str(runs))
        done = forking.run(*paged, "--out", runs, first=first)
        assert done.code == 0 or (done.code == 3 and "the disk is full" in done.said and clear(done.said)), done.said
        if number == 0:
            assert done.code == 3
        again(forking, told, runs, whole)


def test_a_folder_that_cannot_be_written(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    """Root may write anywhere, so the system's answer is given in its place."""
    runs, refusing = tmp_path / "runs", "import os\ndef refuse(path, *a, **k):\n"
    refusing += "    raise PermissionError(13, 'Permission denied', str(path))\nos.mkdir = refuse"
    done = forking.run(*told, "--out", runs, first=refusing)
    assert done.code == 3 and clear(done.said) and str(runs) in done.said
    (tmp_path / "file").write_text("")
    done = forking.run(*told, "--out", tmp_path / "file", first=SMALL)
    assert done.code in (2, 3) and clear(done.said), done.said
    again(forking, told, runs, whole)


@pytest.mark.parametrize("most", [12, 16, 20])
def test_too_many_open_files(tmp_path: Path, forking: Forks, told: list[object], whole: Path, most: int):
    first = f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({most}, {most}))\n" + SMALL
    done = forking.run(*told, "--out", tmp_path / "runs", first=first)
    assert done.code == 0 or (done.code in (2, 3) and clear(done.said)), done.said
    again(forking, told, tmp_path / "runs", whole)


def test_a_clock_that_is_set_back(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    shutil.copytree(whole, tmp_path / "runs")
    back = "import time, datetime; real = time.time; time.time = lambda: real() - 10**7\n"
    back += "time.time_ns = lambda: int(time.time() * 10**9)\n"
    for each in (tmp_path / "runs").rglob("*"):
        os.utime(each, (4e9, 4e9))  # written in the future
    done = forking.run(*told, "--out", tmp_path / "runs", "--reuse", "never", first=back + SMALL)
    assert done.code == 0 and record_of(tmp_path / "runs")["cells"] == record_of(whole)["cells"], done.said
    assert len(list((tmp_path / "runs/toy/net/history").iterdir())) == 1
    again(forking, told, tmp_path / "runs", whole)


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="no second file system")
def test_folders_of_a_run_on_other_file_systems(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    far = Path("/dev/shm") / f"benchbed-{os.getpid()}"
    if os.stat("/dev/shm").st_dev == os.stat(tmp_path).st_dev:
        pytest.skip("the same file system")
    try:
        place = tmp_path / "runs/toy/net"
        place.mkdir(parents=True)
        for name in ("predictions", "history"):
            (far / name).mkdir(parents=True)
            (place / name).symlink_to(far / name)
        again(forking, told, tmp_path / "runs", whole)
        done = forking.run(*told, "--out", tmp_path / "runs", "--set", "suite.statistics.draws=30", first=SMALL)
        assert done.code == 0 and any((far / "history").iterdir()), done.said
    finally:
        shutil.rmtree(far, ignore_errors=True)


def test_a_folder_of_runs_that_moved(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    shutil.copytree(whole, tmp_path / "else" / "where")
    done = forking.run(*told, "--out", tmp_path / "else" / "where", first=SMALL)
    assert done.code == 0 and "reused 72 of 72 predictions" in done.said, done.said
    moved, before = record_of(tmp_path / "else" / "where"), record_of(whole)
    # Who a model is rests on where its file lies, seen from the runs; what was loaded is the same.
    del moved["model"]["identity"], before["model"]["identity"]
    assert moved == before


def test_two_runs_into_one_folder(tmp_path: Path, forking: Forks, told: list[object], whole: Path):
    shutil.copytree(whole, tmp_path / "runs")
    held = f"from pathlib import Path; from benchbed.run.journal import locked; lock = locked(Path({str(tmp_path)!r})"
    held += " / 'runs/toy/net'); lock.__enter__()\n"
    # The lock is of another process: a child of this one that sleeps.
    first = "import os, time\nif (child := os.fork()) == 0:\n    " + held.replace("; ", "\n    ").rstrip()
    first += "\n    time.sleep(60)\n    os._exit(0)\ntime.sleep(1.5)\nimport atexit\n" + SMALL
    done = forking.run(*told, "--out", tmp_path / "runs", first=first)
    assert done.code == 2 and "another run is writing into this folder" in done.said, done.said
    assert record_of(tmp_path / "runs") == record_of(whole)


def damaged(data: bytes, how: str, chosen: random.Random) -> bytes:
    if how == "truncated":
        return data[: chosen.randrange(len(data))]
    if how == "empty":
        return b""
    place = chosen.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << chosen.randrange(8))]) + data[place + 1 :]


FILES = ["predictions/*.parquet", "log.jsonl", "statistics.npz", "result.json", "predictions.json", "drawings.json"]


@pytest.mark.parametrize("how", ["truncated", "flipped", "empty"])
def test_damaged_files_are_detected_and_made_again(
    tmp_path: Path, forking: Forks, told: list[object], whole: Path, how: str
):
    chosen = random.Random(how)
    for number in range(max(1, KILLS // 10)):
        runs = tmp_path / f"runs{number}"
        shutil.copytree(whole, runs)
        files = [path for name in FILES for path in sorted((runs / "toy/net").glob(name))]
        assert len(files) >= 5
        for path in files:
            path.write_bytes(damaged(path.read_bytes(), how, chosen))
        said = again(forking, told, runs, whole)
        assert "not as it was written, and was computed anew" in said
        if how == "empty":  # nothing tells any more whose folder it is, but its name
            assert "neither its diary nor its record is as it was written" in said
            assert [path.name for path in (runs / "toy").iterdir()] == ["net"]
        assert [json.loads(line) for line in (runs / "toy/net/log.jsonl").read_text(errors="replace").splitlines()[-1:]]


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_damaged_caches_are_made_again(tmp_path: Path, forking: Forks, told: list[object], whole: Path, how: str):
    chosen, caches = random.Random(19), forking.place / "cache"
    files = [path for path in caches.rglob("*") if path.is_file() and path.suffix == ".json"]
    assert files, "there is a cache to be damaged"
    for path in files:
        path.write_bytes(damaged(path.read_bytes(), how, chosen))
    again(forking, told, tmp_path / "runs", whole)


def test_damaged_baselines_are_refused(tmp_path: Path, forking: Forks, whole: Path):
    run = whole / "toy/net"
    made = forking.run("baseline", "set", "main", run, "--folder", tmp_path / "baselines")
    assert made.code == 0, made.said
    for how in ("truncated", "flipped", "empty"):
        for name in ("result.json", "statistics.npz"):
            base = tmp_path / f"{how}-{name}"
            shutil.copytree(tmp_path / "baselines/main", base)
            (base / name).write_bytes(damaged((base / name).read_bytes(), how, random.Random(how + name)))
            for words in (["compare", run, base], ["gate", run, "--baseline", base]):
                done = forking.run(*words)
                assert done.code == 2 and clear(done.said) and str(base) in done.said, done.said
