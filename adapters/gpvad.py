"""GPVAD: a small CRNN that tags 527 AudioSet classes every 20 ms (Dinkel, Chen, Wu, Yu: Voice activity detection in the
wild via weakly supervised sound event detection, Interspeech 2020).

    benchbed run SUITE --model adapters/gpvad.py --set checkpoint=pretrained_models/teacher1/model.pth \\
        --set label_map=suites/maps/esc10_audioset.yaml

The weights are those of the repository RicherMans/Datadriven-GPVAD (MIT). Its class names are in a pickled scikit-learn
object; they are read from the pickle's opcodes, which runs nothing. Their order is alphabetical, not AudioSet's.
"""

import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Batch, Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import AdapterError, CheckpointError, ConfigError

SAMPLE_RATE, HOP = 22050, 441
FEATURES = {
    "n_mels": 64,
    "n_fft": 2048,
    "win_length": 882,
    "hop_length": HOP,
    "mel_scale": "slaney",
    "norm": "slaney",
    "pad_mode": "constant",
    "offset": float(np.spacing(1)),
}
FLOOR = 1e-7  # the published network never answers less


class Gpvad(TorchAdapter):
    """The published tagger, by clip or by frame.

    Parameters
    ----------
    checkpoint : Path
        `pretrained_models/*/model.pth` of the repository.
    labels : Path, optional
        Class names in the order of the scores: the repository's label encoder, by default the one it keeps for this
        model, or any file `read_labels` reads.
    output : str
        `tags` for one probability per class and clip, `frames` for one every 20 ms.
    label_map : Path, optional
        Dataset label → classes that mean it, as YAML or csv.
    weights : str
        `random` for costs alone, of 527 classes unless labels are given.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        labels: Path | None = None,
        output: Literal["tags", "frames"] = "tags",
        label_map: Path | None = None,
        weights: Weights = "trained",
    ) -> None:
        self.checkpoint, self.labels, self.state, self.label_map = None, None, {}, label_map
        if weights == "random":
            self._described(read_labels(labels) if labels else numbered(527), output, untrained=True)
            return
        if checkpoint is None:
            raise CheckpointError(
                "gpvad has no weights of its own",
                hint="get pretrained_models/teacher1/model.pth and pretrained_models/labelencoders/teacher.pth of "
                "github.com/RicherMans/Datadriven-GPVAD, then --set checkpoint=…/teacher1/model.pth",
            )
        self.checkpoint = Path(checkpoint)
        self.state = load_state_dict(self.checkpoint)
        if "outputlayer.bias" not in self.state:
            raise CheckpointError("not a GPVAD checkpoint: it has no outputlayer.bias", where=str(checkpoint))
        classes = len(self.state["outputlayer.bias"])
        encoder = "teacher.pth" if classes == 527 else "students.pth"
        self.labels = Path(labels or self.checkpoint.parent.parent / "labelencoders" / encoder)
        if not self.labels.is_file():
            raise ConfigError(f"no class names for {classes} classes", where=str(self.labels), hint="--set labels=FILE")
        names = encoder_classes(self.labels) if self.labels.suffix == ".pth" else read_labels(self.labels)
        if len(names) != classes:
            raise ConfigError(f"{len(names)} class names for {classes} classes", where=str(self.labels))
        self._described(names, output, untrained=False)

    def _described(self, names: tuple[str, ...], output: Literal["tags", "frames"], *, untrained: bool) -> None:
        self.card = Card(
            name="gpvad",
            family="crnn",
            output=output,
            labels=names,
            sample_rate=SAMPLE_RATE,
            scores="probabilities",
            min_seconds=0.1,
            frame_seconds=HOP / SAMPLE_RATE if output == "frames" else None,
            label_map=read_label_map(self.label_map, names) if self.label_map else {},
            licence="MIT",
            citation="H. Dinkel, Y. Chen, M. Wu, K. Yu, Interspeech 2020, arXiv:2003.12222",
            trained_on=("audioset",) if len(names) == 527 and not untrained else (),
            untrained=untrained,
        )

    def weights(self) -> list[Path]:
        files = [path for path in (self.checkpoint, self.labels) if path is not None]
        return [*files, *([Path(self.label_map)] if self.label_map else [])]

    def build(self) -> nn.Module:
        net = seeded(lambda: Crnn(len(self.card.labels)))
        if self.checkpoint is not None:
            fit_state_dict(net, self.state, where=str(self.checkpoint))
        return nn.ModuleDict({"mel": LogMel(SAMPLE_RATE, **FEATURES), "net": net})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Probabilities `[clip, class]` or `[clip, frame, class]` for waveforms `[clip, channel, sample]`."""
        frames = self.model["net"](self.model["mel"](waveforms).transpose(1, 2))
        if self.card.output == "frames":
            return frames
        # Linear softmax pooling: frames weigh as much as they are sure.
        return (frames.square().sum(1) / frames.sum(1)).clamp(FLOOR, 1.0)

    def predict(self, batch: Batch) -> np.ndarray:
        # The recurrent layer runs backwards too, so padding would be heard; clips of one length share a batch.
        if self.card.output == "frames" or (batch.lengths == batch.lengths[0]).all():
            return super().predict(batch)
        scores = np.empty((len(batch), len(self.card.labels)), np.float32)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            scores[rows] = super().predict(Batch(batch.waveforms[rows, :, :length], batch.lengths[rows], SAMPLE_RATE))
        return scores


