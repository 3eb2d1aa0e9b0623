"""AudioCSRNet without a picture: published sizes, better than the median on the stand-in, trained again alike."""

from __future__ import annotations

import importlib.util
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.data.layouts import disco
from benchbed.errors import CheckpointError, ConfigError
from benchbed.profile.macs import count_macs, network_macs


def loaded(repository, name, place):
    spec = importlib.util.spec_from_file_location(name, repository / place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def csrnet(repository):
    return loaded(repository, "tested_csrnet", "adapters/audio_csrnet.py")


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "audio_csrnet.py"), options).adapter
    adapter.load("cpu")
    return adapter


def parameters(module):
    return sum(one.numel() for one in module.parameters())


#: VGG-16's first ten convolutions, which a black picture needs none of: 3×3 filters and biases.
PICTURE = sum(
    (9 * before + 1) * after
    for before, after in (
        (3, 64),
        (64, 64),
        (64, 128),
        (128, 128),
        (128, 256),
        (256, 256),
        (256, 256),
        (256, 512),
        (512, 512),
        (512, 512),
    )
)


def test_parameters_are_the_published_ones(csrnet):
    """CSRNet has 16,263,489 (Li et al., CVPR 2018: 16.26 M), VGGish's convolutions 4,499,712 of its 72.14 M.

    The layers that move channels are 512 → 2 × (512, 512, 512, 256, 128, 64) with biases: 2,035,584
    (qingzwang/AudioVisualCrowdCounting at 740cb04, CSRWaveNet.py).
    """
    with torch.device("meta"):
        network = csrnet.AudioCsrNet(1.0, (72, 128))
    dilated = sum(parameters(fusion.conv) for fusion in network.fusions) + parameters(network.density)
    assert parameters(network.hearing) == 4_499_712
    assert dilated == 8_628_225 and dilated + PICTURE == 16_263_489
    assert sum(parameters(fusion.moved) for fusion in network.fusions) == 512 * 3968 + 3968 == 2_035_584


def test_operations_are_those_between_published_exits(csrnet):
    """Bakhtiarnia et al., single-layer vision transformers, table 8, in GFLOP of two to a multiplication.

    AV1 hears beside V1 what VGGish costs (331.37 − 329.77, 330.31 − 328.72), AV2 has one fusion more than AV1
    (374.86 − 331.37, 373.81 − 330.31); the whole network is 1.48 times 330.31 to 1.49 times 328.72, about 489.
    """
    frames, bands = csrnet.FRAMES, 64
    hearing = 0
    before = 1
    for block in csrnet.HEARD:
        for after in block:
            hearing += 2 * 9 * before * after * frames * bands
            before = after
        frames, bands = frames // 2, bands // 2
    assert hearing / 1e9 == pytest.approx(1.59, abs=0.01)
    places = 72 * 128
    widths = (512, *csrnet.SEEN)
    fusions = [2 * 9 * one * other * places for one, other in pairwise(widths)]
    assert fusions[0] / 1e9 == pytest.approx(43.49, abs=0.01)
    picture = 2 * 164.09e9  # of 576 × 1024 pixels: ten convolutions by hand, 1.02 + 5 × 21.74 + … GMAC
    whole = (picture + hearing + sum(fusions)) / 1e9
    assert whole + 0.5 >= 1.48 * 330.31 and whole <= 1.49 * 328.72


def test_the_counter_of_the_profile_agrees(repository, csrnet):
    adapter = opened(repository, weights="random", width=0.25, grid="6x8")
    heard, seen = (16, 32, 64, 64, 128, 128), (128, 128, 128, 128, 64, 32, 16)
    sizes = ((96, 64), (48, 32), (24, 16), (24, 16), (12, 8), (12, 8))
    expected = sum(9 * a * b * h * w for (a, b), (h, w) in zip(zip((1, *heard), heard), sizes))
    expected += sum(9 * a * b * 48 + 128 * 2 * b for a, b in pairwise(seen)) + 16 * 48
    assert network_macs(count_macs(adapter, 1.0, on_device=False).trace) == expected


def test_crowds_are_counted_better_than_by_the_median(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    from benchbed import audio

    data = disco.read(synthetic.make(tmp_path / "set", layout="disco", size="small", seed=1))
    table = data.select("test")
    waves = np.stack([audio.resample(audio.read(data.root / path)[0], 32000, 16000) for path in table["path"]])
    answers = opened(repository).predict(Batch(waves, np.full(len(waves), 16000), 16000))
    assert answers.shape == (24, 1)
    truth = table["count"].to_numpy()
    assert np.abs(answers[:, 0] - truth).mean() < 0.8 * np.abs(np.median(truth) - truth).mean()


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"weights": "random", "grid": "72"}, ConfigError, "not rows and columns"),
        ({"weights": "random", "grid": "0x4"}, ConfigError, "not rows and columns"),
        ({"weights": "random", "width": 0.0}, ConfigError, "width=0"),
        ({"weights": "random", "checkpoint": "x.safetensors"}, ConfigError, "takes no checkpoint"),
    ],
)
def test_what_cannot_be_is_refused(repository, options, error, said):
    with pytest.raises(error, match=said):
        opened(repository, **options)


def test_weights_of_another_model_are_refused(repository):
    with pytest.raises(CheckpointError, match="does not say how wide"):
        opened(repository, checkpoint=str(repository / "adapters/weights/anomaly_knn.safetensors"))


def test_training_gives_the_same_weights_again(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    script = loaded(repository, "train_crowds", "adapters/training/crowds.py")
    given = ["--size", "small", "--epochs", "1", "--grid", "4x4"]
    one, other = (script.main([*given, "--out", str(tmp_path / f"{n}.safetensors")]) for n in "ab")
    first, second = load_file(one), load_file(other)
    assert first.keys() == second.keys() and all(bool((first[key] == second[key]).all()) for key in first)
    adapter = opened(repository, checkpoint=str(one))
    assert adapter.card.trained_on == ("disco-synthetic/train",) and adapter.grid == (4, 4)
