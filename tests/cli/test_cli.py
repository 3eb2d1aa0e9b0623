"""The command line as a user meets it: verbs, exit codes, standard output for programs, messages for people."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.cli import main

SUITE = """
name: toy
version: "1"
task: scene
data: {layout: folder, name: toy, options: {csv: clips.csv, labels: [low, high]}, splits: [all]}
conditions: [clean, {corruption: white_noise, severities: [1, 5]}]
statistics: {draws: 100}
"""
ADAPTER = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Tones(TorchAdapter):
    def __init__(self, sharpness: float = 1.0, mood: str = "calm"):
        self.sharpness = sharpness
        self.card = Card(name="tones", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def build(self):
        return torch.nn.Identity()

    def forward(self, waveforms):
        spectrum = torch.fft.rfft(waveforms[:, 0]).abs() ** 2
        split = spectrum.shape[1] // 4
        return self.sharpness * torch.stack([spectrum[:, :split].sum(1), spectrum[:, split:].sum(1)], 1).log()
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a suite, an adapter and a dataset, and nothing configured on the machine."""
    (tmp_path / "data").mkdir()
    rows = []
    for i in range(12):
        label = ("low", "high")[i % 2]
        wave = np.sin(2 * np.pi * (200 if label == "low" else 2500) * np.arange(4000) / 8000) * 0.3
        soundfile.write(tmp_path / "data" / f"{i}.wav", wave, 8000)
        rows.append({"path": f"{i}.wav", "label": label, "speaker": f"s{i // 4}"})
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "toy.yaml").write_text(SUITE)
    (tmp_path / "tones.py").write_text(ADAPTER)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("data: {}\n")
    monkeypatch.setenv("BENCHBED_CONFIG", str(tmp_path / "config.yaml"))
    monkeypatch.delenv("BENCHBED_DATA", raising=False)
    return tmp_path


@pytest.fixture
def call(toy: Path, capsys: pytest.CaptureFixture):
    """Runs a command; returns exit code, standard output and standard error."""

    def _call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(words))
        out = capsys.readouterr()
        return int(left.value.code or 0), out.out, out.err

    return _call


RUN = ("run", "toy.yaml", "--model", "tones.py", "--data", "toy=data")


def test_a_run_ends_with_the_path_of_its_record(call, toy):
    code, out, err = call(*RUN)
    assert code == 0
    path = Path(out.splitlines()[-1])
    record = json.loads(path.read_text())
    assert [cell["key"] for cell in record["cells"]] == [
        "scene/all/clean",
        "scene/all/white_noise@1",
        "scene/all/white_noise@5",
    ]
    assert path.with_name("report.html").exists()
    assert (path.parent / "log.jsonl").exists()
    assert record["profile"]["parameters"]["value"] == 0
    clean, noisy = record["cells"][0]["groups"]["class=low"], record["cells"][1]["groups"]["class=low"]
    assert set(noisy) < set(clean), "slices of perturbed cells keep what ranks"
    assert "SYNTHETIC" not in err


def test_the_record_validates_against_the_printed_schema(call):
    _, out, _ = call(*RUN, "--no-report", "--quiet")
    _, schema, _ = call("schema", "result")
    jsonschema.validate(json.loads(Path(out.strip()).read_text()), json.loads(schema))


def test_the_recorded_command_makes_the_record_again(call, toy):
    _, out, _ = call(*RUN, "--set", "sharpness=2.5", "--seed", "3", "--limit", "8", "--quiet", "--no-report")
    first = json.loads(Path(out.strip()).read_text())
    import shlex

    words = shlex.split(first["provenance"]["command"])
    assert words[0] == "benchbed"
    _, again, _ = call(*words[1:], "--out", "elsewhere", "--quiet", "--no-report")
    second = json.loads(Path(again.strip()).read_text())
    assert second["cells"] == first["cells"]
    assert second["model"]["options"] == {"sharpness": 2.5, "mood": "calm"}


