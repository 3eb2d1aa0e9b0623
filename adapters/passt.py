"""PaSST: the patchout spectrogram transformer of Koutini et al. (arXiv:2110.05069), from 32-kHz waveform to logits.

By default a tiny member of the family with embedded weights, trained on the synthetic scenes; with
`--set arch=passt_s --set checkpoint=FILE` an official checkpoint, of AudioSet or fine-tuned, read into the same
modules. Against the published implementation (random weights moved across, float32 on a CPU, clips of 1 s and 10 s of
noise with a tone) the largest absolute differences are 2.4e-7 in the front end and 1.5e-6 in the logits of `passt_s`.

A clip shorter than the model was trained on uses the first part of the time embedding; of a longer one only the
trained length counts, from its start, as published. Clips of one batch that differ in length are therefore computed
apart, never padded to each other.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict, read_metadata
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.adapter.patchgrid import PatchGrid
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.adapter.transformer import TransformerBlock
from benchbed.errors import BenchbedWarning, CheckpointError, ConfigError, did_you_mean
from benchbed.rng import stream
from benchbed.types import Batch

WEIGHTS = Path(__file__).parent / "weights"
RELEASES = "https://github.com/kkoutini/PaSST/releases/download"
SAMPLE_RATE, MELS, PATCH = 32000, 128, 16


@dataclass(frozen=True)
class Arch:
    """Geometry of one member of the family: width, layers, heads, patch stride, trained frames, STFT hop in samples."""

    dim: int = 768
    depth: int = 12
    heads: int = 12
    stride: int = 10
    frames: int = 998
    hop: int = 320


ARCHS = {
    "tiny": Arch(dim=96, depth=4, heads=4, frames=100),
    "passt_s": Arch(),
    "passt_s_s12": Arch(stride=12),
    "passt_s_s14": Arch(stride=14),
    "passt_s_s16": Arch(stride=16),
    "passt_s_hop160": Arch(frames=2000, hop=160),
    "passt_s_hop100": Arch(frames=3200, hop=100),
    "passt_s_20sec": Arch(frames=2000),
    "passt_s_30sec": Arch(frames=3000),
    "passt_l": Arch(depth=7),
}

#: Published AudioSet weights, `release tag/file`; the first is named to whoever has none.
FILES = {
    "passt_s": (
        "v0.0.1-audioset/passt-s-f128-p16-s10-ap.476-swa.pt",
        "v0.0.2-audioset/passt-s-f128-p16-s10-ap.4761-swa.pt",
        "v0.0.2-audioset/passt-s-f128-p16-s10-ap.472.pt",
        "v.0.0.9/passt-s-kd-ap.486.pt",
    ),
    "passt_s_s12": tuple(f"v0.0.2-audioset/passt-s-f128-p16-s12-ap.{ap}.pt" for ap in ("473-swa", "470")),
    "passt_s_s14": tuple(f"v0.0.2-audioset/passt-s-f128-p16-s14-ap.{ap}.pt" for ap in ("471-swa", "469")),
    "passt_s_s16": tuple(f"v0.0.2-audioset/passt-s-f128-p16-s16-ap.{ap}.pt" for ap in ("473-swa", "468")),
    "passt_s_hop160": ("v0.0.3-audioset/passt-s-f128-stfthop160-p16-s10-ap.473-swa.pt",),
    "passt_s_hop100": ("v0.0.3-audioset/passt-s-f128-stfthop100-p16-s10-ap.473-swa.pt",),
    "passt_s_20sec": ("v0.0.5/passt-s-f128-20sec-p16-s10-ap.474-swa.pt",),
    "passt_s_30sec": ("v0.0.5/passt-s-f128-30sec-p16-s10-ap.473-swa.pt",),
    "passt_l": ("v.0.0.10/passt-l-kd-ap.47.pt",),
}


class MelSpectrogram(nn.Module):
    """PaSST's front end: waveforms `[clip, channel, sample]` at 32 kHz to scaled log-mel `[clip, mel, frame]`."""

    def __init__(self, hop: int) -> None:
        super().__init__()
        # 15 kHz: the published limit is drawn anew in training and this in evaluation.
        options = {"n_fft": 1024, "win_length": 800, "hop_length": hop, "fmax": 15000.0, "periodic": False}
        self.logmel = LogMel(SAMPLE_RATE, MELS, mel_scale="kaldi", offset=1e-5, preemphasis=0.97, **options)
        # Rounded as published: in quiet bands the last bit of the window moves the scaled log-mel by 5e-5.
        self.logmel.window.copy_(torch.hann_window(800, periodic=False))
        self.logmel.filters.copy_(kaldi_bank(15000.0))

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return (self.logmel(waveforms) + 4.5) / 5.0


