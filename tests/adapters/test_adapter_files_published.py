"""Networks against their authors' code: the same weights under the authors' names give the same answers.

`published_networks.json` holds what the public repositories named in it answered to the weights and inputs made here,
and how many parameters they had.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

GOLDEN = json.loads(Path(__file__).with_name("published_networks.json").read_text())["networks"]


def module(repository: Path, name: str):
    """An adapter file as a module, under a name that hides no other."""
    spec = importlib.util.spec_from_file_location(f"adapter_published_{name}", repository / "adapters" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def filled(shapes: Mapping[str, Iterable[int]]) -> dict[str, torch.Tensor]:
    """Weights that follow from their published names and shapes: scaled as at the start of a training, and uneven."""
    made = {}
    for name, shape in shapes.items():
        shape = tuple(shape)
        if not shape:
            made[name] = torch.tensor(0)
            continue
        random = np.random.Generator(np.random.Philox(zlib.crc32(name.encode())))
        if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            values = random.uniform(0.5, 1.5, shape)
        elif name.endswith("weight") or "weight_" in name:
            values = random.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
        else:
            values = random.standard_normal(shape) * 0.1
        made[name] = torch.from_numpy(values.astype(np.float32))
    return made


def spectrogram(frames: int, bands: int) -> torch.Tensor:
    """Two spectrograms [clip, frame, band] of noise."""
    random = np.random.Generator(np.random.Philox(7))
    return torch.from_numpy(random.standard_normal((2, frames, bands)).astype(np.float32))


def image(bands: int, frames: int) -> torch.Tensor:
    """Two images [clip, 1, band, frame] of noise."""
    return torch.randn(2, 1, bands, frames, generator=torch.Generator().manual_seed(7))


def taken(scores: torch.Tensor) -> list[float]:
    """Some of the values, from all clips, frames and classes."""
    flat = scores.detach().double().flatten()
    return [float(x) for x in flat[:: max(1, len(flat) // 24)]]


def compare(name: str, net: torch.nn.Module, answers: dict[str, torch.Tensor]) -> None:
    """Counts exactly, answers to what single precision leaves."""
    assert sum(p.numel() for p in net.parameters()) == GOLDEN[name]["parameters"]
    for kind, expected in GOLDEN[name]["values"].items():
        np.testing.assert_allclose(taken(answers[kind]), expected, atol=1e-5, rtol=1e-5, err_msg=f"{name} {kind}")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cakir", {}),
        ("dessed_3_10", {"kernel": 3, "dilation": 10}),
        ("dessed_7_50", {"kernel": 7, "dilation": 50}),
    ],
)
def test_street_detectors(repository, name, options):
    made = module(repository, "crnn")
    net = (made.Dessed if options else made.Cakir)(3, **options).eval()
    shapes = {k.removesuffix("_l0"): v.shape for k, v in net.state_dict().items()}
    net.load_state_dict(made.as_here(filled(shapes)))
    with torch.no_grad():
        compare(name, net, {"logits": net(spectrogram(64, 40).transpose(1, 2))[0]})


def test_the_baseline_of_dcase(repository):
    made = module(repository, "crnn")
    net = made.Crnn(10).eval()
    shapes = {f"cnn.{k}" if k.startswith("cnn.") else k: v.shape for k, v in net.state_dict().items()}
    net.load_state_dict(made.as_here(filled(shapes)))
    with torch.no_grad():
        logits, weights = net(spectrogram(64, 128).transpose(1, 2))
    frames = torch.sigmoid(logits)
    compare("desed", net, {"frames": frames, "tags": (frames * weights).sum(1) / weights.sum(1)})


@pytest.mark.parametrize("arch", ["cnn6", "cnn10"])
def test_panns(repository, arch):
    net = module(repository, "panns").network(arch, 3).eval()
    net.frontend = torch.nn.Identity()
    net.load_state_dict(filled({k: v.shape for k, v in net.state_dict().items()}))
    with torch.no_grad():
        compare(arch, net, {"tags": torch.sigmoid(net.classify(spectrogram(64, 64).transpose(1, 2)))})


@pytest.mark.parametrize("pooling", ["max", "ave", "lin", "exp", "att"])
def test_talnet(repository, pooling):
    net = module(repository, "talnet").TalNet(527, pooling, embedding=256).eval()
    net.load_state_dict(filled({k: v.shape for k, v in net.state_dict().items()}))
    with torch.no_grad():
        frames, tags = net(spectrogram(64, 64).transpose(1, 2))
    compare(f"talnet_{pooling}", net, {"frames": frames, "tags": tags})


@pytest.mark.parametrize("tau", [1, 3])
def test_bc_resnet(repository, tau):
    """Beside Qualcomm-AI-research/bcresnet 656f947: largest difference 2e-7 of the largest logit."""
    net = module(repository, "bc_resnet").BcResNet(12, tau).eval()
    net.load_state_dict(filled({k: v.shape for k, v in net.state_dict().items()}))
    with torch.no_grad():
        compare(f"bc_resnet_{tau}", net, {"logits": net(image(40, 101))})


@pytest.mark.parametrize(("name", "arch"), [("dcase2024_baseline", "dcase2024"), ("cp_mobile", "cp_mobile")])
def test_cp_mobile(repository, name, arch):
    """Beside CPJKU/dcase2024_task1_baseline 9948d19 and fschmid56/cpjku_dcase23 2e20aba: differences 0 and 2e-7 of the
    largest logit."""
    made = module(repository, "cp_mobile")
    net = made.CpMobile(10, made.SHAPES[arch]).eval()
    net.load_state_dict(filled({k: v.shape for k, v in net.state_dict().items()}))
    with torch.no_grad():
        compare(name, net, {"logits": net(image(256, 65))})


@pytest.mark.parametrize("stride", [10, 16])
def test_ast(repository, stride):
    made = module(repository, "ast")
    # The smallest size that the authors offer; the layers are those of the published checkpoint.
    config = made.config_of(4, stride, 96, 128, hidden_size=192, num_attention_heads=3, intermediate_size=768)
    net = made.network(config).eval()
    width, patches = 192, ((128 - 16) // stride + 1) * ((96 - 16) // stride + 1)
    shapes: dict[str, tuple[int, ...]] = {
        "v.cls_token": (1, 1, width),
        "v.dist_token": (1, 1, width),
        "v.pos_embed": (1, patches + 2, width),
        "v.patch_embed.proj.weight": (width, 1, 16, 16),
        "v.patch_embed.proj.bias": (width,),
        "mlp_head.1.weight": (4, width),
        "mlp_head.1.bias": (4,),
        # Heads for ImageNet that the authors' files keep.
        "v.head.weight": (1000, width),
        "v.head.bias": (1000,),
        "v.head_dist.weight": (1000, width),
    }
    for norm in ("v.norm", "mlp_head.0", *(f"v.blocks.{i}.norm{j}" for i in range(12) for j in (1, 2))):
        shapes |= {f"{norm}.weight": (width,), f"{norm}.bias": (width,)}
    for i in range(12):
        for part, out, into in (("attn.qkv", 3, 1), ("attn.proj", 1, 1), ("mlp.fc1", 4, 1), ("mlp.fc2", 1, 4)):
            shapes |= {
                f"v.blocks.{i}.{part}.weight": (out * width, into * width),
                f"v.blocks.{i}.{part}.bias": (out * width,),
            }
    net.load_state_dict(made.converted({f"module.{k}": v for k, v in filled(shapes).items()}))
    with torch.no_grad():
        compare(f"ast_tiny_{stride}", net, {"logits": net(spectrogram(96, 128)).logits})
