"""Convolutions, then a recurrent layer: the detectors of sound events that most others are compared with.

    benchbed run suites/dcase_task4.yaml --model adapters/crnn.py
    benchbed run suites/fsd50k.yaml --model adapters/crnn.py --set output=tags
    benchbed run suites/esc10.yaml --model adapters/crnn.py --set output=scene --set checkpoint=FILE
    benchbed run SUITE --model adapters/crnn.py --set arch=desed --set checkpoint=student.ckpt
    benchbed run SUITE --model adapters/crnn.py --set arch=dessed --set checkpoint=FILE --set labels=bus,car,motorcycle

`arch=small` is embedded, trained on the synthetic soundscapes. `arch=desed` is the network of the DCASE Task 4 baseline
2021 to 2024 and reads its checkpoints. The others are the two kinds that MARVEL compares on street sounds, from 40
bands every 40 ms: three wide convolutions and a GRU, and depthwise-separable and dilated convolutions in their place.
Both are those of Drossos et al. (IJCNN 2020, baseline after Cakir et al. 2017), whose published code has the same
layers and names, so its state dicts load; widths are read from the weights.

    arch     widths                                       parameters at three classes   stated by MARVEL
    cakir    published: 256 channels, GRU of 256 cells     3,681,027, which is 3.51 · 2²⁰
    marvel   as cakir, but a GRU of 160 cells (derived)    3,486,627                     3.5 M
    dessed   published: 256 channels, kernel 3 × 3           288,771                     290 K

MARVEL states no widths. 160 cells are derived from its parameter count: with 139 to 194 of them there are 3.5 million,
and of their multiples of 32 this comes nearest. Nothing is derived in `dessed`: the kernels of 5 × 5 and 7 × 7, which
are published too, give 292,099 and 298,243.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
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
from benchbed.errors import CheckpointError, ConfigError

EMBEDDED = Path(__file__).parent / "weights" / "crnn.safetensors"
DESED = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)
#: Rate, hop in samples and frames per output of each architecture that has a rate of its own.
TIMING = {"small": (16000, 512, 2), "desed": (16000, 256, 4)}
Arch = Literal["small", "desed", "cakir", "marvel", "dessed"]
Answer = Literal["frames", "tags", "scene"]


def timing(arch: str, sample_rate: int = 0) -> tuple[int, int, int]:
    """Rate, hop in samples and frames per output; street sounds are heard at any rate, every 40 ms.

    Examples
    --------
    >>> timing("desed"), timing("cakir"), timing("dessed", 16000)
    ((16000, 256, 4), (44100, 1764, 1), (16000, 640, 1))
    """
    if arch not in TIMING:
        return sample_rate or 44100, round(0.04 * (sample_rate or 44100)), 1
    if sample_rate not in (0, TIMING[arch][0]):
        raise ConfigError(f"arch={arch} hears {TIMING[arch][0]} samples per second, not {sample_rate}")
    return TIMING[arch]


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


def stages(layer: Callable[[int], nn.Module], width: int, pools: tuple[int, ...], dropout: float) -> nn.ModuleDict:
    """Convolutions that pool frequency, under the authors' names; normalised after the ReLU, as they do."""
    return nn.ModuleDict(
        {
            f"layer_{i}": nn.Sequential(
                layer(1 if i == 1 else width),
                nn.ReLU(),
                nn.BatchNorm2d(width),
                nn.MaxPool2d((1, pool)),
                nn.Dropout2d(dropout),
            )
            for i, pool in enumerate(pools, start=1)
        }
    )