def kaldi_bank(top: float) -> torch.Tensor:
    """Kaldi's triangles from 0 Hz to `top` [shape=(mel, bin)] in single precision, step by step as Kaldi takes them.

    At 128 bands over 512 bins some triangles hold little more than one bin at their foot, whose weight is then mostly
    rounding: exact weights would move the scaled log-mel by up to 1e-4.
    """
    delta = 1127.0 * math.log(1.0 + top / 700.0) / (MELS + 1)
    number = torch.arange(MELS)[:, None]
    left, centre, right = number * delta, (number + 1.0) * delta, (number + 2.0) * delta
    bins = 1127.0 * (1.0 + (SAMPLE_RATE / 1024) * torch.arange(512.0) / 700.0).log()
    weights = torch.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clamp(min=0)
    return F.pad(weights, (0, 1))


class PaSST(nn.Module):
    """The transformer: scaled log-mel `[clip, mel, frame]` to logits `[clip, class]`.

    Module and parameter names are the published ones, so that official state dicts fit as they are. Patchout (rows of
    the patch grid `patchout_f`, columns `patchout_t`, single patches `patchout_u`) acts in training mode only.
    `head_dist` takes no part in the output, as published; it is kept because checkpoints carry it.
    """

    def __init__(
        self, arch: Arch, classes: int, patchout_f: int = 0, patchout_t: int = 0, patchout_u: int = 0, seed: int = 0
    ) -> None:
        super().__init__()
        self.arch = arch
        self.patchout_f, self.patchout_t, self.patchout_u = patchout_f, patchout_t, patchout_u
        self.draws = stream("passt patchout", seed)
        dim = arch.dim
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(1, dim, PATCH, arch.stride)
        self.cls_token, self.dist_token = nn.Parameter(torch.zeros(1, 1, dim)), nn.Parameter(torch.zeros(1, 1, dim))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, dim, MELS // arch.stride, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, dim, 1, arch.frames // arch.stride))
        self.blocks = nn.Sequential(*(TransformerBlock(dim, arch.heads) for _ in range(arch.depth)))
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, classes))
        self.head_dist = nn.Linear(dim, classes)

    def embed(self, mel: torch.Tensor) -> torch.Tensor:
        """Mean of the class and distillation tokens `[clip, dim]`, the published embedding."""
        columns = self.time_new_pos_embed.shape[-1]
        # Patches beyond the trained length would be cut after the projection; cutting frames first gives the same.
        mel = mel[..., : (columns - 1) * self.arch.stride + PATCH]
        x = self.patch_embed.proj(mel[:, None])
        onset = int(self.draws.integers(1 + columns - x.shape[-1])) if self.training else 0
        x = x + self.time_new_pos_embed[..., onset : onset + x.shape[-1]] + self.freq_new_pos_embed
        x = self._patchout(self._patchout(x, self.patchout_t, 3), self.patchout_f, 2)
        x = self._patchout(x.flatten(2).transpose(1, 2), self.patchout_u, 1)
        tokens = torch.cat((self.cls_token, self.dist_token), 1) + self.new_pos_embed
        x = self.norm(self.blocks(torch.cat((tokens.expand(len(x), -1, -1), x), 1)))
        return (x[:, 0] + x[:, 1]) / 2

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return self.head(self.embed(mel))

    def _patchout(self, x: torch.Tensor, dropped: int, axis: int) -> torch.Tensor:
        if not (dropped and self.training):
            return x
        kept = np.sort(self.draws.permutation(x.shape[axis])[: max(1, x.shape[axis] - dropped)])
        return x.index_select(axis, torch.from_numpy(kept).to(x.device))


class Network(nn.Module):
    """Front end and transformer: waveforms `[clip, channel, sample]` to logits; `features` is what stays untrained."""

    def __init__(self, net: PaSST) -> None:
        super().__init__()
        self.features, self.net = MelSpectrogram(net.arch.hop), net

    def classify(self, mel: torch.Tensor) -> torch.Tensor:
        return self.net(mel)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.net(self.features(waveforms))


