"""Nearest neighbours among embeddings of normal sounds: how far a clip lies from the next ones of its kind of machine.

    benchbed run suites/dcase2023_task2.yaml --model adapters/anomaly_knn.py

The embedding of a clip is the mean and spread over time of its log-mel bands, standardised over the training clips of
its kind of machine. The bank holds clips of both domains, so that a setting that is seldom seen is no anomaly.
A small bank of the synthetic machines comes with it; `training/machines.py` makes others.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import torch
from torch import nn

from benchbed.errors import CheckpointError, ConfigError


def _neighbour(name: str):
    """A file beside this one as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_of_knn", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules.get(spec.name) or importlib.util.module_from_spec(spec)
    if spec.name not in sys.modules:
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module


_autoencoder = _neighbour("anomaly_autoencoder")
MELS = _autoencoder.MELS


class Bank(nn.Module):
    """Embeddings of normal clips of one kind of machine; distances [clip] of spectrograms [clip, band, frame]."""

    def __init__(self, clips: int, neighbours: int = 2) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.register_buffer("bank", torch.zeros(clips, 2 * MELS))
        self.register_buffer("centre", torch.zeros(2 * MELS))
        self.register_buffer("spread", torch.ones(2 * MELS))
        self.register_buffer("threshold", torch.tensor(float("nan")))

    def embedding(self, spectrogram: torch.Tensor) -> torch.Tensor:
        """Standardised embeddings [clip, value]."""
        plain = torch.cat([spectrogram.mean(2), spectrogram.std(2)], 1)
        return (plain - self.centre) / self.spread

    def forward(self, spectrogram: torch.Tensor) -> torch.Tensor:
        apart = torch.cdist(self.embedding(spectrogram), self.bank.float())
        return apart.topk(self.neighbours, largest=False).values.mean(1)


class AnomalyKnn(_autoencoder.AnomalyAutoencoder):
    """The banks.

    Parameters
    ----------
    checkpoint : Path, optional
        A bank from `adapters/training/machines.py`; the embedded one if none is given.
    channels : int
        2 for recordings of two microphones, of which the first is heard.
    neighbours : int
        Clips that the distance is the mean over.
    """

    network = Bank
    embedded = Path(__file__).parent / "weights" / "anomaly_knn.safetensors"
    label = "anomaly_knn"
    description = "distance to the nearest normal clips, of log-mel statistics"

    def __init__(self, *, checkpoint: Path | None = None, channels: int = 1, neighbours: int = 2) -> None:
        if neighbours < 1:
            raise ConfigError(f"neighbours={neighbours}: at least one", hint="--set neighbours=2")
        self.neighbours = neighbours
        super().__init__(checkpoint=checkpoint, channels=channels)

    def empty(self, state: dict[str, torch.Tensor]) -> nn.ModuleDict:
        """Banks of all machines, to be filled."""
        sizes = {machine: len(state.get(f"{machine}.bank", ())) for machine in self.machines}
        small = [machine for machine, size in sizes.items() if size < self.neighbours]
        if small:
            raise CheckpointError(
                f"the bank of {small[0]} has {sizes[small[0]]} clips, {self.neighbours} neighbours are wanted",
                where=str(self.checkpoint),
                hint="fewer neighbours, or a larger bank",
            )
        return nn.ModuleDict({machine: Bank(size, self.neighbours) for machine, size in sizes.items()})
