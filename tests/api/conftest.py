"""A toy data set, suite and models for tests of the Python interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

RATE = 8000
LABELS = ("low", "high")

ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card


class Toy(Adapter):
    card = Card(name="{name}", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def predict(self, batch):
        {inject}
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        split = int(1000 * 2 * (spectrum.shape[1] - 1) / 8000)
        low, high = spectrum[:, :split].sum(1), spectrum[:, split:].sum(1)
        return np.log(np.stack([low, high], 1) + 1e-9).astype(np.float32)
"""


@pytest.fixture
def toy_data(tmp_path: Path) -> Path:
    """Forty tones of half a second, five cuts a recording, in two devices."""
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    time = np.arange(RATE // 2) / RATE
    for i in range(40):
        label = LABELS[i % 2]
        noise = np.random.Generator(np.random.Philox(key=i)).standard_normal(len(time))
        tone = 0.3 * np.sin(2 * np.pi * (200 if label == "low" else 2000) * time) + 0.02 * noise
        soundfile.write(root / f"{i:02d}.wav", tone.astype(np.float32), RATE, subtype="PCM_16")
        rows.append(
            {"path": f"{i:02d}.wav", "label": label, "group": f"rec{i // 5}", "device": "ab"[i // 20], "split": "test"}
        )
    pd.DataFrame(rows).to_csv(root / "clips.csv", index=False)
    return root


@pytest.fixture
def definition() -> dict[str, object]:
    """A suite as a mapping."""
    return {
        "name": "toy",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "toy",
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group", "split": "split"},
            "splits": ["test"],
        },
        "slices": [{"column": "device"}],
        "conditions": ["clean", {"corruption": "white_noise", "parameters": [20, 0]}],
        "statistics": {"draws": 100},
        "profile": False,
    }


@pytest.fixture
def toy_run(tmp_path: Path, toy_data: Path, definition: dict[str, object]):
    """Runs the toy suite on a model."""
    import benchbed as bb

    def run(model: object, **settings: object):
        return bb.run(definition, model, **{"out": tmp_path / "runs", "data": {"toy": toy_data}, **settings})

    return run


@pytest.fixture
def adapter_file(tmp_path: Path):
    """Writes a toy adapter whose `predict` also does what is injected."""

    def write(name: str = "toy", inject: str = "pass") -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(ADAPTER.replace("{inject}", inject).replace("{name}", name))
        return path

    return write
