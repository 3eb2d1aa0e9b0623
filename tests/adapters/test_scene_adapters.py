"""The scene models of the literature: parameters and multiply-accumulates of their tables, and shipped weights that
learnt something."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter, start
from benchbed.data import synthetic
from benchbed.errors import AdapterError, CheckpointError, ConfigError
from benchbed.types import Batch

#: Adapter → file of its shipped weights.
SHIPPED = {
    "cp_mobile": "cp_mobile.safetensors",
    "mcnn": "mcnn.safetensors",
    "bc_resnet": "bc_resnet.safetensors",
    "vit_asc": "vit_asc_small.safetensors",
    "gmm": "gmm.safetensors",
    "ivector": "ivector.safetensors",
    "frame_networks": "frame_dnn.safetensors",
}


def file_of(repository: Path, name: str):
    """An adapter file as a module."""
    spec = importlib.util.spec_from_file_location(f"scene_{name}", repository / "adapters" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def parameters(net: torch.nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def products(net: torch.nn.Module, *shape: int) -> float:
    """Multiply-accumulates of convolutions and matrix products."""
    net = net.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        getattr(net, "classify", net)(torch.zeros(shape, device="meta"))
    return counter.get_total_flops() / 2


def test_the_baseline_of_dcase_2024_has_its_published_counts(repository):
    made = file_of(repository, "cp_mobile")
    net = made.CpMobile(10, made.SHAPES["dcase2024"]).eval()
    assert parameters(net) == 61_148
    # The published count adds two for each channel of a batch normalisation to the products.
    norms = 2 * sum(m.num_features for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert products(net, 1, 1, 256, 65) + norms == 29_419_156


def test_cp_mobile_has_its_published_parameters(repository):
    made = file_of(repository, "cp_mobile")
    assert parameters(made.CpMobile(10, made.SHAPES["cp_mobile"])) == 126_952


def test_one_second_gives_the_published_image(repository):
    assert file_of(repository, "cp_mobile").MelImage("dcase2024")(torch.zeros(1, 1, 32000)).shape == (1, 256, 65)


@pytest.mark.parametrize(
    ("arch", "count", "macs"),
    [
        ("small", 103_150, 10.84e6),
        ("medium_7x4", 5_628_436, 656.0e6),
        ("medium_8x4", 6_418_196, 748.7e6),
        ("medium_9x4", 7_207_956, 841.4e6),
        ("medium_12x2", 6_425_364, 773.5e6),
        ("medium_12x3", 8_001_300, 946.5e6),
    ],
)
def test_vision_transformers_have_the_counts_of_their_table(repository, arch, count, macs):
    made = file_of(repository, "vit_asc")
    net = made.SceneViT(10, made.SHAPES[arch]).eval()
    assert parameters(net) == count
    assert products(net, 1, 128, 100) == pytest.approx(macs, rel=6e-4)


@pytest.mark.parametrize(("dropped", "tokens", "macs"), [(0, 108, 9.498e9), (6, 54, 4.738e9)])
def test_the_teacher_drops_rows_at_test_time(repository, dropped, tokens, macs):
    made = file_of(repository, "vit_asc")
    with torch.device("meta"):
        net = made.SceneViT(10, made.SHAPES["large"], drop_rows=dropped).eval()
    assert parameters(net) == 85_345_546
    assert len(net.kept) == tokens
    # The patches that are dropped are projected first: 54 · 256 · 768 products that the source does not count.
    beside = (108 - tokens) * 256 * 768
    assert products(net, 1, 128, 100) - beside == pytest.approx(macs, rel=2e-3)


def test_patches_of_another_shape_give_the_same_parameters(repository):
    made = file_of(repository, "vit_asc")
    net = made.SceneViT(10, made.shape_of("small", "16x8")).eval()
    assert net.grid == (8, 12) and parameters(net) == 103_150
    assert products(net, 1, 128, 100) == pytest.approx(13.64e6, rel=6e-4)
    # Without overlap Medium has 48 patches, by the table 287.4 million products.
    assert products(made.SceneViT(10, made.shape_of("medium_7x4", "", "16")).eval(), 1, 128, 100) == pytest.approx(
        287.4e6, rel=2e-3
    )


@pytest.mark.parametrize(
    ("arch", "options", "count", "macs"),
    [
        ("m3", {}, 220_682, 557.1e6),
        ("m5", {}, 558_090, 278.5e6),
        ("m11", {}, 1_784_202, 226.2e6),
        ("m18", {}, 3_679_882, 399.4e6),
        ("m34_res", {"shortcut": "conv"}, 4_069_546, 461.2e6),
        # The tabulated 461.2 million are with convolutions in the shortcuts; zeros cost nothing:
        # 48·96·500 + 96·192·125 + 192·384·32 products less.
        ("m34_res", {}, 3_972_778, 461.2e6 - 48 * 96 * 500 - 96 * 192 * 125 - 192 * 384 * 32),
        ("m3", {"norm": False}, 219_658 + 256 + 256, None),
    ],
)
def test_raw_waveform_networks_have_the_counts_of_their_table(repository, arch, options, count, macs):
    net = file_of(repository, "mcnn").RawNetwork(10, arch, **options).eval()
    # Without normalisation the table's weights (219,658 for M3) and a bias for each filter.
    assert parameters(net) == count
    if macs:
        assert products(net, 1, 1, 32000) == pytest.approx(macs, rel=3e-4)


@pytest.mark.parametrize(("arch", "millions"), [("m3", 129), ("m5", 18)])
def test_dense_heads_cost_what_the_paper_says(repository, arch, millions):
    with torch.device("meta"):
        net = file_of(repository, "mcnn").RawNetwork(10, arch, head="fc")
    assert round(parameters(net) / 1e6) == millions


def test_a_clip_is_standardised_and_silence_stays_silence(repository):
    made = file_of(repository, "mcnn")
    waves = torch.stack(
        [3 + 0.5 * torch.randn(1, 800, generator=torch.Generator().manual_seed(1)), torch.zeros(1, 800)]
    )
    out = made.Standardise()(waves)
    assert out[0].mean().abs() < 1e-5 and out[0].std(correction=0) == pytest.approx(1, abs=1e-4)
    assert (out[1] == 0).all()


def test_rollout_of_kept_patches_is_the_same_each_time(repository):
    made = file_of(repository, "vit_asc")
    assert (made.kept_patches((12, 9), (6, 2)) == made.kept_patches((12, 9), (6, 2))).all()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_say_what_they_are(repository, name):
    file = repository / "adapters" / "weights" / SHIPPED[name]
    about = read_metadata(file)
    data = json.loads(about["training_data"])
    assert (data["name"], data["splits"], data["clips"]) == ("tau2022-synthetic", "train", 2960)
    assert data["version"] == synthetic.VERSION, "the generator changed: train the shipped weights again"
    assert f"--model adapters/{name}.py" in about["command"]
    # Ten classes: chance is 0.1, and what is at 0.4 on locations and devices that were not heard learnt something.
    assert json.loads(about["test_accuracy"])["all"] > 0.4
    assert file.stat().st_size < 300_000 and file.with_suffix(".md").is_file()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_hear_any_length_alone_or_in_a_batch(repository, name):
    adapter = start(load_adapter(str(repository / "adapters" / f"{name}.py")))
    rate = adapter.card.sample_rate
    rng = np.random.Generator(np.random.Philox(3))
    for seconds in (0.1, 1.0, 2.5):
        waves = (0.1 * rng.standard_normal((3, 1, int(seconds * rate)))).astype(np.float32)
        scores = adapter.predict(Batch(waves, np.full(3, waves.shape[-1]), rate))
        assert scores.shape == (3, 10) and np.isfinite(scores).all()
        alone = adapter.predict(Batch(waves[1:2], np.full(1, waves.shape[-1]), rate))
        np.testing.assert_allclose(alone[0], scores[1], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cp_mobile", {"arch": "cp_mobile"}),
        ("bc_resnet", {"tau": "1"}),
        ("mcnn", {"arch": "m11"}),
        ("vit_asc", {"arch": "medium_7x4"}),
        ("cnn", {}),
        ("passt", {}),
        ("crnn", {"arch": "cakir"}),
        ("cnn_transformer", {}),
        ("gpvad", {}),
        ("seldnet", {}),
        ("talnet", {"labels": "a,b"}),
        ("panns", {"arch": "cnn6", "labels": "a,b"}),
        ("ast", {"size": "tiny", "labels": "a,b"}),
        ("wavetransformer", {}),
    ],
)
def test_random_weights_are_the_same_each_time_and_say_untrained(repository, name, options):
    first, second = (
        start(load_adapter(str(repository / "adapters" / f"{name}.py"), {**options, "weights": "random"}))
        for _ in range(2)
    )
    assert first.card.untrained and first.card.trained_on == () and first.weights() == []
    one, other = first.model.state_dict(), second.model.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_random_weights_are_not_scored(repository, tmp_path):
    from benchbed.run.job.settings import Settings
    from benchbed.run.preparing.prepare import prepare
    from benchbed.suite.load import load_suite

    suite = load_suite(repository / "suites" / "dcase_task1.yaml")
    with pytest.raises(AdapterError, match="random weights"):
        prepare(suite, "cnn", {"weights": "random"}, Settings(out=tmp_path, limit=2))


@pytest.mark.parametrize(
    ("name", "options", "error", "said"),
    [
        ("cp_mobile", {"arch": "cp_mobile"}, CheckpointError, "no weights of its own"),
        ("vit_asc", {"arch": "large"}, CheckpointError, "no weights of its own"),
        ("cnn", {"weights": "random", "checkpoint": "x.safetensors"}, ConfigError, "no checkpoint"),
        ("vit_asc", {"weights": "random", "patch": "200x8"}, ConfigError, "is empty"),
        ("vit_asc", {"weights": "random", "patch": "big"}, ConfigError, "no size of a patch"),
        ("vit_asc", {"weights": "random", "drop_rows": "10"}, ConfigError, "is empty"),
        ("bc_resnet", {"weights": "random", "tau": "0"}, ConfigError, "no channels"),
        ("mcnn", {"weights": "random", "classes": "0"}, ConfigError, "at least one class"),
    ],
)
def test_what_cannot_be_built_is_one_clear_error(repository, name, options, error, said):
    with pytest.raises(error, match=said):
        start(load_adapter(str(repository / "adapters" / f"{name}.py"), options))
