"""A toy dataset on disk and toy adapters, for tests of the runner."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from benchbed.run.job.job import Job
from benchbed.suite.model import Suite

RATE = 8000
LABELS = ("low", "high")


def tone(label: str, index: int) -> np.ndarray:
    """A tone whose pitch says the label, in noise that says the index."""
    random = np.random.Generator(np.random.Philox(key=index))
    time = np.arange(RATE // 2) / RATE
    pitch = 200 if label == "low" else 2000
    return (0.3 * np.sin(2 * np.pi * pitch * time) + 0.02 * random.standard_normal(len(time))).astype(np.float32)


@pytest.fixture
def toy_table(tmp_path: Path) -> pd.DataFrame:
    """Clips of a toy dataset below tmp_path/data: 40 tones of half a second, five cuts a recording."""
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    for i in range(40):
        label = LABELS[i % 2]
        soundfile.write(root / f"{i:02d}.wav", tone(label, i), RATE, subtype="PCM_16")
        rows.append(
            {
                "clip_id": f"toy/{i:02d}.wav",
                "path": f"{i:02d}.wav",
                "onset": 0.0,
                "duration": np.nan,
                "label": label,
                "group": f"rec{i // 5}",
                "device": "ab"[i // 20],
                "draw": i,
            }
        )
    return pd.DataFrame(rows)


ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Toy(Adapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def predict(self, batch):
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        split = int(1000 * 2 * (spectrum.shape[1] - 1) / 8000)
        low, high = spectrum[:, :split].sum(1), spectrum[:, split:].sum(1)
        {inject}
        return np.log(np.stack([low, high], 1) + 1e-9).astype(np.float32)
"""


@pytest.fixture
def adapter_file(tmp_path: Path):
    """Writes a toy adapter whose `predict` also does what is injected."""

    def write(inject: str = "pass", name: str = "toy.py") -> Path:
        path = tmp_path / name
        path.write_text(textwrap.dedent(ADAPTER).replace("{inject}", inject))
        return path

    return write


@pytest.fixture
def toy_job(tmp_path: Path, toy_table: pd.DataFrame, adapter_file):
    """Makes a job on the toy dataset."""

    def make(
        inject: str = "pass", *, conditions: list | None = None, table: pd.DataFrame | None = None, **facts
    ) -> Job:
        clips = toy_table if table is None else table
        suite = Suite(
            name="s", version="1", task="scene", data={"layout": "folder"}, conditions=conditions or ["clean"]
        )
        return Job(
            recipe=(str(adapter_file(inject)), {}),
            device="cpu",
            dataset="toy",
            root=tmp_path / "data",
            labels=LABELS,
            label_map=None,
            clips={"test": clips},
            pools={"test": toy_table},
            conditions=suite.conditions,
            **facts,
        )

    return make
