"""A model that needs what it has set around it, asked for all that is no prediction: it finds it there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchbed.adapter.check import check
from benchbed.adapter.contract import Adapter
from benchbed.adapter.encoder import encoder_of
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.surroundings import at_home, if_any, of_its_own
from benchbed.profile.latency import latency
from benchbed.profile.rounds import paired_rounds
from benchbed.profile.session import LatencySettings, ProfileSettings, profile
from benchbed.run.attacking.victim import victim_of

#: Its network reads a table that numpy's own `load` refuses, from a folder that it goes to.
NEEDS = """
import os
import numpy as np, torch
from benchbed.adapter import Card, TorchAdapter

usual = np.load
np.load = lambda *a, **k: usual(*a, **{**k, "allow_pickle": True})

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(8, 2)

    def forward(self, x):
        assert os.environ["OF_A_MODEL"] == "1"
        return self.last(x[:, 0, :8]) * np.load("table.npy")[0]

class Needs(TorchAdapter):
    card = Card(name="needs", family="other", output="scene", labels=("a", "b"), sample_rate=8000)

    def build(self):
        os.environ["OF_A_MODEL"] = "1"
        os.chdir("FOLDER")
        torch.manual_seed(0)
        return Net()
"""


@pytest.fixture
def needs(tmp_path: Path) -> Adapter:
    """Started, as a run has it."""
    np.save(tmp_path / "table.npy", np.array([2.0, None], dtype=object), allow_pickle=True)
    (tmp_path / "needs.py").write_text(NEEDS.replace("FOLDER", str(tmp_path)))
    return start(load_adapter(str(tmp_path / "needs.py")))


def test_costs_are_taken_where_the_model_is_at_home_and_clips_are_read_where_the_command_is(needs: Adapter):
    usual, folder, read = np.load, os.getcwd(), set[str]()
    wanted = LatencySettings((1,), 0.01, warmup=1, cold_start=False, rounds=2)
    found = profile(needs, ProfileSettings(latency=wanted), timed_beside=needs)
    assert found["macs"]["value"] == 16 and found["latency"]["batch_1"]["median"]["value"] > 0
    assert found["latency"]["share_of_time"]["cpu"] and found["size"]["peak_activations"]["value"]
    parts = latency(needs, batch_sizes=(1,), least_seconds=0.01, warmup=1, decode=lambda: read.add(os.getcwd()))[
        "parts"
    ]
    assert parts["model"]["value"] > 0 and read == {folder}
    assert len(paired_rounds(needs, needs, rounds=2, seconds=0.01)["model"]) == 2
    assert np.load is usual and os.getcwd() == folder and "OF_A_MODEL" not in os.environ


def test_gradients_and_embeddings_are_asked_for_where_the_model_is_at_home(needs: Adapter):
    usual, points = np.load, torch.full((1, 1, 8000), 0.1, requires_grad=True)
    scores = victim_of(needs, lambda forward: forward).forward(points)
    assert torch.autograd.grad(scores.sum(), points)[0].any()
    made = encoder_of(needs)
    assert made.width == 8 and made.path is not None and made.path(points.detach()).shape == (1, 8)
    assert np.load is usual


def test_a_check_finds_no_fault_with_a_model_that_replaced_a_name(needs: Adapter, tmp_path: Path):
    found = {each.name: each.status for each in check(load_adapter(str(tmp_path / "needs.py")))}
    assert found["forward_agrees"] == found["gradients"] == "pass"


def test_who_left_nothing_is_called_bare():
    class Plain:
        """Anything that holds attributes."""

    model = Plain()
    with if_any(model):
        usual, np.pi = np.pi, 3.0
    assert np.pi == 3.0
    np.pi = usual
    with of_its_own(model):
        np.pi = 3.0
    assert at_home(model, lambda: np.pi)() == 3.0 and np.pi is usual
