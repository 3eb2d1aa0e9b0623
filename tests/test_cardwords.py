"""Odd cards: each is one error that says what is wrong, with its line; none is taken in silence."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.adapter.contract import Card
from benchbed.adapter.load import load_adapter, start
from benchbed.errors import AdapterError
from benchbed.outputs.cards import impossible

RIGHT = {"name": "net", "family": "cnn", "output": "scene", "labels": ("a", "b"), "sample_rate": 8000}
ODD = {
    "crop of another tongue": ({"crop": "centre"}, "did you mean 'center'?"),
    "pad": ({"pad": "zero"}, "did you mean 'zeros'?"),
    "output": ({"output": "scenes"}, "did you mean 'scene'?"),
    "scores": ({"scores": "probability"}, "did you mean 'probabilities'?"),
    "scores in a list": ({"scores": ["logits"]}, "is not one of logits"),
    "one label as text": ({"labels": "dog"}, "('dog',)"),
    "labels that are numbers": ({"labels": (0, 1)}, "names are text"),
    "labels with none": ({"labels": ("a", None)}, "names are text"),
    "labels that are a number": ({"labels": 2}, "not a list of names"),
    "no labels at all": ({"labels": None}, "not a list of names"),
    "a set of data as text": ({"trained_on": "esc10"}, "('esc10',)"),
    "perturbations as text": ({"trained_with": "gain"}, "('gain',)"),
    "side information as text": ({"side_information": "device"}, "('device',)"),
    "rate as text": ({"sample_rate": "16000"}, "a whole number"),
    "rate with a fraction": ({"sample_rate": 44.1}, "a whole number"),
    "rate that is not there": ({"sample_rate": None}, "a whole number"),
    "rate nan": ({"sample_rate": float("nan")}, "a whole number"),
    "rate infinite": ({"sample_rate": float("inf")}, "a whole number"),
    "rate true": ({"sample_rate": True}, "a whole number"),
    "channels as text": ({"channels": "mono"}, "a whole number"),
    "length as text": ({"clip_seconds": "10 s"}, "a number of seconds"),
    "length nan": ({"clip_seconds": float("nan")}, "a number of seconds"),
    "shortest none": ({"min_seconds": None}, "a number of seconds"),
    "name none": ({"name": None}, "not text"),
    "name empty": ({"name": "  "}, "name is empty"),
    "family none": ({"family": None}, "not text"),
    "licence list": ({"licence": ["MIT"]}, "not text"),
    "label map list": ({"label_map": ["a"]}, "not a mapping"),
    "label map of text": ({"label_map": {"a": "Dog"}}, "('Dog',)"),
    "bits as text": ({"weight_bits": "8bit"}, "a whole number"),
}
IMPOSSIBLE = {
    "rate zero": {"sample_rate": 0},
    "rate below zero": {"sample_rate": -8000},
    "rate in the gigahertz": {"sample_rate": 10**12},
    "no channels": {"channels": 0},
    "a million channels": {"channels": 10**6},
    "no length": {"clip_seconds": 0.0},
    "negative length": {"clip_seconds": -1.0},
    "years": {"clip_seconds": 1e9},
    "shortest below zero": {"min_seconds": -1.0},
    "labels twice": {"labels": ("a", "a")},
    "no labels": {"labels": ()},
    "frames without a hop": {"output": "frames"},
    "frames of no length": {"output": "frames", "frame_seconds": 0.0},
}
SOURCE = """
from benchbed.adapter import Adapter, Card
import numpy as np

class Net(Adapter):
    card = Card({words})

    def predict(self, batch):
        return np.zeros((len(batch), 2), np.float32)
"""


@pytest.mark.parametrize("case", ODD)
def test_an_odd_card_is_refused(case):
    change, words = ODD[case]
    with pytest.raises(AdapterError, match="the card") as caught:
        Card(**{**RIGHT, **change})
    assert words in str(caught.value)


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_what_no_model_can_be_is_found(case):
    assert impossible(Card(**{**RIGHT, **IMPOSSIBLE[case]}))


def test_a_sound_card_has_no_fault_and_plain_values():
    card = Card(**{**RIGHT, "labels": ["a", "b"], "sample_rate": np.int64(8000), "clip_seconds": 10})
    assert impossible(card) == []
    assert card.labels == ("a", "b")
    assert type(card.sample_rate) is int
    assert type(card.clip_seconds) is float


def test_the_line_of_the_card_is_named(tmp_path):
    path = tmp_path / "net.py"
    given = ", ".join(f"{name}={value!r}" for name, value in {**RIGHT, "crop": "centre"}.items())
    path.write_text(SOURCE.replace("{words}", given))
    with pytest.raises(AdapterError) as caught:
        load_adapter(str(path))
    assert caught.value.where == f"{path}:6"


def test_a_word_that_a_card_does_not_have(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(SOURCE.replace("{words}", "nmae='net'"))
    with pytest.raises(AdapterError, match="unexpected keyword argument 'nmae'") as caught:
        load_adapter(str(path))
    assert caught.value.where == f"{path}:6"
    assert caught.value.hint == "did you mean 'name'?"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("def load(self, device): self.card = None", "has no card"),
        ("def load(self, device): self.card = {'name': 'net'}", "is dict, not a Card"),
        ("def load(self, device): self.card = Card('net', 'cnn', 'scenes', ('a',), 8000)", "did you mean 'scene'?"),
    ],
)
def test_a_card_that_loading_spoils(tmp_path, line, words):
    path = tmp_path / "net.py"
    given = ", ".join(f"{name}={value!r}" for name, value in RIGHT.items())
    path.write_text(SOURCE.replace("{words}", given) + f"\n    {line}\n")
    with pytest.raises(AdapterError) as caught:
        start(load_adapter(str(path)))
    assert words in str(caught.value)
