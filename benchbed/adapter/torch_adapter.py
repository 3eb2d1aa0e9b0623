"""Base class for models written in torch: an adapter needs only `build()`, and `forward()` where the network's own
input is not the waveform.

`predict` is `forward` in inference mode, so that the differentiable path that attacks use and the path that is scored
cannot drift apart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchbed.adapter.contract import Adapter
from benchbed.adapter.moving import to_device
from benchbed.types import Batch


class TorchAdapter(Adapter):
    """An adapter around a `torch.nn.Module`.

    A subclass sets `card` and implements `build()`. If the network takes waveforms `[clip, channel, sample]` and
    returns scores as the card says, that is all; otherwise it overrides `forward`.

    Attributes
    ----------
    model : torch.nn.Module
        The network, after `load`.
    device : torch.device
        Where it runs, after `load`.
    checkpoint : Path or None
        File the weights come from, if there is one, for the size of the model and for the record.

    Examples
    --------
    >>> from benchbed.adapter import Card
    >>> class Mean(TorchAdapter):
    ...     card = Card(name="mean", family="mlp", output="scene", labels=("a", "b"), sample_rate=8000)
    ...     def build(self):
    ...         return torch.nn.Linear(1, 2)
    ...     def forward(self, waveforms):
    ...         return self.model(waveforms.mean(-1))
    >>> adapter = Mean()
    >>> adapter.load("cpu")
    >>> adapter.predict(Batch(np.zeros((3, 1, 80), np.float32), np.full(3, 80), 8000)).shape
    (3, 2)
    """

    model: torch.nn.Module
    device: torch.device
    checkpoint: Path | None = None

    def build(self) -> torch.nn.Module:
        """The network with its weights, on the CPU."""
        raise NotImplementedError(f"{type(self).__name__} must implement build()")

    def load(self, device: str = "cpu") -> None:
        """Build the network, put it into evaluation mode and move it to `device`."""
        self.device = torch.device(device)
        self.model = self.build().to(self.device).eval()

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Differentiable scores for waveforms `[clip, channel, sample]` in −1…1 at the card's rate."""
        return self.model(waveforms)

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores of a batch as float32 numpy, computed by `forward` without gradients."""
        with torch.inference_mode():
            return self.forward(to_device(batch.waveforms, self.device)).float().cpu().numpy()

    def weights(self) -> list[Path]:
        return [Path(self.checkpoint)] if self.checkpoint is not None else []