def test_options_reach_the_model_they_are_meant_for(call, toy):
    (toy / "other.py").write_text(ADAPTER.replace('name="tones"', 'name="other"'))
    code, out, _ = call(*RUN, "--model", "other.py", "--set", "other.sharpness=3", "--set", "mood=wild", "--quiet")
    assert code == 0
    tones, other = (json.loads(Path(line).read_text())["model"] for line in out.splitlines())
    assert tones["options"] == {"sharpness": 1.0, "mood": "wild"}
    assert other["options"] == {"sharpness": 3.0, "mood": "wild"}
    assert other["name"] == "other[mood=wild,sharpness=3]"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("rnu",), 2, "did you mean 'run'?"),
        (("run", "toy.yaml"), 2, "--model"),
        (("run", "nosuch.yaml", "--model", "tones.py"), 2, "no suite 'nosuch.yaml'"),
        (("run", "toy.yaml", "--model", "tone.py", "--data", "toy=data"), 2, "tone.py"),
        ((*RUN, "--set", "sharpnes=1"), 2, "did you mean 'sharpness'?"),
        ((*RUN, "--set", "sharpness=very"), 2, "sharpness"),
        ((*RUN, "--set", "tone.sharpness=1"), 2, "did you mean 'tones'?"),
        ((*RUN, "--set", "sharpness"), 2, "expected NAME=VALUE"),
        ((*RUN, "--set", "suite.statistic.draws=1"), 2, "did you mean 'statistics'?"),
        ((*RUN, "--set", "suite.statistics.draws=3"), 2, "too few"),
        ((*RUN, "--set", "suite.metrics.primary=acuracy"), 2, "did you mean 'accuracy'?"),
        ((*RUN, "--set", "suite.conditions.1.corruption=wite_noise"), 2, "did you mean 'white_noise'?"),
        ((*RUN, "--set", "suite.conditions.1.severities=[9]"), 2, "5 severities, 9 is asked"),
        ((*RUN, "--fail-on-error", "maybe"), 2, "--fail-on-error"),
        ((*RUN, "--device", "cuda:9"), 2, "CUDA"),
        ((*RUN, "--reuse", "only"), 2, "are not stored"),
        (("run", "toy.yaml", "--model", "tones.py", "--data", "toy=missing"), 2, "missing"),
        (("run", "toy.yaml", "--model", "tones.py"), 2, "not configured"),
        (("run", "dcase_task1", "--model", "tones.py", "--no-synthetic"), 2, "--no-synthetic"),
        (("validate", "nosuch"), 2, "no suite"),
        (("leaderboard", "."), 2, "no result.json"),
        (("score", "toy.yaml", "nofile.csv"), 2, "nofile.csv"),
    ],
)
def test_every_mistake_is_one_clear_error(call, words, code, said):
    found, out, err = call(*words)
    assert found == code, err
    assert said in err
    assert "Traceback" not in err
    assert len(err.splitlines()) < 25, "one screen"
    assert out == ""


def test_debug_shows_the_traceback(toy):
    from benchbed.errors import ConfigError

    with pytest.raises(ConfigError):
        main(["validate", "nosuch", "--debug"])


def test_failures_over_policy_leave_a_record_and_exit_3(call, toy):
    (toy / "data" / "5.wav").write_bytes(b"")
    code, out, err = call(*RUN, "--no-report")
    assert code == 3
    assert "1 of 12 clips of" in err and "failed, the policy allows 0.01 of the clips of each cell" in err
    assert not json.loads(Path(out.splitlines()[-1]).read_text())["cells"][0]["complete"]
    assert call(*RUN, "--no-report", "--fail-on-error", "3")[0] == 0


def test_ctrl_c_says_how_to_go_on(toy, monkeypatch, capsys):
    from benchbed.run import session

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "run", interrupted)
    with pytest.raises(SystemExit) as left:
        main(list(RUN))
    assert left.value.code == 130
    assert "continues where it was" in capsys.readouterr().err


def test_scoring_a_file_of_predictions_gives_the_same_figures(call, toy):
    _, out, _ = call(*RUN, "--quiet", "--no-report", "--set", "suite.conditions=[clean]")
    record = json.loads(Path(out.strip()).read_text())
    table = pd.concat(pd.read_parquet(p) for p in (Path(out.strip()).parent / "predictions").glob("*.parquet"))
    scores = np.stack(table["scores"])
    frame = pd.DataFrame({"file": table["path"].astype(str), "low": scores[:, 0], "high": scores[:, 1]})
    frame.to_csv("system.csv", index=False)
    code, out, err = call(
        *("score", "toy.yaml", "system.csv", "--name", "mine", "--data", "toy=data", "--quiet"),
        *("--set", "suite.conditions=[clean]", "--set", "id_column=file", "--set", "normalise=true"),
    )
    assert code == 0, err
    scored = json.loads(Path(out.splitlines()[-1]).read_text())
    assert scored["scores"]["accuracy"]["value"] == record["scores"]["accuracy"]["value"]
    assert scored["scores"]["log_loss"]["value"] == pytest.approx(record["scores"]["log_loss"]["value"], rel=1e-5)
    assert scored["model"]["name"].startswith("mine")


