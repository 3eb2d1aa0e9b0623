"""Convolutions on raw waveforms: M3, M5, M11, M18 and M34-res (Dai et al., ICASSP 2017, arXiv:1610.00087), without any
spectrogram.

    benchbed run suites/dcase_task1.yaml --model adapters/mcnn.py
    benchbed profile --model adapters/mcnn.py --set arch=m34_res --set weights=random --seconds 4

The first layer spans 80 samples at 8 kHz with stride 4, pools by four follow, and a mean over time ends it; `fc` has
two dense layers of 1,000 in its place. `receptive=8` and `320` are the variants srf and lrf, `width=1.5` of M3 and 2 of
M5 the big ones. By default a quarter of M5's width, trained on the synthetic scenes. Counts at four seconds are those
of the thesis's table with batch normalisation: 220,682 (M3) to 3,972,778 (M34-res, whose shortcuts pad with zeros).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.trained import TrainedAdapter, Weights

EMBEDDED = Path(__file__).parent / "weights" / "mcnn.safetensors"
RATE = 8000
Arch = Literal["m3", "m5", "m11", "m18", "m34_res"]
#: Filters of the first layer; filters and number of layers (of M34-res: pairs) of each block.
BLOCKS: dict[Arch, tuple[int, tuple[tuple[int, int], ...]]] = {
    "m3": (256, ((256, 1),)),
    "m5": (128, ((128, 1), (256, 1), (512, 1))),
    "m11": (64, ((64, 2), (128, 2), (256, 3), (512, 2))),
    "m18": (64, ((64, 4), (128, 4), (256, 4), (512, 4))),
    "m34_res": (48, ((48, 3), (96, 4), (192, 6), (384, 3))),
}


def convolution(before: int, after: int, size: int, stride: int, norm: bool, active: bool = True) -> nn.Sequential:
    """Convolution over time that keeps the length but for its stride; a bias where nothing normalises."""
    layers: list[nn.Module] = [nn.Conv1d(before, after, size, stride, bias=not norm)]
    left = (size - stride) // 2 if size > stride else 0
    layers.insert(0, nn.ConstantPad1d((left, max(0, size - stride) - left), 0.0))
    layers += [nn.BatchNorm1d(after)] if norm else []
    layers += [nn.ReLU()] if active else []
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two convolutions and a shortcut, by zeros in the channels that are new or by a convolution of one sample."""

    def __init__(self, before: int, after: int, norm: bool, shortcut: str) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(before, after, 3, 1, norm), convolution(after, after, 3, 1, norm, active=False)
        )
        self.new = after - before
        wanted = self.new > 0 and shortcut == "conv"
        self.project = nn.Conv1d(before, after, 1, bias=False) if wanted else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside = self.project(x) if self.project is not None else nn.functional.pad(x, (0, 0, 0, self.new))
        return torch.relu(self.body(x) + beside)


class Standardise(nn.Module):
    """Each clip to mean 0 and variance 1, as the source does; silence stays silence."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        mono = waveforms.mean(1, keepdim=True)
        centred = mono - mono.mean(-1, keepdim=True)
        return centred / (centred.square().mean(-1, keepdim=True) + 1e-10).sqrt()


class RawNetwork(nn.Module):
    """Waveforms [clip, channel, sample] at 8 kHz to logits [clip, class]."""

    def __init__(
        self,
        classes: int,
        arch: Arch = "m5",
        width: float = 1.0,
        receptive: int = 80,
        stride: int = 4,
        head: Literal["mean", "fc"] = "mean",
        norm: bool = True,
        shortcut: Literal["pad", "conv"] = "pad",
        samples: int = 32000,
    ) -> None:
        super().__init__()
        first, blocks = BLOCKS[arch]
        before = round(first * width)
        self.standardise = Standardise()
        layers: list[nn.Module] = [convolution(1, before, receptive, stride, norm)]
        length = -(-samples // stride)
        for filters, count in blocks:
            layers.append(nn.MaxPool1d(4, ceil_mode=True))
            length = -(-length // 4)
            after = round(filters * width)
            for _ in range(count):
                if arch == "m34_res":
                    layers.append(Residual(before, after, norm, shortcut))
                else:
                    layers.append(convolution(before, after, 3, 1, norm))
                before = after
        if len(blocks) < 4:  # a pooling follows each of the first three blocks, the last of M3 and M5 among them
            layers.append(nn.MaxPool1d(4, ceil_mode=True))
            length = -(-length // 4)
        self.body = nn.Sequential(*layers)
        self.dense = dense(before * length) if head == "fc" else None
        self.head = nn.Linear(1000 if head == "fc" else before, classes)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        x = self.body(self.standardise(waveforms))
        return self.head(self.dense(x.flatten(1)) if self.dense is not None else x.mean(-1))


def dense(inputs: int) -> nn.Sequential:
    """Two dense layers of 1,000 with batch normalisation and dropout: what the mean over time saves."""
    layers: list[nn.Module] = []
    for wide in (inputs, 1000):
        layers += [nn.Linear(wide, 1000), nn.BatchNorm1d(1000), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers)


class RawAdapter(TrainedAdapter):
    """A network on raw waveforms as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`; the embedded weights by default.
    weights : str
        `random` for costs alone; what follows then says of which network.
    arch : str
        `m3`, `m5`, `m11`, `m18` or `m34_res`.
    width : float
        Filters of every layer, over the published ones.
    receptive, stride : int
        Samples that a filter of the first layer spans, and its stride.
    head : str
        `mean` over time, or `fc`: two dense layers, for which the clip must be four seconds long.
    norm : bool
        Batch normalisation.
    shortcut : str
        Of M34-res where the width grows: `pad` with zeros, or `conv` of one sample.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "m5",
        width: float = 1.0,
        receptive: int = 80,
        stride: int = 4,
        head: Literal["mean", "fc"] = "mean",
        norm: bool = True,
        shortcut: Literal["pad", "conv"] = "pad",
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained":
            checkpoint = EMBEDDED
        options = {"arch": arch, "width": width, "receptive": receptive, "stride": stride}
        options |= {"head": head, "norm": norm, "shortcut": shortcut}
        words = self.settle(checkpoint, weights, classes=classes, options=options, seconds=4.0)
        of = self.options
        wide, ending = of.get("width", 1.0), of.get("head", "mean")
        self.card = Card(
            name=f"{of.get('arch', 'm5')}{'_fc' if ending == 'fc' else ''}{f'_x{wide:g}' if wide != 1 else ''}",
            family="raw-cnn",
            output="scene",
            sample_rate=RATE,
            front_end="waveform()",
            min_seconds=0.1,
            licence="Apache-2.0",
            citation="W. Dai, C. Dai, S. Qu, J. Li, S. Das: Very Deep Convolutional Neural Networks for Raw "
            "Waveforms. ICASSP 2017",
            description="convolutions on the raw waveform at 8 kHz",
            **words,
        )

    @classmethod
    def training_model(
        cls,
        labels: tuple[str, ...],
        *,
        arch: Arch = "m5",
        width: float = 1.0,
        receptive: int = 80,
        stride: int = 4,
        head: Literal["mean", "fc"] = "mean",
        norm: bool = True,
        shortcut: Literal["pad", "conv"] = "pad",
    ) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 8000`."""
        return RawNetwork(len(labels), arch, width, receptive, stride, head, norm, shortcut)
