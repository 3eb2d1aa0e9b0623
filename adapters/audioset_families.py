"""Three families of AudioSet taggers that one comparison built beside AST, TALNet and CNN + Transformer.

    benchbed profile --model adapters/audioset_families.py --set arch=conformer --set weights=random

`resnet50` with one input channel and attention pooling in the place of its last layer (25,661,406 parameters);
`transformer`, eight blocks straight on log-mel frames (the source says 28.5 million and no widths; 656 features with
twice as many inside give 28.3); `conformer`, twelve blocks of 768 features and twelve heads (88.1 million, with inner
layers of 1,024 and convolutions over 15 frames). 64 mel bands every 25 ms, as the source's smaller feature.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import torch
from torch import nn
from torch.nn import functional as F

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights

RATE = 16000
FRONT = NamedFrontEnd(
    "log_mel", {"sample_rate": RATE, "n_mels": 64, "n_fft": 4096, "win_length": 1024, "hop_length": 400, "fmax": 8000.0}
)
Arch = Literal["resnet50", "transformer", "conformer"]


class AttentionPooling(nn.Module):
    """Probabilities of every frame [clip, frame, feature], weighed by how much a frame tells of each class."""

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.prob, self.att = nn.Linear(dim, classes), nn.Linear(dim, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        frames = torch.sigmoid(self.prob(x)).clamp(1e-7, 1 - 1e-7)
        return (frames * torch.softmax(self.att(x), 1)).sum(1)


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolutions beside a shortcut (He et al., CVPR 2016), with torchvision's names."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, after, 1, bias=False), nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return F.relu(self.bn3(self.conv3(x)) + beside)


class ResNet50(nn.Module):
    """ResNet-50 over spectrograms [clip, mel, frame]: frames of 2,048 features after a mean over bands."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        before = 64
        for number, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
            layer = []
            for index in range(blocks):
                layer.append(Bottleneck(before, width, 2 if index == 0 and number > 1 else 1))
                before = 4 * width
            setattr(self, f"layer{number}", nn.Sequential(*layer))
        self.pooling = AttentionPooling(before, classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(mel[:, None]))), 3, 2, 1)
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        return self.pooling(x.mean(2).transpose(1, 2))


def positions(frames: int, dim: int, like: torch.Tensor) -> torch.Tensor:
    """Sines and cosines [1, frame, feature]."""
    place = torch.arange(frames, dtype=like.dtype, device=like.device)[:, None]
    pace = torch.exp(torch.arange(0, dim, 2, dtype=like.dtype, device=like.device) * (-math.log(10000.0) / dim))
    return torch.stack(((place * pace).sin(), (place * pace).cos()), -1).flatten(1)[None]


