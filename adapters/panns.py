"""PANNs: the convolutional AudioSet taggers CNN6, CNN10 and CNN14 (Kong et al., IEEE/ACM TASLP 2020).

    benchbed run suites/audioset.yaml --model adapters/panns.py --set checkpoint=Cnn14_mAP=0.431.pth \\
        --set labels=class_labels_indices.csv
    benchbed run suites/mavd_segments.yaml --model adapters/panns.py --set arch=cnn6 --set checkpoint=cnn6_mavd.pt \\
        --set labels=bus,car,motorcycle --set clip_seconds=1 --set sample_rate=44100 --set window=1764 --set hop=882

The official state dicts load as they are; their spectrogram layers follow from the options and are left out. With
`clip_seconds` the network tags consecutive windows, which makes it a detector of that resolution.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError, ConfigError

#: Channels of the blocks, kernel size and convolutions per block.
ARCHS: dict[str, tuple[tuple[int, ...], int, int]] = {
    "cnn6": ((64, 128, 256, 512), 5, 1),
    "cnn10": ((64, 128, 256, 512), 3, 2),
    "cnn14": ((64, 128, 256, 512, 1024, 2048), 3, 2),
}


class Block(nn.Module):
    """One or two convolutions with batch normalisation, then mean pooling."""

    def __init__(self, before: int, after: int, size: int, count: int, pool: int) -> None:
        super().__init__()
        self.count, self.pool = count, pool
        for i in range(1, count + 1):
            channels = before if i == 1 else after
            setattr(self, f"conv{i}", nn.Conv2d(channels, after, size, 1, size // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in range(1, self.count + 1):
            x = torch.relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        return nn.functional.avg_pool2d(x, self.pool) if self.pool > 1 else x


class Pann(nn.Module):
    """Spectrogram, blocks, mean over frequency, maximum plus mean over time, two linear layers."""

    def __init__(self, arch: str, classes: int, frontend: LogMel) -> None:
        super().__init__()
        channels, size, count = ARCHS[arch]
        self.frontend = frontend
        self.bn0 = nn.BatchNorm2d(frontend.n_mels)
        for i, (before, after) in enumerate(zip((1, *channels), channels), start=1):
            setattr(self, f"conv_block{i}", Block(before, after, size, count, 1 if i == 6 else 2))
        self.blocks = len(channels)
        self.fc1 = nn.Linear(channels[-1], channels[-1])
        self.fc_audioset = nn.Linear(channels[-1], classes)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [clip, mel, frame]."""
        return self.frontend(waveforms)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [clip, class] of spectrograms."""
        x = self.bn0(features.unsqueeze(-1)).squeeze(-1).transpose(1, 2).unsqueeze(1)  # [clip, 1, frame, mel]
        for i in range(1, self.blocks + 1):
            x = getattr(self, f"conv_block{i}")(x)
        x = x.mean(3)
        return self.fc_audioset(torch.relu(self.fc1(x.amax(2) + x.mean(2))))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


class Panns(TorchAdapter):
    """A PANN with weights of your own or the published ones.

    Parameters
    ----------
    arch : str
        `cnn6`, `cnn10` or `cnn14`.
    checkpoint : Path
        A state dict, also inside the key `model`.
    labels : str
        Classes in order: AudioSet's `class_labels_indices.csv`, another file, or names separated by commas.
    clip_seconds : float
        Length of the windows that are tagged; 0 for clips of any length.
    sample_rate, window, hop : int
        Of the spectrogram; the published weights want 32 kHz (or 16 kHz, 512, 160) and 64 bands.
    fmin, fmax : float
        Ends of the mel bands in Hz.
    label_map : Path, optional
        Dataset label → classes that mean it, as YAML or csv.
    weights : str
        `random` for costs alone, of 527 classes unless labels are given.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        arch: Literal["cnn6", "cnn10", "cnn14"] = "cnn14",
        labels: str = "",
        clip_seconds: float = 0.0,
        sample_rate: int = 32000,
        window: int = 1024,
        hop: int = 320,
        fmin: float = 50.0,
        fmax: float = 14000.0,
        label_map: Path | None = None,
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if checkpoint is None and not untrained:
            raise CheckpointError(
                "panns has no weights of its own",
                hint="get Cnn14_mAP=0.431.pth of doi.org/10.5281/zenodo.3987831, then --set checkpoint=FILE "
                "--set labels=class_labels_indices.csv",
            )
        self.arch, self.label_map = arch, label_map
        self.checkpoint = None if checkpoint is None or untrained else Path(checkpoint)
        if not labels and not untrained:
            raise ConfigError("panns needs the names of its classes", hint="--set labels=class_labels_indices.csv")
        names = read_labels(labels) if labels else numbered(527)
        self.state = {} if self.checkpoint is None else load_state_dict(self.checkpoint)
        width = self.state["fc_audioset.bias"].shape[0] if "fc_audioset.bias" in self.state else 0
        if not untrained and width != len(names):
            raise CheckpointError(
                f"the checkpoint has {width} classes and there are {len(names)} labels", where=str(checkpoint)
            )
        self.frontend = {"n_fft": window, "hop_length": hop, "fmin": fmin, "fmax": min(fmax, sample_rate / 2)}
        self.card = Card(
            name=arch,
            family="cnn",
            output="tags",
            labels=names,
            sample_rate=sample_rate,
            clip_seconds=clip_seconds or None,
            # The blocks halve time up to five times.
            min_seconds=33 * hop / sample_rate,
            label_map=read_label_map(label_map, names) if label_map else {},
            citation="Q. Kong et al.: PANNs, IEEE/ACM TASLP 28, 2020",
            description="log-mel convolutional tagger",
            trained_on=("audioset",) if len(names) == 527 and not untrained else (),
            untrained=untrained,
        )

    @classmethod
    def training_model(
        cls,
        labels: tuple[str, ...],
        *,
        arch: str = "cnn6",
        sample_rate: int = 32000,
        window: int = 1024,
        hop: int = 320,
    ) -> nn.Module:
        """A fresh network from spectrograms to logits, for `training/train.py`."""
        return network(arch, len(labels), sample_rate, n_fft=window, hop_length=hop)

    def weights(self) -> list[Path]:
        files = [] if self.checkpoint is None else [self.checkpoint]
        return [*files, *([Path(self.label_map)] if self.label_map else [])]

    def build(self) -> nn.Module:
        model = seeded(lambda: network(self.arch, len(self.card.labels), self.card.sample_rate, **self.frontend))
        if self.checkpoint is None:
            return model
        own = {k: v for k, v in self.state.items() if not k.startswith(("spectrogram_extractor.", "logmel_extractor."))}
        fit_state_dict(model, own, where=str(self.checkpoint))
        return model


def network(arch: str, classes: int, sample_rate: int = 32000, **options: float) -> Pann:
    """A PANN with fresh weights; the front end is librosa's power mel in dB, as the published one."""
    chosen: dict[str, Any] = {"n_fft": 1024, "hop_length": 320, "fmin": 50.0, "fmax": min(14000.0, sample_rate / 2)}
    chosen |= options
    frontend = LogMel(sample_rate, 64, mel_scale="slaney", norm="slaney", log="db", floor=1e-10, **chosen)
    return Pann(arch, classes, frontend)