class Passt(TorchAdapter):
    """PaSST as a benchbed model.

    Parameters
    ----------
    arch : str
        `tiny`, or a geometry of the published list (`passt_s`, `passt_s_s16`, …).
    checkpoint : Path, optional
        Weights (`.pt` state dict, or `.safetensors`). Without it, a file of the published name in the folder `weights`
        beside this file is taken.
    classes : int, optional
        Number of classes that the checkpoint must have.
    labels : str, optional
        Class names in the order of the scores: a file, e.g. AudioSet's `class_labels_indices.csv`, or names and commas.
    label_map : Path, optional
        Dataset label → names of the model's classes that mean it; see `benchbed.adapter.labelmap`.
    output : str, optional
        `scene` (one class per clip) or `tags`; by default tags for the 527 classes of AudioSet, else scene.
    s_patchout_f, s_patchout_t, u_patchout : int
        Rows, columns and single patches dropped in training mode.
    name : str, optional
        Name in tables; by default the architecture's.
    weights : str
        `random` for costs alone, of 527 classes unless `classes` or labels are given.

    Raises
    ------
    CheckpointError
        Weights that are missing, unreadable, unsafe or of another shape.
    ConfigError
        Unknown architecture, or labels that do not fit.
    """

    def __init__(
        self,
        arch: str = "tiny",
        checkpoint: Path | None = None,
        classes: int | None = None,
        labels: str | None = None,
        label_map: Path | None = None,
        output: str | None = None,
        s_patchout_f: int = 0,
        s_patchout_t: int = 0,
        u_patchout: int = 0,
        name: str | None = None,
        weights: Weights = "trained",
    ) -> None:
        if arch not in ARCHS:
            raise ConfigError(f"unknown arch '{arch}'", hint=did_you_mean(arch, ARCHS) or f"one of {', '.join(ARCHS)}")
        untrained = weights == "random"
        self.arch, self.arch_name, metadata = ARCHS[arch], arch, {}
        self.patchout = (s_patchout_f, s_patchout_t, u_patchout)
        if untrained:
            if checkpoint:
                raise ConfigError("weights=random and a checkpoint exclude each other", hint="leave one of the two out")
            self.checkpoint = None
            self.classes = len(read_labels(labels)) if labels else classes or 527
            labels = labels or ",".join(numbered(self.classes))
            metadata = {"clip_seconds": "1"} if arch == "tiny" else {}
        else:
            self.checkpoint = Path(checkpoint) if checkpoint else find_checkpoint(arch)
            state = read_state(self.checkpoint, arch)
            metadata = read_metadata(self.checkpoint) if self.checkpoint.suffix == ".safetensors" else {}
            self.arch = trained_geometry(arch, state, self.checkpoint)
            self.classes = len(state["head.1.weight"])
        if classes not in (None, self.classes):
            raise CheckpointError(f"the weights have {self.classes} classes, not {classes}", where=str(self.checkpoint))
        names = read_labels(labels) if labels else tuple(json.loads(metadata.get("labels", "[]")))
        if not names:
            names = tuple(str(index) for index in range(self.classes))
            warnings.warn(
                f"{self.checkpoint.name} does not name its {self.classes} classes; they are called by number. "
                "Give labels=FILE, for AudioSet its class_labels_indices.csv",
                BenchbedWarning,
                stacklevel=2,
            )
        if len(names) != self.classes:
            raise ConfigError(f"{len(names)} labels for {self.classes} classes", where=str(labels or self.checkpoint))
        tagger = self.classes == 527
        self.card = Card(
            name=name or ("passt_tiny" if arch == "tiny" else arch),
            family="transformer",
            output=output or ("tags" if tagger else "scene"),
            labels=names,
            sample_rate=SAMPLE_RATE,
            clip_seconds=float(metadata["clip_seconds"]) if "clip_seconds" in metadata else None,
            min_seconds=(self._shortest + 1) / SAMPLE_RATE,
            label_map=read_label_map(label_map, names) if label_map else {},
            weight_bits=int(metadata.get("weight_bits", 32)),
            licence="Apache-2.0",
            citation="K. Koutini, J. Schlüter, H. Eghbal-zadeh, G. Widmer: Efficient Training of Audio Transformers "
            "with Patchout. Interspeech 2022, arXiv:2110.05069",
            description=f"PaSST, {self.arch.depth} layers of {self.arch.dim}, patch 16, stride {self.arch.stride}",
            trained_on=tuple(json.loads(metadata.get("trained_on", "[]")))
            or (("audioset",) if tagger and not untrained else ()),
            trained_with=tuple(json.loads(metadata.get("trained_with", "[]"))),
            untrained=untrained,
        )

    @property
    def _shortest(self) -> int:
        """Samples that give one patch."""
        return (PATCH - 1) * self.arch.hop + 2

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            return seeded(lambda: fresh(self.arch, self.classes, *self.patchout))
        with torch.device("meta"):  # no random initialisation of what is overwritten at once
            net = PaSST(self.arch, self.classes, *self.patchout)
        net.to_empty(device="cpu")
        fit_state_dict(net, read_state(self.checkpoint, self.arch_name), where=str(self.checkpoint))
        return Network(net)

    def load(self, device: str = "cpu") -> None:
        super().load(device)
        stride = (self.arch.stride, self.arch.stride)
        self.patches = PatchGrid(MELS, (PATCH, PATCH), stride, self.arch.hop / SAMPLE_RATE, tokens=2)

    @classmethod
    def training_model(
        cls,
        labels: tuple[str, ...],
        *,
        arch: str = "tiny",
        seconds: float = 1.0,
        s_patchout_f: int = 0,
        s_patchout_t: int = 0,
        u_patchout: int = 0,
    ) -> Network:
        """A fresh network for clips of some length, for `training/train.py`."""
        geometry = replace(ARCHS[arch], frames=round(seconds * SAMPLE_RATE / ARCHS[arch].hop))
        return fresh(geometry, len(labels), s_patchout_f, s_patchout_t, u_patchout)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        waveforms = F.pad(waveforms, (0, max(0, self._shortest - waveforms.shape[-1])))
        columns = ((waveforms.shape[-1] - 2) // self.arch.hop + 1 - PATCH) // self.arch.stride + 1
        if self.card.clip_seconds is None and columns > self.arch.frames // self.arch.stride:
            seconds = self.arch.frames * self.arch.hop / SAMPLE_RATE
            warnings.warn(f"{self.card.name} hears the first {seconds:.0f} s of a clip", BenchbedWarning, stacklevel=2)
        return self.model(waveforms)

    def predict(self, batch: Batch) -> np.ndarray:
        scores = np.empty((len(batch), self.classes), np.float32)
        for length in np.unique(batch.lengths):
            rows = np.flatnonzero(batch.lengths == length)
            part = Batch(batch.waveforms[rows, :, :length], batch.lengths[rows], batch.sample_rate)
            scores[rows] = super().predict(part)
        return scores


def fresh(geometry: Arch, classes: int, *patchout: int) -> Network:
    """A network as it is before training, as published: truncated normal of 0.02 at width 768."""
    net = PaSST(geometry, classes, *patchout)
    # Narrower networks get the same spread of activations.
    deviation = 0.02 * math.sqrt(768 / geometry.dim)
    for name, value in net.named_parameters():
        if "token" in name or "pos_embed" in name:
            nn.init.trunc_normal_(value, std=deviation)
    for module in net.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=deviation)
            nn.init.zeros_(module.bias)
    return Network(net)


