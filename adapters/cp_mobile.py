"""CP-Mobile, the winner of DCASE 2023 Task 1 (Schmid et al., DCASE 2023 workshop), and its simpler sister, the baseline
of DCASE 2024 Task 1: 61,148 parameters and 29,419,156 multiply-accumulates for a second of audio, as published.

    benchbed run suites/dcase_task1.yaml --model adapters/cp_mobile.py
    benchbed profile --model adapters/cp_mobile.py --set arch=cp_mobile --set weights=random

Inverted bottlenecks (expand, filter each channel, project) with residual connections over a log-mel image of 256 bands.
CP-Mobile adds global response normalisation after every block, and sees its image through the front end of PaSST. By
default the shape of the baseline, trained on the synthetic scenes; layers have the published names, so that state dicts
of fschmid56/cpjku_dcase23 and CPJKU/dcase2024_task1_baseline load: `--set checkpoint=FILE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights

EMBEDDED = Path(__file__).parent / "weights" / "cp_mobile.safetensors"
RATE = 32000
#: Classes of TAU Urban Acoustic Scenes in the order of published weights.
SCENES = (
    "airport, bus, metro, metro_station, park, public_square, shopping_mall, street_pedestrian, street_traffic, tram"
)
Arch = Literal["dcase2024", "cp_mobile"]


@dataclass(frozen=True)
class Shape:
    """Width of the first stage, its growth from stage to stage, expansion in a block, and strides by block."""

    growth: float
    expansion: float
    response_norm: bool
    base: int = 32
    blocks: tuple[int, ...] = (3, 2, 1)
    strides: Mapping[int, tuple[int, int]] = field(default_factory=lambda: MappingProxyType({}))


SHAPES: dict[Arch, Shape] = {
    "dcase2024": Shape(1.8, 2.1, False, strides=MappingProxyType({3: (1, 2), 4: (2, 1)})),
    "cp_mobile": Shape(2.3, 3.0, True, strides=MappingProxyType({2: (2, 2), 4: (2, 1)})),
}


def eights(width: float) -> int:
    """The multiple of eight nearest to `width`, never more than a tenth below it (the rule of MobileNet)."""
    rounded = max(8, int(width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * width else rounded


def convolution(
    before: int, after: int, size: int, stride: tuple[int, int] = (1, 1), groups: int = 1, active: bool = True
) -> nn.Sequential:
    """Convolution without bias, batch normalisation, and a rectifier where wanted."""
    layers: list[nn.Module] = [nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False)]
    layers += [nn.BatchNorm2d(after), *([nn.ReLU()] if active else [])]
    return nn.Sequential(*layers)


class ResponseNorm(nn.Module):
    """Global response normalisation (Woo et al., arXiv:2301.00808) with one gain and one offset for all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        strength = x.square().sum((2, 3), keepdim=True).add(1e-20).sqrt()
        share = strength / (strength.mean(1, keepdim=True) + 1e-6)
        return x + self.gamma * (x * share) + self.beta


class Block(nn.Module):
    """Expand, filter, project; the input is added where the width stays, averaged over a stride."""

    def __init__(self, before: int, after: int, shape: Shape, stride: tuple[int, int]) -> None:
        super().__init__()
        wide = eights(before * shape.expansion)
        self.block = nn.Sequential(
            convolution(before, wide, 1),
            convolution(wide, wide, 3, stride, groups=wide),
            convolution(wide, after, 1, active=False),
        )
        self.residual = before == after
        self.pool = nn.AvgPool2d(3, stride, 1) if self.residual and stride != (1, 1) else nn.Identity()
        self.after_block_norm = ResponseNorm() if shape.response_norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.block(x)
        return torch.relu(self.after_block_norm(y + self.pool(x) if self.residual else y))


