"""Convolutions, then a recurrent layer: the detectors of sound events that most others are compared with.

    benchbed run suites/dcase_task4.yaml --model adapters/crnn.py
    benchbed run SUITE --model adapters/crnn.py --set arch=desed --set checkpoint=student.ckpt

`arch=small` is embedded, trained on the synthetic soundscapes. `arch=desed` is the network of the DCASE Task 4 baseline
2021 to 2024 and reads its checkpoints. `arch=cakir` and `arch=dessed` are the two kinds compared in DCASE and MARVEL
work on street sounds: three wide convolutions and a GRU (Cakir et al. 2017), and depthwise-separable and dilated
convolutions in their place (Drossos et al. 2020).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.labels import read_labels
from benchbed.errors import CheckpointError

EMBEDDED = Path(__file__).parent / "weights" / "crnn.safetensors"
DESED = ("Alarm_bell_ringing", "Blender", "Cat", "Dishes", "Dog", "Electric_shaver_toothbrush", "Frying",
         "Running_water", "Speech", "Vacuum_cleaner")  # fmt: skip
#: Rate, hop in samples and frames per output of each architecture.
TIMING = {"small": (16000, 512, 2), "desed": (16000, 256, 4), "cakir": (44100, 1764, 1), "dessed": (44100, 1764, 1)}


class Gate(nn.Module):
    """Gated linear unit over channels, with a linear layer of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) * torch.sigmoid(x)


