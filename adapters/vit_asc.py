"""Vision transformers for scenes in three sizes: Small within 128 kB at 8 bits, five Mediums, and Large, the teacher.

    benchbed run suites/dcase_task1.yaml --model adapters/vit_asc.py
    benchbed profile --model adapters/vit_asc.py --set arch=large --set weights=random
    benchbed profile --model adapters/vit_asc.py --set arch=large --set weights=random --set drop_rows=6

A thesis on scene classification with transformers tabulates them: Small has 103,150 parameters (its patches are not
stated; 12 × 12 and 16 × 8 both give that number), Medium 5.6 to 8.0 million with a distillation token and a second
head, Large 85,345,546 (ViT-B/16 with patches ten apart). Patches of `patch`, `stride` apart, over 128 mel bands and
100 frames of 10 ms a second; `drop_rows` and `drop_columns` leave patches out at test time, too, the same of every
clip. By default Small, trained on the synthetic scenes. How the source normalised its spectrograms is not stated: here
as PaSST.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.adapter.transformer import TransformerBlock
from benchbed.errors import ConfigError
from benchbed.rng import stream

EMBEDDED = Path(__file__).parent / "weights" / "vit_asc_small.safetensors"
RATE, BANDS, FRAMES = 32000, 128, 100
FRONT = NamedFrontEnd(
    "log_mel",
    {
        "sample_rate": RATE,
        "n_mels": BANDS,
        "n_fft": 1024,
        "win_length": 800,
        "hop_length": 320,
        "mel_scale": "htk",
        "offset": 1e-5,
    },
)
Arch = Literal["small", "medium_7x4", "medium_8x4", "medium_9x4", "medium_12x2", "medium_12x3", "large"]


@dataclass(frozen=True)
class ViTShape:
    """Layers, width, inner width of the MLP over it, heads, patch (bands, frames), stride, distillation token."""

    depth: int
    dim: int
    ratio: int
    heads: int
    patch: tuple[int, int] = (16, 16)
    stride: tuple[int, int] = (10, 10)
    distilled: bool = False


def medium(depth: int, ratio: int) -> ViTShape:
    """One of the family of 256 features."""
    return ViTShape(depth, 256, ratio, 8, distilled=True)


SHAPES: dict[Arch, ViTShape] = {
    "small": ViTShape(4, 60, 1, 6, (12, 12), (12, 12)),
    "medium_7x4": medium(7, 4),
    "medium_8x4": medium(8, 4),
    "medium_9x4": medium(9, 4),
    "medium_12x2": medium(12, 2),
    "medium_12x3": medium(12, 3),
    "large": ViTShape(12, 768, 4, 12),
}


class MelFrames(nn.Module):
    """Waveforms [clip, channel, sample] at 32 kHz to a log-mel image [clip, 128, frame], 25 ms every 10 ms."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = FRONT.build()

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return (self.mel(waveforms) + 4.5) / 5


