"""Where the vectors of models come from: before the last layer, by their own word, or nowhere."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.adapter import Adapter, Card, TorchAdapter
from benchbed.adapter.encoder import encoder_of
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError
from benchbed.types import Batch

WORDS = {"family": "mlp", "output": "scene", "labels": ("a", "b"), "sample_rate": 8000}


def batch(rate: int, seconds: float = 1.0) -> Batch:
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 1, round(seconds * rate))).astype(np.float32)
    return Batch(noise, np.full(2, noise.shape[2]), rate)


@pytest.mark.parametrize(("name", "width"), [("cnn", 64), ("passt", 96), ("bc_resnet", 64)])
def test_what_stands_before_the_last_layer_gives_the_scores_again(name, width):
    adapter = start(load_adapter(name))
    encoder = encoder_of(adapter)
    heard = batch(32000)
    vectors = encoder.hear(heard)
    assert vectors.shape == (2, encoder.width) == (2, width) and encoder.path is not None
    if name == "cnn":
        assert adapter.model is not None
        again = adapter.model.head(torch.from_numpy(vectors)).detach().numpy()
        np.testing.assert_allclose(again, adapter.predict(heard), atol=1e-5)
    points = torch.from_numpy(heard.waveforms).requires_grad_()
    (slope,) = torch.autograd.grad(encoder.path(points).sum(), points)
    assert slope.isfinite().all() and slope.abs().sum() > 0


def test_detectors_have_vectors_over_time_and_classifiers_have_none():
    crnn = start(load_adapter("crnn"))
    encoder = encoder_of(crnn, over_time=True)
    vectors = encoder.hear(batch(crnn.card.sample_rate, crnn.card.clip_seconds or 10.0))
    assert vectors.ndim == 3 and encoder.hop == crnn.card.frame_seconds
    np.testing.assert_allclose(encoder_of(crnn).hear(batch(crnn.card.sample_rate, 10.0)), vectors.mean(1), atol=1e-5)
    with pytest.raises(AdapterError, match="decides once for each clip"):
        encoder_of(start(load_adapter("cnn")), over_time=True)


class Own(TorchAdapter):
    card = Card(name="own", **WORDS)

    def build(self):
        network = torch.nn.Linear(8000, 2)
        network.embed = lambda wave: wave[:, :3] * 2
        return network

    def forward(self, waveforms):
        made = self.model.embed(waveforms[:, 0])
        return made[:, :2]


def test_a_network_with_an_embed_of_its_own_is_taken_at_its_word():
    own = Own()
    own.load()
    encoder = encoder_of(own)
    heard = batch(8000)
    np.testing.assert_allclose(encoder.hear(heard), 2 * heard.waveforms[:, 0, :3])
    assert encoder.source == "the embed() of its network"
    # What was put in the place of the method is gone again.
    assert own.model.embed(torch.ones(1, 4)).tolist() == [[2.0, 2.0, 2.0]]


class Foreign(Adapter):
    card = Card(name="foreign", **WORDS)

    def predict(self, batch):
        return np.zeros((len(batch), 2), np.float32)


class Told(Foreign):
    width = 4

    def embed(self, batch):
        return np.full((len(batch), self.width), 0.5)


class Nested(TorchAdapter):
    card = Card(name="nested", **WORDS)

    def build(self):
        return torch.nn.Sequential(torch.nn.Linear(80, 5), torch.nn.Linear(5, 2))

    def forward(self, waveforms):
        pieces = waveforms[:, 0].unfold(1, 80, 80)
        return self.model(pieces.reshape(-1, 80)).reshape(len(waveforms), -1, 2).mean(1)


class Odd(Told):
    def embed(self, batch):
        return np.zeros(3)


class NoClasses(TorchAdapter):
    card = Card(name="classless", **WORDS)

    def build(self):
        return torch.nn.Linear(8000, 3)

    def forward(self, waveforms):
        return self.model(waveforms[:, 0])[:, :2]


def test_a_model_that_torch_does_not_see_embeds_itself():
    encoder = encoder_of(Told())
    assert encoder.path is None and encoder.hear(batch(8000)).shape == (2, 4) and encoder.width == 4


@pytest.mark.parametrize(
    ("adapter", "said"),
    [
        (Foreign(), "foreign shows no embeddings"),
        (Odd(), "embed of foreign returned float64 [3]"),
        (Nested(), "of which no vectors can be made"),
        (NoClasses(), "no layer of classless gives its 2 classes"),
    ],
    ids=["nothing", "odd shape", "clips and pieces on one axis", "no last layer"],
)
def test_models_without_vectors_say_so(adapter, said):
    adapter.load()
    with pytest.raises(AdapterError) as caught:
        encoder_of(adapter)
    assert said in str(caught.value)


def test_an_ensemble_has_no_vectors_of_its_own():
    with pytest.raises(AdapterError, match="2 networks"):
        encoder_of(start(load_adapter("ensemble")))


def test_a_dual_encoder_shows_its_sounds_and_a_twin_in_fewer_bits_its_model():
    dual = start(load_adapter("dual_encoder"))
    heard = batch(dual.card.sample_rate, dual.card.clip_seconds or 2.0)
    with torch.no_grad():
        sounds = dual.sound(torch.from_numpy(heard.waveforms)).numpy()
    np.testing.assert_allclose(encoder_of(dual).hear(heard), sounds, atol=1e-6)
    half = start(load_adapter("cnn", {"precision": "bf16"}))
    assert encoder_of(half).width == 64


def test_what_an_encoder_raises_is_its_own_fault():
    class Broken(Adapter):
        card = Card(name="broken", **WORDS)

        def embed(self, batch):
            raise ValueError("no such filter")

        def predict(self, batch):
            return np.zeros((len(batch), 2), np.float32)

    adapter = Broken()
    adapter.load("cpu")
    with pytest.raises(AdapterError, match="broken raised ValueError: no such filter when it embedded noise"):
        encoder_of(adapter)
