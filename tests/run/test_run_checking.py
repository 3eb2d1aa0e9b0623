"""`check` on the user's own classes: a suite gives the clips, and a wrong order of its labels is found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchbed.run.checking import check_adapter

SUITE = """
name: own
version: "1"
task: scene
data: {layout: folder, name: own, splits: [all]}
conditions: [clean, {corruption: white_noise}]
"""
ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Own(Adapter):
    card = Card(name="own", family="other", output="scene", labels=LABELS, sample_rate=8000, clip_seconds=0.25)

    def predict(self, batch):
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        bands = np.stack([spectrum[:, a:b].sum(1) for a, b in ((0, 150), (150, 400), (400, 1001))], 1)
        return np.log(bands + 1e-9).astype(np.float32)
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for i in range(45):
        label, pitch = (("drip", 300), ("hum", 1000), ("whistle", 2500))[i % 3]
        (tmp_path / "data" / label).mkdir(parents=True, exist_ok=True)
        random = np.random.Generator(np.random.Philox(key=i))
        wave = 0.2 * np.sin(2 * np.pi * pitch * np.arange(2000) / 8000) + 0.01 * random.standard_normal(2000)
        soundfile.write(tmp_path / "data" / label / f"{i}.wav", wave, 8000)
    (tmp_path / "own.yaml").write_text(SUITE)
    return tmp_path


@pytest.mark.parametrize(
    ("labels", "status"), [(("drip", "hum", "whistle"), "pass"), (("hum", "whistle", "drip"), "warn")]
)
def test_own_classes_are_probed(place, labels, status):
    (place / "net.py").write_text(ADAPTER.replace("LABELS", repr(labels)))
    outcomes = check_adapter(
        str(place / "net.py"), {}, "cpu", False, suite=str(place / "own.yaml"), data={"own": place / "data"}
    )
    found = {outcome.name: outcome.status for outcome in outcomes}
    assert found["answers:order"] == status
    assert found["model:company"] == "pass"
    assert "label_order" not in found
    assert found["batch_invariance"] == "pass", "the checks without a suite are all there"
