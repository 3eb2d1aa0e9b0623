"""Small models with known answers, on one thread."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchbed.attack.contract import Problem, Victim
from benchbed.attack.losses import scene
from benchbed.attack.threat import Ball, Threat
from benchbed.rng import stream

RATE = 8000


@pytest.fixture(autouse=True)
def one_thread():
    """Results of one thread are the ones that are compared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def linear(classes: int, samples: int = 400, clips: int = 12, seed: int = 0):
    """A linear model, clips and its own answers to them."""
    random = stream("linear", classes, seed)
    weight = torch.from_numpy(random.standard_normal((classes, samples)).astype(np.float32)) / samples**0.5
    clean = 0.1 * torch.from_numpy(random.standard_normal((clips, 1, samples)).astype(np.float32))
    return weight, clean, (clean.flatten(1) @ weight.T).argmax(1)


def problem(forward, clean, target, norm="l2", budget=20.0, rate=RATE, **facts):
    """A problem of single-label clips."""
    victim = facts.pop("victim", None) or Victim(forward)
    return Problem(
        victim,
        Ball.of(Threat(norm, budget), clean),
        target,
        scene,
        [f"clip{i}" for i in range(len(clean))],
        0,
        rate,
        **facts,
    )
