"""Early exits of a small CNN for scenes: a single transformer layer (SL-ViT) against a convolution at the same places.

    benchbed run suites/dcase_task1.yaml --model adapters/early_exits.py --set branch=cnn --set exit=1
    benchbed profile --model adapters/early_exits.py

The network of `cnn.py` is left as it is, and two branches are trained on what it hears after its second and third
convolution (Bakhtiarnia, Zhang, Iosifidis: Single-layer vision transformers for more accurate early exits with less
overhead. Neural Networks 2022). SL-ViT cuts what is heard into patches, without a class token, and gives all that its
layer says to two dense layers; the other branch has a convolution of 3 × 3 and a pooling of 2 × 2 before the same two.
As there, an attention head has keys of the width of a patch, 4,192 parameters each at a width of 32. `exit=1` or `2`
scores a branch and `0` the whole network under any suite; the record of a run compares all exits on clean clips.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.trained import Weights, seeded
from benchbed.errors import CheckpointError, ConfigError


def _neighbour(name: str):
    """A file beside this one as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_of_exits", Path(__file__).parent / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules.get(spec.name) or importlib.util.module_from_spec(spec)
    if spec.name not in sys.modules:
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module


Network = _neighbour("cnn").Network
FOLDER = Path(__file__).parent / "weights"
RATE = 32000
Branch = Literal["vit", "cnn"]
#: Layers of the network up to each branch, channels there, sides of its patches, and bands and frames of one second.
SITES = ((7, 32, 4, (16, 26)), (11, 48, 2, (8, 13)))
WIDTH, HEADS, HIDDEN, FILTERS = 32, 12, 32, 24


class WideAttention(nn.Module):
    """Self-attention whose heads have keys and values of the width of the input, with biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.asked = nn.Linear(width, 3 * heads * width)
        self.joined = nn.Linear(heads * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        clips, places, _ = x.shape
        query, key, value = self.asked(x).view(clips, places, 3, self.heads, self.width).permute(2, 0, 3, 1, 4)
        weight = (query @ key.transpose(-1, -2) / self.width**0.5).softmax(-1)
        return self.joined((weight @ value).transpose(1, 2).flatten(2))


class TransformerLayer(nn.Module):
    """Attention and two dense layers, each behind a normalisation and beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = WideAttention(width, heads)
        self.dense = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.before(x))
        return x + self.dense(self.between(x))


