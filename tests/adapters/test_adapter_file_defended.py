"""Defences in front of a small model: they answer, they are attacked by those who know them, and they never lie."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_traps import Trap, write

from benchbed.adapter.load import load_adapter, start
from benchbed.errors import ConfigError
from benchbed.rng import preserved_global_state
from benchbed.types import Batch

DEFENCES = ("denoise", "band_limit", "quantise", "codec", "shift", "noise", "smoothing", "squeeze", "detector")
RANDOM = ("shift", "noise", "smoothing")


@pytest.fixture
def defended(tmp_path):
    def make(defence: str, **options):
        inner = write(tmp_path, "plain", Trap())
        return start(load_adapter("adapters/defended.py", {"model": str(inner), "defence": defence, **options}))

    return make


def clips(count: int = 4, rate: int = 8000) -> np.ndarray:
    time, random = np.arange(2000) / rate, np.random.default_rng(0)
    tones = [0.2 * np.sin(2 * np.pi * pitch * time) for pitch in (250, 1000, 3000, 250)][:count]
    return (np.stack(tones) + 0.02 * random.standard_normal((count, 2000))).astype(np.float32)[:, None]


def answers(adapter, waveforms):
    return adapter.predict(Batch(waveforms, np.full(len(waveforms), 2000), 8000))


@pytest.mark.parametrize("defence", DEFENCES)
def test_a_defence_answers_and_its_gradient_is_there(defended, defence):
    adapter = defended(defence)
    scores = answers(adapter, clips())
    assert scores.shape == (4, 3) and np.isfinite(scores).all()
    assert adapter.card.name == f"plain_{defence}" and adapter.undefended is not None
    path = adapter.forward or adapter.surrogate
    point = torch.from_numpy(clips()).requires_grad_(True)
    (slope,) = torch.autograd.grad(path(point)[:, 0].sum(), point)
    assert float(slope.abs().sum()) > 0 and bool(slope.isfinite().all())


@pytest.mark.parametrize("defence", [d for d in DEFENCES if d not in (*RANDOM, "detector")])
def test_forward_agrees_with_predict(defended, defence):
    adapter = defended(defence)
    with torch.no_grad():
        given = adapter.forward(torch.from_numpy(clips())).numpy()
    assert given == pytest.approx(answers(adapter, clips()), abs=1e-4)


def test_what_is_random_follows_the_seed_and_nothing_else(defended):
    for defence in RANDOM:
        adapter = defended(defence, strength=0.3 if defence != "shift" else 50.0)
        found = []
        for seed in (1, 1, 2):
            with preserved_global_state(seed):
                found.append(answers(adapter, clips()))
        assert np.array_equal(found[0], found[1]), defence
        assert not np.array_equal(found[0], found[2]), defence


def test_each_defence_does_what_it_says(defended):
    loud = torch.from_numpy(clips())
    coarse = defended("quantise", strength=4).applied(loud)
    assert torch.equal(coarse, (loud * 8).round() / 8)
    low = defended("band_limit", strength=500.0).applied(loud)
    power = torch.fft.rfft(low).abs().square()[:, 0]
    assert float(power[:, 130:].sum() / power.sum()) < 1e-8
    moved = defended("shift", strength=100.0).applied(loud)
    assert bool(torch.isclose(moved.flatten(1).norm(dim=1), loud.flatten(1).norm(dim=1)).all())
    spike = torch.zeros(1, 1, 2000)
    spike[0, 0, 1000] = 0.9
    assert float(defended("squeeze", strength=16).applied(spike).abs().max()) == 0.0
    coded = defended("codec", strength=64).applied(loud)
    assert coded.shape == loud.shape and 0 < float((coded - loud).norm() / loud.norm()) < 0.5


def test_a_refusal_is_never_a_right_answer(defended):
    adapter = defended("detector", strength=2)
    scores, plain = answers(adapter, clips()), answers(adapter.undefended, clips())
    refused = scores.argmax(1) != plain.argmax(1)
    assert (scores.argmax(1)[refused] == plain.argmin(1)[refused]).all()


def test_a_vote_counts_classes(defended):
    scores = answers(defended("smoothing", strength=0.01, votes=8), clips())
    assert np.exp(scores).sum(1) == pytest.approx(np.ones(4), abs=1e-5)
    assert scores.argmax(1).tolist() == [0, 1, 2, 0]


def test_wrong_options_say_what_a_strength_is(defended):
    with pytest.raises(ConfigError, match="bits per sample"):
        defended("quantise", strength=-1)
    with pytest.raises(Exception, match="defence"):
        defended("prayer")
