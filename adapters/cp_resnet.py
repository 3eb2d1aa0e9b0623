"""CP-ResNet: a residual network whose receptive field is kept small (Koutini et al., EUSIPCO 2019; DCASE 2019 to 2021).

    benchbed profile --model adapters/cp_resnet.py --set rho=5 --set weights=random

`rho` says how many of the 3 × 3 kernels become 1 × 1, and so how far a decision looks: from 0 up, 5 to 9 as VGG-like
networks. Published state dicts of kkoutini/cpjku_dcase20 load as they are, with two input channels. Their spectrograms
are perceptually weighted and normalised by statistics that no file holds; here log-mel of 256 bands, as they state.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from benchbed.adapter import Card
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.errors import ConfigError

RATE = 22050
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": 256,
        "n_fft": 2048,
        "hop_length": 512,
        "mel_scale": "slaney",
        "norm": "slaney",
        "log": "ln",
        "offset": 1e-8,
    },
)


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut; a 3 × 3 kernel is padded by one, a 1 × 1 by none."""

    def __init__(self, before: int, after: int, kernels: tuple[int, int]) -> None:
        super().__init__()
        one, two = kernels
        self.conv1, self.bn1 = nn.Conv2d(before, after, one, padding=one // 3, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, two, padding=two // 3, bias=False), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential()
        if before != after:
            self.shortcut.add_module("conv", nn.Conv2d(before, after, 1, bias=False))
            self.shortcut.add_module("bn", nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


def kernels_of(rho: int) -> list[int]:
    """Kernel sizes of the 24 convolutions in the blocks: each 3 up to a place that `rho` moves, then 1.

    The second convolution of the first block is always 1 × 1.

    Raises
    ------
    ConfigError
        A `rho` beyond what so many convolutions can hold.
    """
    if not 0 <= rho <= 23:
        raise ConfigError(f"rho={rho}: the receptive field goes from 0 to 23", hint="5 to 9 are usual")
    sizes = [3, 1]
    # The other six of the first stage go from the last, the sixteen after it come from the first.
    sizes += [1 if 7 - rho > place else 3 for place in range(6, 0, -1)]
    sizes += [1 if 7 - rho > 0 else 3]
    return sizes + [3 if rho - 7 > place else 1 for place in range(15)]


class CpResNet(nn.Module):
    """The published network by its names: spectrograms [clip, channel, mel, frame] to logits."""

    def __init__(self, classes: int, rho: int = 5, channels: int = 1, width: int = 128) -> None:
        super().__init__()
        sizes = kernels_of(rho)
        self.in_c = nn.Sequential(
            nn.Conv2d(channels, width, 5, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
        )
        before = width
        for stage in range(3):
            after, layers = width * 2**stage, nn.Sequential()
            for block in range(4):
                pair = sizes[8 * stage + 2 * block : 8 * stage + 2 * block + 2]
                layers.add_module(f"block{block + 1}", ResidualBlock(before, after, (pair[0], pair[1])))
                before = after
                if stage == 0 and block in (0, 1, 3):
                    layers.add_module(f"maxpool{block + 1}_{(0, 1, 3).index(block)}", nn.MaxPool2d(2))
            setattr(self, f"stage{stage + 1}", layers)
        self.feed_forward = nn.Sequential(
            nn.Conv2d(before, classes, 1, bias=False), nn.BatchNorm2d(classes), nn.AdaptiveAvgPool2d(1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.feed_forward(self.stage3(self.stage2(self.stage1(self.in_c(x))))).flatten(1)


class RegularisedNetwork(nn.Module):
    """Front end and network: waveforms to logits; a single channel stands for all that the network takes."""

    def __init__(self, classes: int, rho: int, channels: int, width: int) -> None:
        super().__init__()
        self.features, self.channels = FRONT.build(), channels
        self.net = CpResNet(classes, rho, channels, width)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        return self.net(mel[:, None].expand(-1, self.channels, -1, -1))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class CpResNetAdapter(TrainedAdapter):
    """CP-ResNet as a benchbed model.

    Parameters
    ----------
    rho : int
        How large the receptive field is.
    channels, width : int
        Channels of the spectrogram (2 of published weights), and of the first stage.
    checkpoint : Path, optional
        A published state dict, with `labels`, or safetensors of `training/train.py`.
    labels : str, optional
        Its classes.
    weights : str
        `random` for costs alone.
    classes : int, optional
        Of random weights.
    """

    def __init__(
        self,
        rho: int = 5,
        channels: int = 1,
        width: int = 128,
        checkpoint: Path | None = None,
        labels: str = "",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        kernels_of(rho)
        options = {"rho": rho, "channels": channels, "width": width}
        words = self.settle(checkpoint, weights, classes=classes, labels=labels, options=options, seconds=10.0)
        self.card = Card(
            name=f"cp_resnet_rho{self.options.get('rho', rho)}",
            family="cnn",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=1.0,
            licence="MIT",
            citation="K. Koutini, H. Eghbal-zadeh, M. Dorfer, G. Widmer: The Receptive Field as a Regularizer in Deep "
            "Convolutional Neural Networks for Acoustic Scene Classification. EUSIPCO 2019",
            description=f"a residual network with its receptive field kept small (rho {rho})",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, rho: int = 5, channels: int = 1, width: int = 128) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 22050`."""
        return RegularisedNetwork(len(labels), rho, channels, width)

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            return super().build()
        state = load_state_dict(self.checkpoint)
        model = self.training_model(self.labels, **self.options)
        fit_state_dict(model.net if "in_c.0.weight" in state else model, state, where=str(self.checkpoint))
        return model
