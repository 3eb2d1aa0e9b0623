"""PhiNets for microcontrollers, over a mel spectrogram (2-D) and over the waveform (1-D).

    benchbed profile --model adapters/phinet.py --set weights=random --set arch=m40
    benchbed profile --model adapters/phinet.py --set weights=random --set arch=grid --set alpha=0.35 --set t0=4
    benchbed run suites/urbansound8k.yaml --model adapters/phinet.py --set checkpoint=mine.safetensors --data …

Inverted residuals whose expansion `t0`, width `alpha`, shape `beta` and depth are chosen for the memory of a board
(Paissan et al., ICASSP 2022, with the networks of fpaissan/icassp2022_phinets at 7558069). The five 1-D networks have
the printed parameters and operations. Of the five 2-D ones neither the filters before the classifier nor the frames of
the spectrogram are printed: the filters here give the printed parameters, and operations then lie 5 to 17 per cent
above the printed ones, but for `m1.5`, which lies below (it halves the spectrogram at once). The grid of α and t0 was
made with another, unpublished generator: no PhiNet has its steps of 2,057, 5,659 and 11,421 parameters for one of t0;
the nearest, here, lies within 4 per cent of each of the nine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.errors import ConfigError

RATE, SECONDS, FRAMES = 16000, 4.0, 120
#: The most that alpha, t0 or beta may be: far beyond the grid, and small enough to be built.
MOST = 16.0

FRONT = NamedFrontEnd(
    "log_mel", {"sample_rate": RATE, "n_mels": 40, "n_fft": 2048, "hop_length": 512, "center": False, "fmin": 0.0}
)
Arch = Literal["m40", "m15", "m5", "m3", "m1.5", "grid", "1d_m1", "1d_m0.5", "1d_m0.2", "1d_m0.1", "1d_m0.07"]


@dataclass(frozen=True)
class Flat:
    """What a 2-D network is made from; `before` are the filters of its last convolution, 0 for none."""

    alpha: float
    blocks: int
    t0: float
    separable: bool = False
    squeeze: bool = True
    before: int = 0


@dataclass(frozen=True)
class Line:
    """What a 1-D network is made from: stride and filters of its bank, blocks, and how much wider each is inside."""

    stride: int
    filters: int
    blocks: int
    inside: float


FLAT = {
    "m40": Flat(0.5, 3, 4.0, before=56),
    "m15": Flat(0.5, 2, 5.0, separable=True, before=99),
    "m5": Flat(0.2, 2, 2.0, before=33),
    "m3": Flat(0.1, 2, 4.0, before=36),
    "m1.5": Flat(0.1, 2, 2.0, separable=True, before=36),
}
LINE = {
    "1d_m1": Line(300, 3, 4, 4.5),
    "1d_m0.5": Line(500, 2, 4, 4.5),
    "1d_m0.2": Line(1600, 2, 3, 2.5),
    "1d_m0.1": Line(300, 1, 4, 1.5),
    "1d_m0.07": Line(500, 1, 3, 1.5),
}


def expansion(t0: float, beta: float, block: int, blocks: int) -> float:
    """How much wider a block is inside: from `t0` at the first to `beta` times that at the last."""
    return (t0 * beta * block + t0 * (blocks - block)) / blocks


class Squeeze(nn.Module):
    """Squeeze and excitation, without biases."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, inner, 1, bias=False)
        self.up = nn.Conv2d(inner, channels, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.up(nn.functional.hardswish(self.down(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(weight)


class PhiBlock(nn.Module):
    """Expand, filter each channel, weigh the channels, project; added to its input where the width stays."""

    def __init__(self, before: int, after: int, wider: float | None, squeeze: bool) -> None:
        super().__init__()
        inside = before if wider is None else int(wider * before)
        layers: list[nn.Module] = []
        if wider is not None:
            layers += [nn.Conv2d(before, inside, 1, bias=False), nn.BatchNorm2d(inside, eps=1e-3), nn.Hardswish()]
        layers += [nn.Dropout2d(0.05), nn.Conv2d(inside, inside, 3, padding=1, groups=inside, bias=False)]
        layers += [nn.BatchNorm2d(inside, eps=1e-3), nn.Hardswish(), nn.Dropout2d(0.05)]
        layers += [Squeeze(inside, max(1, before // 4))] if squeeze else []
        layers += [nn.Conv2d(inside, after, 1, bias=False), nn.BatchNorm2d(after, eps=1e-3)]
        self.body = nn.Sequential(*layers)
        self.adds = before == after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.body(x)
        return made + x if self.adds else made


def plan(blocks: int, base: int) -> list[tuple[int, int, int, bool]]:
    """Number, filters before and after, and pooling behind, of each block after the input.

    Five blocks have filters of `base` up to the third, and twice as many from the fourth on, which stands twice.

    Examples
    --------
    >>> plan(2, 48), [row[1:3] for row in plan(5, 48)]
    ([(1, 48, 48, True)], [(48, 48), (48, 48), (48, 48), (48, 96), (96, 96)])
    """
    rows = [(number, base, base, number == 1) for number in range(1, min(blocks, 4))]
    if blocks >= 4:
        # Behind the third lie a pooling of its own and that of the fourth, which is the first to be wider.
        rows = [(number, before, after, pooled or number == 3) for number, before, after, pooled in rows]
        rows += [(number, base if number == 4 else 2 * base, 2 * base, False) for number in range(4, blocks + 1)]
    return rows


class PhiNet(nn.Module):
    """Waveforms [clip, channel, sample] at 16 kHz to logits [clip, class], by a mel spectrogram."""

    def __init__(self, classes: int, made: Flat, beta: float = 1.0, base: int = 48) -> None:
        super().__init__()
        self.front = FRONT.build()
        width = int(base * made.alpha)
        layers: list[nn.Module] = []
        if made.separable:
            layers += [nn.Conv2d(1, 1, 3, 2, padding=1, bias=False), nn.Conv2d(1, width, 1, bias=False)]
            layers += [nn.BatchNorm2d(width, eps=1e-3, affine=False), nn.Hardswish()]
            layers.append(PhiBlock(width, width, None, False))
        else:
            layers += [nn.Conv2d(1, width, 3, bias=False), nn.Hardswish(), nn.BatchNorm2d(width)]
        for number, before, after, pooled in plan(made.blocks, base):
            wider = expansion(made.t0, beta, number, made.blocks)
            width = int(after * made.alpha)
            layers.append(PhiBlock(int(before * made.alpha), width, wider, made.squeeze))
            if pooled:
                layers.append(nn.MaxPool2d(2))
        if made.before:
            layers += [nn.Conv2d(width, made.before, 3, padding=1, bias=False), nn.ReLU(), nn.BatchNorm2d(made.before)]
            width = made.before
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        bands = self.front(waveforms.mean(1, keepdim=True))
        cut = nn.functional.pad(bands, (0, max(0, FRAMES - bands.shape[2])))[:, :, :FRAMES]
        return self.head(self.body(cut[:, None]).mean((2, 3)))


class Bank(nn.Module):
    """Four filters of 32, 64, 128 and 256 samples over the waveform, each of the last three on a later turn of it."""

    def __init__(self, filters: int, stride: int) -> None:
        super().__init__()
        self.each = nn.ModuleList(nn.Conv1d(1, filters, size, stride, bias=False) for size in (32, 64, 128, 256))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heard = []
        for convolution, turned in zip(self.each, (0, 64, 128, 256)):
            x = x.roll(-turned, 2)
            heard.append(convolution(x))
        frames = heard[0].shape[2] - 4
        return torch.cat([part[..., :frames] for part in heard], 1)


class LineBlock(nn.Module):
    """Up, filter each channel, down, weigh the channels; beside its input, or added to it."""

    def __init__(self, channels: int, inside: float, beside: bool) -> None:
        super().__init__()
        wide = int(channels * inside)
        layers: list[nn.Module] = [nn.Conv1d(channels, wide, 1, bias=False), nn.BatchNorm1d(wide), nn.ReLU()]
        layers += [nn.Conv1d(wide, wide, 3, padding=1, groups=wide, bias=False), nn.BatchNorm1d(wide), nn.ReLU()]
        layers += [nn.Conv1d(wide, channels, 1, bias=False), nn.BatchNorm1d(channels), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        inner = channels // 8
        # Of fewer than eight channels nothing is left in the middle: each is then weighed by one half.
        self.down = nn.Linear(channels, inner, bias=False) if inner else None
        self.up = nn.Linear(inner, channels, bias=False) if inner else None
        self.beside = beside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        made = self.body(x)
        if self.down is not None and self.up is not None:
            made = made * torch.sigmoid(self.up(torch.relu(self.down(made.mean(2)))))[:, :, None]
        else:
            made = 0.5 * made
        return torch.cat([made, x], 1) if self.beside else made + x


class LineNet(nn.Module):
    """Waveforms [clip, channel, sample] at 16 kHz to logits [clip, class]."""

    def __init__(self, classes: int, made: Line) -> None:
        super().__init__()
        width = 4 * made.filters
        layers: list[nn.Module] = [Bank(made.filters, made.stride), LineBlock(width, made.inside, False)]
        layers += [nn.AvgPool1d(2), LineBlock(width, made.inside, True)]
        width *= 2
        for _ in range(4, made.blocks + 1):
            layers += [LineBlock(width, made.inside, True), nn.AvgPool1d(2)]
            width *= 2
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, classes)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(waveforms.mean(1, keepdim=True)).mean(2))


class PhiNetAdapter(TrainedAdapter):
    """A PhiNet as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py --rate 16000 --seconds 4`.
    weights : str
        `random` for costs alone; what follows then says of which network.
    arch : str
        A printed network, 2-D (`m40`, `m15`, `m5`, `m3`, `m1.5`) or 1-D (`1d_m1` … `1d_m0.07`), or `grid`: five blocks
        of `alpha` and `t0`.
    alpha, t0, beta : float
        Of `grid`: width, expansion, and shape.
    classes : int, optional
        Number of classes of random weights, 10 unless given.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "m5",
        alpha: float = 0.35,
        t0: float = 4.0,
        beta: float = 1.0,
        classes: int | None = None,
    ) -> None:
        shape = {"alpha": (alpha, 0.35), "t0": (t0, 4.0), "beta": (beta, 1.0)}
        if arch != "grid" and (told := [name for name, (value, usual) in shape.items() if value != usual]):
            raise ConfigError(
                f"{told[0]} is of arch=grid, and arch is {arch}", hint=f"arch=grid, or leave {told[0]} out"
            )
        options = {"arch": arch} | ({"alpha": alpha, "t0": t0, "beta": beta} if arch == "grid" else {})
        words = self.settle(checkpoint, weights, classes=classes, options=options, seconds=SECONDS)
        of = self.options
        kind = of.get("arch", "m5")
        self.card = Card(
            name=f"phinet_{kind}" + (f"_{of['alpha']:g}_{of['t0']:g}" if kind == "grid" else ""),
            family="cnn" if kind not in LINE else "raw-cnn",
            output="scene",
            sample_rate=RATE,
            front_end="waveform()" if kind in LINE else FRONT.text,
            licence="Apache-2.0",
            citation="F. Paissan, A. Ancilotto, A. Brutti, E. Farella: Scalable neural architectures for end-to-end "
            "environmental sound classification. ICASSP 2022",
            description="inverted residuals for microcontrollers",
            **words,
        )

    @classmethod
    def training_model(
        cls, labels: tuple[str, ...], *, arch: Arch = "m5", alpha: float = 0.35, t0: float = 4.0, beta: float = 1.0
    ) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 16000 --seconds 4`."""
        if arch in LINE:
            return LineNet(len(labels), LINE[arch])
        if arch in FLAT:
            return PhiNet(len(labels), FLAT[arch])
        for name, value in (("alpha", alpha), ("t0", t0), ("beta", beta)):
            if not 0 < value <= MOST:
                raise ConfigError(f"{name}={value:g} of a grid", hint=f"above 0, at most {MOST:g}")
        if int(48 * alpha) < 1 or int(t0 * min(beta, 1.0) * int(48 * alpha)) < 1:
            raise ConfigError(
                f"alpha={alpha:g} and t0={t0:g} leave a layer without a filter", hint="alpha=0.2 t0=2 and upwards"
            )
        return PhiNet(len(labels), Flat(alpha, 5, t0, squeeze=False), beta)
