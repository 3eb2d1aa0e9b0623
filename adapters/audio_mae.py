"""Audio-MAE: a transformer on spectrograms, pretrained by filling in masked patches (Huang et al., NeurIPS 2022).

    benchbed run suites/audioset.yaml --model adapters/audio_mae.py --set checkpoint=finetuned.pth \\
        --set labels=class_labels_indices.csv
    benchbed profile --model adapters/audio_mae.py --set size=large --set weights=random

128 Kaldi mel bands over 1,024 frames in 16 × 16 patches that do not overlap; positions are fixed sines and cosines, and
the mean over patches decides. `size` is `small`, `base` (85,659,407 parameters with 527 classes) or `large`. The
decoder of pretraining, whose attention is local (windows of 4 × 4 patches, shifted by half in every other layer),
global, or first the one and then the other, is `Decoder` here and takes no part in answers. Checkpoints that the
authors fine-tuned load as they are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.adapter.transformer import TransformerBlock
from benchbed.errors import ConfigError

RATE, PATCH = 16000, 16
GRID = (64, 8)
#: Mean and deviation of AudioSet's filter banks, as the authors state them; no factor of two as in AST.
MEAN, DEVIATION = -4.2677393, 4.5689974
FRONT = NamedFrontEnd("kaldi_fbank", {"sample_rate": RATE, "n_mels": 128, "window": "hann", "fmin": 20.0})
Size = Literal["small", "base", "large"]
#: Features, layers, heads.
SIZES: dict[Size, tuple[int, int, int]] = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16)}


def sines(dim: int, grid: tuple[int, int]) -> np.ndarray:
    """Fixed positions [1 + patch, feature]: half of the features tell the column, half the row; the first is 0."""

    def along(place: np.ndarray, width: int) -> np.ndarray:
        pace = 1 / 10000 ** (np.arange(width // 2) / (width / 2))
        angle = place.reshape(-1)[:, None] * pace
        return np.concatenate([np.sin(angle), np.cos(angle)], 1)

    column, row = np.meshgrid(np.arange(grid[1], dtype=np.float32), np.arange(grid[0], dtype=np.float32))
    both = np.concatenate([along(column, dim // 2), along(row, dim // 2)], 1)
    return np.concatenate([np.zeros((1, dim)), both])


class MaskedEncoder(nn.Module):
    """The encoder with its head, by the authors' names: images [clip, 1, frame, mel] to logits."""

    def __init__(self, classes: int, size: Size = "base", grid: tuple[int, int] = GRID) -> None:
        super().__init__()
        dim, depth, heads = SIZES[size]
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(1, dim, PATCH, PATCH)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.register_buffer("pos_embed", torch.from_numpy(sines(dim, grid)).float()[None])
        self.blocks = nn.Sequential(*(TransformerBlock(dim, heads) for _ in range(depth)))
        self.fc_norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, classes)
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed.proj(image).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        x = self.blocks(torch.cat((first, x), 1))
        return self.head(self.fc_norm(x[:, 1:].mean(1)))


