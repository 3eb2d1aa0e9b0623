"""A small world for faults: eight tones of two classes, a suite of one cell, and adapters of a few lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundfile

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
import atexit, ctypes, os, random, signal, subprocess, sys, threading, time, warnings
import numpy as np
from benchbed.adapter import Adapter, Card
{at_import}

class Net(Adapter):
    card = Card(name="{name}", family="other", output="scene", labels=("high", "low"), sample_rate=8000)

    def load(self, device="cpu"):
        self.calls = 0
        {at_load}

    def predict(self, batch):
        self.calls += 1
        {at_predict}
        return self.answer(batch.waveforms)

    def answer(self, waveforms):
        spectrum = np.abs(np.fft.rfft(waveforms[:, 0])) ** 2
        split = spectrum.shape[1] // 4
        return np.log(np.stack([spectrum[:, split:].sum(1), spectrum[:, :split].sum(1)], 1) + 1e-9).astype(np.float32)
"""


def world(place: Path, clips: int = 8) -> Path:
    """Data and suite in a folder."""
    for i in range(clips):
        label = ("low", "high")[i % 2]
        (place / "data" / label).mkdir(parents=True, exist_ok=True)
        tone = np.sin(2 * np.pi * (200 if label == "low" else 2500) * np.arange(2000) / 8000) * 0.3
        soundfile.write(place / "data" / label / f"{i}.wav", tone, 8000)
    (place / "toy.yaml").write_text(SUITE)
    return place


def adapter(place: Path, name: str = "net", **stages: str) -> str:
    """A file whose model does something at a stage, and answers rightly."""
    text = ADAPTER.replace("{name}", name)
    for stage in ("at_import", "at_load", "at_predict"):
        text = text.replace("{" + stage + "}", stages.get(stage, "pass"))
    (place / f"{name}.py").write_text(text)
    return str(place / f"{name}.py")


def surroundings(place: Path, **more: str) -> dict[str, str]:
    """Environment of a command that is as on a fresh machine, and isolates."""
    own = {"BENCHBED_CONFIG": "", "BENCHBED_DATA": "", "BENCHBED_ISOLATE": "1", "BENCHBED_CACHE": str(place / "cache")}
    return {**os.environ, **own, "OMP_NUM_THREADS": "1", **more}


def words(place: Path, *models: str, suite: str = "toy.yaml") -> list[str]:
    """The command line of a run."""
    given = [word for model in models for word in ("--model", model)]
    data = ["--data", f"toy={place / 'data'}", "--out", str(place / "runs")]
    return [sys.executable, "-m", "benchbed", "run", str(place / suite), *given, *data, "--quiet", "--no-report"]


def command(place: Path, *models: str, more: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """A run to its end; none takes minutes."""
    return subprocess.run(
        [*words(place, *models), *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=surroundings(place, **env),
    )
