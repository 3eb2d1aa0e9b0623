"""Eight models that one comparison of wake-word detectors ran on a laptop and a Raspberry Pi, over 32 × 32 mel images.

    benchbed run suites/wake_word.yaml --model adapters/wake_words.py
    benchbed profile --model adapters/wake_words.py --set arch=efficientnet_b7 --set weights=random

The source states neither parameters nor input features; its authors' code (lijuncheng16/EfficientWakeWord) hears one
second at 16 kHz as 32 mel bands in dB below the loudest, 80 dB deep, of 32 frames (here shifted by 40 dB and divided by
20, so that they lie around zero), and has six of the eight: `vgg19_bn`
with layers of 4,096 on its 512 features, `resnet50`, `efficientnet_b1` and `efficientnet_b7` (Tan and Le 2019),
`efficientnetv2_m` and `efficientnetv2_xl` (2021). `dscnn`, depthwise separable convolutions, is the small one of Zhang
et al. (Hello Edge, arXiv:1711.07128), and `transformer` the smallest keyword transformer of Berg, O'Connor and Cruz
(Interspeech 2021), of which `kwt_2` and `kwt_3` are wider. By default `dscnn` with weights trained on the synthetic
words.
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

EMBEDDED = Path(__file__).parent / "weights" / "wake_words_dscnn.safetensors"
RATE, BANDS, FRAMES, DEPTH = 16000, 32, 32, 80.0
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": BANDS,
        "n_fft": 2048,
        "hop_length": 512,
        "mel_scale": "slaney",
        "norm": "slaney",
        "log": "db",
        "offset": 1e-10,
    },
)
Arch = Literal[
    "dscnn",
    "vgg19_bn",
    "resnet50",
    "efficientnet_b1",
    "efficientnet_b7",
    "efficientnetv2_m",
    "efficientnetv2_xl",
    "transformer",
    "kwt_2",
    "kwt_3",
]
#: Kernel, repeats, stride, expansion, channels of EfficientNet-B0.
STAGES = (
    (3, 1, 1, 1, 16),
    (3, 2, 2, 6, 24),
    (5, 2, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (5, 3, 1, 6, 112),
    (5, 4, 2, 6, 192),
    (3, 1, 1, 6, 320),
)
#: Width and depth over B0.
SCALES = {"efficientnet_b1": (1.0, 1.1), "efficientnet_b7": (2.0, 3.1)}
#: Expansion, channels, repeats, stride, squeezing of EfficientNetV2.
STAGES_2 = {
    "efficientnetv2_m": (
        (1, 24, 3, 1, 0),
        (4, 48, 5, 2, 0),
        (4, 80, 5, 2, 0),
        (4, 160, 7, 2, 1),
        (6, 176, 14, 1, 1),
        (6, 304, 18, 2, 1),
        (6, 512, 5, 1, 1),
    ),
    "efficientnetv2_xl": (
        (1, 32, 4, 1, 0),
        (4, 64, 8, 2, 0),
        (4, 96, 8, 2, 0),
        (4, 192, 16, 2, 1),
        (6, 256, 24, 1, 1),
        (6, 512, 32, 2, 1),
        (6, 640, 8, 1, 1),
    ),
}
#: Features of keyword transformers; a head has 64.
WIDTHS = {"transformer": 64, "kwt_2": 128, "kwt_3": 192}


class MelImage(nn.Module):
    """Waveforms [clip, channel, sample] to dB below the loudest of each clip [clip, band, frame], −80 at least."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = FRONT.build()

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        mel = self.mel(waveforms)[..., :FRAMES]
        mel = F.pad(mel, (0, FRAMES - mel.shape[-1]), value=-100.0)
        return (mel - mel.amax((1, 2), keepdim=True)).clamp(min=-DEPTH)


