"""Models that take turns over one pass of the audio: what one of them does in its turn stays its own affair, and a
command that is killed in the middle continues where each of them was."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from made_faults import SUITE, adapter, command, surroundings, words, world

NOISY = "[clean, {corruption: white_noise}, {corruption: clipping}, {corruption: pink_noise}, {corruption: hum}]"
#: Calls of one model: one for the clean clips, three batches for each corruption.
CALLS = 13


def noisy(place: Path) -> Path:
    made = world(place)
    (made / "toy.yaml").write_text(SUITE.replace("[clean]", NOISY))
    return made


def cells(place: Path, runs: str, name: str) -> object:
    return json.loads((place / runs / "toy" / name / "result.json").read_text())["cells"]


def test_a_model_that_hangs_dies_or_exits_in_its_turn_takes_nothing_along(tmp_path):
    place = noisy(tmp_path)
    ends = {
        "hangs": ("time.sleep(600)", "did not come back within 10 s from predict"),
        "dies": ("os.kill(os.getpid(), 9)", "was killed"),
        "exits": ("sys.exit(1)", "predict called sys.exit(1)"),
    }
    good = [adapter(place, "first"), adapter(place, "last", at_predict="batch.waveforms.sort()")]
    bad = [
        adapter(place, name, at_predict=f"if self.calls == {5 + 3 * number}: {what}")
        for number, (name, (what, _)) in enumerate(ends.items())
    ]
    done = command(place, good[0], *bad, good[1], more=("--call-seconds", "10"))
    assert done.returncode != 0 and "Traceback" not in done.stderr and "internal error" not in done.stderr
    for name, (_, told) in ends.items():
        assert any(f"{name}.py has no result" in each and told in each for each in done.stderr.split("error: ")), name
    together = [cells(place, "runs", name) for name in ("first", "last")]
    for name, model, found in zip(("first", "last"), good, together):
        alone = command(place, model, more=("--out", str(place / "alone")))
        assert alone.returncode == 0, alone.stderr
        assert cells(place, "alone", name) == found
    assert together[0] != together[1]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_command_that_is_killed_between_turns_continues_and_leaves_nothing_running(tmp_path, workers):
    place = noisy(tmp_path)
    log = place / "calls"
    noted = f"open({str(log)!r}, 'a').write('x'); time.sleep(0.05)"
    models = [
        adapter(place, "one", at_predict=noted),
        adapter(place, "two", at_predict=noted + "; batch.waveforms.sort()"),
    ]
    process = subprocess.Popen(
        [*words(place, *models), "--workers", workers],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=surroundings(place),
    )
    while not (log.exists() and len(log.read_text()) > CALLS + 2):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for _ in range(100):
        if not (
            left := [p for p in psutil.process_iter(["cmdline"]) if str(place) in " ".join(p.info["cmdline"] or ())]
        ):
            break
        time.sleep(0.1)
    assert not left
    again = command(place, *models, more=("--workers", workers))
    assert again.returncode == 0, again.stderr
    whole = command(place, *models, more=("--out", str(place / "whole"), "--reuse", "never"))
    assert whole.returncode == 0, whole.stderr
    for name in ("one", "two"):
        assert cells(place, "runs", name) == cells(place, "whole", name)
