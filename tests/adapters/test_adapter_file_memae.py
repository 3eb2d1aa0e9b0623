"""MemAE: the published parameters, pruning filter by filter, the shipped detectors, and what is refused."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from benchbed import audio
from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.data.layouts import dcase2023_task2
from benchbed.errors import CheckpointError, ConfigError
from benchbed.profile.macs import count_macs, network_macs


def loaded(repository, name, place):
    spec = importlib.util.spec_from_file_location(name, repository / place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def memae(repository):
    return loaded(repository, "tested_memae", "adapters/memae.py")


@pytest.fixture(scope="module")
def script(repository):
    return loaded(repository, "train_memae", "adapters/training/memae.py")


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "memae.py"), options).adapter
    adapter.load("cpu")
    return adapter


def parameters(module):
    return sum(one.numel() for one in module.parameters())


def test_parameters_are_the_published_ones(memae):
    """MARVEL D3.1, table 12: 6,492,801, and 1,833,368 after pruning, which its shares give in no order."""
    with torch.device("meta"):
        whole = memae.MemAE(memae.widths(1.0))
        pruned = memae.MemAE(memae.widths(1.0, memae.PRUNED))
        other = memae.MemAE(memae.widths(1.0, (0.45, 0.10, 0.60, 0.80, 0.45, 0.25)))
    assert parameters(whole) == 6_492_801
    assert parameters(pruned) == 2_023_430 and parameters(other) == 1_833_094


def test_a_stack_keeps_its_shape(memae):
    stacks = torch.zeros(2, 1, memae.PIECES, memae.MELS, memae.FRAMES)
    assert memae.MemAE((4, 5, 6, 7, 5, 4, 3), 10)(stacks).shape == stacks.shape


def test_a_memory_gives_back_what_it_holds(memae):
    memory = memae.Memory(4, 4)
    memory.items.data.copy_(20 * torch.eye(4))
    given = 20 * torch.eye(4)[None, :, :, None, None]
    assert torch.allclose(memory(given), given, atol=1e-4)
    # In between items: those of small weight are left out, the others sum to one.
    mixed = memory(torch.full((1, 4, 1, 1, 1), 1.0))
    assert mixed.flatten().tolist() == pytest.approx([5.0] * 4, abs=1e-4)


@pytest.mark.parametrize("layer", range(1, 7))
def test_pruning_takes_the_smallest_filters_and_nothing_else(memae, script, layer):
    torch.manual_seed(0)
    whole = memae.Rebuilt((4, 6, 6, 6, 6, 6, 4), 8).eval()
    convolutions = [
        one for part in (whole.network.encoder, whole.network.decoder) for one in part if hasattr(one, "kernel_size")
    ]
    norms = [
        one
        for part in (whole.network.encoder, whole.network.decoder)
        for one in part
        if isinstance(one, torch.nn.BatchNorm3d)
    ]
    own, norm = convolutions[layer], norms[layer]
    dead = torch.tensor([0, 2])
    with torch.no_grad():
        # Two filters say nothing: without them the network says the same.
        axis = 1 if isinstance(own, torch.nn.ConvTranspose3d) else 0
        own.weight.index_fill_(axis, dead, 0.0)
        own.bias[dead] = 0.0
        norm.weight[dead], norm.bias[dead] = 0.0, 0.0
        if layer == 3:
            whole.network.memory.items[:, dead] = 0.0
    keep = own.out_channels - 2
    less = script.prune(memae, whole, layer, keep).eval()
    stacks = torch.randn(2, 1, memae.PIECES, memae.MELS, memae.FRAMES)
    with torch.no_grad():
        assert torch.allclose(whole.network(stacks), less.network(stacks), atol=1e-5)
    assert parameters(less.network) < parameters(whole.network)


def test_the_pruned_detector_costs_less_and_tells_faults_as_well(repository, tmp_path):
    root = synthetic.make(tmp_path / "set", layout="dcase2023_task2", size="small")
    table = dcase2023_task2.read(root).select("test")
    waves = np.stack([audio.read(root / path)[0] for path in table["path"]])
    batch = Batch(waves, np.full(len(waves), waves.shape[2]), 16000)
    areas, costs, errors = [], [], []
    for pruned in (False, True):
        adapter = opened(repository, pruned=pruned)
        answers = adapter.predict(batch)
        assert answers.shape == (48,)
        parts = []
        for machine in ("fan", "slider", "valve"):
            rows = ((table["machine"] == machine) & (table["domain"] == "source")).to_numpy()
            faulty = table["state"][rows] == "anomaly"
            parts.append(roc_auc_score(faulty, answers[rows]))
            errors.append((len(faulty) + 1) / (12 * int(faulty.sum()) * int((~faulty).sum())))
        areas.append(float(np.mean(parts)))
        costs.append((parameters(adapter.model.network), network_macs(count_macs(adapter, 2.0, on_device=False).trace)))
    # Mann and Whitney: the variance of an area without skill. Both detectors have some, once in a hundred by chance,
    # and are no further apart than two of that kind come by chance, so that a wrong layer order or a lost memory shows.
    error = float(np.sqrt(np.sum(errors[:3]))) / 3
    assert min(areas) > 0.5 + 2.33 * error and areas[1] > areas[0] - 1.64 * np.sqrt(2) * error
    assert costs[1][0] < 0.45 * costs[0][0] and costs[1][1] < 0.8 * costs[0][1]


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"weights": "random", "width": 0.0}, ConfigError, "width=0"),
        ({"weights": "random", "checkpoint": "x"}, ConfigError, "takes no checkpoint"),
    ],
)
def test_what_cannot_be_is_refused(repository, options, error, said):
    with pytest.raises(error, match=said):
        opened(repository, **options)
    with pytest.raises(CheckpointError, match="does not say how wide"):
        opened(repository, checkpoint=str(repository / "adapters/weights/anomaly_knn.safetensors"))


@pytest.mark.parametrize("shares", [(0.5,), (0.5,) * 7, (1.0,) * 6, (-0.1,) * 6])
def test_shares_that_are_none_are_refused(memae, shares):
    with pytest.raises(ConfigError, match="shares"):
        memae.widths(1.0, shares)


def test_training_and_pruning_give_the_same_weights_again(repository, script, tmp_path, monkeypatch):
    from safetensors.torch import load_file

    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    given = ["--size", "small", "--epochs", "1", "--width", "0.05", "--items", "8"]
    whole = script.main([*given, "--out", str(tmp_path / "whole.safetensors")])
    pruned = [
        script.main([*given, "--prune", str(whole), "--out", str(tmp_path / f"{name}.safetensors")]) for name in "ab"
    ]
    first, second = map(load_file, pruned)
    assert first.keys() == second.keys() and all(bool((first[key] == second[key]).all()) for key in first)
    adapter = opened(repository, checkpoint=str(pruned[0]))
    assert adapter.card.trained_on == ("dcase2023_task2-synthetic/train",) and adapter.filters[0] == 5
    with pytest.raises(ConfigError, match="no weights of MemAE"):
        script.main([*given, "--prune", str(repository / "adapters/weights/cnn.safetensors"), "--out", "x"])
