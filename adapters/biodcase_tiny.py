"""The example submission of BioDCASE-Tiny 2026, Task 3: eleven bird classes on a microcontroller.

    benchbed run SUITE --model adapters/biodcase_tiny.py --set checkpoint=test_Baseline.pth --set labels=label_dict.yaml

Three convolutions on the challenge's integer mel image (`integer_mel`): 97,163 parameters. Its state dict is part of
the challenge's repository (birdnet-team/BioDCASE-Tiny-2026, folder `submission`). Where it comes with a clip of three
seconds the image has 133 frames. The front end has no gradient, so it is attacked by its answers alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.labels import read_labels
from benchbed.adapter.moving import to_device
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError, ConfigError
from benchbed.types import Batch

RATE, SECONDS = 24000, 3.0


class TinyBird(nn.Module):
    """The challenge's network, from images [clip, 1, mel, frame] to logits; layers have the names of its checkpoint."""

    def __init__(self, classes: int, filters: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, filters, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(filters, 2 * filters, 3),
            nn.ReLU(),
            nn.MaxPool2d(4),
            nn.Conv2d(2 * filters, 4 * filters, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.05), nn.Linear(4 * filters, 32), nn.ReLU(), nn.Linear(32, classes)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(image))


class BiodcaseTiny(TorchAdapter):
    """The example submission.

    Parameters
    ----------
    checkpoint : Path
        Its state dict.
    labels : str
        The challenge's `label_dict.yaml`, another file of classes, or names with commas.
    front : str
        `integer_mel`, or `log_mel`: the same bands in floating point, for what the difference costs.
    weights : str
        `random` for costs alone.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        labels: str = "",
        front: str = "integer_mel",
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if (checkpoint is None or not labels) and not untrained:
            raise CheckpointError(
                "biodcase_tiny has no weights of its own",
                hint="--set checkpoint=test_Baseline.pth --set labels=label_dict.yaml, from the folder submission of "
                "github.com/birdnet-team/BioDCASE-Tiny-2026",
            )
        if front not in FRONTS:
            raise ConfigError(f"unknown front end '{front}'", hint=f"--set front={' or '.join(FRONTS)}")
        self.checkpoint = None if checkpoint is None or untrained else Path(checkpoint)
        self.front = FRONTS[front]
        if front == "integer_mel":
            # Integers have no gradient: attacks then know that only answers are to be had.
            self.forward = None
        names = read_labels(labels) if labels else numbered(11)
        self.card = Card(
            name="biodcase_tiny" if front == "integer_mel" else f"biodcase_tiny_{front}",
            family="cnn",
            output="scene",
            labels=names,
            sample_rate=RATE,
            clip_seconds=SECONDS,
            front_end=self.front.text,
            licence="Apache-2.0",
            citation="BioDCASE-Tiny 2026, example submission",
            description="three convolutions on an integer mel image",
            untrained=untrained,
        )

    def build(self) -> nn.Module:
        net = seeded(lambda: TinyBird(len(self.card.labels)))
        if self.checkpoint is not None:
            fit_state_dict(net, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return nn.ModuleDict({"front": self.front.build(), "net": net})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Logits [clip, class] of waveforms [clip, channel, sample]; None in its place with the integer front end."""
        return self.model["net"](self._image(waveforms)[:, None])

    def predict(self, batch: Batch) -> np.ndarray:
        """Logits of a batch."""
        with torch.inference_mode():
            image = self._image(to_device(batch.waveforms, self.device))
            return self.model["net"](image[:, None]).float().cpu().numpy()

    def _image(self, waveforms: torch.Tensor) -> torch.Tensor:
        image = self.model["front"](waveforms)
        if self.front.kind == "integer_mel":
            return image
        low, high = image.amin((1, 2), keepdim=True), image.amax((1, 2), keepdim=True)
        return (image - low) / (high - low).clamp_min(1e-8)


FRONTS = {
    "integer_mel": NamedFrontEnd("integer_mel"),
    "log_mel": NamedFrontEnd(
        "log_mel",
        {
            "sample_rate": RATE,
            "n_mels": 40,
            "n_fft": 4096,
            "hop_length": 512,
            "fmin": 125.0,
            "fmax": 7500.0,
            "center": False,
            "power": 1.0,
        },
    ),
}
