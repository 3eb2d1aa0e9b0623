"""A model that localises, from audio to figures: windows are joined, and a turned scene turns its reference exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

import benchbed as bb
from benchbed.data import synthetic

ADAPTER = '''
import numpy as np
from benchbed.adapter import Adapter, Card
from benchbed.outputs.tracks.classes import STARSS


class Intensity(Adapter):
    """Says that every class sounds in every loud frame, where the intensity of the sound field points."""

    def __init__(self):
        self.card = Card(name="intensity", family="other", output="tracks", labels=STARSS, sample_rate=24000,
                         channels=4, clip_seconds=2.5, frame_seconds=0.1)

    def predict(self, batch):
        w = batch.waveforms.astype(np.float64).reshape(len(batch.waveforms), 4, -1, 2400)
        intensity = np.stack([(w[:, 0] * w[:, c]).mean(axis=-1) for c in (3, 1, 2)], axis=-1)
        loud = (w[:, 0] ** 2).mean(axis=-1) > 1e-4
        units = intensity / np.maximum(np.linalg.norm(intensity, axis=-1, keepdims=True), 1e-12)
        return np.repeat((units * loud[..., None])[:, :, None], len(STARSS), axis=2)
'''


@pytest.mark.filterwarnings("ignore::benchbed.errors.BenchbedWarning")
def test_a_scene_that_turns_turns_its_reference(tmp_path: Path) -> None:
    (tmp_path / "intensity.py").write_text(ADAPTER)
    root = synthetic.make(tmp_path / "set", layout="starss23", size="small")
    made = bb.run(
        {
            "name": "turned",
            "version": "1",
            "task": "tracks",
            "data": {"layout": "starss23", "splits": ["test"]},
            "conditions": [{"corruption": "foa_rotation", "severities": [4]}, "clean"],
            "metrics": {"family": "seld2022", "primary": "macro_seld"},
            "statistics": {"draws": 0},
            "profile": False,
        },
        str(tmp_path / "intensity.py"),
        data={"starss23": root},
        out=tmp_path / "runs",
        report=False,
    )
    cells = {cell.condition.name: cell.metrics for cell in made.result.cells}
    clean, turned = cells["clean"], cells["foa_rotation"]
    # The directions of 45 degrees to one side are as far off as those of the scene as it was.
    for name in ("micro_le_cd", "micro_lr_cd", "er20", "macro_f20"):
        assert turned[name].value == pytest.approx(clean[name].value, abs=1e-3), name
    assert clean["micro_le_cd"].value < 45 and clean["micro_lr_cd"].value > 0.5
