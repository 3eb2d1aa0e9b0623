"""The shipped dual encoder, and the base class of models with two towers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchbed.adapter import Batch, Card
from benchbed.adapter.dual import DualEncoder
from benchbed.adapter.load import load_adapter, start
from benchbed.adapter.sliding import curve, moments
from benchbed.data import synthetic
from benchbed.data.synthesis.events_mixed import recorded
from benchbed.data.synthesis.moments import asked
from benchbed.errors import CheckpointError
from benchbed.types import Queries

ADAPTER = Path(__file__).parents[2] / "adapters" / "dual_encoder.py"


@pytest.fixture(scope="module")
def shipped():
    return start(load_adapter(str(ADAPTER)), "cpu")


def test_the_shipped_weights_are_small_and_know_what_they_hear(shipped):
    assert (ADAPTER.parent / "weights" / "dual_encoder.safetensors").stat().st_size < 1_000_000
    right = clips = 0
    for number in range(12):
        heard = recorded(0, "of no set", number, 6.0, "test")
        queries = [text for text, _ in asked(heard, number)]
        if not queries:
            continue
        wave = heard.samples.astype(np.float32)[None, None] / 32768
        strange = ["A blender is running", "A dog barks", "The clatter of dishes", "Someone talks", "An alarm rings"]
        strange = [text for text in strange if not {event.label for event in heard.events} & _labels(text)]
        batch = Batch(wave, np.array([wave.shape[2]]), 16000, {"queries": (Queries([*queries, *strange]),)})
        found = shipped.predict(batch)[0]
        right += found[: len(queries)].max() > found[len(queries) :].max()
        clips += 1
    assert clips >= 8 and right >= 0.7 * clips


def _labels(text):
    known = {"blender": "Blender", "dog": "Dog", "dishes": "Dishes", "talks": "Speech", "alarm": "Alarm_bell_ringing"}
    return {label for word, label in known.items() if word in text.lower()}


def test_forward_agrees_with_predict_and_has_a_gradient(shipped):
    queries = Queries(["A dog barks", "Rain", "A blender is running"])
    wave = np.random.default_rng(0).normal(0, 0.05, (2, 1, 32000)).astype(np.float32)
    plain = shipped.predict(Batch(wave, np.full(2, 32000), 16000, {"queries": (queries, queries)}))
    shipped.asked(queries)
    points = torch.from_numpy(wave).requires_grad_()
    scores = shipped.forward(points)
    np.testing.assert_allclose(scores.detach().numpy(), plain, atol=1e-5)
    scores[:, 0].sum().backward()
    assert torch.isfinite(points.grad).all() and points.grad.abs().max() > 0


def test_an_unknown_word_and_an_empty_text_are_texts(shipped):
    assert torch.isfinite(shipped.text(["", "xyzzy plugh", "!!!"])).all()


def test_a_checkpoint_without_words_is_refused(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="names no vocabulary"):
        load_adapter(str(ADAPTER), {"checkpoint": str(tmp_path / "a.safetensors")})


class Tones(DualEncoder):
    """Hears how much of two tones is in a window."""

    card = Card("tones", "other", "moments", (), 8000)
    slides, window_seconds, hop_seconds = True, 1.0, 0.5

    def build(self):
        return torch.nn.Identity()

    def sound(self, waveforms):
        time = torch.arange(waveforms.shape[2]) / 8000
        parts = []
        for hertz in (500.0, 1500.0):
            turn = 2 * torch.pi * hertz * time
            pair = [(waveforms[:, 0] * wave).mean(1) for wave in (torch.sin(turn), torch.cos(turn))]
            parts.append(torch.stack(pair).norm(dim=0))
        return torch.stack(parts, 1) + 1e-4

    def text(self, texts):
        return torch.tensor([[1.0, 0.0] if "low" in text else [0.0, 1.0] for text in texts])


def test_windows_find_where_a_text_is_heard():
    adapter = Tones()
    adapter.load("cpu")
    wave = np.zeros(20 * 8000, np.float32)
    wave[4 * 8000 : 8 * 8000] = np.sin(2 * np.pi * 500 * np.arange(4 * 8000) / 8000)
    wave[12 * 8000 : 15 * 8000] = np.sin(2 * np.pi * 1500 * np.arange(3 * 8000) / 8000)
    batch = Batch(wave[None, None], np.array([len(wave)]), 8000, {"queries": (("a low tone", "a high tone"),)})
    low, high = adapter.predict(batch)[0]
    assert low[0, :2] == pytest.approx([4, 8], abs=1.0) and high[0, :2] == pytest.approx([12, 15], abs=1.0)
    assert (np.diff(low[:, 2]) <= 0).all() and (low[:, 1] <= 20).all()


def test_a_short_recording_is_one_window_and_nothing_asked_is_nothing():
    adapter = Tones()
    adapter.load("cpu")
    wave = np.zeros((1, 1, 2000), np.float32)
    found = adapter.predict(Batch(wave, np.array([2000]), 8000, {"queries": (("low",),)}))[0]
    assert found[0].tolist() == [[0.0, 0.25, 0.0]]
    assert adapter.predict(Batch(wave, np.array([2000]), 8000, {"queries": ((),)}))[0] == ()


def test_a_curve_is_the_mean_of_the_windows_that_hold_a_moment():
    fits = curve(np.array([[1.0], [0.0], [0.0]]), 1.0, 2.0, 4.0, step=1.0)
    assert fits.ravel().tolist() == [1.0, 0.5, 0.0, 0.0]
    assert moments(np.zeros(8), 4.0).tolist() == [[0.0, 4.0, 0.0]]


def test_the_stand_in_sets_are_there():
    assert {"castella", "clotho", "dcase_retrieval"} <= set(synthetic.LAYOUTS)


@pytest.mark.parametrize("output", ["similarity", "moments"])
def test_checks_find_no_fault(output):
    from benchbed.adapter.check import check

    outcomes = check(load_adapter(str(ADAPTER), {"output": output}))
    assert [(one.name, one.message) for one in outcomes if one.status == "fail"] == []
    assert {"shape", "determinism", "listens"} <= {one.name for one in outcomes}
