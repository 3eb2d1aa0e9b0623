"""Checks of a corruption on a few clips: what is made once serves all of them, and they find what they look for."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed import rng
from benchbed.perturb import resolve
from benchbed.perturb.contract import Context
from benchbed.perturb.selfcheck import (
    Probe,
    canaries,
    check_all,
    lag,
    leaves_no_trace,
    log_mel_distance,
    order_free,
    severity_monotone,
)


@pytest.fixture
def probes() -> list[Probe]:
    return [
        Probe(name, 0.1 * rng.stream("probe", name).standard_normal((1, 8000), dtype=np.float32), 8000)
        for name in ("a", "b", "c")
    ]


@pytest.mark.parametrize("name", ["white_noise", "low_pass", "clipping"])
def test_nothing_is_made_twice_for_two_checks(name, probes, monkeypatch):
    corruption = resolve(name)
    made, apply = [], type(corruption).apply
    monkeypatch.setattr(type(corruption), "apply", lambda *given: made.append(given) or apply(*given))
    hashes: dict[str, str] = {}
    outcomes = check_all(name, corruption, probes, Context(), hashes)
    # Each clip alone and in another order; three bursts once.
    assert len(made) == (2 * 3 + 1) * len(corruption.parameters)
    assert hashes == canaries(name, corruption, probes, Context())
    alone = [severity_monotone, order_free, leaves_no_trace]
    assert [outcomes[place] for place in (0, 2, 3)] == [check(name, corruption, probes, Context()) for check in alone]


def test_a_distance_is_that_of_each_clip_from_its_own_clean_one(probes):
    corruption = resolve("white_noise")
    said = severity_monotone("white_noise", corruption, probes, Context()).message
    strongest = corruption.parameters[-1]
    distances = []
    for probe in probes:
        random = rng.stream("selfcheck", "white_noise", probe.id)
        state = corruption.prepare(probe.waveform, probe.sample_rate, random, Context())
        distances.append(log_mel_distance(probe.waveform, corruption.apply(state, strongest).waveform, 8000))
    assert said.split()[-2] == f"{np.mean(distances):.2f}"


def test_audio_that_is_changed_in_place_is_found_and_has_its_canaries(probes, monkeypatch):
    corruption = resolve("white_noise")
    prepare = type(corruption).prepare

    def careless(self, waveform, *given):
        state = prepare(self, waveform.copy(), *given)
        waveform *= 0.999
        return state

    monkeypatch.setattr(type(corruption), "prepare", careless)
    hashes: dict[str, str] = {}
    outcomes = check_all("white_noise", corruption, probes, Context(), hashes)
    assert outcomes[-1].status == "fail" and "changed in place" in outcomes[-1].message
    assert {key.rsplit("/", 1)[1] for key in hashes} == {"a", "b", "c"}


def test_a_sound_is_late_by_the_samples_it_was_moved():
    wave = rng.stream("late").standard_normal(4000)
    assert lag(wave, np.roll(wave, 37), 8000) == 37
    assert lag(wave, np.zeros(4000), 8000) is None