class CpMobile(nn.Module):
    """The network: log-mel image [clip, 1, band, frame] to logits [clip, class]."""

    def __init__(self, classes: int, shape: Shape) -> None:
        super().__init__()
        widths = [eights(shape.base), *(eights(shape.base * shape.growth**i) for i in range(len(shape.blocks)))]
        quarter = widths[0] // 4
        self.in_c = nn.Sequential(convolution(1, quarter, 3, (2, 2)), convolution(quarter, widths[0], 3, (2, 2)))
        self.stages, number = nn.Sequential(), 0
        for i, count in enumerate(shape.blocks):
            stage = nn.Sequential()
            for place in range(count):
                number += 1
                before = widths[i] if place == 0 else widths[i + 1]
                stage.add_module(f"b{number}", Block(before, widths[i + 1], shape, shape.strides.get(number, (1, 1))))
            self.stages.add_module(f"s{i + 1}", stage)
        self.feed_forward = nn.Sequential(nn.Conv2d(widths[-1], classes, 1, bias=False), nn.BatchNorm2d(classes))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.feed_forward(self.stages(self.in_c(image))).mean((2, 3))


#: 96-ms windows every 15.6 ms; the released CP-Mobile has the bands of PaSST.
_WINDOWS = {"sample_rate": RATE, "n_mels": 256, "n_fft": 4096, "win_length": 3072, "hop_length": 500, "offset": 1e-5}
FRONTS: dict[Arch, NamedFrontEnd] = {
    "dcase2024": NamedFrontEnd("log_mel", _WINDOWS | {"mel_scale": "htk"}),
    "cp_mobile": NamedFrontEnd(
        "log_mel", _WINDOWS | {"mel_scale": "kaldi", "fmax": 15500.0, "preemphasis": 0.97, "periodic": False}
    ),
}


class MelImage(nn.Module):
    """Waveforms [clip, channel, sample] to the log-mel image [clip, band, frame] of 96-ms windows every 15.6 ms."""

    def __init__(self, arch: Arch) -> None:
        super().__init__()
        self.scaled = arch == "cp_mobile"
        self.mel = FRONTS[arch].build()

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        image = self.mel(waveforms)
        return (image + 4.5) / 5 if self.scaled else image


class Network(nn.Module):
    """Front end and network: waveforms to logits."""

    def __init__(self, classes: int, arch: Arch) -> None:
        super().__init__()
        self.features, self.net = MelImage(arch), CpMobile(classes, SHAPES[arch])

    def classify(self, image: torch.Tensor) -> torch.Tensor:
        return self.net(image[:, None])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class CpMobileAdapter(TrainedAdapter):
    """CP-Mobile or the baseline of DCASE 2024 as a benchbed model.

    Parameters
    ----------
    arch : str
        `dcase2024`, the baseline, or `cp_mobile`.
    checkpoint : Path, optional
        Safetensors of `training/train.py`, or a published state dict; without it the embedded weights of `dcase2024`.
    labels : str, optional
        Classes of a published state dict; the ten scenes in their published order by default.
    weights : str
        `random` for costs alone.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        arch: Arch = "dcase2024",
        checkpoint: Path | None = None,
        labels: str = SCENES,
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained" and arch == "dcase2024":
            checkpoint = EMBEDDED
        words = self.settle(checkpoint, weights, classes=classes, labels=labels, options={"arch": arch}, seconds=1.0)
        self.card = Card(
            name="cp_mobile" if arch == "cp_mobile" else "dcase2024_baseline",
            family="cnn",
            output="scene",
            sample_rate=RATE,
            front_end=FRONTS[self.options.get("arch", "dcase2024")].text,
            min_seconds=0.1,
            licence="MIT",
            citation="F. Schmid et al.: CP-Mobile. DCASE 2023 workshop",
            description="inverted bottlenecks over 256 mel bands",
            **{"weight_bits": 16, **words},
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: Arch = "dcase2024") -> nn.Module:
        """A fresh network, initialised as published, for `training/train.py`."""
        network = Network(len(labels), arch)
        for module in network.net.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
        return network
