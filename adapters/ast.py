"""AST: the Audio Spectrogram Transformer (Gong, Chung and Glass, Interspeech 2021), through transformers.

    benchbed run suites/audioset.yaml --model adapters/ast.py --set checkpoint=audioset_10_10_0.4593.pth \\
        --set labels=class_labels_indices.csv
    benchbed run SUITE --model adapters/ast.py --set checkpoint=FOLDER

The checkpoint is the authors' own file (for which `stride` says how far patches are apart) or a folder that
`save_pretrained` wrote, which says everything itself. Features are Kaldi filter banks computed in torch, so the whole
path is differentiable; they are normalised to a variance of one quarter, without which the published weights fail.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict
from benchbed.adapter.front import NamedFrontEnd
from benchbed.adapter.labelmap import read_label_map
from benchbed.adapter.labels import read_labels
from benchbed.adapter.trained import Weights, numbered, seeded
from benchbed.errors import CheckpointError, ConfigError

RATE, HOP = 16000, 160
#: Mean and deviation of AudioSet's filter banks, as the authors state them.
MEAN, DEVIATION = -4.2677393, 4.5689974


@contextlib.contextmanager
def _without_torchvision():
    # A build of torchvision that does not match torch raises on import, in the middle of transformers.
    kept = {name: sys.modules.get(name) for name in ("torchvision", "torchaudio")}
    sys.modules.update(dict.fromkeys(kept))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name, module in kept.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


with _without_torchvision():
    from transformers.utils import import_utils

    # What is available is remembered, and may have been asked before.
    for _available in (import_utils.is_torchvision_available, import_utils.is_torchaudio_available):
        getattr(_available, "cache_clear", _available)()
        _available()
    from transformers import ASTConfig, ASTForAudioClassification


class Ast(TorchAdapter):
    """An AST with published or own weights.

    Parameters
    ----------
    checkpoint : Path
        The authors' `.pth`, or a folder of transformers.
    labels : str, optional
        Classes in order, for a `.pth`: AudioSet's `class_labels_indices.csv`, another file, or names with commas.
    stride : int
        Distance of patches of a `.pth` in both directions: 10, or 16 for patches that do not overlap.
    frames, bands : int
        Length and height of the spectrogram of a `.pth`: 1024 frames are 10.24 s; the weights fix both.
    output : str
        `tags`, or `scene` for a checkpoint that was fine-tuned with a softmax.
    label_map : Path, optional
        Dataset label → classes that mean it, as YAML or csv.
    weights : str
        `random` for costs alone, of 527 classes unless labels are given.
    size : str
        Of random weights: `tiny`, `small` or `base`, as in the paper's ablation.
    """

    def __init__(
        self,
        checkpoint: Path | None = None,
        labels: str = "",
        stride: int = 10,
        frames: int = 1024,
        bands: int = 128,
        output: Literal["tags", "scene"] = "tags",
        label_map: Path | None = None,
        weights: Weights = "trained",
        size: Literal["tiny", "small", "base"] = "base",
    ) -> None:
        untrained = weights == "random"
        if checkpoint is None and not untrained:
            raise CheckpointError(
                "ast has no weights of its own",
                hint="get audioset_10_10_0.4593.pth of github.com/YuanGongND/ast, then --set checkpoint=FILE "
                "--set labels=class_labels_indices.csv",
            )
        self.checkpoint, self.label_map = None if checkpoint is None or untrained else Path(checkpoint), label_map
        if self.checkpoint is None:
            names, said = read_labels(labels) if labels else numbered(527), {}
            self.config = config_of(len(names), stride, frames, bands, **SIZES[size])
        elif self.checkpoint.is_dir():
            self.config = ASTConfig.from_pretrained(self.checkpoint, local_files_only=True)
            named = [self.config.id2label[index] for index in sorted(self.config.id2label)]
            names = read_labels(labels or named)
            extractor = self.checkpoint / "preprocessor_config.json"
            said = json.loads(extractor.read_text(encoding="utf-8")) if extractor.is_file() else {}
        else:
            if not labels:
                raise ConfigError("ast needs the names of its classes", hint="--set labels=class_labels_indices.csv")
            names, said = read_labels(labels), {}
            self.config = config_of(len(names), stride, frames, bands)
        if len(names) != self.config.num_labels:
            raise ConfigError(f"{len(names)} labels are given for a model of {self.config.num_labels} classes")
        self.mean, self.deviation = said.get("mean", MEAN), said.get("std", DEVIATION)
        bands = self.config.num_mel_bins
        self.front = NamedFrontEnd(
            "kaldi_fbank", {"sample_rate": RATE, "n_mels": bands, "window": "hann", "fmin": 20.0}
        )
        self.card = Card(
            name="ast" if size == "base" else f"ast_{size}",
            family="transformer",
            output=output,
            labels=names,
            sample_rate=RATE,
            front_end=self.front.text,
            min_seconds=0.1,
            label_map=read_label_map(label_map, names) if label_map else {},
            licence="BSD-3-Clause",
            citation="Y. Gong, Y.-A. Chung, J. Glass, Interspeech 2021",
            description=f"AST, patches {self.config.time_stride} apart",
            trained_on=("audioset",) if len(names) == 527 and not untrained else (),
            untrained=untrained,
        )

    def weights(self) -> list[Path]:
        if self.checkpoint is None:
            return []
        files = [self.checkpoint]
        if self.checkpoint.is_dir():
            files = [p for p in sorted(self.checkpoint.iterdir()) if p.suffix in (".safetensors", ".json")]
        return [*files, *([Path(self.label_map)] if self.label_map else [])]

    def build(self) -> nn.Module:
        if self.checkpoint is None:
            net = seeded(lambda: network(self.config))
        elif self.checkpoint.is_dir():
            # transformers knows how its own names of weights changed over the years.
            net, report = ASTForAudioClassification.from_pretrained(
                self.checkpoint, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            if report["missing_keys"]:
                lacking = ", ".join(sorted(report["missing_keys"])[:4])
                raise CheckpointError(f"weights are not in the checkpoint: {lacking}", where=str(self.checkpoint))
        else:
            net = network(self.config)
            fit_state_dict(net, converted(load_state_dict(self.checkpoint)), where=str(self.checkpoint))
        return nn.ModuleDict({"mel": self.front.build(), "net": net})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Logits [clip, class] of waveforms [clip, channel, sample], cut or padded to the length of the model."""
        waveforms = waveforms.mean(1)
        features = self.model["mel"](waveforms - waveforms.mean(-1, keepdim=True)).transpose(1, 2)
        features = nn.functional.pad(features, (0, 0, 0, self.config.max_length - features.shape[1]))
        return self.model["net"]((features - self.mean) / (2 * self.deviation)).logits


