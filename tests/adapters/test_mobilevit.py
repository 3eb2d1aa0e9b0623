"""MobileViT beside transformers' implementation with the same weights, and its counts."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchbed.adapter.load import load_adapter, start
from benchbed.profile.counts import count


@pytest.fixture(scope="module")
def mobilevit(repository):
    spec = importlib.util.spec_from_file_location("lit_mobilevit", repository / "adapters" / "mobilevit.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def theirs(sizes, channels: int, classes: int) -> torch.nn.Module:
    """transformers' network of a size."""
    pytest.importorskip("benchbed.adapter.hugging", reason="needs transformers", exc_type=ImportError)
    from transformers import MobileViTConfig, MobileViTForImageClassification

    config = MobileViTConfig(
        num_channels=channels,
        hidden_sizes=list(sizes.features),
        neck_hidden_sizes=list(sizes.channels),
        expand_ratio=float(sizes.expand),
        num_labels=classes,
    )
    return MobileViTForImageClassification(config).eval()


@pytest.mark.parametrize(("arch", "size"), [("xxs", (128, 100)), ("xs", (33, 47)), ("s", (96, 64))])
def test_the_network_is_that_of_transformers(mobilevit, arch, size):
    """The same random weights and batch statistics in transformers 5.24.0 (MobileViTForImageClassification): the
    largest difference of the logits is 1.5e-8, on a size that patches do not fill, and elsewhere none."""
    torch.manual_seed(0)
    ours, other = mobilevit.MobileViT(7, arch, 2).eval(), theirs(mobilevit.SIZES[arch], 2, 7)
    for module in ours.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.2)
            module.running_var.uniform_(0.5, 1.5)
    # Both list their pieces in the order of the paper's figure.
    held, names = list(ours.state_dict().values()), list(other.state_dict())
    assert [value.shape for value in held] == [value.shape for value in other.state_dict().values()]
    other.load_state_dict(dict(zip(names, held)))
    image = torch.randn(3, 2, *size)
    with torch.no_grad():
        assert (ours(image) - other(pixel_values=image).logits).abs().max() < 1e-6


@pytest.mark.parametrize(("arch", "millions"), [("s", 5.6), ("xs", 2.3), ("xxs", 1.3)])
def test_published_sizes(mobilevit, arch, millions):
    """Parameters on ImageNet as the paper's table 1 (5.6, 2.3 and 1.3 M) rounds them."""
    with torch.device("meta"):
        network = mobilevit.MobileViT(1000, arch, 3)
    assert round(sum(p.numel() for p in network.parameters()) / 1e6, 1) == millions


def test_costs_of_a_scene_model(repository, mobilevit):
    """With one channel and ten scenes S has 4.9 M parameters, just below the 5 to 6 million that a thesis states of the
    published network, whose classifier of 1,000 classes alone has 0.6 M."""
    loaded = load_adapter(str(repository / "adapters/mobilevit.py"), {"weights": "random"})
    figures = count(start(loaded))
    assert figures["parameters"]["value"] == 5_578_632 - 990 * 641 - 2 * 16 * 9 == 4_943_754
    network = mobilevit.MobileViT(10).to("meta").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 1, 128, 100, device="meta"))
    assert figures["macs"]["value"] == pytest.approx(counter.get_total_flops() / 2, rel=0.02)
    assert loaded.card.untrained
