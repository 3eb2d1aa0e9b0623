"""A condition that left out more than one clip in twenty: shown, not ranked, and in no mCE."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import benchbed as bb
from benchbed.rng import stream

ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Level(Adapter):
    card = Card(name="level", family="other", output="scene", labels=("loud", "soft"), sample_rate=8000,
                scores="probabilities")

    def predict(self, batch):
        loud = (batch.waveforms ** 2).mean((1, 2)) > 0.01
        return np.stack([0.9 * loud + 0.05, 0.95 - 0.9 * loud], 1)
"""


def ran(tmp_path: Path, silent: int, conditions: list, **metrics: str) -> bb.Run:
    root = tmp_path / "set"
    for number in range(24):
        place = root / ("loud", "soft")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        wave = (0.3, 0.03)[number % 2] * stream("skipped", number).standard_normal(4000)
        wave = np.clip(wave, -0.9, 0.9) * (number >= silent)
        soundfile.write(place / f"{number:02}.wav", wave, 8000, subtype="PCM_16")
    (tmp_path / "level.py").write_text(ADAPTER)
    suite = {
        "name": "skipped",
        "version": "1",
        "task": "scene",
        "data": {"layout": "folder", "name": "toys", "splits": ["all"]},
        "conditions": ["clean", *conditions],
        "metrics": {"family": "classification", "primary": "accuracy", **metrics},
        "statistics": {"draws": 20},
        "profile": False,
    }
    path = tmp_path / "suite.yaml"
    path.write_text(json.dumps(suite))
    return bb.run(str(path), str(tmp_path / "level.py"), data={"toys": root}, out=tmp_path / "runs", report=False)


@pytest.mark.parametrize(("silent", "ranked"), [(0, True), (1, True), (2, False)])
def test_more_than_one_skipped_clip_in_twenty_takes_the_rank(tmp_path: Path, silent: int, ranked: bool) -> None:
    noise = {"corruption": "white_noise", "severities": [1, 5]}
    result = ran(tmp_path, silent, [noise]).result
    cells = {cell.key.split("/", 2)[2]: cell for cell in result.cells}
    assert cells["clean"].ranked
    for name in ("white_noise@1", "white_noise@5"):
        assert cells[name].counts.skipped == silent and cells[name].ranked is ranked
        assert cells[name].metrics["accuracy"].n == 24 - silent
    assert result.scores["robustness:retention"].value is not None


def test_what_comes_back_unchanged_has_reached_nothing(tmp_path: Path) -> None:
    """A ceiling far above every peak clips nothing: its ratio is asked for, and not achieved."""
    clipped = {"corruption": "clipping", "parameters": [50.0, 1.0], "severities": [1, 2]}
    cells = {cell.key.split("/", 2)[2]: cell for cell in ran(tmp_path, 0, [clipped]).result.cells}
    assert cells["clipping@1"].condition.achieved is None
    assert cells["clipping@2"].condition.achieved is not None


@pytest.mark.parametrize(("silent", "measured"), [(0, True), (2, False)])
def test_no_mce_is_made_over_cells_that_left_clips_out(tmp_path: Path, silent: int, measured: bool) -> None:
    noise = {"corruption": "white_noise", "severities": [1, 5]}
    first = ran(tmp_path, silent, [noise]).result
    reference = {
        "name": "base",
        "version": "1",
        "dataset": first.dataset.name,
        "metric": "accuracy",
        "index_hash": first.dataset.index_hash,
        "clean": 0.1,
        "errors": {"white_noise": {"1": 0.2, "5": 0.5}},
    }
    (tmp_path / "reference.json").write_text(json.dumps(reference))
    scores = ran(tmp_path, silent, [noise], mce_reference="reference.json").result.scores
    for name in ("robustness:mce", "robustness:relative_mce"):
        assert (scores[name].value is not None) is measured
        assert measured or "more than 5 % of the clips were skipped under white_noise, 20 dB SNR, active level;" in str(
            scores[name].reason
        )
