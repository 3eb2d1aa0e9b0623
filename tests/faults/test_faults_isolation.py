"""Models that crash, hang, exit, print natively, leave threads or fill the memory: one clear error for each, and the
next model of the command runs all the same, with its right figure."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from made_faults import adapter, command, world

#: What a model does in its first call, and what the command says then.
ENDS = {
    "crash": ("ctypes.string_at(0)", r"died of a segmentation fault \(SIGSEGV\)"),
    "leave": ("os._exit(0)", r"ended its process, with exit code 0 and without a result"),
    "leaks": (
        "self.kept = [np.ones(1 << 20) for _ in range(500)]; time.sleep(60)",
        r"takes [\d,]+ MiB of memory, 900 MiB are allowed",
    ),
    "hangs": ("time.sleep(600)", r"did not come back within 12 s from predict, 8 input\(s\) of 2,000 samples"),
    "holds": ("import ctypes as c; c.PyDLL(None).sleep(600)", r"did not come back within 12 s from predict"),
    "exits": ("sys.exit(0)", r"predict called sys\.exit\(0\)"),
}
#: What leaves a model's figure as it is.
STAYS = {
    "thread": "threading.Thread(target=time.sleep, args=(600,)).start(); os.system('echo a program')",
    "ending": "atexit.register(time.sleep, 600); os.write(1, b'natively'); os.close(1); os.close(2)",
}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    place = world(tmp_path_factory.mktemp("isolation"))
    models = [adapter(place, name, at_predict=f"if self.calls == 1: {what}") for name, (what, _) in ENDS.items()]
    models += [adapter(place, name, at_predict=f"if self.calls == 1: {what}") for name, what in STAYS.items()]
    models.append(adapter(place, "good"))
    return command(place, *models, more=("--call-seconds", "12", "--memory", "900")), place


@pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by what Linux says of them")
@pytest.mark.parametrize("name", ENDS)
def test_a_model_that_ends_its_process_is_one_clear_error(seen, name: str):
    done, place = seen
    errors = [each for each in re.split("error: ", done.stderr) if f"{name}.py has no result" in each]
    assert len(errors) == 1, done.stderr
    assert re.search(ENDS[name][1], errors[0]), errors[0]
    assert f"{place / name}.py:" in errors[0] or name == "leave"  # the line, where there is one to be known
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr
    assert not (place / "runs" / "toy" / name / "result.json").exists()


@pytest.mark.parametrize("name", [*STAYS, "good"])
def test_the_others_have_their_right_figures(seen, name: str):
    done, place = seen
    assert done.returncode == 3
    record = json.loads((place / "runs" / "toy" / name / "result.json").read_text())
    assert record["cells"][0]["metrics"]["accuracy"]["value"] == 1.0
    assert record["cells"][0]["counts"]["scored"] == 8


def test_standard_output_holds_paths_alone(seen):
    done, place = seen
    assert done.stdout.splitlines() == [str(place / "runs" / "toy" / name / "result.json") for name in (*STAYS, "good")]


def test_nothing_is_left_running(seen):
    _, place = seen
    left = [p for p in psutil.process_iter(["cmdline"]) if str(place) in " ".join(p.info["cmdline"] or ())]
    assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by what Linux says of them")
@pytest.mark.parametrize(
    ("stage", "what", "told"),
    [
        ("at_import", "os.abort()", "died of an abort (SIGABRT)"),
        ("at_load", "time.sleep(600)", "within 8 s from load"),
        ("at_predict", "os.kill(os.getpid(), 9)", "was killed"),
    ],
)
def test_alone_and_among_workers_it_ends_the_command_with_3(tmp_path: Path, stage: str, what: str, told: str):
    place = world(tmp_path)
    done = command(place, adapter(place, **{stage: what}), more=("--call-seconds", "8", "--workers", "2"))
    assert done.returncode == 3 and told in done.stderr and done.stderr.count("error:") == 1
    assert done.stdout == ""
