"""Clips longer than a model's input: heard in windows by declaration, joined, recorded, attacked as they are heard."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed import audio
from benchbed.adapter.contract import Adapter
from benchbed.card import Card
from benchbed.errors import AdapterError
from benchbed.outputs import output_of
from benchbed.outputs.cards import impossible
from benchbed.run.computing.hearing import hearing_of

RATE = 8000


class Loudness(Adapter):
    """Probability of `loud` is the mean square of a window of a second, times four."""

    def __init__(self, **card) -> None:
        fields = {"clip_seconds": 1.0, "scores": "probabilities", **card}
        self.card = Card("loudness", "other", "scene", ("loud", "quiet"), RATE, **fields)
        self.lengths: list[int] = []

    def predict(self, batch):
        self.lengths += [batch.waveforms.shape[2]] * len(batch)
        loud = (4 * batch.waveforms.astype(np.float64) ** 2).mean((1, 2))
        return np.stack([loud, 1 - loud], 1)


def heard(model: Loudness, clip: np.ndarray, **options) -> np.ndarray:
    output = output_of("scene")
    hearing = hearing_of(output, model.card, 4, **options)
    given = hearing.given(clip, RATE)
    reading = output.read(model.card, model.card.labels)
    raw = hearing.ask(model, reading, given.waveform[None], {})
    return reading.answers(raw, [hearing.heard(given.waveform.shape[1], clip.shape[1] / RATE)])[0]


def steps(*levels: float) -> np.ndarray:
    """A second of each level."""
    return np.repeat(np.array(levels, np.float32), RATE)[None]


CLIP = steps(0.5, 0.0, 0.0, 0.0, 0.25)


def test_cropped_windowed_and_joined_by_hand():
    # The middle second is silent; over five windows 4·0.25 and 4·0.0625 make (1 + 0.25) / 5, the largest is 1.
    assert heard(Loudness(), CLIP)[0] == 0.0
    assert heard(Loudness(crop="start"), CLIP)[0] == 1.0
    assert heard(Loudness(window_hop=1.0), CLIP)[0] == pytest.approx(0.25)
    # Of (1, 0) and four more the largest are (1, 1), divided by their sum.
    assert heard(Loudness(window_hop=1.0, window_join="max"), CLIP)[0] == pytest.approx(0.5)
    # Half-second hops: 1, ½, 0, 0, 0, 0, 0, ⅛, ¼ over nine windows.
    assert heard(Loudness(window_hop=0.5), CLIP)[0] == pytest.approx(1.875 / 9)


def test_every_window_has_the_models_length_and_the_last_one_is_padded():
    model = Loudness(window_hop=0.5)
    heard(model, CLIP[:, : 3 * RATE + 100])
    assert model.lengths == [RATE] * 6
    model = Loudness(window_hop=0.5)
    heard(model, CLIP[:, : RATE // 2])
    assert model.lengths == [RATE]


def test_a_clip_of_the_models_length_is_heard_as_without_windows():
    clip = steps(0.3)
    assert heard(Loudness(window_hop=0.5), clip).tolist() == heard(Loudness(), clip).tolist()


def test_the_suite_goes_before_the_card():
    model = Loudness(window_hop=1.0)
    assert heard(model, CLIP, overlapping=(9.0, 1.0), how="max")[0] == pytest.approx(0.5)
    # A model without a length of its own takes the suite's, and a shorter clip whole.
    free = Loudness(clip_seconds=None)
    assert heard(free, CLIP, overlapping=(2.0, 1.0))[0] == pytest.approx((0.5 + 0 + 0 + 0.125) / 4)
    free.lengths.clear()
    heard(free, CLIP[:, :RATE], overlapping=(2.0, 1.0))
    assert free.lengths == [RATE]


def test_what_was_done_is_said():
    output = output_of("scene")
    said = hearing_of(output, Loudness(window_hop=0.5).card, 4).describe()
    assert said == "windows of 1 s every 0.5 s, mean of their probabilities (from the card)"
    assert "crop: center" in hearing_of(output, Loudness().card, 4).describe()


def test_gaps_between_windows_are_refused():
    assert impossible(Loudness(window_hop=1.5).card) and not impossible(Loudness(window_hop=1.0).card)
    assert impossible(Loudness(clip_seconds=None, window_hop=1.0).card)
    with pytest.raises(AdapterError, match="window_join"):
        Loudness(window_hop=1.0, window_join="median")


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_the_differentiable_path_hears_the_same_windows(how, scores):
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(2, RATE, generator=generator) / RATE**0.5

    class Linear(Loudness):
        def forward(self, waveforms):
            logits = 10 * waveforms.flatten(1) @ weight.T
            return logits if scores == "logits" else logits.softmax(1)

        def predict(self, batch):
            return self.forward(torch.from_numpy(batch.waveforms)).numpy()

    model = Linear(scores=scores, window_hop=0.5, window_join=how)
    output = output_of("scene")
    hearing = hearing_of(output, model.card, 3)
    clips = np.stack([hearing.given(CLIP * gain, RATE).waveform for gain in (1.0, -0.3)])
    raw = hearing.ask(model, output.read(model.card, model.card.labels), clips, {})
    points = torch.from_numpy(clips).requires_grad_(True)
    twin = hearing.through(model.forward)(points)
    np.testing.assert_allclose(twin.detach().numpy(), raw, rtol=1e-4, atol=1e-5)
    twin[:, 0].sum().backward()
    if how == "mean":
        # Every sample that is heard has a gradient.
        assert float((points.grad != 0).float().mean()) > 0.99


def test_an_unknown_crop_is_no_crop_from_the_start():
    with pytest.raises(ValueError, match="centre"):
        audio.fit(CLIP, 100, crop="centre")
