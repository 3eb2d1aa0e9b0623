"""A small convolutional network for one-second scenes: 128 kB and 30 million multiply-adds would be too much for it.

Copy this file to start an adapter of your own. Two things make it one: a card, and the network of `training_model`,
for `training/train.py` and for the weights it wrote. What has other weights implements `build` of `TorchAdapter`.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.trained import TrainedAdapter, Weights

EMBEDDED = Path(__file__).parent / "weights" / "cnn.safetensors"


class Network(nn.Module):
    """Log-mel spectrogram, four convolutions, mean over time and frequency, one linear layer."""

    def __init__(self, classes: int, channels: tuple[int, ...] = (24, 32, 48, 64), mels: int = 64) -> None:
        super().__init__()
        self.frontend = LogMel(32000, mels, n_fft=1024, hop_length=320, mel_scale="slaney", norm="slaney")
        self.bands = nn.BatchNorm1d(mels)
        layers = [nn.Conv2d(1, channels[0], 5, 2, 2, bias=False), nn.BatchNorm2d(channels[0]), nn.ReLU()]
        for before, after in pairwise(channels):
            layers += [nn.Conv2d(before, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(2, ceil_mode=True)]
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(channels[-1], classes)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """What training may keep between epochs: the spectrogram [shape=(clip, mel, frame)]."""
        return self.frontend(waveforms)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [shape=(clip, class)] of spectrograms."""
        image = self.bands(features).unsqueeze(1).contiguous(memory_format=torch.channels_last)
        return self.head(self.dropout(self.body(image).mean((-1, -2))))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class CNN(TrainedAdapter):
    """A convolutional network whose labels and shape come with its weights.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors written by `training/train.py`, whose metadata hold labels and options; the embedded weights if
        none is given.
    weights : str
        `random` for costs alone.
    """

    def __init__(self, checkpoint: Path | None = None, weights: Weights = "trained") -> None:
        words = self.settle(checkpoint if checkpoint or weights == "random" else EMBEDDED, weights, seconds=1.0)
        self.card = Card(
            name="cnn",
            family="cnn",
            output="scene",
            sample_rate=32000,
            min_seconds=0.1,
            licence="Apache-2.0",
            description="log-mel convolutional network, half-precision weights",
            **{"weight_bits": 16, **words},
        )

    @classmethod
    def training_model(
        cls, labels: tuple[str, ...], *, channels: tuple[int, ...] = (24, 32, 48, 64), mels: int = 64
    ) -> nn.Module:
        """A fresh network from waveforms [clip, channel, sample] to logits, for `training/train.py`."""
        return Network(len(labels), tuple(channels), mels)

    def build(self) -> nn.Module:
        return super().build().to(memory_format=torch.channels_last)
