"""Early exits: one transformer layer against a convolution, costs by hand, and the exits of the shipped weights."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch

from benchbed import audio
from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.data.layouts import tau2022
from benchbed.errors import CheckpointError, ConfigError
from benchbed.profile.exits import exit_costs, exit_scores


@pytest.fixture(scope="module")
def exits(repository):
    spec = importlib.util.spec_from_file_location("tested_exits", repository / "adapters/early_exits.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "early_exits.py"), options).adapter
    adapter.load("cpu")
    return adapter


def parameters(module):
    return sum(one.numel() for one in module.parameters())


def test_heads_and_layers_cost_what_the_source_prints(exits):
    """Table 11: 0.55 M with one head and 0.61 M with sixteen, a second layer 0.06 M more than 0.59 M."""
    one, sixteen = (parameters(exits.SlVit(10, 32, 4, (16, 26), heads)) for heads in (1, 16))
    assert sixteen - one == 15 * (4 * 32 * 32 + 3 * 32) == 62_880
    assert round((sixteen - one) / 1e6, 2) == round(0.61 - 0.55, 2)
    assert parameters(exits.TransformerLayer(32, 12)) / 1e6 == pytest.approx(0.65 - 0.59, abs=0.01)


def test_branches_by_hand(exits):
    # Patches of 4 × 4 over 16 × 26: four rows, seven columns, the last one filled up.
    vit = exits.SlVit(10, 32, 4, (16, 26))
    layer = 4 * 12 * 32 * 32 + 3 * 12 * 32 + 32 + 2 * 64 + 32 * 64 + 64 + 64 * 32 + 32
    assert parameters(vit) == 32 * 32 * 16 + 32 + 28 * 32 + layer + 28 * 32 * 32 + 32 + 32 * 10 + 10
    cnn = exits.Convolved(10, 32, 4, (16, 26))
    assert parameters(cnn) == 9 * 32 * 24 + 24 + 24 * 8 * 13 * 32 + 32 + 32 * 10 + 10
    given = torch.zeros(2, 32, 16, 26)
    assert vit(given).shape == cnn(given).shape == (2, 10)


def test_attention_is_that_of_torch(exits):
    """With keys as wide as torch has them: one head of the width of the input."""
    torch.manual_seed(0)
    own, other = exits.WideAttention(8, 1), torch.nn.MultiheadAttention(8, 1, batch_first=True)
    with torch.no_grad():
        other.in_proj_weight.copy_(own.asked.weight)
        other.in_proj_bias.copy_(own.asked.bias)
        other.out_proj.weight.copy_(own.joined.weight)
        other.out_proj.bias.copy_(own.joined.bias)
    x = torch.randn(2, 5, 8)
    assert torch.allclose(own(x), other(x, x, x, need_weights=False)[0], atol=1e-6)


@pytest.mark.parametrize("branch", ["vit", "cnn"])
def test_the_last_exit_is_the_shipped_network_and_costs_rise(repository, branch):
    adapter = opened(repository, branch=branch)
    plain = load_adapter("cnn", {}).adapter
    plain.load("cpu")
    waves = np.random.default_rng(0).normal(0, 0.1, (3, 1, 32000)).astype(np.float32)
    scores = exit_scores(adapter, waves)
    batch = Batch(waves, np.full(3, 32000), 32000)
    assert scores.shape == (3, 3, 10) and scores[2] == pytest.approx(plain.predict(batch), abs=1e-4)
    costs = exit_costs(adapter, 1.0, repeats=1)
    assert costs.macs == sorted(costs.macs) and len(costs.macs) == 3
    for number in (1, 2):
        alone = opened(repository, branch=branch, exit=number)
        assert alone.predict(batch) == pytest.approx(scores[number - 1], abs=1e-5)


def test_exits_are_far_better_than_chance_and_the_later_one_is_no_worse(repository, tmp_path):
    root = synthetic.make(tmp_path / "set", layout="tau2022", size="small")
    table = tau2022.read(root).select("test").iloc[::2]
    waves = np.stack([audio.read(root / path)[0][:1] for path in table["path"]])
    found = {}
    for branch in ("vit", "cnn"):
        adapter = opened(repository, branch=branch)
        scores = exit_scores(adapter, waves)
        numbers = {label: number for number, label in enumerate(adapter.card.labels)}
        truth = np.array([numbers[label] for label in table["label"]])
        found[branch] = (scores.argmax(-1) == truth).mean(1)
    for branch, right in found.items():
        assert right.min() > 0.2 and right[2] > right[0] - 0.05, (branch, right)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"exit": 3}, ConfigError, "no such exit"),
        ({"exit": -1}, ConfigError, "no such exit"),
        ({"weights": "random", "checkpoint": "x"}, ConfigError, "takes no checkpoint"),
    ],
)
def test_what_cannot_be_is_refused(repository, options, error, said):
    with pytest.raises(error, match=said):
        opened(repository, **options)
    with pytest.raises(CheckpointError, match="has no branches 'vit'"):
        opened(repository, checkpoint=str(repository / "adapters/weights/early_exits_cnn.safetensors"))
