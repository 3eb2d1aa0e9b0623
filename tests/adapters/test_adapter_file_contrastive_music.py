"""The contrastive music encoder: published size and names, windows that do not overlap, weights that are not there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from benchbed.adapter import Batch
from benchbed.adapter.load import load_adapter
from benchbed.errors import BenchbedError, CheckpointError, ConfigError


def opened(repository, **options):
    adapter = load_adapter(str(repository / "adapters" / "contrastive_music.py"), options).adapter
    adapter.load("cpu")
    return adapter


def noise(seconds, seed=0):
    samples = round(seconds * 16000)
    values = np.random.default_rng(seed).normal(0, 0.1, (1, 1, samples)).astype(np.float32)
    return Batch(values, np.array([samples]), 16000)


@pytest.fixture(scope="module")
def drawn(repository):
    return opened(repository, weights="random")


def test_the_published_size(drawn):
    # Filters and biases of the seven convolutions, normalisations, and the two dense layers, by hand.
    widths = (1, 128, 128, 256, 256, 256, 256, 512)
    convolutions = sum((9 * before + 1) * after for before, after in pairwise(widths))
    normalised = 2 * sum(widths)
    head = (1024 + 1) * 512 + 2 * 512 + (512 + 1) * 128 + 2 * 128
    assert convolutions + normalised + head == 3_989_762
    assert sum(one.numel() for one in drawn.model.parameters()) == 3_989_762
    assert (drawn.width, drawn.card.untrained, drawn.card.min_seconds) == (1024, True, 4.096)


def test_the_names_of_published_state_dicts(drawn):
    # As in models.py of andrebola/contrastive-mir-learning, a3f08c0.
    names = {name for name in drawn.model.state_dict() if not name.startswith("front.")}
    assert {name.rpartition(".")[0] for name in names} == {
        "audio_encoder.0",
        *(f"audio_encoder.{block}.{part}" for block in range(1, 8) for part in ("conv", "bn")),
        *(f"fc_audio.{place}" for place in (0, 1, 4, 5)),
    }


def test_embeddings_are_means_over_windows_without_overlap(drawn):
    network = drawn.model
    batch = noise(9.0)
    waveform = torch.from_numpy(batch.waveforms)
    with torch.no_grad():
        heard = network.windows(waveform)
        # 563 frames are two windows and a rest that is left out.
        assert heard.shape == (2, 1, 48, 256)
        whole = 2 * network.front(waveform)[0]
        assert torch.equal(heard[1, 0], whole[:, 256:512])
        apart = network.audio_encoder(heard)
    made = drawn.predict(batch)
    assert made.shape == (1, 1024)
    np.testing.assert_allclose(made[0], apart.mean(0).numpy(), rtol=1e-4, atol=1e-5)
    # A short one is one window, with silence behind.
    assert drawn.predict(noise(1.0)).shape == (1, 1024)


def test_weights_come_back_from_a_file(repository, drawn, tmp_path):
    state = {name: value for name, value in drawn.model.state_dict().items() if not name.startswith("front.")}
    torch.save(state, tmp_path / "audio_encoder.pt")
    trained = opened(repository, checkpoint=str(tmp_path / "audio_encoder.pt"))
    assert not trained.card.untrained and trained.weights() == [tmp_path / "audio_encoder.pt"]
    assert np.array_equal(trained.predict(noise(5.0)), drawn.predict(noise(5.0)))
    joint = opened(repository, checkpoint=str(tmp_path / "audio_encoder.pt"), layer="joint")
    made = joint.predict(noise(5.0))
    # The last layer is normalised over its features.
    assert made.shape == (1, 128) and abs(float(made.mean())) < 1e-5
    torch.save({"audio_encoder.0.weight": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match="audio_encoder"):
        opened(repository, checkpoint=str(tmp_path / "other.pt"))


def test_what_cannot_be_loaded_is_said(repository):
    with pytest.raises(CheckpointError, match="no weights of its own") as caught:
        opened(repository)
    assert "checkpoint=FILE" in str(caught.value) and "weights=random" in str(caught.value)
    with pytest.raises(ConfigError, match="takes no checkpoint"):
        opened(repository, weights="random", checkpoint="a.pt")
    with pytest.raises(BenchbedError, match="layer"):
        opened(repository, weights="random", layer="last")
