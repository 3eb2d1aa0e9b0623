"""A plan prices what a model meets: one without gradient is searched by its answers alone."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch
import yaml

from benchbed.adapter import Adapter, Card, TorchAdapter
from benchbed.attack.ensemble import FLOOR, FLOOR_DRAWS, POWER, PRESETS
from benchbed.run.preparing.price import estimate
from benchbed.suite.load import load_suite

CARD = Card(name="toy", family="other", output="scene", labels=("a", "b"), sample_rate=8000)


class Shut(Adapter):
    """Answers only."""

    card = CARD

    def predict(self, batch):
        power = np.square(batch.waveforms).mean((1, 2))
        return np.stack([power, 1 - power], 1)


class Open(TorchAdapter):
    """Shows its gradient."""

    card = CARD

    def build(self):
        return torch.nn.Sequential(torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(), torch.nn.Linear(1, 2))


@pytest.fixture
def suite(tmp_path):
    for label in CARD.labels:
        (tmp_path / "clips" / label).mkdir(parents=True)
        soundfile.write(tmp_path / "clips" / label / "1.wav", 0.1 * np.ones(2000), 8000)
    made = {
        "name": "priced",
        "version": "1",
        "task": "scene",
        "data": {"layout": "folder", "name": "clips", "splits": ["all"]},
        "conditions": ["clean", {"attack": "standard", "budgets": [20], "n": 2}],
    }
    (tmp_path / "priced.yaml").write_text(yaml.safe_dump(made))
    return load_suite(tmp_path / "priced.yaml"), {"clips": tmp_path / "clips"}


def price(suite, model):
    loaded, data = suite
    (found,) = estimate(loaded, model, {}, data=data)["attacks"]
    return found["forwards"] / found["clips"], found["backwards"] / found["clips"]


def test_a_closed_model_is_priced_by_its_queries(suite):
    members = (*PRESETS["standard"], *POWER["standard"])
    queries = sum(options.get("queries", 0) for _, options in members) + FLOOR_DRAWS * len(FLOOR)
    forwards, backwards = price(suite, Shut())
    assert backwards == 0
    assert forwards == pytest.approx(queries, rel=0.02)


def test_an_open_model_is_priced_by_its_gradients(suite):
    opened, nobody = price(suite, Open()), price(suite, None)
    assert opened == nobody and opened[1] > 100
