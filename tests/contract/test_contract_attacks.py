"""What every registered attack must keep: budget, purity, determinism, own streams per clip, and nothing but failure
where there is nothing to find."""

from __future__ import annotations

import inspect
import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from benchbed.attack import ATTACKS, resolve
from benchbed.attack.contract import Attack, Problem, Victim
from benchbed.attack.losses import LOSSES, scene
from benchbed.attack.threat import Ball, Threat
from benchbed.errors import ConfigError
from benchbed.rng import stream

NAMES = ATTACKS.names()
QUICK = {"steps": 8, "restarts": 1, "queries": 20, "passes": 2, "targets": 2, "notes": 4}
SAMPLES, RATE = 1200, 8000


def quick(name):
    """The attack with few steps."""
    known = ATTACKS.get(name).ATTACK.defaults
    return resolve(name, {option: value for option, value in QUICK.items() if option in known})


@pytest.fixture(scope="module")
def model():
    weight = torch.from_numpy(stream("model").standard_normal((4, 2 * SAMPLES)).astype(np.float32)) / SAMPLES**0.5
    return lambda x: (3 * x.flatten(1)) @ weight.T


@pytest.fixture
def build(model):
    """A problem on two-channel clips, with what universal and transfer attacks need."""

    def make(name, norm="l2", budget=20.0, clips=5, forward=None):
        clean = 0.1 * torch.from_numpy(stream("clips").standard_normal((10, 2, SAMPLES)).astype(np.float32))
        target = model(clean).argmax(1)
        ids = [f"clip{i}" for i in range(10)]
        threat = Threat("l2", budget, "each") if norm == "l2-each" else Threat(norm, budget)
        whole = Problem(Victim(forward or model), Ball.of(threat, clean), target, scene, ids, 0, RATE)
        asked, fitting = whole.select(torch.arange(clips)), whole.select(torch.arange(5, 10))
        if quick(name).access == "universal":
            asked = replace(asked, fitted={name: quick(name).fit(fitting)})

        def craft(part, steps, loss):
            return resolve("pgd", {"steps": steps}).run(replace(part, stop=False)).points

        offered = asked.ball.spread(asked.noise("offered")).numpy()
        asked = replace(asked, offered={clip: (point,) for clip, point in zip(asked.ids, offered)})
        return replace(asked, sources={"other": craft})

    return make


@pytest.mark.parametrize("name", NAMES)
def test_it_is_described_and_priced(name):
    attack = quick(name)
    assert isinstance(attack, Attack)
    assert inspect.getmodule(type(attack)).__doc__
    assert attack.access in ("gradient", "scores", "transfer", "universal", "none")
    for classes in (2, 3, 10, 527):
        assert attack.cost(classes).forwards > 0
    with pytest.raises(ConfigError):
        resolve(name, {"no_such_option": 1})


@pytest.mark.parametrize("norm", ["l2", "linf", "l2-each"])
@pytest.mark.parametrize("name", NAMES)
def test_every_point_is_within_budget_and_box_and_clean_audio_is_left_alone(name, norm, build):
    budget = 0.01 if norm == "linf" else 20.0
    asked = build(name, norm, budget)
    clean = asked.ball.clean.clone()
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    found = quick(name).run(asked)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    assert torch.equal(asked.ball.clean, clean)
    added = (found.points.double() - clean).flatten(2 if norm == "l2-each" else 1)
    size = added.abs().amax(1) if norm == "linf" else added.norm(dim=-1)
    assert bool((size <= asked.ball.radius.double() * (1 + 1e-5) + 1e-7).all())
    assert float(found.points.abs().max()) <= 1.0
    # A point that failed is still a point of the attack, not the clean clip.
    assert bool((size > 0).all())


@pytest.mark.parametrize("name", NAMES)
def test_what_it_believes_is_what_the_model_answers(name, build, model):
    asked = build(name)
    found = quick(name).run(asked)
    assert found.broken.tolist() == (model(found.points).argmax(1) != asked.target).tolist()
    assert ((found.step >= 0) == found.broken).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_is_attacked_alike_in_any_company(name, build):
    asked = build(name, budget=30.0)
    together = quick(name).run(asked)
    again = quick(name).run(asked)
    assert torch.equal(together.points, again.points)
    rows = torch.tensor([4, 1])
    apart = quick(name).run(asked.select(rows))
    assert torch.allclose(apart.points, together.points[rows], atol=1e-5)
    assert apart.broken.tolist() == together.broken[rows].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_nan_is_no_success(name, build):
    asked = build(name)
    dead = replace(asked, victim=Victim(lambda x: x.flatten(1)[:, :4] * float("nan")), sources={})
    found = quick(name).run(dead)
    assert not bool(found.broken.any())
    assert bool(found.points.isfinite().all())


# Losses of a decoder's memory need the decoder: see tests/attack/test_attack_captions.py.
@pytest.mark.parametrize("name", [name for name in LOSSES.names() if not hasattr(LOSSES.get(name), "PATH")])
def test_losses_rise_as_the_margin_falls(name):
    """Each loss's gradient step lowers the task's margin, and margins are negative where the decision is wrong."""
    module = LOSSES.get(name)
    random = stream("losses", name)
    shape = {
        "scene": (6, 5),
        "tags": (6, 5),
        "frames": (6, 7, 5),
        "tracks": (6, 7, 3, 4, 3),
        "similarity": (6, 8),
        "count": (6, 1),
        "embedding": (6, 8),
    }[name]
    # In double precision: the angle of a source that is heard where it is has no slope that single precision can hold.
    scores = torch.from_numpy(random.standard_normal(shape))
    if name == "tracks":
        # Every source is heard where it is; then as many in other frames.
        directions = torch.nn.functional.normalize(scores[:, :, :1], dim=-1)
        there = torch.from_numpy(random.random((6, 7, 1, 4, 1))).round()
        scores = (0.8 * directions * there + 0.02 * scores).clamp(-1, 1)
        target = torch.cat([there, directions * there, torch.zeros_like(there)], -1)
        wrong = torch.cat([1 - there, directions * (1 - there), torch.zeros_like(there)], -1)
    elif name == "scene":
        target = scores.argmax(1)
        wrong = (target + 1) % 5
    elif name == "count":
        # Right to the last digit; then off by more than the count, of one at least.
        target, wrong = scores.clone(), scores - 3 * (1 + scores.abs())
    elif name == "embedding":
        # Where it was; then the other way.
        target, wrong = scores.clone(), -scores
    else:
        target = (scores > 0).float()
        wrong = 1 - target
    assert (module.margin(scores, target) >= 0).all()
    assert (module.margin(scores, wrong) < 0).all()
    assert set(module.DEFAULTS) <= set(module.LOSSES)
    for loss in module.LOSSES.values():
        leaf = scores.clone().requires_grad_(True)
        value = loss(leaf, target)
        assert value.shape == (6,) and bool(value.isfinite().all())
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        moved = module.margin(
            scores + 3 * slope / slope.flatten(1).norm(dim=1).clamp_min(1e-9).view(-1, *[1] * (scores.dim() - 1)),
            target,
        )
        assert bool((moved <= module.margin(scores, target) + 1e-5).all())