class SceneViT(nn.Module):
    """Waveforms to logits: the front end, patches, tokens, blocks, and one head or the mean of two.

    Positions are learnt together for both axes. A clip of less than `seconds` is padded with its quietest value, of a
    longer one these first seconds count.
    """

    def __init__(
        self, classes: int, shape: ViTShape, drop_rows: int = 0, drop_columns: int = 0, seconds: float = 1.0
    ) -> None:
        super().__init__()
        self.frames = round(seconds * FRAMES)
        image = (BANDS, self.frames)
        grid = [(size - patch) // step + 1 for size, patch, step in zip(image, shape.patch, shape.stride)]
        dropped = (drop_rows, drop_columns)
        if min(grid) < 1 or any(not 0 <= drop < size for drop, size in zip(dropped, grid)):
            raise ConfigError(
                f"a grid of {grid[0]} × {grid[1]} patches without {drop_rows} rows and {drop_columns} columns is empty",
                hint=f"drop_rows 0…{grid[0] - 1}, drop_columns 0…{grid[1] - 1}; patches fit into {BANDS} × {image[1]}",
            )
        self.features = MelFrames()
        self.projection = nn.Conv2d(1, shape.dim, shape.patch, shape.stride)
        self.tokens = nn.Parameter(torch.zeros(1, 1 + shape.distilled, shape.dim))
        self.positions = nn.Parameter(torch.zeros(1, 1 + shape.distilled + grid[0] * grid[1], shape.dim))
        self.blocks = nn.Sequential(
            *(TransformerBlock(shape.dim, shape.heads, shape.ratio) for _ in range(shape.depth))
        )
        self.norm = nn.LayerNorm(shape.dim, eps=1e-6)
        self.heads = nn.ModuleList(nn.Linear(shape.dim, classes) for _ in range(1 + shape.distilled))
        self.grid, self.kept = (grid[0], grid[1]), kept_patches((grid[0], grid[1]), dropped)
        for value in (self.tokens, self.positions):
            nn.init.trunc_normal_(value, std=0.02)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        """Logits [clip, class] of log-mel images [clip, band, frame]."""
        mel = mel[..., : self.frames]
        if mel.shape[-1] < self.frames:
            mel = nn.functional.pad(mel, (0, self.frames - mel.shape[-1]), value=(math.log(1e-5) + 4.5) / 5)
        patches = self.projection(mel[:, None]).flatten(2).transpose(1, 2)
        special = self.tokens.shape[1]
        patches = patches + self.positions[:, special:]
        if len(self.kept) < patches.shape[1]:
            patches = patches[:, torch.from_numpy(self.kept).to(patches.device)]
        first = (self.tokens + self.positions[:, :special]).expand(len(patches), -1, -1)
        x = self.norm(self.blocks(torch.cat((first, patches), 1)))
        return torch.stack([head(x[:, place]) for place, head in enumerate(self.heads)]).mean(0)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.classify(self.features(waveforms))


def kept_patches(grid: tuple[int, int], dropped: tuple[int, int]) -> np.ndarray:
    """Numbers of the patches that stay, in order, when rows and columns drawn once from a fixed seed are left out.

    Examples
    --------
    >>> len(kept_patches((12, 9), (6, 0)))
    54
    """
    rng = stream("vit patchout")
    rows, columns = (np.sort(rng.permutation(size)[: size - drop]) for size, drop in zip(grid, dropped))
    return (rows[:, None] * grid[1] + columns[None, :]).ravel()


class SceneViTAdapter(TrainedAdapter):
    """A vision transformer for scenes as a benchbed model.

    Parameters
    ----------
    checkpoint : Path, optional
        Safetensors of `training/train.py`; the embedded weights of Small by default.
    weights : str
        `random` for costs alone; `arch`, `patch` and `stride` then say of which network.
    arch : str
        `small`, `medium_7x4` (layers × MLP ratio) and four more, or `large`.
    patch, stride : str, optional
        Bands × frames of a patch and of the step to the next, e.g. `16x8`; those of `arch` by default.
    drop_rows, drop_columns : int
        Rows (frequency) and columns (time) of patches left out, drawn once.
    classes : int, optional
        Number of classes of random weights.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        weights: Weights = "trained",
        arch: Arch = "small",
        patch: str = "",
        stride: str = "",
        drop_rows: int = 0,
        drop_columns: int = 0,
        classes: int | None = None,
    ) -> None:
        if checkpoint is None and weights == "trained" and arch == "small" and not patch and not stride:
            checkpoint = EMBEDDED
        options = {"arch": arch, "patch": patch, "stride": stride}
        words = self.settle(checkpoint, weights, classes=classes, options=options, seconds=1.0)
        self.options |= {"drop_rows": drop_rows, "drop_columns": drop_columns}
        shape = shape_of(self.options.get("arch", arch), self.options.get("patch", ""), self.options.get("stride", ""))
        self.shape = shape
        self.card = Card(
            name=f"vit_{self.options.get('arch', arch)}",
            family="transformer",
            output="scene",
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.1,
            licence="Apache-2.0",
            description=f"vision transformer, {shape.depth} layers of {shape.dim}, patches {shape.patch[0]} × "
            f"{shape.patch[1]}",
            **words,
        )

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        network, shape = self.model, self.shape
        self.patches = PatchGrid(
            BANDS,
            shape.patch,
            shape.stride,
            0.01,
            tokens=network.tokens.shape[1],
            kept=tuple(network.kept.tolist()),
            columns=network.grid[1],
        )

    @classmethod
    def training_model(
        cls,
        labels: tuple[str, ...],
        *,
        arch: Arch = "small",
        patch: str = "",
        stride: str = "",
        drop_rows: int = 0,
        drop_columns: int = 0,
        seconds: float = 1.0,
    ) -> nn.Module:
        """A fresh network for clips of some length, for `training/train.py`."""
        return SceneViT(len(labels), shape_of(arch, patch, stride), drop_rows, drop_columns, seconds)


def shape_of(arch: Arch, patch: str = "", stride: str = "") -> ViTShape:
    """The shape of an architecture with other patches.

    Examples
    --------
    >>> shape_of("small", "16x8").stride
    (16, 8)
    """
    shape = SHAPES[arch]
    wide = pair(patch) if patch else shape.patch
    step = pair(stride) if stride else (wide if patch else shape.stride)
    return ViTShape(shape.depth, shape.dim, shape.ratio, shape.heads, wide, step, shape.distilled)


def pair(text: str) -> tuple[int, int]:
    """Bands and frames written as `16x8`, or as one number for both."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise ConfigError(
            f"'{text}' is no size of a patch", hint="bands x frames, such as 16x8, or one number for both"
        )
    return int(parts[0]), int(parts[-1])