class Recurrent(nn.Module):
    """Bidirectional GRU."""

    def __init__(self, inputs: int, cells: int, layers: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, cells, num_layers=layers, bidirectional=True, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rnn(x)[0]


class Crnn(nn.Module):
    """The DCASE Task 4 baseline, and with other widths the small network; names of layers are the baseline's."""

    def __init__(
        self,
        classes: int,
        *,
        filters: tuple[int, ...] = (16, 32, 64, 128, 128, 128, 128),
        time_pools: tuple[int, ...] = (2, 2, 1, 1, 1, 1, 1),
        cells: int = 128,
        layers: int = 2,
        attention: bool = True,
        gates: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.cnn = nn.Sequential()
        for i, (before, after, pool) in enumerate(zip((1, *filters), filters, time_pools)):
            self.cnn.add_module(f"conv{i}", nn.Conv2d(before, after, 3, 1, 1))
            self.cnn.add_module(f"batchnorm{i}", nn.BatchNorm2d(after, eps=0.001, momentum=0.1))
            self.cnn.add_module(*((f"glu{i}", Gate(after)) if gates else (f"relu{i}", nn.ReLU())))
            self.cnn.add_module(f"dropout{i}", nn.Dropout(dropout))
            self.cnn.add_module(f"pooling{i}", nn.AvgPool2d((pool, 2)))
        self.rnn = Recurrent(filters[-1], cells, layers)
        self.dropout = nn.Dropout(dropout)
        self.dense = nn.Linear(2 * cells, classes)
        if attention:
            self.dense_softmax = nn.Linear(2 * cells, classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits [clip, frame, class] of spectrograms [clip, mel, frame], and how much each frame counts for a tag."""
        maps = self.cnn(spectrogram.transpose(1, 2).unsqueeze(1))
        frames = self.dropout(self.rnn(maps.squeeze(-1).transpose(1, 2)))
        if not hasattr(self, "dense_softmax"):
            return self.dense(frames), None
        return self.dense(frames), torch.softmax(self.dense_softmax(frames), -1).clamp(1e-7, 1)


class Cakir(nn.Module):
    """Three 5 × 5 convolutions of 256 channels that pool frequency to one, a GRU, and a linear layer."""

    def __init__(self, classes: int, width: int = 256, pools: tuple[int, ...] = (5, 4, 2)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, pool in zip((1, width, width), pools):
            layers += [nn.Conv2d(before, width, 5, 1, 2), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d((1, pool)),
                       nn.Dropout(0.25)]  # fmt: skip
        self.cnn = nn.Sequential(*layers)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.dense = nn.Linear(width, classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, None]:
        maps = self.cnn(spectrogram.transpose(1, 2).unsqueeze(1)).squeeze(-1)
        return self.dense(self.gru(maps.transpose(1, 2))[0]), None


class Dessed(nn.Module):
    """Depthwise-separable convolutions in the place of wide ones, and dilated ones in the place of the GRU."""

    def __init__(self, classes: int, width: int = 256, pools: tuple[int, ...] = (5, 4, 2), dilation: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, pool in zip((1, width, width), pools):
            layers += [nn.Conv2d(before, before, 5, 1, 2, groups=before), nn.LeakyReLU(), nn.BatchNorm2d(before),
                       nn.Conv2d(before, width, 1), nn.ReLU(), nn.BatchNorm2d(width), nn.MaxPool2d((1, pool)),
                       nn.Dropout(0.25)]  # fmt: skip
        self.cnn = nn.Sequential(*layers)
        span = (7, 3)
        reach = (dilation * 3, 1)
        self.dilated = nn.Sequential(nn.Conv2d(1, 32, span, padding=reach, dilation=(dilation, 1)), nn.ReLU(),
                                     nn.BatchNorm2d(32), nn.Conv2d(32, 4, span, padding=reach, dilation=(dilation, 1)),
                                     nn.ReLU(), nn.BatchNorm2d(4))  # fmt: skip
        self.dense = nn.Linear(4 * width, classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, None]:
        maps = self.cnn(spectrogram.transpose(1, 2).unsqueeze(1)).squeeze(-1)  # [clip, width, frame]
        seen = self.dilated(maps.transpose(1, 2).unsqueeze(1))  # [clip, 4, frame, width]
        return self.dense(seen.permute(0, 2, 1, 3).flatten(2)), None


class Detector(nn.Module):
    """Front end and network of one architecture."""

    def __init__(self, arch: str, classes: int, **options: Any) -> None:
        super().__init__()
        self.arch = arch
        rate, hop, _ = TIMING[arch]
        if arch == "desed":
            self.frontend = LogMel(rate, 128, n_fft=2048, hop_length=hop, fmax=8000, window="hamming", periodic=False,
                                   power=1, log="db", floor=1e-5)  # fmt: skip
            self.net: nn.Module = Crnn(classes, **options)
        elif arch == "small":
            self.frontend = LogMel(rate, 64, n_fft=1024, hop_length=hop, mel_scale="slaney", norm="slaney")
            self.bands = nn.BatchNorm1d(64)
            self.net = Crnn(classes, **{"filters": (16, 32, 48, 64, 64, 64), "time_pools": (2, 1, 1, 1, 1, 1),
                                        "cells": 64, "layers": 1, "attention": False, "gates": False, "dropout": 0.05,
                                        **options})  # fmt: skip
        else:
            self.frontend = LogMel(rate, 40, n_fft=4096, win_length=3528, hop_length=hop, norm="slaney")
            self.bands = nn.BatchNorm1d(40)
            self.net = (Cakir if arch == "cakir" else Dessed)(classes, **options)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [clip, mel, frame] as the network wants them, but for what is learnt."""
        mels = self.frontend(waveforms)
        if self.arch != "desed":
            return mels
        mels = mels.clamp(-50, 80)
        low, high = mels.amin((1, 2), keepdim=True), mels.amax((1, 2), keepdim=True)
        return (mels - low) / (high - low + 1e-8)

    def weigh(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits [clip, frame, class] and weights of frames, if the network has some."""
        return self.net(features if self.arch == "desed" else self.bands(features))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [clip, frame, class] of spectrograms."""
        return self.weigh(features)[0]


class CRNN(TorchAdapter):
    """A recurrent detector; by frame, or pooled to tags.

    Parameters
    ----------
    arch : str
        `small`, `desed`, `cakir` or `dessed`.
    checkpoint : Path, optional
        Weights; the embedded ones for `small` if none is given. A checkpoint of the baseline holds teacher and student:
        the student is read.
    labels : str, optional
        Classes in order, where the checkpoint does not say them: a file, or names separated by commas.
    output : str
        `frames`, or `tags` for one probability per class and clip.
    """

    def __init__(
        self,
        arch: Literal["small", "desed", "cakir", "dessed"] = "small",
        checkpoint: Path | None = None,
        labels: str = "",
        output: Literal["frames", "tags"] = "frames",
    ) -> None:
        if checkpoint is None and arch != "small":
            raise CheckpointError(f"arch={arch} has no weights of its own", hint="--set checkpoint=FILE")
        self.arch, self.checkpoint = arch, Path(checkpoint or EMBEDDED)
        about = read_metadata(self.checkpoint) if self.checkpoint.suffix == ".safetensors" else {}
        self.options = json.loads(about.get("options", "{}"))
        names = read_labels(labels) if labels else tuple(json.loads(about["labels"])) if "labels" in about else DESED
        rate, hop, pooled = TIMING[arch]
        frames = output == "frames"
        self.card = Card(
            name="crnn" if arch == "small" else f"crnn-{arch}",
            family="crnn",
            output=output,
            labels=names,
            sample_rate=rate,
            scores="probabilities",
            clip_seconds={"cakir": 10.24, "dessed": 10.24}.get(arch, 10.0) if frames else None,
            min_seconds=0.2,
            frame_seconds=hop * pooled / rate if frames else None,
            label_map={k: tuple(v) for k, v in json.loads(about.get("label_map", "{}")).items()},
            weight_bits=int(about.get("weight_bits", 32)),
            licence="Apache-2.0" if checkpoint is None else "",
            citation="" if arch == "small" else "DCASE Task 4 baseline" if arch == "desed" else "",
            description="log-mel convolutions and a bidirectional GRU" if arch != "dessed" else
            "depthwise-separable and dilated convolutions",
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
            trained_with=tuple(json.loads(about.get("trained_with", "[]"))),
        )  # fmt: skip

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, arch: str = "small", **options: Any) -> nn.Module:
        """A fresh network from spectrograms to logits by frame, for `training/train.py`."""
        return Detector(arch, len(labels), **options)

    def build(self) -> nn.Module:
        model = Detector(self.arch, len(self.card.labels), **{k: v for k, v in self.options.items() if k != "arch"})
        state = load_state_dict(self.checkpoint)
        student = {k.removeprefix("sed_student."): v for k, v in state.items() if k.startswith("sed_student.")}
        if student:
            state = student
        target = model.net if not any(k.startswith("net.") for k in state) else model
        fit_state_dict(target, state, where=str(self.checkpoint))
        return model

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Probabilities [clip, frame, class] or [clip, class] of waveforms [clip, channel, sample]."""
        logits, weights = self.model.weigh(self.model.features(waveforms))
        frames = torch.sigmoid(logits)
        if self.card.output == "frames":
            return frames
        # Without weights of its own the network is pooled by linear softmax: frames count as much as they are sure.
        weights = frames if weights is None else weights
        return ((frames * weights).sum(1) / weights.sum(1).clamp_min(1e-7)).clamp(0, 1)
