"""Models cut behind their front end: the parts answer as the whole, and a model that looks past its front end is left
whole."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.cutting import cut_at_front_end, trial_clips
from benchbed.adapter.frontend import LogMel
from benchbed.adapter.halves import FrontAndRest
from benchbed.adapter.load import load_adapter, start


class Network(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.front, self.head, self.way = LogMel(8000, 8, n_fft=128, hop_length=64), nn.Linear(8, 2), way

    def forward(self, waveforms):
        heard = waveforms[:, 0] if self.way == "channel" else waveforms
        heard = heard * 0.5 if self.way == "scaled" else heard
        heard = heard[..., :6000] if self.way == "cropped" else heard
        scores = self.head(self.front(heard).mean(-1))
        if self.way == "level":
            scores = scores + waveforms.square().mean()
        if self.way == "twice":
            scores = scores + self.head(self.front(heard).amax(-1))
        return scores


class Small(TorchAdapter):
    card = Card(name="small", family="cnn", output="scene", labels=("a", "b"), sample_rate=8000)

    def __init__(self, way="plain"):
        self.way = way

    def build(self):
        return Network(self.way)


def loaded(way):
    made = Small(way)
    made.load("cpu")
    return made


@pytest.mark.parametrize("way", ["plain", "channel"])
def test_the_parts_answer_as_the_whole(way):
    model = loaded(way)
    parts, clips = cut_at_front_end(model), trial_clips(model.card, samples=4000)
    assert parts.fits(4000)
    with torch.inference_mode():
        torch.testing.assert_close(parts.behind(parts.front(clips), 4000), model.forward(clips), rtol=0, atol=0)
    assert {id(p) for p in parts.network.parameters()} == {id(p) for p in model.model.parameters()}


@pytest.mark.parametrize("way", ["scaled", "level", "twice", "cropped"])
def test_a_model_that_its_front_end_does_not_speak_for_is_left_whole(way):
    assert cut_at_front_end(loaded(way)) is None


def test_a_length_that_the_model_treats_otherwise_is_seen():
    model = loaded("cropped")
    from benchbed.adapter.cutting import CutModel

    parts = CutModel(model, model.model.front)
    assert parts.fits(6000) and not parts.fits(8000)


def test_a_model_without_a_front_end_is_left_whole():
    assert cut_at_front_end(start(load_adapter("mcnn"))) is None


def test_the_front_end_itself_stays():
    model = loaded("plain")
    cut_at_front_end(model)
    assert isinstance(model.model.front, LogMel) and not model.model.front._forward_pre_hooks


def test_both_kinds_of_halves_offer_what_runs_ask_of_them():
    twin = start(load_adapter("cnn", {"backend": "onnx"}))
    for parts, samples in ((cut_at_front_end(loaded("plain")), 4000), (twin.parts, 32000)):
        assert isinstance(parts, FrontAndRest) and isinstance(parts.front, LogMel) and parts.fits(samples)
        clips = 0.1 * torch.ones(2, 1, samples)
        with torch.inference_mode():
            assert parts.behind(parts.front(clips), samples).shape[0] == 2
