"""Networks that judge frames of cepstral coefficients, each by itself or in their order: the DNN and the RNN beside
Gaussian mixtures and i-vectors.

    benchbed run suites/dcase_task1.yaml --model adapters/frame_networks.py
    benchbed profile --model adapters/frame_networks.py --set arch=rnn --set weights=random

A thesis on event detection tabulates them for 15 scenes. `dnn`: five dense layers of 256, batch normalisation and
dropout of 0.2 after each, and a softmax. `rnn`: two layers of 256 gated recurrent units, "one direction a layer", so
that the second reads the first backwards; dropout of 0.4, batch normalisation, softmax. Its text says 512 units in
another place (`cells=512`). The table names no activation: ReLU here. As there, a clip's score is the sum of the
likelihoods of its frames. On 61 coefficients they have 285,455 and 644,111 parameters. By default narrower ones,
trained on the synthetic scenes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.errors import ConfigError

WEIGHTS = Path(__file__).parent / "weights"
RATE, FEATURES = 32000, 61
FRONT = NamedFrontEnd("mfcc_deltas", {"sample_rate": RATE})
Arch = Literal["dnn", "rnn"]


class Backwards(nn.Module):
    """Two recurrent layers; the second reads what the first says from its end."""

    def __init__(self, inputs: int, cells: int) -> None:
        super().__init__()
        self.first = nn.GRU(inputs, cells, batch_first=True)
        self.second = nn.GRU(cells, cells, batch_first=True)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Frames [clip, frame, feature] to cells [clip, frame, cell]."""
        return self.second(self.first(frames)[0].flip(1))[0].flip(1)


class OverFrames(nn.Module):
    """Batch normalisation of features of frames [clip, frame, feature]."""

    def __init__(self, features: int, affine: bool = True) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features, affine=affine)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        return self.norm(frames.flatten(0, 1)).unflatten(0, frames.shape[:2])


class FrameNetwork(nn.Module):
    """Waveforms [clip, channel, sample] at 32 kHz to log-likelihoods [clip, class], the mean likelihood of frames."""

    def __init__(self, classes: int, arch: Arch = "dnn", cells: int = 256, layers: int = 5) -> None:
        super().__init__()
        if min(cells, layers) < 1:
            raise ConfigError(f"{layers} layers of {cells} cells", hint="1 or more of each")
        self.features = FRONT.build()
        # Statistics of the training set standardise features, as in the source; nothing of it is learnt.
        made: list[nn.Module] = [OverFrames(FEATURES, affine=False)]
        if arch == "dnn":
            for inputs in (FEATURES, *[cells] * (layers - 1)):
                made += [nn.Linear(inputs, cells), nn.ReLU(), OverFrames(cells), nn.Dropout(0.2)]
        else:
            made += [Backwards(FEATURES, cells), nn.Dropout(0.4), OverFrames(cells)]
        self.net = nn.Sequential(*made, nn.Linear(cells, classes))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Log of the mean likelihood [clip, class] of coefficients [clip, coefficient, frame]."""
        each = self.net(features.transpose(1, 2)).log_softmax(-1)
        return each.logsumexp(1) - math.log(each.shape[1])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class FrameNetworks(TrainedAdapter):
    """A network over frames as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`; the embedded ones of `arch` by default.
    weights : str
        `random` for costs alone, at the published widths.
    arch : str
        `dnn` or `rnn`.
    cells, layers : int
        Width, and depth of the DNN, of random weights.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "dnn",
        cells: int = 256,
        layers: int = 5,
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained":
            checkpoint = WEIGHTS / f"frame_{arch}.safetensors"
        options = {"arch": arch, "cells": cells, "layers": layers}
        words = self.settle(checkpoint, weights, classes=classes, options=options, seconds=1.0)
        kind, wide = self.options.get("arch", arch), self.options.get("cells", cells)
        self.card = Card(
            name=f"frame_{kind}",
            family="mlp" if kind == "dnn" else "rnn",
            output="scene",
            sample_rate=RATE,
            scores="log_probabilities",
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="Apache-2.0",
            description=f"{'dense' if kind == 'dnn' else 'recurrent'} layers of {wide} on MFCC and differences",
            **words,
        )

    @classmethod
    def training_model(
        cls, labels: tuple[str, ...], *, arch: Arch = "dnn", cells: int = 256, layers: int = 5
    ) -> nn.Module:
        """A fresh network, for `training/train.py`."""
        return FrameNetwork(len(labels), arch, cells, layers)
