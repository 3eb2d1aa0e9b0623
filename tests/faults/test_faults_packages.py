"""Packages that are broken, in commands as a user gives them: one clear error, and never one of benchbed's own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

SUITE = """
name: toy
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, labels: [low, high], licence: CC0-1.0}
  splits: [all]
conditions:
  - clean
  - {corruption: white_noise, parameters: [-60]}
  - {corruption: opus, parameters: [6]}
statistics: {draws: 0}
profile: false
"""
#: Calls everything low that has been through Opus, which is what there is to listen to.
ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Deaf(Adapter):
    card = Card(name="deaf", family="other", output="scene", labels=("low", "high"), sample_rate=16000)

    def predict(self, batch):
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0]))
        high = spectrum[:, spectrum.shape[1] * 3 // 4 :].sum(1) > 1
        return np.stack([1.0 * ~high, 1.0 * high], 1).astype(np.float32)
"""


@pytest.fixture
def command(tmp_path: Path):
    """Gives a command with one package broken, or none; returns exit code, standard output and error."""
    (tmp_path / "data").mkdir()
    rows = []
    for i in range(12):
        label = ("low", "high")[i % 2]
        wave = np.sin(2 * np.pi * (300 if label == "low" else 7000) * np.arange(8000) / 16000) * 0.3
        soundfile.write(tmp_path / "data" / f"{i}.wav", wave, 16000)
        rows.append({"path": f"{i}.wav", "label": label})
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "toy.yaml").write_text(SUITE)
    (tmp_path / "deaf.py").write_text(ADAPTER)

    def call(broken: str, *words: str) -> tuple[int, str, str]:
        place = tmp_path / "broken" / broken / broken
        place.mkdir(parents=True, exist_ok=True)
        if broken:
            (place / "__init__.py").write_text("raise ImportError('libx.so.1: cannot open shared object file')\n")
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(str(path) for path in (place.parent, *sys.path) if path),
            "BENCHBED_ISOLATE": "1",
            "BENCHBED_AUDIO_GB": "0",
        }
        program = [sys.executable, "-m", "benchbed", *words]
        done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout, done.stderr

    return call


RUN = ("run", "toy.yaml", "--model", "deaf.py", "--data", "toy=data", "--quiet")


def test_a_condition_that_cannot_be_made_ends_a_run_before_it_begins(command, tmp_path):
    code, _, err = command("av", *RUN)
    assert code == 2 and err.startswith("error: opus cannot be made here: the package 'av' cannot be imported: Import")
    assert "toy.yaml:13:" in err and "try: pip install --force-reinstall av" in err and "Traceback" not in err
    assert not list((tmp_path / "runs").rglob("*.parquet"))
    code, out, err = command("av", "validate", "toy.yaml")
    assert code == 0 and "toy.yaml: fine" in out and "toy.yaml cannot run on this machine: opus cannot be made" in err
    code, _, err = command("av", "plan", "toy.yaml", "--data", "toy=data")
    assert code == 2 and "opus cannot be made here" in err


def test_a_sound_that_cannot_be_made_again_costs_a_run_nothing_else(command, tmp_path):
    assert command("", *RUN, "--listen", "0")[0] == 0
    record = (tmp_path / "runs/toy/deaf/result.json").read_text()
    code, out, err = command("av", *RUN)
    assert code == 0 and out.strip().endswith("result.json")
    assert "not everything can be kept for listening: the package 'av' cannot be imported" in err
    page = tmp_path / "runs/toy/deaf/report.html"
    said = "2 of Opus, 6 kbit/s per channel (the package &#39;av&#39; cannot be imported)"
    assert f"Sounds that could not be kept: <bdi>{said}</bdi>" in page.read_text()
    heard = page.read_text().count("<audio")
    figures = [line for line in record.splitlines() if '"value"' in line]
    assert figures == [
        line for line in (tmp_path / "runs/toy/deaf/result.json").read_text().splitlines() if '"value"' in line
    ]
    assert command("", *RUN)[0] == 0
    assert "could not be kept" not in page.read_text()
    assert page.read_text().count("<audio") > heard


@pytest.mark.parametrize("package", ["psutil", "pandas", "jinja2"])
def test_whatever_a_run_stands_on_is_named_where_it_is_broken(command, package):
    code, _, err = command(package, *RUN)
    assert code == 2 and f"the package '{package}' cannot be imported: ImportError: libx.so.1" in err
    assert "pip install --force-reinstall" in err and "internal error" not in err and "Traceback" not in err
