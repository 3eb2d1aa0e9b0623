"""TALNet: tags and localises 527 AudioSet classes at once, from clip labels alone (Wang, Li and Metze, ICASSP 2019).

    benchbed run suites/audioset.yaml --model adapters/talnet.py --set checkpoint=TALNet.pt --set output=tags \\
        --set labels=class_labels_indices.csv

Ten convolutions, five poolings, a bidirectional GRU, and one of five ways from frames to the clip: `max`, `ave`,
`lin` (linear softmax, the best localiser), `exp` (exponential softmax) and `att` (attention). Layers have the names of
the published code, whose checkpoints load; it normalises its features by statistics that it keeps apart, which `mean`
and `deviation` stand for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.labels import read_labels
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError, ConfigError

RATE, HOP, POOLED = 16000, 400, 4
FRONT = NamedFrontEnd(
    "log_mel",
    {"sample_rate": RATE, "n_mels": 64, "n_fft": 4096, "win_length": 1024, "hop_length": HOP, "fmax": 8000.0},
)
Pooling = Literal["max", "ave", "lin", "exp", "att"]


class Conv(nn.Module):
    """Convolution, batch normalisation, and where wanted a pooling."""

    def __init__(self, before: int, after: int, pool: tuple[int, int] | None) -> None:
        super().__init__()
        self.conv, self.bn, self.pool = nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), pool

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn(self.conv(x)))
        return nn.functional.max_pool2d(x, self.pool) if self.pool else x


class TalNet(nn.Module):
    """The published network, from spectrograms to frame probabilities and clip probabilities."""

    def __init__(self, classes: int, pooling: Pooling = "lin", embedding: int = 1024, convolutions: int = 10) -> None:
        super().__init__()
        self.pooling, self.convolutions = pooling, convolutions
        bands, before, every = 64, 1, convolutions // 5
        for i in range(convolutions):
            pooled = (i + 1) % every == 0
            bands = bands // 2 if pooled else bands
            after = embedding // bands if pooled else 2 * embedding // bands
            pool = ((2, 2) if i < 2 * every else (1, 2)) if pooled else None
            setattr(self, f"conv{i + 1}", Conv(before, after, pool))
            before = after
        self.gru = nn.GRU(embedding, embedding // 2, batch_first=True, bidirectional=True)
        self.fc_prob = nn.Linear(embedding, classes)
        if pooling == "att":
            self.fc_att = nn.Linear(embedding, classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Probabilities [clip, frame, class] and [clip, class] of spectrograms [clip, mel, frame]."""
        x = spectrogram.transpose(1, 2).unsqueeze(1)
        for i in range(self.convolutions):
            x = getattr(self, f"conv{i + 1}")(x)
        hidden, _ = self.gru(x.transpose(1, 2).flatten(2))
        frames = torch.sigmoid(self.fc_prob(hidden)).clamp(1e-7, 1 - 1e-7)
        weights = torch.softmax(self.fc_att(hidden), 1) if self.pooling == "att" else None
        return frames, pooled_over_time(frames, self.pooling, weights)


def pooled_over_time(frames: torch.Tensor, pooling: Pooling, weights: torch.Tensor | None = None) -> torch.Tensor:
    """One probability per class and clip from those of the frames [clip, frame, class].

    `weights` [clip, frame, class] are those of attention, and sum to one over the frames.
    """
    if pooling == "max":
        return frames.amax(1)
    if pooling == "ave":
        return frames.mean(1)
    if pooling == "lin":
        return frames.square().sum(1) / frames.sum(1)
    if pooling == "exp":
        return (frames * frames.exp()).sum(1) / frames.exp().sum(1)
    if weights is None:
        raise ConfigError("attention pooling needs weights")
    return (frames * weights).sum(1)


class Talnet(TorchAdapter):
    """TALNet, by frame or by clip.

    Parameters
    ----------
    checkpoint : Path
        A state dict, also inside the key `model`.
    labels : str
        Classes in order: AudioSet's `class_labels_indices.csv`, another file, or names separated by commas.
    pooling : str
        `max`, `ave`, `lin`, `exp` or `att`.
    output : str
        `frames`, one every 0.1 s, or `tags`.
    mean, deviation : float
        Statistics of the features in training, by which they are normalised.
    weights : str
        `random` for costs alone, of 527 classes unless labels are given.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        labels: str = "",
        pooling: Pooling = "lin",
        output: Literal["frames", "tags"] = "frames",
        mean: float = 0.0,
        deviation: float = 1.0,
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if checkpoint is None and not untrained:
            raise CheckpointError(
                "talnet has no weights of its own",
                hint="get TALNet.pt by github.com/MaigoAkisame/cmu-thesis, then "
                "--set checkpoint=FILE --set labels=class_labels_indices.csv",
            )
        if not (labels or untrained) or deviation <= 0:
            raise ConfigError(
                "talnet needs the names of its classes, and a deviation above 0",
                hint="--set labels=class_labels_indices.csv",
            )
        self.checkpoint = None if checkpoint is None or untrained else Path(checkpoint)
        self.pooling, self.mean, self.deviation = pooling, mean, deviation
        names = read_labels(labels) if labels else numbered(527)
        frames = output == "frames"
        self.card = Card(
            name=f"talnet-{pooling}",
            family="crnn",
            output=output,
            labels=names,
            sample_rate=RATE,
            front_end=FRONT.text,
            scores="probabilities",
            clip_seconds=10.0 if frames else None,
            min_seconds=0.2,
            frame_seconds=HOP * POOLED / RATE if frames else None,
            citation="Y. Wang, J. Li, F. Metze, ICASSP 2019",
            description=f"CRNN with {pooling} pooling",
            trained_on=("audioset",) if len(names) == 527 and not untrained else (),
            untrained=untrained,
        )

    def build(self) -> nn.Module:
        net = seeded(lambda: TalNet(len(self.card.labels), self.pooling))
        if self.checkpoint is not None:
            fit_state_dict(net, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        mel = FRONT.build()
        return nn.ModuleDict({"mel": mel, "net": net})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Probabilities [clip, frame, class] or [clip, class] of waveforms [clip, channel, sample]."""
        features = (self.model["mel"](waveforms) - self.mean) / self.deviation
        frames, clip = self.model["net"](features)
        return frames if self.card.output == "frames" else clip
