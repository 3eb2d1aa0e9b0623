"""The shipped CNN: within the DCASE limits, any length of clip, embedded weights that learnt something."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from benchbed import audio
from benchbed.adapter import Batch
from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter
from benchbed.data import synthetic
from benchbed.errors import CheckpointError


@pytest.fixture(scope="module")
def cnn(repository):
    adapter = load_adapter(str(repository / "adapters" / "cnn.py")).adapter
    adapter.load("cpu")
    return adapter


def batch(waveforms: np.ndarray) -> Batch:
    return Batch(waveforms, np.full(len(waveforms), waveforms.shape[-1]), 32000)


def noise(seconds: float, clips: int = 2) -> np.ndarray:
    rng = np.random.Generator(np.random.Philox(3))
    return (0.1 * rng.standard_normal((clips, 1, int(seconds * 32000)))).astype(np.float32)


def test_parameters_fit_in_128_kB_at_the_declared_width(cnn):
    parameters = sum(p.numel() for p in cnn.model.parameters())
    stored = load_file(cnn.checkpoint)
    assert cnn.card.weight_bits == 16
    assert all(t.dtype == torch.float16 for t in stored.values())
    assert parameters * cnn.card.weight_bits / 8 <= 128_000
    # Batch-norm statistics are no parameters by the rule, but even with them it fits.
    assert sum(t.numel() * 2 for t in stored.values()) <= 128_000
    # 24·25 + 24·32·9 + 32·48·9 + 48·64·9 weights, two per normalised channel, 64·10 + 10 in the last layer.
    assert parameters == 600 + 6912 + 13824 + 27648 + 2 * (64 + 24 + 32 + 48 + 64) + 650


def test_one_second_takes_at_most_30_million_multiply_adds(cnn):
    from torch.utils.flop_counter import FlopCounterMode

    network = cnn.training_model(cnn.card.labels, **cnn.options).eval().to("meta")
    with FlopCounterMode(display=False) as counter:
        network.classify(torch.zeros(1, 64, 101, device="meta"))
    # By hand: 32×51 outputs · 25 · 24, then 3×3 convolutions at 32×51, 16×26 and 8×13, then 64·10.
    by_hand = 1632 * 600 + 1632 * 6912 + 416 * 13824 + 104 * 27648 + 640
    assert counter.get_total_flops() / 2 == by_hand
    assert by_hand <= 30e6


@pytest.mark.parametrize("seconds", [0.1, 0.14, 1.0, 5.0])
def test_any_length_is_scored(cnn, seconds):
    scores = cnn.predict(batch(noise(seconds)))
    assert scores.shape == (2, 10) and scores.dtype == np.float32 and np.isfinite(scores).all()


def test_forward_agrees_with_predict_and_has_gradients(cnn):
    waves = torch.from_numpy(noise(1.0)).requires_grad_()
    logits = cnn.forward(waves)
    np.testing.assert_allclose(logits.detach().numpy(), cnn.predict(batch(noise(1.0))), atol=1e-4)
    logits.sum().backward()
    assert torch.isfinite(waves.grad).all() and waves.grad.abs().max() > 0


def test_clip_alone_scores_as_in_a_batch(cnn):
    waves = noise(1.0, clips=17)
    np.testing.assert_allclose(cnn.predict(batch(waves[5:6]))[0], cnn.predict(batch(waves))[5], atol=1e-4)


def test_embedded_weights_are_between_chance_and_perfect(cnn, tmp_path):
    # Same devices and banks as in training, but no location of the small set's test split is in it.
    root = synthetic.make(tmp_path / "set", size="small", seed=0)
    names = (root / "evaluation_setup" / "fold1_test.csv").read_text().split()[1:]
    names = [n for n in names if n.rsplit("-", 1)[1] in ("a.wav", "b.wav", "s1.wav", "s2.wav")]
    waves = np.stack([audio.read(root / n)[0] for n in names])
    found = cnn.predict(batch(waves)).argmax(-1)
    truth = [cnn.card.labels.index(n.removeprefix("audio/").split("-")[0]) for n in names]
    # 80 clips, chance 0.1: three standard deviations above it is 0.2.
    assert 0.25 < np.mean(found == truth) < 0.98


def test_weights_say_what_they_are(cnn, repository):
    about = read_metadata(cnn.checkpoint)
    assert json.loads(about["labels"]) == list(cnn.card.labels) == sorted(cnn.card.labels)
    data = json.loads(about["training_data"])
    assert (data["name"], data["splits"], data["clips"]) == ("tau2022-synthetic", "train", 2960)
    assert data["version"] == synthetic.VERSION, "the generator changed: train the shipped weights again"
    assert len(data["hash"]) == 32
    assert about["command"].startswith("python adapters/training/train.py --model adapters/cnn.py --data synthetic")
    for key in ("seed", "epochs", "options", "augmentation", "train_accuracy", "test_accuracy", "weight_bits"):
        assert key in about
    assert cnn.checkpoint.stat().st_size < 1_000_000
    assert cnn.checkpoint.with_suffix(".md").is_file()
    assert "/" not in json.loads(about["training_data"])["name"]


def test_weights_without_labels_are_refused(repository, tmp_path):
    bare = tmp_path / "bare.safetensors"
    save_file({"weight": torch.zeros(1)}, bare)
    with pytest.raises(CheckpointError, match="which classes"):
        load_adapter(str(repository / "adapters" / "cnn.py"), {"checkpoint": str(bare)})


def test_weights_of_another_shape_are_refused(cnn, repository, tmp_path):
    other = tmp_path / "other.safetensors"
    save_file(load_file(cnn.checkpoint), other, metadata={"labels": '["bus", "tram"]'})
    adapter = load_adapter(str(repository / "adapters" / "cnn.py"), {"checkpoint": str(other)}).adapter
    with pytest.raises(CheckpointError, match="does not fit"):
        adapter.load("cpu")


def test_missing_weights_are_named(repository):
    with pytest.raises(CheckpointError):
        load_adapter(str(repository / "adapters" / "cnn.py"), {"checkpoint": str(Path("nowhere.safetensors"))})
