"""Times taken in turns with a reference, and a gate that reads them."""

from __future__ import annotations

import time

import numpy as np
import pytest

from benchbed.adapter import Adapter, Card
from benchbed.gate.lookup import cost_of
from benchbed.profile.rounds import paired_rounds
from benchbed.profile.session import LatencySettings, ProfileSettings, profile


class Sleeper(Adapter):
    """Takes a known time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls: list[float] = []
        self.card = Card(
            name=f"sleeps {seconds}",
            family="other",
            output="scene",
            labels=("a", "b"),
            sample_rate=8000,
            clip_seconds=0.1,
        )

    def predict(self, batch):
        self.calls.append(time.perf_counter())
        time.sleep(self.seconds)
        return np.zeros((len(batch), 2), np.float32)


def test_the_ratio_is_that_of_the_work():
    found = paired_rounds(Sleeper(0.008), Sleeper(0.002), rounds=6, seconds=0.02)
    assert len(found["model"]) == len(found["reference"]) == 6
    assert found["unit"] == "ms" and found["reference_model"] == "sleeps 0.002"
    ratio = np.median(np.array(found["model"]) / np.array(found["reference"]))
    assert 2 < ratio < 6, "four times the work, less what a call costs anyway"


def test_model_and_reference_take_turns():
    model, reference = Sleeper(0.0), Sleeper(0.0)
    paired_rounds(model, reference, rounds=4, seconds=0.0)
    order = sorted([(t, "m") for t in model.calls] + [(t, "r") for t in reference.calls])
    turns = "".join(side for i, (_, side) in enumerate(order) if i == 0 or order[i - 1][1] != side)
    # Who begins alternates: m r | r m | m r | r m
    assert turns == "mrmrm"


def test_rounds_are_on_the_profile_where_a_gate_finds_them():
    settings = ProfileSettings(latency=LatencySettings((1,), 0.02, warmup=1, cold_start=False, rounds=5))
    found = profile(Sleeper(0.002), settings, timed_beside=Sleeper(0.001))

    class Result:
        scores: dict = {}  # noqa: RUF012
        profile = found

        class model:
            name = "m"

    assert cost_of(Result, "latency.rounds.model").rounds.shape == (5,)
    assert cost_of(Result, "latency.rounds.reference").value == pytest.approx(
        np.median(found["latency"]["rounds"]["reference"])
    )


def test_without_a_reference_there_are_no_rounds():
    settings = ProfileSettings(latency=LatencySettings((1,), 0.01, warmup=1, cold_start=False))
    assert "rounds" not in profile(Sleeper(0.001), settings)["latency"]
