"""SSAST and VCR-AST: spectrogram transformers that learnt without labels, by masked patches or by two views.

    benchbed run SUITE --model adapters/ssast.py --set checkpoint=finetuned.pth --set labels=labels.txt
    benchbed profile --model adapters/ssast.py --set kind=vcr_ast --set size=small --set weights=random

SSAST (Gong et al., AAAI 2022) has a class and a distillation token; a patch is 16 × 16, or with `patch=frame` all bands
of two frames. VCR-AST, of a thesis, is learnt as VICReg is and has a class token only; its expander of three layers,
which is left out after pretraining, is `Expander` here. Both classify the mean over the patches. `trained` says in the
row's description whether all was fine-tuned or only the last layer. Features are AST's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import nn

from benchbed.adapter import Card
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.trained import TrainedAdapter, Weights
from benchbed.adapter.transformer import TransformerBlock
from benchbed.errors import ConfigError

RATE, BANDS = 16000, 128
FRONT = NamedFrontEnd("kaldi_fbank", {"sample_rate": RATE, "n_mels": BANDS, "window": "hann", "fmin": 20.0})
Kind = Literal["ssast", "vcr_ast"]
Size = Literal["tiny", "small", "base"]
Patch = Literal["patch", "frame"]
#: Features and heads of twelve layers.
SIZES: dict[Size, tuple[int, int]] = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}
#: Bands and frames of a patch.
PATCHES: dict[Patch, tuple[int, int]] = {"patch": (16, 16), "frame": (128, 2)}
#: Tokens beside the patches.
TOKENS: dict[Kind, int] = {"ssast": 2, "vcr_ast": 1}


class SelfSupervisedEncoder(nn.Module):
    """Patches, tokens, learnt positions, twelve blocks: images [clip, mel, frame] to [clip, token, feature]."""

    def __init__(self, kind: Kind, size: Size, patch: Patch, stride: tuple[int, int], frames: int) -> None:
        super().__init__()
        dim, heads = SIZES[size]
        shape = PATCHES[patch]
        grid = [(whole - part) // step + 1 for whole, part, step in zip((BANDS, frames), shape, stride)]
        if min(grid) < 1:
            raise ConfigError(
                f"{frames} frames hold no patch of {shape[0]} × {shape[1]}", hint=f"frames={shape[1]} at least"
            )
        self.grid = (grid[0], grid[1])
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(1, dim, shape, stride)
        self.tokens = TOKENS[kind]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        if self.tokens == 2:
            self.dist_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.tokens + grid[0] * grid[1], dim))
        self.blocks = nn.Sequential(*(TransformerBlock(dim, heads) for _ in range(12)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed.proj(mel[:, None]).flatten(2).transpose(1, 2)
        first = [self.cls_token, *([self.dist_token] if self.tokens == 2 else [])]
        x = torch.cat([token.expand(len(x), -1, -1) for token in first] + [x], 1) + self.pos_embed
        return self.norm(self.blocks(x))


class Expander(nn.Sequential):
    """Embeddings to the space in which VICReg's variance and covariance are taken; left out after pretraining."""

    def __init__(self, dim: int, width: int = 4096) -> None:
        super().__init__(
            nn.Linear(dim, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
        )


class SelfSupervisedNetwork(nn.Module):
    """Front end, encoder and head: waveforms to logits; `v` and `mlp_head` are the authors' names."""

    def __init__(
        self, classes: int, kind: Kind, size: Size, patch: Patch, stride: tuple[int, int], frames: int,
        mean: float, deviation: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.features = FRONT.build()
        self.v = SelfSupervisedEncoder(kind, size, patch, stride, frames)
        dim = SIZES[size][0]
        self.mlp_head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))
        self.frames, self.mean, self.deviation = frames, mean, deviation

    def embed(self, mel: torch.Tensor) -> torch.Tensor:
        """Mean over the patches [clip, feature]."""
        mel = nn.functional.pad(mel, (0, max(0, self.frames - mel.shape[-1])))[..., : self.frames]
        return self.v((mel - self.mean) / (2 * self.deviation))[:, self.v.tokens :].mean(1)

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        return self.mlp_head(self.embed(mel))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        waveforms = waveforms.mean(1)
        return self.classify(self.features(waveforms - waveforms.mean(-1, keepdim=True)))


