"""Every verb that runs a model, and the Python interface, end in one clear error where the model ends its process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_faults import adapter, world

import benchbed as bb
from benchbed.cli import main
from benchbed.errors import BenchbedError, ConfigError
from benchbed.run.isolating.forking import serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by what Linux says of them")

#: What a model does in its first call, and what is said then.
ENDS = {
    "crash": ("ctypes.string_at(0)", "died of a segmentation fault (SIGSEGV)"),
    "leave": ("os._exit(0)", "ended its process, with exit code 0 and without a result"),
    "hangs": ("time.sleep(600)", "did not come back within 3 s from"),
    "leaks": (
        "self.kept = [np.ones(1 << 20) for _ in range(110)]; time.sleep(60)",
        "MiB of memory, 900 MiB are allowed",
    ),
}
VERBS = {
    "check": ["check", "{model}"],
    "profile": ["profile", "{model}"],
    "plan": ["plan", "{suite}", "--model", "{model}", "--data", "toy={data}"],
    "part": ["run", "{suite}", "--model", "{model}", "--data", "toy={data}", "--shard", "1/2", "--out", "{out}"],
}


@pytest.fixture(scope="module", autouse=True)
def one_server() -> Iterator[None]:
    """Imports are paid once for all tests."""
    with serving():
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = world(tmp_path_factory.mktemp("verbs"))
    for name, (what, _) in ENDS.items():
        adapter(made, name, at_predict=f"if self.calls == 1: {what}")
    adapter(made, "good")
    return made


def said(place: Path, verb: str, name: str, capfd, *more: str) -> tuple[object, str]:
    """Exit code and standard error of a verb on a model."""
    fill = {"model": place / f"{name}.py", "suite": place / "toy.yaml", "data": place / "data", "out": place / "parts"}
    with pytest.raises(SystemExit) as left:
        main([*(word.format(**fill) for word in VERBS[verb]), *more])
    return left.value.code, capfd.readouterr().err


@pytest.mark.parametrize(
    ("verb", "name"),
    [*((verb, name) for verb in VERBS for name in ("crash", "hangs")), ("check", "leave"), ("check", "leaks")],
)
def test_a_model_that_ends_its_process_is_one_clear_error_of_every_verb(place, capfd, verb: str, name: str):
    seconds = "3" if name == "hangs" else "200"
    code, err = said(place, verb, name, capfd, "--isolate", "--call-seconds", seconds, "--memory", "900")
    assert code == 3, err
    assert err.count("error: ") == 1 and ENDS[name][1] in err, err
    assert "Traceback" not in err and "internal error" not in err


@pytest.mark.parametrize("verb", VERBS)
def test_a_good_model_is_answered_as_before(place, capfd, verb: str):
    assert said(place, verb, "good", capfd, "--isolate")[0] == 0
    assert said(place, verb, "good", capfd, "--no-isolate")[0] == 0


def test_the_next_model_of_a_profile_is_measured_all_the_same(place, capfd):
    with pytest.raises(SystemExit) as left:
        timed = ["--latency", "--least-seconds", "0.05"]
        main(["profile", "--isolate", "--json", *timed, str(place / "crash.py"), str(place / "good.py")])
    out = capfd.readouterr().out
    assert left.value.code in (0, None)
    assert "SIGSEGV" in out and '"parameters"' in out


@pytest.mark.parametrize("name", ENDS)
def test_the_python_interface_raises_one_error_and_lives(place, tmp_path, monkeypatch, name: str):
    monkeypatch.setenv("BENCHBED_ISOLATE", "1")
    if name in ("crash", "leave"):  # the others take what the interface allows by default: half an hour, all memory
        asked = {"data": {"toy": place / "data"}, "out": tmp_path, "report": False}
        with pytest.raises(BenchbedError, match=ENDS[name][1].replace("(", r"\(").replace(")", r"\)")):
            bb.run(place / "toy.yaml", place / f"{name}.py", **asked)
        both = bb.run(place / "toy.yaml", [place / f"{name}.py", place / "good.py"], **asked)
        assert list(both.errors) == [name] and [run.result.model.name for run in both] == ["good"]
        for verb in (bb.check, lambda model: bb.plan(place / "toy.yaml", model, data={"toy": place / "data"})):
            with pytest.raises(BenchbedError, match="process"):
                verb(place / f"{name}.py")
    run = bb.run(place / "toy.yaml", place / "good.py", data={"toy": place / "data"}, out=tmp_path, report=False)
    assert run.result.cells[0].metrics["accuracy"].value == 1.0


def test_what_the_variable_says_is_understood_or_refused(place, monkeypatch):
    monkeypatch.setenv("BENCHBED_ISOLATE", "perhaps")
    with pytest.raises(ConfigError, match="BENCHBED_ISOLATE=perhaps"):
        bb.check(place / "good.py")
