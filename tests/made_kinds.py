"""A small run of each kind of condition and answer: scenes under noise, events in time, and an attack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from made_faults import world

SUITES = {
    "scenes": """
task: scene
data: {layout: folder, name: toy, splits: [all]}
conditions: [clean, {corruption: white_noise, severities: [1, 3]}]
""",
    "events": """
task: frames
data: {layout: events, name: toy, splits: [test]}
conditions: [clean, {corruption: white_noise, severities: [1]}]
metrics: {family: sed_segment}
""",
    "attacks": """
task: scene
data: {layout: folder, name: toy, splits: [all]}
conditions: [clean, {attack: fgsm, budgets: [20], n: 8, steps: 2}]
""",
}
NETWORK = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Net(TorchAdapter):
    card = Card(name="net", family="cnn", output="{output}", labels=("high", "low"), sample_rate=8000{more})

    def build(self):
        torch.manual_seed(0)
        return torch.nn.Conv1d(1, 2, 80, 80)

    def forward(self, waveforms):
        frames = self.model(waveforms) * 20
        return {last}
"""


def toy(place: Path, kind: str) -> list[object]:
    """Data, suite and network of a kind; the words of its run but for the folder of runs."""
    place.mkdir()
    head = 'name: toy\nversion: "1"\nprofile: false\nstatistics: {draws: 20}\n'
    (place / "toy.yaml").write_text(head + SUITES[kind])
    if kind == "events":
        (place / "data" / "audio").mkdir(parents=True)
        rows = ["filename\tonset\toffset\tevent_label"]
        for i in range(12):
            tone = np.zeros(8000)
            tone[2000:5000] = np.sin(2 * np.pi * (300 + 100 * i) * np.arange(3000) / 8000) * 0.3
            soundfile.write(place / "data" / "audio" / f"{i}.wav", tone, 8000)
            rows.append(f"{i}.wav\t0.25\t0.625\t{('low', 'high')[i % 2]}")
        (place / "data" / "events.tsv").write_text("\n".join(rows) + "\n")
        fill = {"output": "frames", "more": ", frame_seconds=0.01", "last": "frames.transpose(1, 2)"}
    else:
        text = (place / "toy.yaml").read_text()
        world(place, 24)
        (place / "toy.yaml").write_text(text)
        fill = {"output": "scene", "more": "", "last": "frames.mean(-1)"}
    (place / "net.py").write_text(NETWORK.format(**fill))
    given = ["--model", place / "net.py", "--data", f"toy={place / 'data'}", "--quiet", "--no-report"]
    return ["run", place / "toy.yaml", *given]
