"""Networks whose cost is known from outside, and small adapters around networks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from benchbed.adapter import Adapter, Card, TorchAdapter


def card(**facts) -> Card:
    return Card(
        **({"name": "toy", "family": "cnn", "output": "scene", "labels": ("a", "b"), "sample_rate": 8000} | facts)
    )


@pytest.fixture
def around() -> Callable[..., TorchAdapter]:
    """Makes a loaded adapter around a network that takes waveforms `[clip, channel, sample]`."""

    def make(network: nn.Module, device: str = "cpu", **facts) -> TorchAdapter:
        class Around(TorchAdapter):
            card_facts = facts

            def build(self) -> nn.Module:
                return network

        Around.card = card(**facts)
        adapter = Around()
        adapter.load(device)
        return adapter

    return make


@pytest.fixture
def foreign() -> Adapter:
    """A model that is no torch module."""

    class Foreign(Adapter):
        def predict(self, batch):
            return np.zeros((len(batch), 2), np.float32)

    Foreign.card = card(name="foreign")
    return Foreign()


class Vit(nn.Module):
    """A plain vision transformer on spectrograms: one channel, class token, learned positions, linear head."""

    def __init__(self, size: tuple[int, int], patch: int, stride: int, dim: int, depth: int, heads: int, ratio: int):
        super().__init__()
        rows, columns = ((axis - patch) // stride + 1 for axis in size)
        self.patches = nn.Conv2d(1, dim, patch, stride)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.zeros(1, 1 + rows * columns, dim))
        layer = nn.TransformerEncoderLayer(dim, heads, dim * ratio, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, depth, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.positions
        return self.head(self.blocks(x)[:, 0])


@pytest.fixture
def vit() -> Callable[..., nn.Module]:
    """Makes a vision transformer without data."""

    def make(*shape) -> nn.Module:
        with torch.device("meta"):
            return Vit(*shape).eval()

    return make


def _eight(value: float) -> int:
    """Nearest multiple of eight, but never more than a tenth below."""
    near = max(8, int(value + 4) // 8 * 8)
    return near if near >= 0.9 * value else near + 8


def _unit(inputs: int, outputs: int, kernel: int, stride=1, groups: int = 1, relu: bool = True) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), *([nn.ReLU()] if relu else []))


class Block(nn.Module):
    """Inverted bottleneck: 1×1 up, 3×3 depthwise, 1×1 down, with a shortcut where the width stays."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]):
        super().__init__()
        wide = _eight(2.1 * inputs)
        self.path = nn.Sequential(
            _unit(inputs, wide, 1), _unit(wide, wide, 3, stride, wide), _unit(wide, outputs, 1, relu=False)
        )
        self.kept = inputs == outputs
        self.shortcut = nn.AvgPool2d(3, stride, 1) if stride != (1, 1) else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.path(x) + self.shortcut(x) if self.kept else self.path(x))


@pytest.fixture
def dcase2024_shape() -> nn.Module:
    """The shape of the DCASE 2024 Task 1 baseline, from its description: width 32, multiplier 1.8, expansion 2.1, three
    stages of 3, 2 and 1 blocks, frequency halved in the fourth position and time in the third."""
    strides = {1: (1, 1), 2: (1, 2), 3: (2, 1)}
    layers, width, number = [_unit(1, 8, 3, 2), _unit(8, 32, 3, 2)], 32, 0
    for outputs, blocks in ((32, 3), (_eight(32 * 1.8), 2), (_eight(32 * 1.8**2), 1)):
        for _ in range(blocks):
            layers.append(Block(width, outputs, strides.get(number, (1, 1))))
            width, number = outputs, number + 1
    layers += [nn.Conv2d(width, 10, 1, bias=False), nn.BatchNorm2d(10), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers).eval()
