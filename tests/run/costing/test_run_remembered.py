"""Counts that are kept between runs: the same figures, counted once, and anew where anything they rest on changed."""

from __future__ import annotations

import dataclasses

import pytest

from benchbed.adapter.load import load_adapter, start
from benchbed.profile.session import LatencySettings, ProfileSettings, profile
from benchbed.run.costing.remembered import remembered

MODEL = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Mine(TorchAdapter):
    card = Card(name="mine", family="mlp", output="scene", labels=("low", "high"), sample_rate=8000, clip_seconds=0.5)

    def build(self):
        torch.manual_seed(0)
        return torch.nn.Linear(4000, {width})

    def forward(self, waveforms):
        return self.model(waveforms[:, 0])[:, :2]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHBED_CACHE", str(tmp_path / "cache"))
    # The first model that a process loads is told apart with care: torch reads sources of whoever called it then.
    Counter(1, tmp_path)
    return tmp_path


class Counter:
    def __init__(self, width: int, folder, **changes) -> None:
        path = folder / "mine.py"
        path.write_text(MODEL.format(width=width))
        self.model = load_adapter(str(path), {})
        self.adapter = start(self.model, "cpu")
        self.settings = dataclasses.replace(ProfileSettings(), **changes)
        self.times = 0

    def measure(self):
        self.times += 1
        return profile(self.adapter, ProfileSettings(layers=self.settings.layers))

    def counts(self):
        return remembered(self.model, "cpu", self.settings, self.measure)


def test_a_model_is_counted_once(folder):
    first, again = Counter(2, folder), Counter(2, folder)
    counted = first.counts()
    # 4,000 products for each of two outputs.
    assert counted["macs"]["value"] == 8000 and counted["parameters"]["value"] == 8002
    assert again.counts() == counted and (first.times, again.times) == (1, 0)


def test_another_network_of_the_same_name_is_counted_anew(folder):
    Counter(2, folder).counts()
    other = Counter(3, folder)
    assert other.counts()["macs"]["value"] == 12_000 and other.times == 1


def test_another_question_is_counted_anew(folder):
    Counter(2, folder).counts()
    layers = Counter(2, folder, layers=True)
    assert layers.counts()["compute"]["layers"] and layers.times == 1


def test_what_is_measured_is_never_remembered(folder):
    for _ in range(2):
        timed = Counter(2, folder, latency=LatencySettings())
        timed.counts()
        assert timed.times == 1


def test_a_damaged_or_closed_cache_costs_a_count_and_nothing_else(folder, monkeypatch):
    counted = Counter(2, folder).counts()
    (kept,) = (folder / "cache" / "counts").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"8000", b"9000"))
    again = Counter(2, folder)
    assert again.counts() == counted and again.times == 1
    monkeypatch.setenv("BENCHBED_CACHE", str(kept / "below a file"))
    closed = Counter(2, folder)
    assert closed.counts() == counted and closed.times == 1