class LocalBlock(nn.Module):
    """A block whose attention stays within windows of patches, which every other block shifts by half of one."""

    def __init__(self, dim: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.block, self.window, self.shift = TransformerBlock(dim, heads), window, shift

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Patches [clip, row, column, feature], cyclically shifted."""
        size, clips = self.window, len(x)
        x = x.roll((-self.shift, -self.shift), (1, 2))
        rows, columns = x.shape[1] // size, x.shape[2] // size
        cut = x.reshape(clips, rows, size, columns, size, -1).transpose(2, 3).flatten(0, 2).flatten(1, 2)
        cut = self.block(cut).reshape(clips, rows, columns, size, size, -1).transpose(2, 3)
        return cut.reshape(x.shape).roll((self.shift, self.shift), (1, 2))


class Decoder(nn.Module):
    """The decoder of pretraining: encoded and masked patches [clip, patch, feature] to patches of the spectrogram.

    `local` has sixteen layers in windows of 4 × 4, `global` eight, `hybrid` eight local and four global ones.
    """

    def __init__(self, kind: Literal["local", "global", "hybrid"] = "local", encoder: int = 768) -> None:
        super().__init__()
        self.into = nn.Linear(encoder, 512)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 512))
        self.register_buffer("positions", torch.from_numpy(sines(512, GRID)).float()[None, 1:])
        within, beyond = {"local": (16, 0), "global": (0, 8), "hybrid": (8, 4)}[kind]
        self.local = nn.Sequential(*(LocalBlock(512, 16, 4, 2 * (i % 2)) for i in range(within)))
        self.whole = nn.Sequential(*(TransformerBlock(512, 16) for _ in range(beyond)))
        self.norm, self.out = nn.LayerNorm(512, eps=1e-6), nn.Linear(512, PATCH * PATCH)

    def forward(self, encoded: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Encoded patches [clip, kept, feature], and their places [kept], to all patches [clip, patch, pixel]."""
        x = self.mask_token.expand(len(encoded), self.positions.shape[1], -1).clone()
        x[:, kept] = self.into(encoded)
        x = (x + self.positions).unflatten(1, GRID)
        return self.out(self.norm(self.whole(self.local(x).flatten(1, 2))))


class MaeNetwork(nn.Module):
    """Front end, normalisation and encoder: waveforms to logits."""

    def __init__(self, classes: int, size: Size) -> None:
        super().__init__()
        self.features, self.net = FRONT.build(), MaskedEncoder(classes, size)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        frames = GRID[0] * PATCH
        mel = nn.functional.pad(mel, (0, max(0, frames - mel.shape[-1])))[..., :frames]
        return self.net(((mel - MEAN) / DEVIATION).transpose(1, 2)[:, None])

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        waveforms = waveforms.mean(1)
        return self.classify(self.features(waveforms - waveforms.mean(-1, keepdim=True)))


class AudioMae(TrainedAdapter):
    """Audio-MAE as a benchbed model.

    Parameters
    ----------
    size : str
        `small`, `base` or `large`.
    checkpoint : Path, optional
        A fine-tuned state dict of the authors (key `model`), with `labels`, or safetensors of `training/train.py`.
    labels : str, optional
        Its classes.
    output : str
        `tags`, or `scene`.
    weights : str
        `random` for costs alone.
    classes : int
        Of random weights; AudioSet's 527 by default.
    """

    def __init__(
        self,
        size: Size = "base",
        checkpoint: Path | None = None,
        labels: str = "",
        output: Literal["tags", "scene"] = "tags",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        if size not in SIZES:
            raise ConfigError(f"unknown size '{size}'", hint=f"--set size={'|'.join(SIZES)}")
        number = 527 if classes is None and weights == "random" else classes
        words = self.settle(checkpoint, weights, classes=number, labels=labels, options={"size": size}, seconds=10.24)
        self.card = Card(
            name=f"audio_mae_{self.options.get('size', size)}",
            family="transformer",
            output=output,
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.2,
            licence="CC-BY-NC-4.0",
            citation="P.-Y. Huang et al.: Masked Autoencoders that Listen. NeurIPS 2022",
            description="a masked autoencoder's encoder",
            **words,
        )

    @classmethod
    def training_model(cls, labels: tuple[str, ...], *, size: Size = "base") -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 16000`."""
        return MaeNetwork(len(labels), size)

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        self.patches = PatchGrid(128, (PATCH, PATCH), (PATCH, PATCH), 0.01, tokens=1, rows="time", decides="patches")

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            return super().build()
        state = load_state_dict(self.checkpoint)
        model = self.training_model(self.labels, **self.options)
        own = "cls_token" in state
        fit_state_dict(model.net if own else model, state, where=str(self.checkpoint))
        return model
