"""Multiple-instance learners for tags: a clip is a bag of one-second instances, and the best of them speaks for it.

    benchbed profile --model adapters/mil.py --set arch=rnn --set weights=random

`cnn` sees 64 log-mel bands and their first difference: three groups of VGG-16 convolutions, 3,072 and 1,024 features, a
sigmoid, and the maximum over instances. `dnn` and `rnn` stand on an embedding of each second (512 features of a
convolutional network that was trained on instances): four linear layers with a maximum, or three bidirectional LSTMs.
The source states 29 M, 700 K and 6.5 M parameters; not stated are the size that the convolutions are pooled to (5 × 6
here, 28.5 M) and the width of the LSTMs (306 here). Here the embedding comes from the convolutions of `cnn`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.frontends.mfcc_deltas import regression
from benchbed.adapter.trained import TrainedAdapter, Weights

RATE, EMBEDDING = 16000, 512
FRONT = NamedFrontEnd(
    "log_mel", {"sample_rate": RATE, "n_mels": 64, "n_fft": 512, "win_length": 400, "hop_length": 160, "center": False}
)
Arch = Literal["dnn", "rnn", "cnn"]


def vgg(channels: int) -> nn.Sequential:
    """The first three groups of VGG-16 with batch normalisation, pooled to 5 × 6."""
    layers: list[nn.Module] = []
    for width, count in ((64, 2), (128, 2), (256, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d((5, 6)), nn.Flatten())


class InstanceCnn(nn.Module):
    """Instances [instance, 2, mel, frame] to logits; `embedding` adds a layer of 512 features before them."""

    def __init__(self, classes: int, embedding: bool = False) -> None:
        super().__init__()
        self.body = vgg(2)
        self.dense = nn.Sequential(nn.Linear(7680, 3072), nn.ReLU(), nn.Linear(3072, 1024), nn.ReLU())
        self.embed = nn.Sequential(nn.Linear(1024, EMBEDDING), nn.ReLU()) if embedding else nn.Identity()
        self.head = nn.Linear(EMBEDDING if embedding else 1024, classes)

    def forward(self, instances: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(self.dense(self.body(instances))))


class BagDnn(nn.Module):
    """Embeddings [clip, instance, 512] to logits of every instance."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((EMBEDDING, 512), (512, 512), (512, 256), (256, 128)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.body, self.head = nn.Sequential(*layers), nn.Linear(128, classes)

    def forward(self, bag: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(bag))


class BagRnn(nn.Module):
    """Embeddings [clip, instance, 512] to logits of every instance, each of which has heard the others."""

    def __init__(self, classes: int, width: int = 306) -> None:
        super().__init__()
        self.body = nn.LSTM(EMBEDDING, width, 3, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, classes)

    def forward(self, bag: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(bag)[0])


class MilNetwork(nn.Module):
    """Waveforms to logits: instances of one second, and the maximum over them."""

    def __init__(self, classes: int, arch: Arch) -> None:
        super().__init__()
        self.mel = FRONT.build()
        self.instance = InstanceCnn(classes, embedding=arch != "cnn")
        self.bag = {"cnn": nn.Identity, "dnn": BagDnn, "rnn": BagRnn}[arch](*([] if arch == "cnn" else [classes]))
        if arch != "cnn":
            self.instance.head = nn.Identity()

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Instances [clip, instance, 2, mel, frame]; the last second is padded with silence."""
        missing = -waveforms.shape[-1] % RATE
        seconds = nn.functional.pad(waveforms.mean(1), (0, missing)).unflatten(-1, (-1, RATE))
        mel = self.mel(seconds.flatten(0, 1))
        both = torch.stack((mel, regression(mel, 2)), 1)
        return both.unflatten(0, (len(waveforms), -1))

    def classify(self, instances: torch.Tensor) -> torch.Tensor:
        found = self.instance(instances.flatten(0, 1)).unflatten(0, instances.shape[:2])
        return self.bag(found).amax(1)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class MilAdapter(TrainedAdapter):
    """A multiple-instance learner.

    Parameters
    ----------
    arch : str
        `cnn`, or `dnn` and `rnn` on embeddings of each second.
    checkpoint : Path, optional
        Safetensors of `training/train.py`, or another state dict, whose classes `labels` names; none was published.
    labels : str, optional
        Classes of a state dict that does not name them.
    weights : str
        `random` for costs alone.
    classes : int
        Of random weights; the 17 of DCASE 2017 Task 4 by default.
    """

    def __init__(
        self,
        arch: Arch = "cnn",
        checkpoint: Path | None = None,
        labels: str = "",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        number = 17 if classes is None and weights == "random" else classes
        words = self.settle(checkpoint, weights, classes=number, labels=labels, options={"arch": arch}, seconds=10.0)
        kind = self.options.get("arch", arch)
        self.card = Card(
            name=f"mil_{kind}",
            family="cnn" if kind == "cnn" else f"mil-{kind}",
            output="tags",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=1.0,
            licence="Apache-2.0",
            citation="S.-Y. Tseng, J. Li, Y. Wang, F. Metze, J. Szurley, S. Das: Multiple Instance Deep Learning for "
            "Weakly Supervised Small-Footprint Audio Event Detection. Interspeech 2018",
            description="the maximum over instances of one second",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: Arch = "cnn") -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 16000 --task tags`."""
        return MilNetwork(len(labels), arch)