#: Widths of DeiT, on which the authors' smaller models stand.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768},
    "small": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
    "base": {},
}


def config_of(classes: int, stride: int, frames: int, bands: int, **sizes: Any) -> ASTConfig:
    """What transformers must know of a model of the authors."""
    return ASTConfig(
        num_labels=classes,
        frequency_stride=stride,
        time_stride=stride,
        max_length=frames,
        num_mel_bins=bands,
        layer_norm_eps=1e-6,
        **sizes,
    )


def network(config: ASTConfig) -> nn.Module:
    """The authors' model: its blocks add 1e-6 to a variance, as timm's do, and its head 1e-5."""
    net = ASTForAudioClassification(config)
    net.classifier.layernorm.eps = 1e-5
    return net


def converted(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The authors' names of weights as those of transformers.

    Raises
    ------
    CheckpointError
        The file is no AST of the authors.
    """
    state = {key.removeprefix("module."): value for key, value in state.items()}
    if "v.pos_embed" not in state:
        raise CheckpointError("not an AST checkpoint: it has no v.pos_embed")
    body, found = "audio_spectrogram_transformer", {}
    plain = {
        "v.cls_token": f"{body}.embeddings.cls_token",
        "v.dist_token": f"{body}.embeddings.distillation_token",
        "v.pos_embed": f"{body}.embeddings.position_embeddings",
    }
    layers = {
        "v.patch_embed.proj": f"{body}.embeddings.patch_embeddings.projection",
        "v.norm": f"{body}.layernorm",
        "mlp_head.0": "classifier.layernorm",
        "mlp_head.1": "classifier.dense",
    }
    parts = block_names()
    for key, value in state.items():
        stem, _, kind = key.rpartition(".")
        if key in plain:
            found[plain[key]] = value
        elif stem in layers:
            found[f"{layers[stem]}.{kind}"] = value
        elif key.startswith("v.blocks."):
            number, _, part = stem.removeprefix("v.blocks.").partition(".")
            for name, piece in zip(parts[part], value.chunk(len(parts[part]))):
                found[f"{parts['']}{number}.{name}.{kind}"] = piece
    return found


def block_names() -> dict[str, Any]:
    """Where the parts of a block stand in this version of transformers, found by asking a tiny model."""
    tiny = ASTForAudioClassification(
        ASTConfig(hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4)
    )
    names = [key.removesuffix(".weight") for key in tiny.state_dict() if key.endswith(".weight")]
    inside = [name for name in names if ".0." in name]
    prefix = inside[0].partition(".0.")[0] + "."
    short = [name.removeprefix(prefix + "0.") for name in inside]

    def pick(*marks: str) -> str:
        return next(name for name in short if any(mark in name for mark in marks))

    attention = [pick("query", "q_proj"), pick("key", "k_proj"), pick("value", "v_proj")]
    rest = [name for name in short if name not in attention and "norm" not in name]
    return {
        "": prefix,
        "norm1": [pick("layernorm_before")],
        "norm2": [pick("layernorm_after")],
        "attn.qkv": attention,
        "attn.proj": [next(n for n in rest if n.startswith("attention"))],
        "mlp.fc1": [n for n in rest if not n.startswith("attention")][:1],
        "mlp.fc2": [n for n in rest if not n.startswith("attention")][1:2],
    }
