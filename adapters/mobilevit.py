"""MobileViT in its three sizes as a scene model: convolutions, and transformers over unfolded patches of 2 × 2.

    benchbed profile --model adapters/mobilevit.py --set weights=random
    benchbed profile --model adapters/mobilevit.py --set arch=xxs --set weights=random

S. Mehta, M. Rastegari: MobileViT, light-weight, general-purpose, and mobile-friendly vision transformer (ICLR 2022;
arXiv:2110.02178): inverted residuals of MobileNetV2, and blocks in which tokens at the same place of their patches
attend to each other, without positions. A thesis on scene classification with transformers names it (5 to 6 million
parameters: S) as the peer of its medium models, and submissions to DCASE used it; none published weights. Here over
128 mel bands and the frames of 10 ms of any length, as `vit_asc.py` hears them; weights from `training/train.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights

RATE, BANDS, PATCH = 32000, 128, 2
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": BANDS,
        "n_fft": 1024,
        "win_length": 800,
        "hop_length": 320,
        "mel_scale": "htk",
        "offset": 1e-5,
    },
)
Arch = Literal["xxs", "xs", "s"]


@dataclass(frozen=True)
class Sizes:
    """Channels after the stem, after each stage and before the classifier; features of the tokens; expansion."""

    channels: tuple[int, int, int, int, int, int, int]
    features: tuple[int, int, int]
    expand: int = 4


SIZES: dict[Arch, Sizes] = {
    "xxs": Sizes((16, 16, 24, 48, 64, 80, 320), (64, 80, 96), 2),
    "xs": Sizes((16, 32, 48, 64, 80, 96, 384), (96, 120, 144)),
    "s": Sizes((16, 32, 64, 96, 128, 160, 640), (144, 192, 240)),
}
DEPTHS = (2, 4, 3)


def conv(inside: int, out: int, size: int = 3, stride: int = 1, groups: int = 1, act: bool = True) -> nn.Sequential:
    """A convolution without bias, its batch norm, and SiLU."""
    layers = [nn.Conv2d(inside, out, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, *([nn.SiLU()] if act else []))


class InvertedResidual(nn.Module):
    """Wider by a 1 × 1 convolution, 3 × 3 in each channel, narrower again; beside a residual where the shape stays."""

    def __init__(self, inside: int, out: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = divisible(inside * expand)
        self.expand, self.depthwise = conv(inside, wide, 1), conv(wide, wide, 3, stride, groups=wide)
        self.reduce, self.residual = conv(wide, out, 1, act=False), stride == 1 and inside == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.reduce(self.depthwise(self.expand(x)))
        return x + made if self.residual else made


def divisible(channels: float, by: int = 8) -> int:
    """The nearest multiple, never less than nine tenths.

    Examples
    --------
    >>> divisible(60), divisible(64)
    (64, 64)
    """
    near = max(by, int(channels + by / 2) // by * by)
    return near + by if near < 0.9 * channels else near


class Layer(nn.Module):
    """A transformer layer, norms first, four heads, inner layer of twice the width with SiLU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.inner, self.outer = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.before, self.after = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, tokens, dim = x.shape
        normed = self.before(x)
        query, key, value = (
            part(normed).view(rows, tokens, 4, dim // 4).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        # Written out, not fused: counters of operations see the products.
        attention = ((query @ key.transpose(-2, -1)) / math.sqrt(dim // 4)).softmax(-1)
        x = x + self.out((attention @ value).transpose(1, 2).reshape(rows, tokens, dim))
        return x + self.outer(F.silu(self.inner(self.after(x))))


class MobileViTBlock(nn.Module):
    """Half the size, then local convolutions, attention among patches, and both fused by a convolution."""

    def __init__(self, inside: int, out: int, dim: int, depth: int, expand: int) -> None:
        super().__init__()
        self.down = InvertedResidual(inside, out, 2, expand)
        self.local, self.widen = conv(out, out), nn.Conv2d(out, dim, 1, bias=False)
        self.layers, self.norm = nn.Sequential(*(Layer(dim) for _ in range(depth))), nn.LayerNorm(dim)
        self.project, self.fuse = conv(dim, out, 1), conv(2 * out, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.down(x)
        wide = self.widen(self.local(x))
        clips, dim, *size = wide.shape
        # Sizes that patches do not fill are stretched, and shrunk again.
        rows, columns = (math.ceil(length / PATCH) for length in size)
        full = [rows * PATCH, columns * PATCH]
        if full != size:
            wide = F.interpolate(wide, full, mode="bilinear", align_corners=False)
        tokens = wide.reshape(clips, dim, rows, PATCH, columns, PATCH).permute(0, 3, 5, 2, 4, 1)
        tokens = self.norm(self.layers(tokens.reshape(clips * PATCH**2, rows * columns, dim)))
        folded = tokens.reshape(clips, PATCH, PATCH, rows, columns, dim).permute(0, 5, 3, 1, 4, 2)
        wide = folded.reshape(clips, dim, *full)
        if full != size:
            wide = F.interpolate(wide, size, mode="bilinear", align_corners=False)
        return self.fuse(torch.cat((x, self.project(wide)), 1))


class MobileViT(nn.Module):
    """Images [clip, channel, band, frame] to logits."""

    def __init__(self, classes: int, arch: Arch = "s", channels: int = 1) -> None:
        super().__init__()
        sizes = SIZES[arch]
        c, expand = sizes.channels, sizes.expand
        self.stem = conv(channels, c[0], 3, 2)
        self.stages = nn.Sequential(
            InvertedResidual(c[0], c[1], 1, expand),
            nn.Sequential(
                *(InvertedResidual(c[1 if i == 0 else 2], c[2], 2 if i == 0 else 1, expand) for i in range(3))
            ),
            *(MobileViTBlock(c[i + 2], c[i + 3], sizes.features[i], DEPTHS[i], expand) for i in range(3)),
        )
        self.last = conv(c[5], c[6], 1)
        self.classifier = nn.Linear(c[6], classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.last(self.stages(self.stem(image))).mean((2, 3)))


class SceneMobileViT(nn.Module):
    """Waveforms [clip, channel, sample] at 32 kHz to logits."""

    def __init__(self, classes: int, arch: Arch = "s") -> None:
        super().__init__()
        self.features, self.network = FRONT.build(), MobileViT(classes, arch)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.network(((self.features(waveforms) + 4.5) / 5)[:, None])


class MobileViTAdapter(TrainedAdapter):
    """MobileViT as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`.
    weights : str
        `random` for costs alone.
    arch : str
        `xxs`, `xs` or `s`.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "s",
        classes: int | None = None,
    ) -> None:
        words = self.settle(checkpoint, weights, classes=classes, options={"arch": arch}, seconds=1.0)
        self.card = Card(
            name=f"mobilevit_{self.options.get('arch', arch)}",
            family="transformer",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="Apache-2.0",
            description="MobileViT over log-mel images",
            citation="S. Mehta, M. Rastegari: MobileViT: Light-weight, General-purpose, and Mobile-friendly Vision "
            "Transformer. ICLR 2022.",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: Arch = "s") -> nn.Module:
        """A fresh network for `training/train.py`."""
        return SceneMobileViT(len(labels), arch)
