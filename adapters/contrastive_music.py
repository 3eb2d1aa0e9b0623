"""The audio encoder of contrastive music representations: embeddings of music by what genres and playlists say.

    benchbed run suites/probe_gtzan.yaml --model adapters/contrastive_music.py --set checkpoint=audio_encoder.pt
    benchbed profile --model adapters/contrastive_music.py --set weights=random

Ferraro, Favory, Drossos, Kim and Bogdanov (arXiv:2104.00437) train seven convolutions on 48 mel bands of the Melon set
so that what is heard, genres and playlists of a track lie together. The network is that of their code
(andrebola/contrastive-mir-learning, a3f08c0), 3,989,762 parameters, and state dicts of it are read as they are; there
are no public weights. Embeddings are those of the last convolution, 1,024 features, as their code stores them, or the
128 of the space that is shared (`layer=joint`), each the mean over windows of 256 frames that do not overlap.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.encoding import EncoderAdapter
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.trained import Weights, seeded
from benchbed.errors import CheckpointError, ConfigError

RATE, HOP, BANDS = 16000, 256, 48
#: Frames of a window, 4.1 s.
FRAMES = 256
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": BANDS,
        "n_fft": 512,
        "hop_length": HOP,
        "mel_scale": "slaney",
        "norm": "slaney",
        "log": "db",
    },
)
#: Filters of each convolution, and the pooling behind it, of bands and frames.
BLOCKS = (
    (128, (2, 2)),
    (128, (2, 2)),
    (256, (2, 2)),
    (256, (2, 2)),
    (256, (1, 2)),
    (256, (1, 2)),
    (512, (2, 2)),
)
#: The features that each layer gives.
WIDTHS = {"convolution": 1024, "joint": 128}


class Block(nn.Module):
    """Convolution of 3 × 3, normalisation and pooling; parameters are called as in published state dicts."""

    def __init__(self, before: int, after: int, pooling: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)
        self.bn = nn.BatchNorm2d(after)
        self.pooling = pooling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.max_pool2d(torch.relu(self.bn(self.conv(x))), self.pooling)


class MusicEncoder(nn.Module):
    """Waveforms [clip, channel, sample] at 16 kHz to embeddings [clip, feature]."""

    def __init__(self, layer: str = "convolution") -> None:
        super().__init__()
        self.front = FRONT.build()
        layers: list[nn.Module] = [nn.BatchNorm2d(1)]
        before = 1
        for after, pooling in BLOCKS:
            layers.append(Block(before, after, pooling))
            before = after
        self.audio_encoder = nn.Sequential(*layers, nn.Flatten())
        self.fc_audio = nn.Sequential(
            nn.Linear(WIDTHS["convolution"], 512),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(512, WIDTHS["joint"]),
            nn.LayerNorm(WIDTHS["joint"], eps=1e-6),
        )
        self.layer = layer

    def windows(self, waveforms: torch.Tensor) -> torch.Tensor:
        """What is heard in each window [clip × window, 1, band, frame]; a rest below a window is left out."""
        # Decibels are doubled, as in the authors' code, which takes those of an amplitude from a power.
        bands = 2 * self.front(waveforms.mean(1, keepdim=True))
        count = max(1, bands.shape[2] // FRAMES)
        bands = nn.functional.pad(bands, (0, max(0, FRAMES - bands.shape[2])), value=-200.0)
        cut = bands[:, :, : count * FRAMES].unflatten(2, (count, FRAMES))
        return cut.transpose(1, 2).flatten(0, 1)[:, None]

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        made = self.audio_encoder(self.windows(waveforms))
        if self.layer == "joint":
            made = self.fc_audio(made)
        return made.unflatten(0, (len(waveforms), -1)).mean(1)


class ContrastiveMusic(EncoderAdapter):
    """The encoder.

    Parameters
    ----------
    checkpoint : Path
        State dict of the audio encoder, as the authors' training writes it.
    layer : str
        `convolution`, 1,024 features, or `joint`, 128.
    weights : str
        `random` for costs alone.
    """

    def __init__(
        self,
        *,
        checkpoint: Path | None = None,
        layer: Literal["convolution", "joint"] = "convolution",
        weights: Weights = "trained",
    ) -> None:
        if layer not in WIDTHS:
            raise ConfigError(f"there is no layer '{layer}'", hint=f"layer: {' or '.join(WIDTHS)}")
        if weights == "random" and checkpoint is not None:
            raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
        if weights != "random" and checkpoint is None:
            raise CheckpointError(
                "contrastive_music has no weights of its own",
                hint="train them by github.com/andrebola/contrastive-mir-learning, which publishes none, then --set "
                "checkpoint=FILE; what it costs can be known without: benchbed profile … --set weights=random",
            )
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.width = WIDTHS[layer]
        self.model = seeded(lambda: MusicEncoder(layer))
        if self.checkpoint is not None:
            fit_state_dict(self.model, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        self.card = Card(
            name=f"contrastive_music_{layer}",
            family="cnn",
            output="embedding",
            labels=(),
            sample_rate=RATE,
            min_seconds=FRAMES * HOP / RATE,
            front_end=FRONT.text,
            licence="see the weights",
            citation="A. Ferraro, X. Favory, K. Drossos, Y. Kim, D. Bogdanov: Enriched music representations with "
            "multiple cross-modal contrastive learning. IEEE Signal Processing Letters 28, 2021.",
            description="seven convolutions, trained to lie where genres and playlists of the track do",
            untrained=weights == "random",
        )

    def vectors(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.model(waveforms)

    def weights(self) -> list[Path]:
        return [self.checkpoint] if self.checkpoint is not None else []
