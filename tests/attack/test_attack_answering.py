"""Black boxes: a substitute made from answers points where the gradient points, and decisions alone find a boundary."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_attacks import RATE, linear, problem

from benchbed.attack import resolve
from benchbed.attack.answering import BandEnergies, Substitute
from benchbed.attack.attacks import surrogate
from benchbed.attack.contract import Victim
from benchbed.attack.ensemble import ensemble
from benchbed.rng import stream


def bands_model(samples: int = 2000):
    """A model that hears energies of eight bands, as most models of sound do; its gradient is known to autograd."""
    weight = torch.from_numpy(stream("bands").standard_normal((3, 8)).astype(np.float32))

    def forward(x):
        power = torch.fft.rfft(x[:, 0]).abs().square() + 1e-4
        return torch.stack([part.sum(1).log() for part in power.split(samples // 16 + 1, 1)], 1) @ weight.T

    return forward


def sounds(count: int = 4, samples: int = 2000):
    random = stream("sounds")
    return 0.1 * torch.from_numpy(random.standard_normal((count, 1, samples)).astype(np.float32))


def test_directions_raise_what_is_wanted_and_have_unit_length():
    features, clip = BandEnergies(RATE), sounds(1)
    here = features(clip)
    wanted = torch.from_numpy(stream("wanted").standard_normal((3, here.shape[1])).astype(np.float32))
    directions = features.directions(clip, wanted)
    assert directions.flatten(1).norm(dim=1).tolist() == pytest.approx([1.0] * 3, rel=1e-4)
    raised = ((features(clip + 1e-3 * directions) - here) * wanted).sum(1)
    assert bool((raised > 0).all())


@pytest.mark.parametrize("rate", [8000, 16000, 32000, 48000])
def test_bands_of_every_rate_hear_something(rate):
    found = BandEnergies(rate)(sounds(2, rate // 4))
    assert found.shape[0] == 2 and bool(found.isfinite().all())
    assert BandEnergies(rate)(torch.zeros(1, 2, 100)).isfinite().all()


def test_a_substitute_points_to_the_gradient():
    """With a hundred answers the cosine to the true gradient is above that of as many directions of white noise."""
    forward, clip = bands_model(), sounds(1)
    features = BandEnergies(RATE)
    substitute, here, scores = Substitute(features), features(clip), forward(clip)
    drawn = torch.from_numpy(stream("hundred").standard_normal((100, here.shape[1])).astype(np.float32))
    steps = 1e-3 * features.directions(clip, drawn)
    changes, answers = features(clip + steps) - here, forward(clip + steps) - scores
    substitute.learn(steps / 1e-3, changes / 1e-3, answers / 1e-3)
    leaf = clip.clone().requires_grad_(True)
    (true,) = torch.autograd.grad((forward(leaf)[:, 0] - forward(leaf)[:, 1]).sum(), leaf)
    slope = substitute.slope(clip, torch.tensor([1.0, -1.0, 0.0]))
    cosine = float(torch.cosine_similarity(slope.flatten(), true.flatten(), dim=0))
    assert cosine > 1.5 * (100 / 2100) ** 0.5


@pytest.mark.parametrize(("norm", "budget"), [("l2", 30.0), ("linf", 0.002)])
def test_a_black_box_breaks_what_the_white_box_breaks(norm, budget):
    forward, clean = bands_model(), sounds(8)
    target = forward(clean).argmax(1)
    white = resolve("apgd", {"loss": "margin"}).run(problem(forward, clean, target, norm, budget)).broken
    asked = problem(forward, clean, target, norm, budget, victim=Victim(forward, differentiable=False))
    black = resolve("surrogate", {"queries": 800}).run(asked)
    assert abs(int(white.sum()) - int(black.broken.sum())) <= 1
    assert asked.victim.cost.forwards <= 8 * 800 and asked.victim.cost.backwards == 0


@pytest.mark.parametrize("name", ["surrogate", "boundary"])
@pytest.mark.parametrize(("norm", "budget"), [("l2", 10.0), ("linf", 0.02)])
def test_points_stay_in_the_ball_and_queries_in_their_number(name, norm, budget):
    weight, clean, target = linear(4, samples=600, clips=3)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, norm, budget)
    found = resolve(name, {"queries": 150}).run(asked)
    size = asked.ball.sizes((found.points - clean).double())
    assert bool((size <= asked.ball.radius.double() * (1 + 1e-5)).all())
    assert asked.victim.cost.forwards <= 3 * 150 and asked.victim.cost.backwards == 0
    assert bool((found.broken == (found.step >= 0)).all())


def test_a_boundary_is_found_where_scores_say_nothing():
    """Answers of one and zero: no score leads anywhere, and the decision alone gives the boundary away."""
    weight, clean, target = linear(3, samples=2000, clips=6)
    hard = lambda x: torch.nn.functional.one_hot((x.flatten(1) @ weight.T).argmax(1), 3).float()  # noqa: E731
    broken = {
        name: int(resolve(name, options).run(problem(hard, clean, target, "l2", 20.0)).broken.sum())
        for name, options in (("boundary", {"queries": 600}), ("surrogate", {"queries": 600}), ("white_noise", {}))
    }
    assert broken["boundary"] >= 3 > broken["white_noise"] and broken["boundary"] > broken["surrogate"]


def test_attacks_on_one_clip_know_nothing_of_the_clips_beside_it():
    forward, clean = bands_model(), sounds(3)
    target = forward(clean).argmax(1)
    whole = problem(forward, clean, target, "l2", 40.0)
    for name in ("surrogate", "boundary"):
        together = resolve(name, {"queries": 120}).run(whole)
        single = resolve(name, {"queries": 120}).run(whole.select(torch.tensor([2])))
        # Clips draw from streams of their own; what a batch rounds otherwise is the only difference.
        assert torch.allclose(together.points[2], single.points[0], atol=1e-4), name


def test_samples_that_are_too_many_to_keep_are_let_go_where_bands_are_enough(monkeypatch):
    """A model of bands is asked as often as was wanted; one of samples no more often than its samples can be kept."""
    monkeypatch.setattr(surrogate, "SAMPLED", 100)
    monkeypatch.setattr(surrogate, "KEPT", 300_000)
    forward, clean = bands_model(), sounds(1)
    weight, other, target = linear(4, samples=2000, clips=1)
    straight = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    asked = {}
    for name, heard, clips, right in (
        ("bands", forward, clean, forward(clean).argmax(1)),
        ("samples", straight, other, target),
    ):
        one = problem(heard, clips, right, "l2", 90.0)
        resolve("surrogate", {"queries": 400, "rounds": 4}).run(one)
        asked[name] = one.victim.cost.forwards
    assert asked["samples"] <= 300_000 // 2000
    assert 400 - 2 * surrogate.TRIED < asked["bands"] <= 400


def test_a_model_without_a_gradient_gets_thousands_of_queries():
    weak, strong = ensemble("standard", differentiable=False), ensemble("standard", differentiable=False, powered=True)
    assert [a.name for a in strong.attacks] == ["square", "transfer", "surrogate", "boundary"]
    assert strong.cost(10, 1, 1).forwards - weak.cost(10, 1, 1).forwards >= 5000
    assert not strong.white_box