class SelfSupervisedAst(TrainedAdapter):
    """SSAST or VCR-AST as a benchbed model.

    Parameters
    ----------
    kind : str
        `ssast` or `vcr_ast`.
    size : str
        `tiny`, `small` or `base`.
    patch : str
        `patch`, 16 × 16, or `frame`, 128 bands × 2 frames.
    stride : str
        Bands and frames from one patch to the next, `10,10`; those of the patch by default.
    frames : int
        Frames of 10 ms that the network sees.
    checkpoint : Path, optional
        The authors' fine-tuned state dict with `labels`, or safetensors of `training/train.py`.
    labels : str, optional
        Its classes.
    mean, deviation : float
        Of the filter banks in training.
    output : str
        `scene` or `tags`.
    trained : str
        How the weights came about, for the row's description: `fine-tuned`, `frozen` (but for the head), or `linear
        probe`.
    weights : str
        `random` for costs alone.
    classes : int, optional
        Of random weights.
    """

    def __init__(
        self,
        kind: Kind = "ssast",
        size: Size = "base",
        patch: Patch = "patch",
        stride: str = "",
        frames: int = 1024,
        checkpoint: Path | None = None,
        labels: str = "",
        mean: float = -4.2677393,
        deviation: float = 4.5689974,
        output: Literal["scene", "tags"] = "scene",
        trained: Literal["fine-tuned", "frozen", "linear probe"] = "fine-tuned",
        weights: Weights = "trained",
        classes: int | None = None,
    ) -> None:
        steps = [int(part) for part in stride.split(",") if part.strip().isdecimal()] or list(PATCHES[patch])
        if len(steps) != 2 or min(steps) < 1:
            raise ConfigError(f"stride={stride}", hint="bands and frames with a comma: --set stride=10,10")
        options = {
            "kind": kind,
            "size": size,
            "patch": patch,
            "stride": (steps[0], steps[1]),
            "frames": frames,
            "mean": mean,
            "deviation": deviation,
        }
        words = self.settle(checkpoint, weights, classes=classes, labels=labels, options=options, seconds=frames * 0.01)
        self.card = Card(
            name=f"{kind}_{size}{'_frame' if patch == 'frame' else ''}",
            family="transformer",
            output=output,
            sample_rate=RATE,
            front_end=FRONT.text,
            min_seconds=0.2,
            licence="BSD-3-Clause",
            citation="Y. Gong, C.-I. J. Lai, Y.-A. Chung, J. Glass: SSAST. AAAI 2022",
            description=f"learnt without labels, {trained}, patches {steps[0]} × {steps[1]} apart",
            **words,
        )

    @classmethod
    def training_model(
        cls,
        labels: tuple[str, ...],
        *,
        kind: Kind = "ssast",
        size: Size = "base",
        patch: Patch = "patch",
        stride: tuple[int, int] = (16, 16),
        frames: int = 1024,
        mean: float = -4.2677393,
        deviation: float = 4.5689974,
    ) -> nn.Module:
        """A fresh network, for `training/train.py` with `--rate 16000`."""
        made = (kind, size, patch, (stride[0], stride[1]), frames, mean, deviation)
        return SelfSupervisedNetwork(len(labels), *made)

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        words = self.options
        stride = (int(words["stride"][0]), int(words["stride"][1]))
        tokens = self.model.v.tokens
        self.patches = PatchGrid(BANDS, PATCHES[words["patch"]], stride, 0.01, tokens=tokens, decides="patches")

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            return super().build()
        state = {key.removeprefix("module."): value for key, value in load_state_dict(self.checkpoint).items()}
        # What only pretraining needs, and the head of ImageNet that the authors' backbone carries along.
        odd = ("cpredlayer.", "gpredlayer.", "v.head", "p_input_", "mask_embed", "features.")
        state = {key: value for key, value in state.items() if not key.startswith(odd)}
        model = self.training_model(self.labels, **self.options)
        fit_state_dict(model, state, where=str(self.checkpoint))
        return model
