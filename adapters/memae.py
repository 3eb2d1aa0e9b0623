"""MemAE over pieces of a spectrogram, whole or with filters pruned: what its memory of normal sounds cannot rebuild.

    benchbed run suites/dcase2023_task2.yaml --model adapters/memae.py
    benchbed run suites/dcase2023_task2.yaml --model adapters/memae.py --set pruned=false
    benchbed profile --model adapters/memae.py --set weights=random --set width=1

A memory-augmented autoencoder (Gong et al., ICCV 2019): four 3-D convolutions, a memory whose items an encoding is made
up of, those of small weight left out, and four transposed convolutions. There it sees sixteen frames of a film, here
sixteen pieces of a log-mel spectrogram. At `width=1` it has the 6,492,801 parameters that MARVEL D3.1 prints. Filters
are pruned as there, those of small L1 norm first, layer by layer, the first and the last layer left whole. The printed
shares of 45, 60, 10, 80, 45 and 25 %, in the order of the layers, leave 2,023,430 parameters and not the printed
1,833,368; in no order do they leave just as many (45, 10, 60, 80, 45 and 25 % leave 1,833,094). Small weights, trained
on the synthetic machines by `training/memae.py`, come whole and pruned.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.moving import to_device
from benchbed.adapter.trained import Weights, seeded
from benchbed.errors import CheckpointError, ConfigError
from benchbed.types import Batch

FOLDER = Path(__file__).parent / "weights"
RATE, MELS, PIECES, FRAMES = 16000, 32, 16, 4
FRONT = NamedFrontEnd("log_mel", {"sample_rate": RATE, "n_mels": MELS, "n_fft": 1024, "hop_length": 512, "fmin": 0.0})
#: Filters of the seven layers between spectrogram and spectrogram, and items of the memory.
FILTERS, ITEMS = (96, 128, 256, 256, 256, 128, 96), 2000
#: Shares of filters that the source prunes from the second to the seventh of them.
PRUNED = (0.45, 0.60, 0.10, 0.80, 0.45, 0.25)


def widths(width: float, shares: Sequence[float] = ()) -> tuple[int, ...]:
    """Filters of each layer at a width, less what is pruned of all but the first.

    Raises
    ------
    ConfigError
        A share that is none, or another number of them.

    Examples
    --------
    >>> widths(1.0, PRUNED)
    (96, 70, 102, 230, 51, 70, 72)
    """
    if shares and (len(shares) != len(FILTERS) - 1 or not all(0 <= share < 1 for share in shares)):
        raise ConfigError(
            f"{len(shares)} shares {list(shares)}",
            hint=f"{len(FILTERS) - 1} shares of filters, each from 0 to below 1",
        )
    whole = [max(1, round(filters * width)) for filters in FILTERS]
    if not shares:
        return tuple(whole)
    return (whole[0], *(max(1, int(filters * (1 - share) + 1e-9)) for filters, share in zip(whole[1:], shares)))


class Memory(nn.Module):
    """Encodings [clip, channel, …] made up of the items that they are most like; small weights are left out."""

    def __init__(self, items: int, channels: int) -> None:
        super().__init__()
        self.items = nn.Parameter(torch.randn(items, channels) / channels**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = x.movedim(1, -1)
        weight = torch.softmax(nn.functional.linear(flat, self.items), -1)
        least = 0.5 / len(self.items)
        kept = torch.relu(weight - least) * weight / ((weight - least).abs() + 1e-12)
        kept = kept / kept.sum(-1, keepdim=True).clamp_min(1e-12)
        return (kept @ self.items).movedim(-1, 1)


class MemAE(nn.Module):
    """Stacks [clip, 1, piece, band, frame] to stacks of the same shape."""

    def __init__(self, filters: Sequence[int], items: int = ITEMS) -> None:
        super().__init__()
        into, out = filters[:4], filters[4:]
        strides = [(1, 2, 2), (2, 2, 2), (2, 2, 1), (2, 2, 1)]
        layers: list[nn.Module] = []
        for (before, after), stride in zip(pairwise((1, *into)), strides):
            layers += [nn.Conv3d(before, after, 3, stride, 1), nn.BatchNorm3d(after), nn.LeakyReLU(0.2)]
        self.encoder = nn.Sequential(*layers)
        self.memory = Memory(items, into[-1])
        layers = []
        for (before, after), stride in zip(pairwise((into[-1], *out, 1)), strides[::-1]):
            more = tuple(step - 1 for step in stride)
            layers.append(nn.ConvTranspose3d(before, after, 3, stride, 1, more))
            layers += [nn.BatchNorm3d(after), nn.LeakyReLU(0.2)] if after > 1 or len(layers) < 9 else []
        self.decoder = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.memory(self.encoder(x)))


class Rebuilt(nn.Module):
    """The autoencoder over a spectrogram: mean squared errors [clip] of spectrograms [clip, band, frame]."""

    def __init__(self, filters: Sequence[int], items: int) -> None:
        super().__init__()
        self.front = FRONT.build()
        self.network = MemAE(filters, items)
        self.register_buffer("centre", torch.zeros(MELS))
        self.register_buffer("spread", torch.ones(MELS))

    def stacks(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Standardised stacks [clip, 1, piece, band, frame] of waveforms, from the first whole ones of a clip."""
        bands = (self.front(waveforms[:, :1]) - self.centre[:, None]) / self.spread[:, None]
        whole = PIECES * FRAMES
        bands = bands.repeat(1, 1, -(-whole // bands.shape[2]))[:, :, :whole]
        return bands.unflatten(2, (PIECES, FRAMES)).transpose(1, 2)[:, None]

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        stacks = self.stacks(waveforms)
        return (self.network(stacks) - stacks).square().mean((1, 2, 3, 4))


class MemAEAdapter(TorchAdapter):
    """The autoencoder as a detector; one for all kinds of machines.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/memae.py`; the embedded ones if none is given.
    weights : str
        `random` for costs alone.
    pruned : bool
        The pruned network.
    width : float
        Of random weights: filters and items, over the published ones.
    channels : int
        2 for recordings of two microphones, of which the first is heard.
    """

    def __init__(
        self,
        *,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        pruned: bool = True,
        width: float = 1.0,
        channels: int = 1,
    ) -> None:
        about: dict[str, str] = {}
        self.checkpoint = None
        if weights == "random":
            if checkpoint is not None:
                raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
            if not 0 < width <= 2:
                raise ConfigError(f"width={width:g}", hint="above 0; 1 is the published width")
            self.filters, self.items = widths(width, PRUNED if pruned else ()), max(8, round(ITEMS * width))
        else:
            name = f"memae{'_pruned' if pruned else ''}.safetensors"
            self.checkpoint = Path(checkpoint) if checkpoint is not None else FOLDER / name
            about = read_metadata(self.checkpoint)
            if "filters" not in about or "items" not in about:
                raise CheckpointError(
                    "the checkpoint does not say how wide the network is",
                    where=str(self.checkpoint),
                    hint="train it with adapters/training/memae.py",
                )
            self.filters, self.items = tuple(json.loads(about["filters"])), int(about["items"])
        self.card = Card(
            name=f"memae{'_pruned' if pruned else ''}",
            family="cnn",
            output="anomaly",
            labels=(),
            sample_rate=RATE,
            channels=channels,
            min_seconds=0.3,
            weight_bits=int(about.get("weight_bits", 32)),
            front_end=FRONT.text,
            licence="Apache-2.0",
            citation="D. Gong et al.: Memorizing normality to detect anomaly: memory-augmented deep autoencoder for "
            "unsupervised anomaly detection. ICCV 2019",
            description="a memory-augmented autoencoder over pieces of a spectrogram",
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
            untrained=weights == "random",
        )

    def build(self) -> nn.Module:
        made = seeded(lambda: Rebuilt(self.filters, self.items))
        if self.checkpoint is not None:
            fit_state_dict(made, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return made

    def predict(self, batch: Batch) -> np.ndarray:
        """Scores [clip], each clip to its own end; one network for all kinds of machines decides nothing."""
        answers = np.empty(len(batch), np.float32)
        with torch.inference_mode():
            for row in range(len(batch)):
                clip = to_device(batch.waveforms[row : row + 1, :, : int(batch.lengths[row])], self.device)
                answers[row] = float(self.forward(clip)[0])
        return answers
