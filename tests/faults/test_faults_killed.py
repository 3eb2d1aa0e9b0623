"""Killed at any moment, a run continues to the record it would have had: bit for bit apart from times."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from made_faults import adapter, surroundings, words, world
from made_forks import Forks, forks
from made_kinds import SUITES, toy

#: Kills of each kind: a few in CI, a hundred by hand (`BENCHBED_FAULTS=100 pytest tests/faults`).
KILLS = int(os.environ.get("BENCHBED_FAULTS", "3"))

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")

#: Units of a few clips, so that there is something between the first and the last of them.
SMALL = "from benchbed.run.preparing import units; units.SHARD_CLIPS = (4, 4)"


def record_of(runs: Path) -> dict:
    """A record without its times, and without how much of it was there already."""
    content = json.loads((runs / "toy" / "net" / "result.json").read_text())
    del content["digest"], content["provenance"]["artefacts"]["predictions.json"]
    for name in ("created", "cpu_seconds", "reused", "reused_units", "command"):
        del content["provenance"][name]
    return content


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with forks(tmp_path_factory.mktemp("forks")) as made:
        yield made


@pytest.mark.parametrize("kind", SUITES)
def test_killed_at_random_moments_it_ends_with_the_same_record(tmp_path: Path, forking: Forks, kind: str):
    told = toy(tmp_path / "toy", kind)
    whole = forking.run(*told, "--out", tmp_path / "whole", first=SMALL)
    assert whole.code == 0, whole.said
    random_ = random.Random(19)
    longest = whole.seconds
    for number in range(KILLS):
        runs = tmp_path / f"runs{number}"
        while True:
            moment = random_.uniform(0, longest)
            done = forking.run(*told, "--out", runs, first=SMALL, after=moment)
            if done.code == -signal.SIGKILL:
                break
            # It had ended before: runs take less than the first one did, and the moments have to lie within them.
            assert done.code == 0, done.said
            longest = moment
            shutil.rmtree(runs)
        if number % 2:  # now and then twice, the second time while it continues
            forking.run(*told, "--out", runs, first=SMALL, after=random_.uniform(0, longest))
        done = forking.run(*told, "--out", runs, first=SMALL)
        assert done.code == 0, done.said
        assert record_of(runs) == record_of(tmp_path / "whole")
        left = [path.name for path in runs.rglob("*.part")]
        assert left == [], "what a killed run left half written is cleared away"


def test_asked_to_end_it_says_that_it_continues(tmp_path: Path, forking: Forks):
    told = toy(tmp_path / "toy", "scenes")
    slow = "import time; from benchbed.run.computing import shared; was = shared.decoded\n"
    slow += "from benchbed.run.computing import shard; shard.decoded = lambda *a: (time.sleep(0.3), was(*a))[1]\n"
    console = "from benchbed import cli; cli._console()"
    log = tmp_path / "runs/toy/net/log.jsonl"
    done = forking.run(
        *told, "--out", tmp_path / "runs", first=slow + console, after=0.5, number=signal.SIGTERM, once=log
    )
    assert done.code == 143 and "continues where it was" in done.said
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert events[-1] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent_however_that_ends(tmp_path: Path, number: int):
    """And nothing holds its standard output, for which CI would wait."""
    place = world(tmp_path, 24)
    (place / "toy.yaml").write_text((place / "toy.yaml").read_text().replace("[clean]", "[clean, {corruption: hum}]"))
    spec = adapter(place, at_predict=f"open({str(place)!r} + '/' + str(os.getpid()), 'w').close(); time.sleep(300)")
    process = subprocess.Popen(
        [*words(place, spec), "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings(place)
    )
    deadline = time.monotonic() + 200
    while len([p for p in place.iterdir() if p.name.isdigit()]) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    started = psutil.Process(process.pid).children(recursive=True)
    server = sys.platform.startswith("linux")
    assert len(started) == 3 + server, "the model's process, its two workers, and what forked them"
    process.send_signal(number)
    process.communicate(timeout=30)  # until nobody holds its streams
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    assert process.returncode == (143 if number == signal.SIGTERM else -number)