class Attending(nn.Module):
    """Self-attention with a linear layer for each of query, key and value."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        def split(y: torch.Tensor) -> torch.Tensor:
            return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)

        q, k, v = split(self.query(x)), split(self.key(x)), split(self.value(x))
        weights = ((q @ k.transpose(-2, -1)) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).flatten(2))


class PostNormBlock(nn.Module):
    """Attention and two layers, each normalised after its residual, as in the source's public code."""

    def __init__(self, dim: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention, self.norm1 = Attending(dim, heads), nn.LayerNorm(dim)
        self.inner, self.outer, self.norm2 = nn.Linear(dim, inner), nn.Linear(inner, dim), nn.LayerNorm(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm1(self.attention(x) + x)
        return self.norm2(self.outer(F.relu(self.inner(x))) + x)


class FrameTransformer(nn.Module):
    """Blocks on log-mel frames [clip, mel, frame], which are scaled by √d before positions are added."""

    def __init__(self, classes: int, bands: int = 64, dim: int = 656, depth: int = 8, heads: int = 8) -> None:
        super().__init__()
        self.into, self.norm = nn.Linear(bands, dim), nn.LayerNorm(dim)
        self.blocks = nn.Sequential(*(PostNormBlock(dim, heads, 2 * dim) for _ in range(depth)))
        self.pooling = AttentionPooling(dim, classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.into(mel.transpose(1, 2)))
        x = x * math.sqrt(x.shape[-1]) + positions(x.shape[1], x.shape[2], x)
        return self.pooling(self.blocks(x))


class ConformerBlock(nn.Module):
    """Half a feed-forward, attention, convolution, half a feed-forward (Gulati et al., Interspeech 2020)."""

    def __init__(self, dim: int, heads: int, inner: int, kernel: int) -> None:
        super().__init__()
        self.first, self.last = self._feed(dim, inner), self._feed(dim, inner)
        self.norm_attention, self.attention = nn.LayerNorm(dim), Attending(dim, heads)
        self.norm_conv = nn.LayerNorm(dim)
        self.point1, self.point2 = nn.Conv1d(dim, 2 * dim, 1), nn.Conv1d(dim, dim, 1)
        self.depth, self.bn = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim), nn.BatchNorm1d(dim)
        self.norm = nn.LayerNorm(dim)

    @staticmethod
    def _feed(dim: int, inner: int) -> nn.Sequential:
        return nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, inner), nn.SiLU(), nn.Linear(inner, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + 0.5 * self.first(x)
        x = x + self.attention(self.norm_attention(x))
        y = F.glu(self.point1(self.norm_conv(x).transpose(1, 2)), 1)
        x = x + self.point2(F.silu(self.bn(self.depth(y)))).transpose(1, 2)
        return self.norm(x + 0.5 * self.last(x))


class Conformer(nn.Module):
    """Conformer blocks on log-mel frames [clip, mel, frame]; the mean over frames decides."""

    def __init__(self, classes: int, bands: int = 64, dim: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.into = nn.Linear(bands, dim)
        self.blocks = nn.Sequential(*(ConformerBlock(dim, heads, 1024, 15) for _ in range(depth)))
        self.head = nn.Linear(dim, classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.into(mel.transpose(1, 2))
        return torch.sigmoid(self.head(self.blocks(x + positions(x.shape[1], x.shape[2], x)).mean(1)))


NETWORKS = {"resnet50": ResNet50, "transformer": FrameTransformer, "conformer": Conformer}


class FamilyNetwork(nn.Module):
    """Front end, normalisation to a variance of one quarter, and network: waveforms to probabilities."""

    def __init__(self, classes: int, arch: Arch, mean: float, deviation: float) -> None:
        super().__init__()
        self.features, self.net = FRONT.build(), NETWORKS[arch](classes)
        self.mean, self.deviation = mean, deviation

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        return self.net((mel - self.mean) / (2 * self.deviation))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class AudiosetFamilies(TrainedAdapter):
    """A tagger of one of three families.

    Parameters
    ----------
    arch : str
        `resnet50`, `transformer` or `conformer`.
    checkpoint : Path, optional
        Safetensors of `training/train.py`, or another state dict, whose classes `labels` names; none was published.
    labels : str, optional
        Classes of a state dict that does not name them.
    weights : str
        `random` for costs alone.
    classes : int
        Of random weights; AudioSet's 527 by default.
    mean, deviation : float
        Of the log-mel features in training.
    """

    def __init__(
        self,
        arch: Arch = "resnet50",
        checkpoint: Path | None = None,
        labels: str = "",
        weights: Weights = "trained",
        classes: int | None = None,
        mean: float = 0.0,
        deviation: float = 1.0,
    ) -> None:
        number = 527 if classes is None and weights == "random" else classes
        options = {"arch": arch, "mean": mean, "deviation": deviation}
        words = self.settle(checkpoint, weights, classes=number, labels=labels, options=options, seconds=10.0)
        self.card = Card(
            name=self.options.get("arch", arch),
            family={"resnet50": "cnn"}.get(arch, arch),
            output="tags",
            scores="probabilities",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.5,
            licence="Apache-2.0",
            citation="J. B. Li, S. Qu, P.-Y. Huang, F. Metze: AudioTagging Done Right. arXiv:2203.13448",
            description="an AudioSet family with random or own weights",
            **words,
        )

    @classmethod
    def training_model(
        cls, labels: tuple[str, ...], *, arch: Arch = "resnet50", mean: float = 0.0, deviation: float = 1.0
    ) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 16000 --task tags`."""
        return FamilyNetwork(len(labels), arch, mean, deviation)
