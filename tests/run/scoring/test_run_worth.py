"""Worth in decibels of the cells of a run, from audio to record and page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import soundfile

import benchbed as bb
from benchbed.rng import stream
from benchbed.run.scoring.worth import worth_of_cells

TONES = {"low": 250, "middle": 1000, "high": 3000}

ADAPTER = '''
import numpy as np
from benchbed.adapter import Adapter, Card

class Loudest(Adapter):
    """The loudest of three bands, but for a level that each clip hides in its first sample."""
    card = Card(name="loudest", family="other", output="scene", labels=("low", "middle", "high"), sample_rate=8000)

    def load(self, device):
        pass

    def predict(self, batch):
        power = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        n = power.shape[1]
        edges = [0, n * 500 // 4000, n * 2000 // 4000, n]
        bands = np.stack([power[:, a:b].sum(1) for a, b in zip(edges, edges[1:])], 1)
        return np.log(bands + 1e-9).astype(np.float32)
'''


def test_other_noise_stands_on_the_axis_of_white_noise(tmp_path):
    rows = []
    (tmp_path / "audio").mkdir()
    for i in range(90):
        label = list(TONES)[i % 3]
        random = stream("worth", i)
        time = np.arange(2000) / 8000
        wave = 0.1 * np.sin(2 * np.pi * TONES[label] * time) + 0.1 * random.random() * random.standard_normal(2000)
        soundfile.write(tmp_path / "audio" / f"{i}.wav", wave, 8000)
        rows.append({"path": f"audio/{i}.wav", "label": label, "group": f"g{i}"})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    (tmp_path / "loudest.py").write_text(ADAPTER)
    suite = {
        "name": "worth",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "worth",
            "splits": ["all"],
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group"},
        },
        "statistics": {"draws": 200},
        "conditions": [
            "clean",
            {"corruption": "white_noise", "parameters": [10, 5, 0, -5, -10, -15], "draws": 3},
            {"corruption": "white_noise", "parameters": [-2.5], "draws": 3},
            {"corruption": "gain", "parameters": [-6]},
            {"corruption": "high_pass", "parameters": [2000]},
        ],
    }
    run = bb.run(suite, str(tmp_path / "loudest.py"), data={"worth": tmp_path}, out=tmp_path / "runs")
    scores = run.result.scores
    again = scores["worth:scene/all/white_noise@1#2"]
    assert abs(again.value + 2.5) < 1.0 and again.unit == "dB SNR, active level" and again.low < again.high
    assert scores["worth:scene/all/gain@1"].value is None
    assert scores["worth:scene/all/gain@1"].reason.startswith("beyond the curve: it costs no more")
    assert scores["worth:scene/all/high_pass@1"].value < 0
    assert not any(name.startswith("worth:scene/all/white_noise@") and "#" not in name for name in scores)
    assert worth_of_cells(run.result.cells[:1], {}, run.result.primary) == {}
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "on the axis of white noise" in page