class Crnn(nn.Module):
    """Five convolutions with p-norm pooling, a bidirectional GRU and one output per class and frame."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            convolution(1, 32),
            nn.LPPool2d(4, (2, 4)),
            convolution(32, 128),
            convolution(128, 128),
            nn.LPPool2d(4, (2, 4)),
            convolution(128, 128),
            convolution(128, 128),
            nn.LPPool2d(4, (1, 4)),
        )
        self.gru = nn.GRU(128, 128, bidirectional=True, batch_first=True)
        self.outputlayer = nn.Linear(256, classes)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        maps = self.features(features.unsqueeze(1))  # [clip, channel, frame / 4, 1]
        frames, _ = self.gru(maps.transpose(1, 2).flatten(2))
        probabilities = torch.sigmoid(self.outputlayer(frames)).clamp(FLOOR, 1.0)
        stretched = nn.functional.interpolate(probabilities.transpose(1, 2), features.shape[1], mode="linear")
        return stretched.transpose(1, 2)


def convolution(inputs: int, outputs: int) -> nn.Module:
    layers = (nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.LeakyReLU(0.1))
    return nn.Sequential(OrderedDict(block=nn.Sequential(*layers)))


def encoder_classes(path: Path) -> tuple[str, ...]:
    """Class names in a pickled scikit-learn label encoder: its last list of strings, read from opcodes only."""
    memo: dict[int, str] = {}
    found: list[str] = []
    pending: list[str] = []
    latest = ""
    try:
        with path.open("rb") as file:
            # torch's older format: magic number, version, system, then the object.
            for _ in range(4):
                for opcode, argument, _position in pickletools.genops(file):
                    if opcode.name == "BINUNICODE":
                        latest = str(argument)
                        pending.append(latest)
                    elif opcode.name in ("BINPUT", "LONG_BINPUT"):
                        memo[int(argument)] = latest  # type: ignore[arg-type]
                    elif opcode.name in ("BINGET", "LONG_BINGET"):
                        pending.append(memo.get(int(argument), ""))  # type: ignore[arg-type]
                    elif opcode.name == "MARK":
                        pending = []
                    elif opcode.name == "APPENDS":
                        found, pending = pending, []
    except ValueError as error:
        raise AdapterError(f"the class names cannot be read: {error}", where=str(path)) from error
    if not found:
        raise AdapterError("the file is not a pickled label encoder", where=str(path), hint="--set labels=FILE")
    return tuple(found)