class Cakir(nn.Module):
    """Three 5 × 5 convolutions that pool frequency to one, a GRU, and a linear layer.

    Published (Drossos et al. 2020): 40 bands, 256 channels, pools 5, 4, 2, a GRU of 256 cells.
    """

    def __init__(self, classes: int, width: int = 256, cells: int = 256, pools: tuple[int, ...] = (5, 4, 2)) -> None:
        super().__init__()
        self.dnn = stages(lambda before: nn.Conv2d(before, width, 5, padding=2), width, pools, 0.25)
        self.rnn = nn.GRU(width, cells, batch_first=True)
        self.classifier = nn.Linear(cells, classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, None]:
        maps = spectrogram.transpose(1, 2).unsqueeze(1)
        for layer in self.dnn.values():
            maps = layer(maps)
        return self.classifier(self.rnn(maps.squeeze(-1).transpose(1, 2))[0]), None

    @staticmethod
    def sizes(state: Mapping[str, torch.Tensor]) -> dict[str, int]:
        """The widths that weights were trained with."""
        return {"width": state["dnn.layer_1.0.weight"].shape[0], "cells": state["rnn.weight_hh_l0"].shape[1]}


class Separable(nn.Module):
    """A convolution of each channel by itself, then one that mixes the channels at each place."""

    def __init__(self, before: int, after: int, inner: int) -> None:
        super().__init__()
        self.depth_wise_conv = nn.Conv2d(before, after, 5, padding=2, groups=before)
        self.batch_norm = nn.BatchNorm2d(after)
        self.point_wise = nn.Conv2d(after, after, inner, padding=inner // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.point_wise(self.batch_norm(nn.functional.leaky_relu(self.depth_wise_conv(x))))


class Dilated(nn.Module):
    """One convolution over time and channels, with holes in time, in the place of a recurrent layer."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        reach = dilation * (kernel // 2)
        self.cnn = nn.Conv2d(1, channels, kernel, stride=(1, 3), padding=(reach, 0), dilation=(dilation, 1))
        self.batch_norm = nn.BatchNorm2d(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.batch_norm(torch.relu(self.cnn(x)))


class Dessed(nn.Module):
    """Depthwise-separable convolutions in the place of wide ones, and a dilated one in the place of the GRU.

    Published (Drossos et al. 2020): widths as in `Cakir`; `kernel` 3, 5 or 7 and `dilation` 1, 10, 50 or 100.
    """

    def __init__(
        self,
        classes: int,
        width: int = 256,
        kernel: int = 3,
        dilation: int = 10,
        inner: int = 1,
        pools: tuple[int, ...] = (5, 4, 2),
    ) -> None:
        super().__init__()
        self.dnn = stages(lambda before: Separable(before, width, inner), width, pools, 0.25)
        self.dilated_cnn = Dilated(width, kernel, dilation)
        self.classifier = nn.Linear(width * ((width - kernel) // 3 + 1), classes)

    def forward(self, spectrogram: torch.Tensor) -> tuple[torch.Tensor, None]:
        maps = spectrogram.transpose(1, 2).unsqueeze(1)
        for layer in self.dnn.values():
            maps = layer(maps)
        seen = self.dilated_cnn(maps.permute(0, 3, 2, 1))  # [clip, channel, frame, place]
        return self.classifier(seen.transpose(1, 2).flatten(2)), None

    @staticmethod
    def sizes(state: Mapping[str, torch.Tensor]) -> dict[str, int]:
        """The widths that weights were trained with; a dilation leaves no trace in them."""
        mixing = state["dnn.layer_1.0.point_wise.weight"]
        return {"width": mixing.shape[0], "inner": mixing.shape[2], "kernel": state["dilated_cnn.cnn.weight"].shape[2]}


#: Networks for street sounds.
STREET: dict[str, type[Cakir] | type[Dessed]] = {"cakir": Cakir, "marvel": Cakir, "dessed": Dessed}


class Detector(nn.Module):
    """Front end and network of one architecture; of a scene, one class a clip, its logits are the mean over frames."""

    def __init__(
        self, arch: str, classes: int, sample_rate: int = 0, output: Answer = "frames", **options: Any
    ) -> None:
        super().__init__()
        self.arch, self.scene = arch, output == "scene"
        rate, self.hop, _ = timing(arch, sample_rate)
        if arch == "desed":
            self.frontend = LogMel(
                rate,
                128,
                n_fft=2048,
                hop_length=self.hop,
                fmax=8000,
                window="hamming",
                periodic=False,
                power=1,
                log="db",
                floor=1e-5,
            )
            self.net: nn.Module = Crnn(classes, **options)
        elif arch == "small":
            self.frontend = LogMel(rate, 64, n_fft=1024, hop_length=self.hop, mel_scale="slaney", norm="slaney")
            self.bands = nn.BatchNorm1d(64)
            self.net = Crnn(
                classes,
                **{
                    "filters": (16, 32, 48, 64, 64, 64),
                    "time_pools": (2, 1, 1, 1, 1, 1),
                    "cells": 64,
                    "layers": 1,
                    "attention": False,
                    "gates": False,
                    "dropout": 0.05,
                    **options,
                },
            )
        else:
            window = 2 * self.hop
            self.frontend = LogMel(
                rate, 40, n_fft=2 ** math.ceil(math.log2(window)), win_length=window, hop_length=self.hop, norm="slaney"
            )
            self.bands = nn.BatchNorm1d(40)
            self.net = STREET[arch](classes, **({"cells": 160} if arch == "marvel" else {}) | options)

    def features(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Spectrograms [clip, mel, frame] as the network wants them, but for what is learnt."""
        mels = self.frontend(waveforms)
        if self.arch in STREET:
            # 256 frames of 10.24 s, without the one that is centred on the end.
            return mels[..., : max(1, waveforms.shape[-1] // self.hop)]
        if self.arch == "small":
            return mels
        mels = mels.clamp(-50, 80)
        low, high = mels.amin((1, 2), keepdim=True), mels.amax((1, 2), keepdim=True)
        return (mels - low) / (high - low + 1e-8)

    def weigh(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Logits [clip, frame, class] and weights of frames, if the network has some."""
        return self.net(features if self.arch == "desed" else self.bands(features))

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Logits [clip, frame, class] of spectrograms, or of scenes [clip, class]."""
        logits = self.weigh(features)[0]
        return logits.mean(1) if self.scene else logits


CITED = {
    "desed": "DCASE Task 4 baseline",
    **dict.fromkeys(
        STREET, "K. Drossos et al.: Sound event detection with depthwise separable and dilated convolutions, IJCNN 2020"
    ),
}


class CRNN(TorchAdapter):
    """A recurrent detector; by frame, or pooled to tags.

    Parameters
    ----------
    arch : str
        `small`, `desed`, `cakir`, `marvel` or `dessed`.
    checkpoint : Path, optional
        Weights; the embedded ones for `small` if none is given. A checkpoint of the baseline holds teacher and student:
        the student is read.
    labels : str, optional
        Classes in order, where the checkpoint does not say them: a file, or names separated by commas.
    output : str
        `frames`, `tags` for one probability per class and clip, or `scene` for one class per clip, which weights must
        have been trained for: `training/train.py --task scene --set output=scene`.
    sample_rate : int
        For street sounds, that of the training; 44,100 if none is given.
    dilation : int
        For `dessed`, that of the training, in frames, which the weights do not show.
    weights : str
        `random` for costs alone, of ten classes unless labels are given, at the published widths.
    """

    def __init__(
        self,
        arch: Arch = "small",
        checkpoint: Path | None = None,
        labels: str = "",
        output: Answer = "frames",
        sample_rate: int = 0,
        dilation: int = 10,
        weights: Weights = "trained",
    ) -> None:
        untrained = weights == "random"
        if checkpoint is None and not untrained and arch != "small":
            raise CheckpointError(f"arch={arch} has no weights of its own", hint="--set checkpoint=FILE")
        self.arch, self.checkpoint = arch, None if untrained else Path(checkpoint or EMBEDDED)
        of_file = self.checkpoint is not None and self.checkpoint.suffix == ".safetensors"
        about = read_metadata(self.checkpoint) if of_file else {}
        if untrained and not labels and arch != "desed":
            about = {"labels": json.dumps(numbered(10))}
        self.options = json.loads(about.get("options", "{}"))
        if not labels and "labels" not in about and arch != "desed":
            raise CheckpointError(
                "the checkpoint does not say which classes it knows",
                where=str(self.checkpoint),
                hint="--set labels=FILE",
            )
        learnt = self.options.get("output", "frames")
        if not untrained and (output == "scene") != (learnt == "scene"):
            raise ConfigError(
                f"output={output} of weights that learnt {'one class a clip' if learnt == 'scene' else 'frames'}",
                where=str(self.checkpoint),
                hint="--set output=scene" if learnt == "scene" else "train with --task scene --set output=scene",
            )
        if output == "scene":
            self.options["output"] = "scene"
        names = read_labels(labels) if labels else tuple(json.loads(about["labels"])) if "labels" in about else DESED
        rate, hop, pooled = timing(arch, sample_rate)
        described = "log-mel convolutions and a bidirectional GRU"
        if arch in STREET and not untrained:
            sizes, described = self._sizes()
            self.options |= sizes
        if arch == "dessed":
            self.options = {"dilation": dilation} | self.options
        frames = output == "frames"
        self.card = Card(
            name="crnn" if arch == "small" else f"crnn-{arch}",
            family="crnn",
            output=output,
            labels=names,
            sample_rate=rate,
            scores="logits" if output == "scene" else "probabilities",
            clip_seconds=(10.24 if arch in STREET else 10.0) if frames else None,
            min_seconds=0.2,
            frame_seconds=hop * pooled / rate if frames else None,
            licence="Apache-2.0" if checkpoint is None else "",
            citation=CITED.get(arch, ""),
            description=described,
            untrained=untrained,
            **card_of(about),
        )

    @classmethod
    def training_model(
        cls, labels: tuple[str, ...], *, arch: str = "small", output: Answer = "frames", **options: Any
    ) -> nn.Module:
        """A fresh network from spectrograms to logits by frame, or of a scene, for `training/train.py`."""
        return Detector(arch, len(labels), output=output, **options)

    def build(self) -> nn.Module:
        options = {k: v for k, v in self.options.items() if k not in ("arch", "sample_rate")}
        model = seeded(lambda: Detector(self.arch, len(self.card.labels), self.card.sample_rate, **options))
        if self.checkpoint is None:
            return model
        state = self._state()
        target = model.net if not any(k.startswith("net.") for k in state) else model
        fit_state_dict(target, state, where=str(self.checkpoint))
        return model

    def _state(self) -> dict[str, torch.Tensor]:
        state = load_state_dict(self.checkpoint)
        student = {k.removeprefix("sed_student."): v for k, v in state.items() if k.startswith("sed_student.")}
        return as_here(student or state)

    def _sizes(self) -> tuple[dict[str, int], str]:
        # The widths that the weights have, and how they compare with what is published.
        kind = STREET[self.arch]
        try:
            sizes = kind.sizes({k.removeprefix("net."): v for k, v in self._state().items()})
        except KeyError as error:
            raise CheckpointError(
                f"no weights of arch={self.arch}: {error} is not among them", where=str(self.checkpoint)
            ) from error
        width, cells, kernel = (sizes.get(name, 0) for name in ("width", "cells", "kernel"))
        if kind is Cakir:
            described = f"log-mel convolutions of {width} channels and a GRU of {cells} cells"
            note = {(256, 256): ", as published", (256, 160): ": cells derived from a stated 3.5 million parameters"}
            return sizes, described + note.get((width, cells), "")
        known = width == 256 and kernel in (3, 5, 7) and sizes["inner"] == 1
        return sizes, (
            f"depthwise-separable convolutions of {width} channels and dilated ones of "
            f"{kernel} × {kernel}{', as published' if known else ''}"
        )

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Probabilities [clip, frame, class] or [clip, class] of waveforms [clip, channel, sample]."""
        if self.card.output == "scene":
            return self.model.classify(self.model.features(waveforms))
        logits, weights = self.model.weigh(self.model.features(waveforms))
        frames = torch.sigmoid(logits)
        return frames if self.card.output == "frames" else tags_of(frames, weights)


def as_here(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Published names of weights as those of the networks here.

    The baseline wraps its convolutions twice. Drossos et al. step through a GRU cell, which is a GRU of one layer.
    """
    named = {}
    for name, weight in state.items():
        if name.startswith("cnn.cnn."):
            name = name.removeprefix("cnn.")
        elif name.startswith("rnn.") and name.endswith(("_ih", "_hh")):
            name = f"{name}_l0"
        named[name] = weight
    return named