def test_stored_predictions_cannot_hear_noise(call, toy):
    pd.DataFrame({"file": ["0.wav"], "low": [1.0], "high": [0.0]}).to_csv("system.csv", index=False)
    code, _, err = call("score", "toy.yaml", "system.csv", "--data", "toy=data")
    assert code == 2 and "cannot hear a perturbation" in err


def test_plan_says_what_a_run_would_cost(call):
    code, out, _ = call("plan", "toy.yaml", "--data", "toy=data", "--model", "tones.py", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["evaluations"] == 36 and len(facts["cells"]) == 3
    assert facts["time_seconds"] > 0 and facts["audio_hours"] == pytest.approx(12 * 0.5 / 3600)
    code, out, _ = call("plan", "toy.yaml", "--data", "toy=data")
    assert code == 0 and "36" in out


def test_plan_prices_more_clips_and_models_than_are_at_hand(call):
    facts, many = (
        json.loads(call("plan", "toy.yaml", "--data", "toy=data", "--model", "tones.py", "--json", *more)[1])
        for more in ((), ("--clips", "2300", "--models", "10", "--limit", "6"))
    )
    assert facts["evaluations"] == 3 * 12 and many["evaluations"] == 3 * 2300 * 10
    assert many["models"] == 10 and "models" not in facts and set(many["clips"].values()) == {2300}
    assert many["disk_bytes"] == pytest.approx(facts["disk_bytes"] * 2300 * 10 / 12, rel=0.01)
    assert many["audio_hours"] == pytest.approx(2300 * 0.5 / 3600)
    parts = many["parts"]
    assert many["cpu_seconds"] == pytest.approx(parts["start"] + 10 * (sum(parts.values()) - parts["start"]))
    assert all(seconds > 0 for name, seconds in parts.items() if name != "attacks") and parts["attacks"] == 0
    # 575 times as many predictions; a small probe tells what each takes to within a few times.
    assert parts["predictions"] > 20 * facts["parts"]["predictions"]


def test_plan_simulates_machines(call):
    code, out, _ = call("plan", "toy.yaml", "--data", "toy=data", "--model", "tones.py", "--nodes", "2", "--json")
    fleet = json.loads(out)["fleet"]
    assert code == 0 and (fleet["nodes"], fleet["workers"], fleet["units"]) == (2, 1, 2)
    assert fleet["start_seconds"] > 0.2, "another machine imports everything anew"
    code, _, said = call("plan", "toy.yaml", "--data", "toy=data", "--workers", "2")
    assert code == 2 and "name a model" in said


def test_looking_verbs_answer(call):
    assert "dcase_task1" in call("list", "suites")[1]
    assert json.loads(call("list", "corruptions", "--json")[1])["corruptions"]
    assert "fine" in call("validate", "toy.yaml")[1]
    assert json.loads(call("schema", "suite")[1])["title"] == "Suite"
    assert json.loads(call("doctor", "--json")[1])["versions"]["benchbed"]
    assert "tau2022" in call("data", "list")[1]


def test_data_check_finds_a_broken_file(call, toy):
    assert call("data", "check", "toy.yaml", "--data", "toy=data")[0] == 0
    (toy / "data" / "3.wav").write_bytes(b"RIFF")
    code, out, err = call("data", "check", "toy.yaml", "--data", "toy=data")
    assert code == 2 and "3.wav" in out + err


def test_a_leaderboard_of_two_runs(call, toy):
    call(*RUN, "--quiet", "--set", "suite.conditions=[clean]")
    call(*RUN, "--quiet", "--set", "suite.conditions=[clean]", "--set", "sharpness=0.5")
    code, out, _ = call("leaderboard", "runs", "--out", "board")
    assert code == 0
    assert Path(out.strip()).exists()
    text = "".join(p.read_text() for p in Path("board").rglob("*.html"))
    assert "tones[sharpness=0.5]" in text
    pages = set(Path("board").rglob("*.html"))
    assert call("leaderboard", "runs/toy/tones", "--out", "board")[0] == 0
    assert set(Path("board").rglob("*.html")) < pages, "another set of runs takes the pages of this one away"
    said = " ".join(call("leaderboard", "--help")[1].split())
    assert "are taken away unless somebody changed them: give every set of runs a folder of its own" in said


def test_help_list_and_validate_import_nothing_heavy(tmp_path):
    program = (
        "import sys; from benchbed.cli import main\n"
        "for words in (['--help'], ['list'], ['validate', 'dcase_task1'], ['run', '--help']):\n"
        "    try: main(words)\n"
        "    except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'scipy', 'audiomentations', 'librosa', 'sklearn', 'pyarrow', 'codecarbon'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_a_command_ends_at_once_and_calls_what_wanted_to_be_called():
    """What is loaded is not taken apart; a file that is let go of at the very end would show it."""
    program = (
        "import atexit, sys\n"
        "class Last:\n"
        "    def __del__(self): sys.__stdout__.write('taken apart')\n"
        "kept = Last()\n"
        "atexit.register(print, 'called')\n"
        "sys.argv = ['benchbed', *sys.argv[1:]]\n"
        "from benchbed.cli import main\n"
        "main()\n"
    )
    for words, code in ((["--version"], 0), (["validate", "nosuch"], 2)):
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == code
        assert done.stdout.splitlines()[-1] == "called"


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors as Unix has them")
@pytest.mark.parametrize("closed", [(2,), (1, 2), (0, 1, 2)])
def test_where_standard_streams_are_closed_no_other_file_stands_in_their_place(tmp_path, closed):
    program = f"""
import os, sys
from benchbed.cli import _console
_console()
print("said", file=sys.stderr, flush=True)
os.write(2, b"said natively")
sys.stderr.isatty(), sys.stdout.isatty(), sys.stdin.isatty()
with open({str(tmp_path / "made")!r}, "w") as file:
    file.write(str(file.fileno()))
"""

    def close():
        for number in closed:
            os.close(number)

    done = subprocess.run([sys.executable, "-c", program], preexec_fn=close, check=False)
    assert done.returncode == 0
    assert int((tmp_path / "made").read_text()) > 2


def test_help_answers_at_once():
    # Wall time on a loaded machine is no measure; the process's own CPU time is.
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "benchbed", "--help"], capture_output=True, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    assert used < 0.4, f"{used:.2f} s CPU, {time.perf_counter() - began:.2f} s wall"


def test_verify_writes_the_reference_packages_agreement(call):
    _, out, err = call(*RUN, "--quiet", "--no-report", "--verify", "--set", "suite.conditions=[clean]")
    checks = {c["name"]: c for c in json.loads(Path(out.strip()).read_text())["checks"]}
    agreement = [check for name, check in checks.items() if name.startswith("verify:")]
    assert agreement, err
    assert {check["status"] for check in agreement} == {"pass"}
    assert "sed_eval" in agreement[0]["message"]


def test_a_reader_who_leaves_is_no_exit_of_a_model():
    """`benchbed explain captions | head -1`"""
    verb = [sys.executable, "-m", "benchbed", "explain", "captions"]
    with subprocess.Popen(verb, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141 and "called sys.exit" not in said


def test_the_end_of_a_file_is_no_interruption(capsys):
    from benchbed.cli.group import verbs

    @verbs.command("ends")
    def ends():
        raise EOFError("no data left")

    try:
        with pytest.raises(SystemExit) as left:
            main(["ends"])
        assert left.value.code == 70 and "EOFError: no data left" in capsys.readouterr().err
        with pytest.raises(EOFError):
            main(["ends", "--debug"])
    finally:
        del verbs.commands["ends"]


def test_debug_shows_where_one_of_several_models_failed(call, toy, monkeypatch):
    """Said by `benchbed.cli.losses`; the others are finished all the same."""
    from benchbed.api import several

    (toy / "other.py").write_text(ADAPTER)
    run_one = several.run_one

    def failing(key, loaded, one, *rest):
        if one.spec.endswith("other.py"):
            raise KeyError("nobody thought of this")
        yield from run_one(key, loaded, one, *rest)

    monkeypatch.setattr(several, "run_one", failing)
    words = [*RUN, "--model", "other.py", "--no-report"]
    code, out, err = call(*words)
    assert code == 70 and "error: other.py has no result: internal error: KeyError" in err
    assert "Traceback" not in err and "the same with --debug" in err
    assert out.splitlines()[-1].endswith("result.json")
    code, out, err = call(*words, "--debug")
    assert code == 70 and "Traceback" in err
    assert err.index("in failing") < err.index("error: other.py has no result")
