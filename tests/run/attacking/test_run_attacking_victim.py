"""What attacks differentiate says the same as what is scored: for every kind of output, and on every grid of frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchbed.adapter import Card, TorchAdapter
from benchbed.outputs import output_of
from benchbed.rng import stream
from benchbed.run.attacking.goal import probabilities
from benchbed.run.attacking.view import View
from benchbed.run.computing.whole import Clip

LABELS = ("a", "b", "c", "d")
CARD = Card(name="t", family="other", output="tags", labels=LABELS, sample_rate=8000)


class Toy(TorchAdapter):
    """Random features of frames of 80 samples, or of the clip."""

    def __init__(self, card, squash=lambda scores: scores):
        self.card, self.squash = card, squash

    def build(self):
        made = torch.nn.Linear(80, len(self.card.labels))
        weight = stream("victim").standard_normal((len(self.card.labels), 80)).astype(np.float32)
        made.weight.data, made.bias.data = torch.from_numpy(weight), torch.linspace(-1, 1, len(self.card.labels))
        return made

    def forward(self, x):
        frames = self.model(x[:, 0].unflatten(1, (-1, 80)))
        return self.squash(frames if self.card.output == "frames" else frames.mean(1))


def view(card, task, squash=lambda scores: scores, labels=LABELS):
    adapter = Toy(card, squash)
    adapter.load("cpu")
    return View.of(adapter, card, labels, output_of(task), 4)


def agree(made: View, clip: np.ndarray, seconds: float, tolerance=1e-6):
    heard = made.input(Clip(clip, 8000, resampled=False, silent=False)).waveform[None]
    plain, usable = made.aligned(made.raw(heard), heard.shape[2], seconds)
    seen = made.victim(heard.shape[2], seconds).scores(torch.from_numpy(heard))
    assert usable.all()
    np.testing.assert_allclose(probabilities(seen.double().numpy()), plain, atol=tolerance)
    return plain


@pytest.mark.parametrize(
    ("card", "squash"),
    [
        (CARD, lambda s: s),
        (replace(CARD, scores="probabilities"), torch.sigmoid),
        (replace(CARD, scores="log_probabilities"), torch.nn.functional.logsigmoid),
        (replace(CARD, output="scene"), lambda s: s),
        (replace(CARD, output="scene", scores="probabilities"), lambda s: s.softmax(-1)),
        (replace(CARD, output="scene", scores="log_probabilities"), lambda s: s.log_softmax(-1)),
        (replace(CARD, label_map={"b": ("b", "d"), "d": ("a",)}), lambda s: s),
    ],
)
def test_log_odds_are_those_of_the_scored_probabilities(card, squash):
    wave = 0.3 * stream("clip").standard_normal((1, 1600)).astype(np.float32)
    labels = ("b", "c") if card.label_map else ("c", "a", "d", "b")
    agree(view(card, "tags", squash, labels), wave, 0.2)


@pytest.mark.parametrize("seconds", [0.4, 0.37, 1.0, 0.05])
@pytest.mark.parametrize(
    ("output", "window"), [("frames", 0.1), ("frames", 0.25), ("frames", None), ("tags", 0.1), ("tags", 0.25)]
)
def test_frames_cover_a_recording_as_they_are_scored(output, window, seconds):
    """Windows that divide the recording or do not, the last one padded, and taggers of windows."""
    card = replace(CARD, output=output, clip_seconds=window, frame_seconds=0.01 if output == "frames" else None)
    wave = 0.3 * stream("recording").standard_normal((1, round(seconds * 8000))).astype(np.float32)
    plain = agree(view(card, "frames"), wave, seconds)
    assert plain.shape[1] == np.ceil(round(seconds / (0.01 if output == "frames" else window), 6))


def test_gradients_of_frames_reach_every_window():
    card = replace(CARD, output="frames", clip_seconds=0.1, frame_seconds=0.01)
    made = view(card, "frames")
    wave = torch.from_numpy(0.3 * stream("gradient").standard_normal((2, 1, 3200)).astype(np.float32))
    victim = made.victim(3200, 0.4)
    _, scores, slope = victim.gradient(wave, torch.zeros(2, 40, 4), lambda s, t: s.flatten(1).sum(1))
    assert scores.shape == (2, 40, 4) and bool((slope != 0).all())
    assert made.fits(3200) == 1 and view(replace(card, clip_seconds=None), "frames").fits(3200) == 4