def find_checkpoint(arch: str) -> Path:
    """The embedded or downloaded weights of an architecture, or a CheckpointError that says what to download."""
    files = FILES.get(arch, ())
    names = [Path(file).name for file in files] or [f"passt_{arch}.safetensors"]
    for name in names:
        if (WEIGHTS / name).is_file():
            return WEIGHTS / name
    hint = "restore the file, or re-make it with adapters/training/train.py"
    if files:
        hint = f"download {RELEASES}/{files[0]} and put it there, or give its path: --set checkpoint=FILE"
        hint += f"; other weights of this architecture: {', '.join(names[1:])}" if names[1:] else ""
    raise CheckpointError(f"there are no weights for arch={arch}", where=str(WEIGHTS / names[0]), hint=hint)


def read_state(path: Path, arch: str) -> dict[str, torch.Tensor]:
    """State dict of a PaSST under its published names, in float32.

    A prefix of any depth (`net.`, `module.net._orig_mod.`) is taken off and what stands beside the network is left
    out; of several copies the weight-averaged one (`net_swa.`) is taken.
    """
    if arch in FILES and not path.is_file():
        hint = f"download {RELEASES}/{FILES[arch][0]} and give its path: --set checkpoint=FILE"
        raise CheckpointError("there is no such checkpoint", where=str(path), hint=hint)
    state = load_state_dict(path)
    roots = [name.removesuffix("cls_token") for name in state if name.endswith("cls_token")]
    root = next((root for root in roots if "swa" in root), roots[0] if roots else "")
    state = {name.removeprefix(root): tensor.float() for name, tensor in state.items() if name.startswith(root)}
    if not roots or not {"head.1.weight", "time_new_pos_embed", "freq_new_pos_embed"} <= set(state):
        hint = f"it begins with {', '.join([*state][:4])}"
        raise CheckpointError(f"{path.name} holds no PaSST with its head", where=str(path), hint=hint)
    return state


def trained_geometry(arch: str, state: Mapping[str, torch.Tensor], path: Path) -> Arch:
    """The architecture with the length of input that `state` was trained on; refuses another stride."""
    geometry, rows = ARCHS[arch], state["freq_new_pos_embed"].shape[2]
    if rows != MELS // geometry.stride:
        fitting = [name for name, other in ARCHS.items() if rows == MELS // other.stride]
        raise CheckpointError(
            f"{path.name} has {rows} frequency positions, arch={arch} has {MELS // geometry.stride}",
            where=str(path),
            hint=f"its stride fits arch={' or '.join(fitting)}" if fitting else None,
        )
    columns = state["time_new_pos_embed"].shape[-1]
    same = columns == geometry.frames // geometry.stride
    return geometry if same else replace(geometry, frames=columns * geometry.stride)
