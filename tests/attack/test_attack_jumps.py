"""Models that jump have slopes that no gradient tells; bent ones do not, however bent."""

from __future__ import annotations

import pytest
import torch

from benchbed.attack.contract import Problem, Victim
from benchbed.attack.jumps import jumps
from benchbed.attack.losses import scene
from benchbed.attack.threat import Ball, Threat


def problem(forward, norm="l2", budget=20.0, clips=4, samples=600):
    drawn = torch.Generator().manual_seed(0)
    clean = 0.1 * torch.randn(clips, 1, samples, generator=drawn)
    ids = [str(clip) for clip in range(clips)]
    return Problem(Victim(forward), Ball.of(Threat(norm, budget), clean), torch.zeros(clips).long(), scene, ids)


WAY = torch.randn(600, generator=torch.Generator().manual_seed(1)) / 600**0.5


def heard(change):
    """Two classes: the projection of what is heard on one direction, after a change, either way."""
    return lambda x: (change(x)[:, 0] @ WAY)[:, None] * torch.tensor([-1.0, 1.0])


BENT = {
    "straight": lambda x: x,
    "bent up": lambda x: (8 * x).exp(),
    "bent down": lambda x: (20 * x).tanh(),
    "kinked": lambda x: (x - 0.05).relu(),
    "quiet bins in logarithms": lambda x: (x.square() + 1e-4).log(),
}
JUMPING = {
    "a gate": lambda x: x * (x.detach().abs() > 0.15),
    "a step beside a slope": lambda x: x + 0.3 * (x > 0.02),
    "steps with the gradient of a slope": lambda x: x + (0.5 * (x * 20).round() / 20 - 0.5 * x).detach(),
}


@pytest.mark.parametrize("threat", [("l2", 40.0), ("l2", 20.0), ("linf", 0.005)])
@pytest.mark.parametrize("name", BENT)
def test_what_is_bent_does_not_jump(name, threat):
    assert not bool(jumps(problem(heard(BENT[name]), *threat)).any())


@pytest.mark.parametrize("name", ["a gate", "a step beside a slope"])
def test_what_jumps_is_seen(name):
    found = jumps(problem(heard(JUMPING[name])))
    assert 2 * int(found.sum()) >= len(found)


def test_a_straight_through_gradient_tells_the_mean_of_steps():
    """Under noise wider than a step the mean of steps is a slope, and the straight-through gradient is its own."""
    assert not bool(jumps(problem(heard(JUMPING["steps with the gradient of a slope"]), budget=5.0)).any())


def test_a_model_that_says_nothing_does_not_jump():
    assert not bool(jumps(problem(lambda x: 0 * x.sum((1, 2))[:, None] + torch.tensor([1.0, 0.0]))).any())


def test_draws_are_those_of_the_clip_whatever_stands_beside_it():
    made = problem(heard(JUMPING["a gate"]))
    alone = [bool(jumps(made.select(torch.tensor([clip])))[0]) for clip in range(4)]
    assert jumps(made).tolist() == alone
