"""The baseline of DCASE 2022 Task 1: three convolutions of 7 × 7 over 40 mel bands and 51 frames of one second.

    benchbed profile --model adapters/dcase2022.py --set weights=random

The organisers' file is an 8-bit TFLite graph, which `tflite.py` runs as it is. Its published 46,512 are bytes: 45,816
weights in 8 bits and 174 biases in 32; the network has 45,990 parameters once its normalisations are folded into the
convolutions, which is how it is built here. The later baselines, of 2023 and 2024, are in `cp_mobile.py`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights

RATE = 44100
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": 40,
        "n_fft": 2048,
        "win_length": 1764,
        "hop_length": 882,
        "mel_scale": "slaney",
        "window": "hamming",
        "power": 1.0,
        "offset": 2.2204e-16,
    },
)


class SceneBaseline(nn.Module):
    """Images [clip, 1, mel, frame] to logits; where an image has other frames, those of one second count."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 7, padding=3),
            nn.ReLU(),
            nn.Conv2d(16, 16, 7, padding=3),
            nn.ReLU(),
            nn.MaxPool2d(5),
            nn.Dropout(0.3),
            nn.Conv2d(16, 32, 7, padding=3),
            nn.ReLU(),
            nn.MaxPool2d((4, 10)),
            nn.Dropout(0.3),
        )
        self.dense, self.head = nn.Linear(64, 100), nn.Linear(100, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        # Keras has channels last, which orders the features of its flat layer.
        flat = self.body(image).permute(0, 2, 3, 1).flatten(1)
        return self.head(nn.functional.dropout(torch.relu(self.dense(flat)), 0.3, self.training))


class BaselineNetwork(nn.Module):
    """Front end and network: waveforms to logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features, self.net = FRONT.build(), SceneBaseline(classes)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        mel = nn.functional.pad(mel, (0, max(0, 51 - mel.shape[-1])))[..., :51]
        return self.net(mel[:, None])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class Dcase2022Baseline(TrainedAdapter):
    """The baseline of DCASE 2022 as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`, or another state dict, whose classes `labels` names.
    labels : str, optional
        Classes of a state dict that does not name them.
    weights : str
        `random` for costs alone.
    classes : int, optional
        Of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        labels: str = "",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        words = self.settle(checkpoint, weights, classes=classes, labels=labels, seconds=1.0)
        self.card = Card(
            name="dcase2022_baseline",
            family="cnn",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="MIT",
            citation="I. Martín-Morató et al.: Low-complexity acoustic scene classification in DCASE 2022 challenge. "
            "DCASE 2022 workshop",
            description="three convolutions of 7 × 7",
            **{"weight_bits": 8, **words},
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...]) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 44100`."""
        return BaselineNetwork(len(labels))