def divisible(channels: float) -> int:
    """The nearest multiple of eight, never less than nine tenths."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def same(inside: int, out: int, size: int, stride: int = 1, groups: int = 1, bias: bool = False) -> nn.Sequential:
    """A convolution that pads as TensorFlow does at even sizes: one more behind than before where it is odd."""
    lacking = size - stride
    pads = (lacking // 2, lacking - lacking // 2) * 2 if lacking > 0 else (0, 0, 0, 0)
    return nn.Sequential(nn.ZeroPad2d(pads), nn.Conv2d(inside, out, size, stride, groups=groups, bias=bias))


class Squeeze(nn.Module):
    """Channels weighed by their means, through a narrow layer."""

    def __init__(self, channels: int, narrow: int) -> None:
        super().__init__()
        self.reduce, self.expand = nn.Linear(channels, narrow), nn.Linear(narrow, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(self.expand(F.silu(self.reduce(x.mean((2, 3))))))[:, :, None, None]


class MBConv(nn.Module):
    """The inverted residual of EfficientNet: wider, 3 × 3 or 5 × 5 in each channel, squeezed, narrower."""

    def __init__(self, inside: int, out: int, size: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inside * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [same(inside, wide, 1), nn.BatchNorm2d(wide, eps=1e-3), nn.SiLU()]
        layers += [same(wide, wide, size, stride, wide), nn.BatchNorm2d(wide, eps=1e-3), nn.SiLU()]
        layers += [Squeeze(wide, max(1, inside // 4)), same(wide, out, 1), nn.BatchNorm2d(out, eps=1e-3)]
        self.body, self.residual = nn.Sequential(*layers), stride == 1 and inside == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


def efficientnet(classes: int, width: float, depth: float) -> nn.Sequential:
    """EfficientNet, scaled."""
    before = divisible(32 * width)
    layers: list[nn.Module] = [same(1, before, 3, 2), nn.BatchNorm2d(before, eps=1e-3), nn.SiLU()]
    for size, repeats, stride, expand, channels in STAGES:
        after = divisible(channels * width)
        for index in range(math.ceil(repeats * depth)):
            layers.append(MBConv(before, after, size, stride if index == 0 else 1, expand))
            before = after
    top = divisible(1280 * width)
    layers += [same(before, top, 1), nn.BatchNorm2d(top, eps=1e-3), nn.SiLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(top, classes))


class MBConv2(nn.Module):
    """The block of EfficientNetV2: fused to one 3 × 3 convolution in the first stages."""

    def __init__(self, inside: int, out: int, stride: int, expand: int, squeezed: bool) -> None:
        super().__init__()
        wide = inside * expand
        layers: list[nn.Module] = [nn.Conv2d(inside, wide, 3, stride, 1, bias=False), nn.BatchNorm2d(wide), nn.SiLU()]
        if squeezed:
            layers = [nn.Conv2d(inside, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.SiLU()]
            layers += [nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.SiLU()]
            layers += [Squeeze(wide, divisible(inside // 4))]
        layers += [nn.Conv2d(wide, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.body, self.residual = nn.Sequential(*layers), stride == 1 and inside == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.residual else self.body(x)


def efficientnet_2(classes: int, arch: str) -> nn.Sequential:
    """EfficientNetV2."""
    before = 24
    layers: list[nn.Module] = [nn.Conv2d(1, before, 3, 2, 1, bias=False), nn.BatchNorm2d(before), nn.SiLU()]
    for expand, channels, repeats, stride, squeezed in STAGES_2[arch]:
        for index in range(repeats):
            layers.append(MBConv2(before, channels, stride if index == 0 else 1, expand, bool(squeezed)))
            before = channels
    layers += [nn.Conv2d(before, 1792, 1, bias=False), nn.BatchNorm2d(1792), nn.SiLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1792, classes))


def vgg19(classes: int) -> nn.Sequential:
    """VGG-19 with batch norm (Simonyan and Zisserman 2015); a clip of 32 × 32 leaves 512 features."""
    layers: list[nn.Module] = []
    before = 1
    for width, repeats in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(repeats):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    dense = [nn.Linear(512, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Flatten(), *dense, nn.Linear(4096, classes))


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolutions beside a shortcut."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        after = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(before, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, after, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        plain = stride == 1 and before == after
        self.short = (
            nn.Sequential()
            if plain
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.body(x) + self.short(x))


def resnet50(classes: int) -> nn.Sequential:
    """ResNet-50 (He et al. 2016) with one input channel."""
    layers: list[nn.Module] = [nn.Conv2d(1, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    before = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(blocks):
            layers.append(Bottleneck(before, width, stride if index == 0 else 1))
            before = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes))


def dscnn(classes: int, width: int = 64) -> nn.Sequential:
    """One convolution of four bands by ten frames, and four depthwise separable ones."""
    layers: list[nn.Module] = [nn.Conv2d(1, width, (4, 10), 2, (1, 4), bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


class PostNormLayer(nn.Module):
    """Attention and an MLP without bias, each before a layer norm that takes in the residual."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.heads = dim // 64
        self.query, self.key, self.value, self.out = (nn.Linear(dim, dim) for _ in range(4))
        self.inner, self.outer = nn.Linear(dim, 4 * dim, bias=False), nn.Linear(4 * dim, dim, bias=False)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (p(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for p in (self.query, self.key, self.value))
        # Written out, not fused: counters of operations see the products.
        attention = ((q @ k.transpose(2, 3)) / math.sqrt(q.shape[-1])).softmax(-1)
        x = self.norm1(x + self.out((attention @ v).transpose(1, 2).flatten(2)))
        return self.norm2(x + self.outer(F.gelu(self.inner(x))))


class KeywordTransformer(nn.Module):
    """Frames [clip, 1, band, frame] as tokens, a class token, learnt positions and twelve layers."""

    def __init__(self, classes: int, dim: int = 64, bands: int = BANDS, frames: int = FRAMES) -> None:
        super().__init__()
        self.into = nn.Linear(bands, dim)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(torch.zeros(1, 1 + frames, dim))
        self.layers, self.head = nn.Sequential(*(PostNormLayer(dim) for _ in range(12))), nn.Linear(dim, classes)
        for value in (self.token, self.positions):
            nn.init.trunc_normal_(value, std=0.02)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.into(image[:, 0].transpose(1, 2))
        x = torch.cat((self.token.expand(len(x), -1, -1), x), 1) + self.positions
        return self.head(self.layers(x)[:, 0])


def network(classes: int, arch: Arch) -> nn.Module:
    """One of the models, from images [clip, 1, band, frame] to logits."""
    if arch in SCALES:
        return efficientnet(classes, *SCALES[arch])
    if arch in STAGES_2:
        return efficientnet_2(classes, arch)
    if arch in WIDTHS:
        return KeywordTransformer(classes, WIDTHS[arch])
    return {"vgg19_bn": vgg19, "resnet50": resnet50, "dscnn": dscnn}[arch](classes)


class WakeWordNetwork(nn.Module):
    """Waveforms [clip, channel, sample] to logits."""

    def __init__(self, classes: int, arch: Arch) -> None:
        super().__init__()
        self.features, self.network = MelImage(), network(classes, arch)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        """Logits [clip, class] of images [clip, band, frame]."""
        return self.network((mel[:, None] + DEPTH / 2) / 20)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class WakeWords(TrainedAdapter):
    """A wake-word model as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`; the embedded weights of `dscnn` by default.
    weights : str
        `random` for costs alone.
    arch : str
        One of the eight, `kwt_2` or `kwt_3`.
    classes : int, optional
        Number of classes of random weights; two by default: the word, and all else.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "dscnn",
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained" and arch == "dscnn":
            checkpoint = EMBEDDED
        number = 2 if classes is None and weights == "random" else classes
        words = self.settle(checkpoint, weights, classes=number, options={"arch": arch}, seconds=1.0)
        arch = self.options.get("arch", arch)
        self.card = Card(
            name=arch,
            family="transformer" if arch in WIDTHS else "cnn",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text + " in dB below the loudest of the clip, 80 dB deep",
            min_seconds=0.1,
            licence="Apache-2.0",
            description="a wake-word model",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: Arch = "dscnn") -> nn.Module:
        """A fresh network for `training/train.py` with `--rate 16000`."""
        return WakeWordNetwork(len(labels), arch)
