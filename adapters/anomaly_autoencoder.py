"""Autoencoders that were shown normal sounds of machines, one for each kind: what they cannot rebuild is strange.

    benchbed run suites/dcase2023_task2.yaml --model adapters/anomaly_autoencoder.py
    benchbed run suites/dcase2026_task2.yaml --model adapters/anomaly_autoencoder.py --set channels=2

As in the baselines of DCASE Task 2: five frames of a log-mel spectrogram at a time through a narrow middle; the score
of a clip is the mean squared error, its threshold the 90th percentile of a gamma distribution fitted to the errors of
training clips. A machine of a kind that was never shown is scored by the autoencoder that it is least strange to, and
nothing is decided about it. Small weights, trained on the synthetic machines, come with it; `training/machines.py`
makes others.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.moving import to_device
from benchbed.errors import CheckpointError
from benchbed.types import Batch

EMBEDDED = Path(__file__).parent / "weights" / "anomaly_autoencoder.safetensors"
RATE, MELS, FRAMES = 16000, 64, 5
FRONT = NamedFrontEnd("log_mel", {"sample_rate": RATE, "n_mels": MELS, "n_fft": 1024, "hop_length": 512, "fmin": 0.0})


class Rebuilder(nn.Module):
    """The autoencoder of one kind of machine: mean squared errors [clip] of windows [clip, window, value]."""

    def __init__(self, width: int = 48, middle: int = 8) -> None:
        super().__init__()
        size = MELS * FRAMES
        sizes = (size, width, width, middle, width, width, size)
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.register_buffer("centre", torch.zeros(MELS))
        self.register_buffer("spread", torch.ones(MELS))
        self.register_buffer("threshold", torch.tensor(float("nan")))

    def windows(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Standardised windows [clip, window, value] of spectrograms [clip, band, frame]."""
        scaled = (spectrogram - self.centre[:, None]) / self.spread[:, None]
        return scaled.unfold(2, FRAMES, 1).permute(0, 2, 3, 1).flatten(2)

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        windows = self.windows(spectrogram)
        return (self.layers(windows) - windows).square().mean((1, 2))


class AnomalyAutoencoder(TorchAdapter):
    """The autoencoders.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/machines.py`; the embedded ones if none is given.
    channels : int
        2 for recordings of two microphones, of which the first is heard.
    """

    network: type[nn.Module] = Rebuilder
    embedded, label = EMBEDDED, "anomaly_autoencoder"
    description = "autoencoders on log-mel windows, one for each kind of machine"

    def __init__(self, *, checkpoint: Path | None = None, channels: int = 1) -> None:
        self.checkpoint = Path(checkpoint) if checkpoint is not None else self.embedded
        told = read_metadata(self.checkpoint)
        if "machines" not in told:
            raise CheckpointError(
                "the checkpoint names no machines",
                where=str(self.checkpoint),
                hint="train it with adapters/training/machines.py",
            )
        self.machines = tuple(json.loads(told["machines"]))
        self.card = Card(
            name=self.label,
            family="mlp",
            output="anomaly",
            labels=(),
            sample_rate=RATE,
            channels=channels,
            min_seconds=0.3,
            side_information=("machine",),
            weight_bits=int(told.get("weight_bits", 32)),
            front_end=FRONT.text,
            licence="Apache-2.0",
            description=self.description,
            trained_on=tuple(json.loads(told.get("trained_on", "[]"))),
        )

    def build(self) -> nn.Module:
        state = load_state_dict(self.checkpoint)
        network = self.empty(state)
        fit_state_dict(network, state, where=str(self.checkpoint))
        return nn.ModuleDict({"front": FRONT.build(), "each": network})

    def empty(self, state: dict[str, torch.Tensor]) -> nn.ModuleDict:
        """Networks of all machines, to be filled."""
        return nn.ModuleDict({machine: self.network() for machine in self.machines})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Scores [clip] of machines that nobody named: by the one that they are least strange to."""
        spectrogram = self.model["front"](waveforms[:, :1])
        return torch.stack([self.model["each"][machine](spectrogram) for machine in self.machines]).amin(0)

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores [clip], or with decisions [clip, 2] where some are made; each clip by itself, to its own end."""
        named = batch.side.get("machine", (None,) * len(batch))
        answers = np.full((len(batch), 2), np.nan, np.float32)
        with torch.inference_mode():
            for row, machine in enumerate(named):
                waveform = to_device(batch.waveforms[row : row + 1, :, : int(batch.lengths[row])], self.device)
                if machine not in self.machines:
                    # A kind that it was never shown: the least strange to any, and nothing is decided.
                    answers[row, 0] = float(self.forward(waveform)[0])
                    continue
                network = self.model["each"][machine]
                score = float(network(self.model["front"](waveform[:, :1]))[0])
                answers[row] = score, float(score > float(network.threshold))
        return answers if not np.isnan(answers[:, 1]).all() else answers[:, 0]