class SlVit(nn.Module):
    """One transformer layer over patches: features [clip, channel, band, frame] to logits [clip, class]."""

    def __init__(self, classes: int, channels: int, side: int, size: tuple[int, int], heads: int = HEADS) -> None:
        super().__init__()
        self.places = -(-size[0] // side), -(-size[1] // side)
        self.side = side
        self.patches = nn.Conv2d(channels, WIDTH, side, side)
        count = self.places[0] * self.places[1]
        self.position = nn.Parameter(0.02 * torch.randn(count, WIDTH))
        self.layer = TransformerLayer(WIDTH, heads)
        self.head = nn.Sequential(nn.Linear(count * WIDTH, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        missing = [side * self.side - have for side, have in zip(self.places, x.shape[2:])]
        x = nn.functional.pad(x, (0, missing[1], 0, missing[0]))
        return self.head(self.layer(self.patches(x).flatten(2).transpose(1, 2) + self.position).flatten(1))


class Convolved(nn.Module):
    """A convolution, a pooling and two dense layers: features [clip, channel, band, frame] to logits [clip, class]."""

    def __init__(self, classes: int, channels: int, side: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(channels, FILTERS, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        count = FILTERS * (size[0] // 2) * (size[1] // 2)
        self.head = nn.Sequential(nn.Linear(count, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x).flatten(1))


class Exits(nn.Module):
    """The network with its branches: waveforms [clip, channel, sample] to logits [clip, class] of each exit."""

    def __init__(self, classes: int, branch: Branch) -> None:
        super().__init__()
        self.network = Network(classes)
        made = SlVit if branch == "vit" else Convolved
        self.branches = nn.ModuleList(made(classes, channels, side, size) for _, channels, side, size in SITES)

    def sites(self, features: torch.Tensor) -> list[torch.Tensor]:
        """What is heard at each branch, of spectrograms [clip, mel, frame]."""
        x, done, heard = self.network.bands(features).unsqueeze(1), 0, []
        for layers, *_ in SITES:
            x = self.network.body[done:layers](x)
            heard.append(x)
            done = layers
        return heard

    def each(self, waveforms: torch.Tensor) -> Iterator[torch.Tensor]:
        """Logits of the exits, cheapest first; the work up to one is what was done up to its yield."""
        x, done = self.network.bands(self.network.features(waveforms)).unsqueeze(1), 0
        for branch, (layers, *_) in zip(self.branches, SITES):
            x = self.network.body[done:layers](x)
            done = layers
            yield branch(x)
        yield self.network.head(self.network.dropout(self.network.body[done:](x).mean((-1, -2))))


class EarlyExits(TorchAdapter):
    """The network and its exits.

    Parameters
    ----------
    checkpoint : Path, optional
        Weights from `adapters/training/early_exits.py`; the embedded ones of the branch if none is given.
    weights : str
        `random` for costs alone.
    branch : str
        `vit`, one transformer layer, or `cnn`, a convolution.
    exit : int
        Which exit answers: 1 or 2, or 0 for the whole network.
    """

    def __init__(
        self,
        *,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        branch: Branch = "vit",
        exit: int = 0,
    ) -> None:
        if not 0 <= exit <= len(SITES):
            raise ConfigError(f"exit={exit}: there is no such exit", hint=f"1 to {len(SITES)}, or 0 for the last")
        self.branch, self.exit, self.checkpoint = branch, exit, None
        about: dict[str, str] = {}
        if weights == "trained":
            self.checkpoint = (
                Path(checkpoint) if checkpoint is not None else FOLDER / f"early_exits_{branch}.safetensors"
            )
            about = read_metadata(self.checkpoint)
            if about.get("branch") != branch:
                raise CheckpointError(
                    f"the checkpoint has no branches '{branch}'",
                    where=str(self.checkpoint),
                    hint="train them with adapters/training/early_exits.py, or choose another branch",
                )
        elif checkpoint is not None:
            raise ConfigError("weights=random takes no checkpoint", hint="leave one of the two out")
        labels = tuple(json.loads(about["labels"])) if about else tuple(f"class {n}" for n in range(10))
        self.card = Card(
            name=f"cnn_{branch}_exits" + (f"_{exit}" if exit else ""),
            family="cnn" if branch == "cnn" or not exit else "cnn-transformer",
            output="scene",
            labels=labels,
            sample_rate=RATE,
            clip_seconds=1.0,
            weight_bits=int(about.get("weight_bits", 32)),
            front_end="log_mel(sample_rate=32000, n_mels=64, n_fft=1024, mel_scale=slaney, norm=slaney)",
            licence="Apache-2.0",
            citation="A. Bakhtiarnia, Q. Zhang, A. Iosifidis: Single-layer vision transformers for more accurate early "
            "exits with less overhead. Neural Networks 153, 2022",
            description=f"a CNN with early exits by {'a transformer layer' if branch == 'vit' else 'a convolution'}",
            trained_on=tuple(json.loads(about.get("trained_on", "[]"))),
            untrained=not about,
        )

    def build(self) -> nn.Module:
        made = seeded(lambda: Exits(len(self.card.labels), self.branch))
        if self.checkpoint is not None:
            fit_state_dict(made, load_state_dict(self.checkpoint), where=str(self.checkpoint))
        return made

    def exits(self, waveforms: torch.Tensor) -> Iterator[torch.Tensor]:
        """Logits of each exit, cheapest first; with `exit` those up to it."""
        for number, scores in enumerate(self.model.each(waveforms), start=1):
            yield scores
            if number == self.exit:
                break

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return list(self.exits(waveforms))[-1]
