"""Convolutions, then self-attention over time: a recurrent detector with a Transformer in the place of its GRU.

    benchbed run suites/dcase_task4.yaml --model adapters/cnn_transformer.py
    benchbed run suites/fsd50k.yaml --model adapters/cnn_transformer.py --set output=tags
    benchbed run SUITE --model adapters/cnn_transformer.py --set arch=audioset --set checkpoint=FILE --set labels=FILE

`arch=small` is embedded, trained on the synthetic soundscapes. `arch=audioset` has the ten convolutions and five pools
of TALNet, two Transformer layers with eight heads and sinusoidal positions, and attention pooling over frames, as in
comparisons of families on AudioSet.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.detector import card_of, tags_of
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.labels import read_labels
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError

EMBEDDED = Path(__file__).parent / "weights" / "cnn_transformer.safetensors"
RATE = 16000
#: Hop in samples and frames per output.
TIMING = {"small": (512, 2), "audioset": (400, 4)}


def positions(frames: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """Sines and cosines [frame, width] whose wavelengths run from 2π to 10000 · 2π frames."""
    at = torch.arange(frames, device=like.device, dtype=torch.float32)[:, None]
    rate = torch.exp(torch.arange(0, width, 2, device=like.device) * (-math.log(10000.0) / width))
    return torch.stack([torch.sin(at * rate), torch.cos(at * rate)], -1).flatten(1).to(like.dtype)


class Attention(nn.Module):
    """A Transformer layer, normalised first."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.inner = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clips, frames, width = x.shape
        query, key, value = self.qkv(self.before(x)).view(clips, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        x = x + self.dropout(self.out(mixed.reshape(clips, frames, width)))
        return x + self.dropout(self.inner(self.between(x)))


class Network(nn.Module):
    """Log-mel spectrogram, pairs of convolutions with pooling, Transformer layers, one linear layer per frame."""

    def __init__(
        self,
        classes: int,
        arch: str = "small",
        *,
        channels: tuple[int, ...] = (),
        layers: int = 2,
        heads: int = 0,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        small = arch == "small"
        channels = tuple(channels) or ((16, 32, 48, 64, 64, 96) if small else (32, 64, 128, 256, 512))
        hop = TIMING[arch][0]
        self.frontend = LogMel(RATE, 64, n_fft=1024, hop_length=hop, mel_scale="slaney", norm="slaney")
        self.bands = nn.BatchNorm1d(64)
        body: list[nn.Module] = []
        for i, (before, after) in enumerate(zip((1, *channels), channels)):
            time = 2 if i in ((1,) if small else (0, 1)) else 1
            for into in (before,) if small else (before, after):
                body += [nn.Conv2d(into, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            body.append((nn.AvgPool2d if small else nn.MaxPool2d)((2, time)))
        self.body = nn.Sequential(*body)
        width = channels[-1] * 64 // 2 ** len(channels) if small else 512
        self.into = nn.Identity() if small else nn.Linear(channels[-1] * 2, width)
        self.scale = math.sqrt(width)
        self.layers = nn.Sequential(
            *(
                Attention(width, heads or (4 if small else 8), 2 * width if small else 4 * width, dropout)
                for _ in range(layers)
            )
        )
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        # Which frames a tag is read from; the small network learns frames and needs none.
        self.weight = None if small else nn.Linear(width, classes)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [clip, mel, frame]."""
        return self.frontend(waveforms)

    def weigh(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits [clip, frame, class] and weights of frames, if the network has some."""
        maps = self.body(self.bands(features).unsqueeze(1))  # [clip, channel, mel, frame]
        frames = self.into(maps.flatten(1, 2).transpose(1, 2))
        frames = frames * self.scale + positions(frames.shape[1], frames.shape[2], frames)
        frames = self.last(self.layers(frames))
        weights = None if self.weight is None else torch.softmax(self.weight(frames), 1)
        return self.head(frames), weights

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [clip, frame, class] of spectrograms."""
        return self.weigh(features)[0]


class CnnTransformer(TorchAdapter):
    """A detector with self-attention; by frame, or pooled to tags.

    Parameters
    ----------
    arch : str
        `small` or `audioset`.
    checkpoint : Path, optional
        Safetensors written by `training/train.py`; the embedded weights for `small` if none is given.
    labels : str, optional
        Classes in order, where the checkpoint does not say them: a file, or names separated by commas.
    output : str
        `frames`, or `tags` for one probability per class and clip.
    weights : str
        `random` for costs alone; 10 classes for `small` and 527 for `audioset`, unless labels are given.
    """

    def __init__(
        self,
        arch: Literal["small", "audioset"] = "small",
        checkpoint: Path | None = None,
        labels: str = "",
        output: Literal["frames", "tags"] = "frames",
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if checkpoint is None and not untrained and arch != "small":
            raise CheckpointError(f"arch={arch} has no weights of its own", hint="--set checkpoint=FILE")
        self.arch, self.checkpoint = arch, None if untrained else Path(checkpoint or EMBEDDED)
        of_file = self.checkpoint is not None and self.checkpoint.suffix == ".safetensors"
        about = read_metadata(self.checkpoint) if of_file else {}
        if untrained and not labels:
            about = {"labels": json.dumps(numbered(10 if arch == "small" else 527))}
        if not labels and "labels" not in about:
            raise CheckpointError(
                "the checkpoint does not say which classes it knows",
                where=str(self.checkpoint),
                hint="--set labels=FILE",
            )
        self.options = json.loads(about.get("options", "{}"))
        hop, pooled = TIMING[arch]
        frames = output == "frames"
        self.card = Card(
            name="cnn_transformer" if arch == "small" else f"cnn_transformer-{arch}",
            family="transformer",
            output=output,
            labels=read_labels(labels) if labels else tuple(json.loads(about["labels"])),
            sample_rate=RATE,
            scores="probabilities",
            clip_seconds=10.0 if frames else None,
            min_seconds=0.2,
            frame_seconds=hop * pooled / RATE if frames else None,
            licence="Apache-2.0" if checkpoint is None else "",
            description="log-mel convolutions and self-attention over time",
            untrained=untrained,
            **card_of(about),
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: str = "small", **options: Any) -> nn.Module:
        """A fresh network from spectrograms to logits by frame, for `training/train.py`."""
        return Network(len(labels), arch, **options)

    def build(self) -> nn.Module:
        options = {k: v for k, v in self.options.items() if k != "arch"}
        model = seeded(lambda: Network(len(self.card.labels), self.arch, **options))
        if self.checkpoint is not None:
            fit_state_dict(model, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return model

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Probabilities [clip, frame, class] or [clip, class] of waveforms [clip, channel, sample]."""
        logits, weights = self.model.weigh(self.model.features(waveforms))
        frames = torch.sigmoid(logits)
        return frames if self.card.output == "frames" else tags_of(frames, weights)
