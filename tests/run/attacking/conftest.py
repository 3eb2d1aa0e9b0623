"""A toy dataset, and adapters that are sound or broken in one way."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from made_attacks import one_thread

from benchbed.rng import stream
from benchbed.run.job.job import Job
from benchbed.suite.model import Suite

__all__ = ["one_thread"]
RATE = 8000
LABELS = ("low", "middle", "high")
PITCH = {"low": 250, "middle": 1000, "high": 3000}


@pytest.fixture
def toy_table(tmp_path: Path) -> pd.DataFrame:
    """Clips of a toy dataset: 36 tones of a quarter of a second, three cuts a recording."""
    root = tmp_path / "data"
    root.mkdir()
    rows = []
    for i in range(36):
        label = LABELS[i % 3]
        time = np.arange(RATE // 4) / RATE
        random = stream("toy", i)
        wave = 0.2 * np.sin(2 * np.pi * PITCH[label] * time) + 0.05 * random.standard_normal(len(time))
        soundfile.write(root / f"{i:02d}.wav", wave, RATE, subtype="PCM_16")
        rows.append(
            {
                "clip_id": f"toy/{i:02d}.wav",
                "path": f"{i:02d}.wav",
                "onset": 0.0,
                "duration": np.nan,
                "label": label,
                "group": f"rec{i // 3}",
            }
        )
    return pd.DataFrame(rows)


ADAPTER = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Bands(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.calls = 0

    def forward(self, x):
        {before}
        power = torch.fft.rfft(x[:, 0]).abs().square() + 1e-3
        edges = [0, 150, 500, power.shape[1]]
        bands = torch.stack([power[:, a:b].sum(1).log() for a, b in zip(edges, edges[1:])], 1)
        scores = 4 * self.norm(bands)
        {after}
        return scores

class Toy(TorchAdapter):
    card = Card(name="{name}", family="other", output="scene", labels=("low", "middle", "high"), sample_rate=8000{card})

    def build(self):
        return Bands()
    {extra}
"""


@pytest.fixture
def adapter_file(tmp_path: Path):
    """Writes a toy adapter with something put before or after its features."""

    def write(before="pass", after="pass", extra="", card="", name="toy") -> Path:
        text = textwrap.dedent(ADAPTER)
        for key, value in {"before": before, "after": after, "extra": extra, "card": card, "name": name}.items():
            text = text.replace("{" + key + "}", value)
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        return path

    return write


@pytest.fixture
def toy_job(tmp_path: Path, toy_table: pd.DataFrame, adapter_file):
    """Makes a job on the toy dataset."""

    def make(*conditions, adapter: Path | None = None, table: pd.DataFrame | None = None, **facts) -> Job:
        clips = toy_table if table is None else table
        suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=list(conditions))
        return Job(
            recipe=(str(adapter or adapter_file()), {}),
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


@pytest.fixture
def attacked(toy_job):
    """Runs all units of one attack condition and gives rows and checks of the last cell; of each with `every`."""
    from benchbed.run.attacking.checks import attack_checks
    from benchbed.run.computing.engine import Engine
    from benchbed.run.executing.unit import compute
    from benchbed.run.preparing.units import cut
    from benchbed.suite.plan import plan_cells

    def run(condition: dict, *, every: bool = False, **facts):
        job = toy_job(condition, **facts)
        suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=[condition])
        cells = plan_cells(suite)
        engine = Engine(job)
        parts, noted, failures = [], [], []
        for unit in cut(job, cells, {"test": 9.0}, {}, {"test": {}}):
            made = compute(engine, unit)
            parts.append(pd.DataFrame(dict(made.columns)))
            noted += made.info["attack"]["facts"]
            failures += made.failures
        checks = [
            {c.name.partition(":")[2]: c for c in attack_checks(job.conditions[0], [cell], noted, 3)} for cell in cells
        ]
        return pd.concat(parts, ignore_index=True), checks if every else checks[-1], failures

    return run
