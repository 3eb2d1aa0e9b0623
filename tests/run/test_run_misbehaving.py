"""Adapters that misbehave: one error that says who and where, never a number from elsewhere, and nothing left to the
next model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.errors import AdapterError
from benchbed.run.preparing.prepare import Settings, prepare
from benchbed.run.session import run
from benchbed.suite.load import load_suite

SUITE = """
name: toy
version: "1"
task: scene
data: {layout: folder, name: toy, splits: [all]}
conditions: [clean]
statistics: {draws: 0}
profile: false
"""
ADAPTER = """
import os, random, sys, warnings
import numpy as np
import torch
from benchbed.adapter import Adapter, Card
{at_import}

class Net(Adapter):
    card = Card(name="{name}", family="other", output="scene", labels=("high", "low"), sample_rate=8000)

    def load(self, device="cpu"):
        self.random = torch.rand(2).tolist()
        {at_load}

    def predict(self, batch):
        {at_predict}
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        split = spectrum.shape[1] // 4
        return np.log(np.stack([spectrum[:, split:].sum(1), spectrum[:, :split].sum(1)], 1)).astype(np.float32)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for i in range(8):
        label = ("low", "high")[i % 2]
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        wave = np.sin(2 * np.pi * (200 if label == "low" else 2500) * np.arange(2000) / 8000) * 0.3
        soundfile.write(tmp_path / "data" / label / f"{i}.wav", wave, 8000)
    (tmp_path / "toy.yaml").write_text(SUITE)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def write(place: Path, name: str = "net", **stages: str) -> str:
    text = ADAPTER.replace("{name}", name)
    for stage in ("at_import", "at_load", "at_predict"):
        text = text.replace("{" + stage + "}", stages.get(stage, "pass"))
    (place / f"{name}.py").write_text(text)
    return str(place / f"{name}.py")


def accuracy(place: Path, spec: str, **changes) -> float:
    settings = Settings(out=place / "runs", data={"toy": Path("../data")}, quiet=True, **changes)
    prepared = prepare(load_suite(str(place / "toy.yaml")), spec, {}, settings)
    done = run(prepared, settings, {})
    return done.result.cells[0].metrics["accuracy"].value


def test_a_path_of_the_data_that_leads_up(place):
    assert accuracy(place, write(place)) == 1.0


SPOILS = {
    "default type": "torch.set_default_dtype(torch.float64)",
    "gradients": "torch.set_grad_enabled(False)",
    "deterministic": "torch.use_deterministic_algorithms(True)",
    "numpy errors": "np.seterr(all='raise')",
    "folder": "os.chdir('/')",
    "warnings": "warnings.simplefilter('error')",
    "random states": "random.seed(1); np.random.seed(1); torch.manual_seed(1)",
    "search path": "sys.path.insert(0, '/nowhere')",
    "environment": "os.environ['BENCHBED_DATA'] = '/nowhere'",
    "standard output": "print('hello')",
}
SEEN = (
    "self.seen = (str(torch.get_default_dtype()), str(torch.get_default_device()), torch.is_grad_enabled(), "
    "torch.are_deterministic_algorithms_enabled(), np.geterr(), os.getcwd(), len(warnings.filters), "
    "os.environ.get('BENCHBED_DATA'), torch.rand(2).tolist(), np.random.rand(), random.random(), sys.path[0])"
)


@pytest.mark.parametrize("stage", ["at_import", "at_load", "at_predict"])
@pytest.mark.parametrize("name", SPOILS)
def test_a_model_that_changes_the_process_is_scored_and_leaves_nothing_to_the_next(place, name, stage, capsys):
    def seen() -> object:
        settings = Settings(out=place / "runs", data={"toy": place / "data"}, quiet=True)
        return prepare(load_suite(str(place / "toy.yaml")), other, {}, settings).adapter.seen

    other = write(place, "other", at_load=SEEN)
    before = seen()
    assert accuracy(place, write(place, "first", **{stage: SPOILS[name]})) == 1.0
    assert seen() == before
    assert capsys.readouterr().out == ""
    assert Path.cwd() == place / "here"


@pytest.mark.parametrize("stage", ["at_import", "at_load", "at_predict"])
def test_an_exit_ends_neither_command_nor_python(place, stage):
    with pytest.raises(AdapterError, match=r"called sys\.exit\(0\)"):
        accuracy(place, write(place, **{stage: "sys.exit(0)"}))


@pytest.mark.parametrize(("stage", "workers"), [("at_import", "1"), ("at_predict", "2")])
def test_an_exit_is_never_exit_code_0(place, stage, workers):
    spec = write(place, **{stage: "sys.exit(0)"})
    words = ["run", str(place / "toy.yaml"), "--model", spec, "--data", "toy=../data", "--quiet", "--no-report"]
    done = subprocess.run(
        [sys.executable, "-m", "benchbed", *words, "--workers", workers],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BENCHBED_CONFIG": "", "BENCHBED_DATA": ""},
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "called sys.exit(0)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_card_that_cannot_be_is_refused_before_anything_is_heard(place):
    spec = write(place)
    Path(spec).write_text(Path(spec).read_text().replace("sample_rate=8000", "sample_rate=0"))
    with pytest.raises(AdapterError, match="sample rate 0 Hz"):
        accuracy(place, spec)


def test_the_record_is_of_this_run(place):
    accuracy(place, write(place))
    result = json.loads(next((place / "runs").rglob("result.json")).read_text())
    assert result["cells"][0]["counts"]["scored"] == 8
