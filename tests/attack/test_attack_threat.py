"""Budgets: exact, nested, inside the box, whatever is asked of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.attack.threat import Ball, Threat
from benchbed.errors import ConfigError


def snr(clean, points):
    added = points.double() - clean.double()
    return 20 * torch.log10(clean.double().flatten(1).norm(dim=1) / added.flatten(1).norm(dim=1))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    norm=st.sampled_from(["l2", "linf"]),
    level=st.floats(0.001, 1.0),
    reach=st.floats(0.0, 100.0),
    db=st.floats(-20, 80),
    eps=st.floats(1e-5, 1.0),
)
def test_projected_points_keep_budget_and_box(seed, norm, level, reach, db, eps):
    random = np.random.Generator(np.random.Philox(key=seed))
    clean = torch.from_numpy((level * random.uniform(-1, 1, (3, 2, 50))).astype(np.float32))
    points = clean + torch.from_numpy((reach * random.standard_normal((3, 2, 50))).astype(np.float32))
    threat = Threat(norm, db if norm == "l2" else eps)
    found = Ball.of(threat, clean).project(points)
    added = (found.double() - clean.double()).flatten(1)
    assert float(found.abs().max()) <= 1.0
    if norm == "linf":
        assert float(added.abs().max()) <= eps + 1e-6
    else:
        limit = clean.double().flatten(1).norm(dim=1) * 10 ** (-db / 20)
        assert bool((added.norm(dim=1) <= limit * (1 + 1e-4) + 1e-6).all())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), reach=st.floats(0.0, 100.0), db=st.floats(-20, 90), dead=st.booleans())
def test_each_channel_keeps_its_own_budget(seed, reach, db, dead):
    """Hand rule: the norm of what is added to a channel against the norm of that channel, whatever the others have."""
    random = np.random.Generator(np.random.Philox(key=seed))
    level = np.array([1.0, 0.1, 0.01, 0.0 if dead else 0.001])[:, None]
    clean = torch.from_numpy((level * random.uniform(-1, 1, (2, 4, 60))).astype(np.float32))
    points = clean + torch.from_numpy((reach * random.standard_normal((2, 4, 60))).astype(np.float32))
    ball = Ball.of(Threat("l2", db, "each"), clean)
    limit = clean.double().norm(dim=2) * 10 ** (-db / 20)
    for found in (ball.project(points), ball.into(points.clone()), ball.spread(points - clean)):
        added = (found.double() - clean.double()).norm(dim=2)
        assert bool((added <= limit * (1 + 1e-4) + 1e-9).all())
        assert float(found.abs().max()) <= 1.0
        assert not dead or torch.equal(found[:, 3], clean[:, 3])
    gradient = torch.from_numpy(random.standard_normal((2, 4, 60)).astype(np.float32))
    moved = ball.climbed(clean.clone(), gradient, 2 * ball.radius)
    assert bool(((moved.double() - clean.double()).norm(dim=2) <= limit * (1 + 1e-4) + 1e-9).all())


def test_over_all_channels_an_array_can_hide_its_budget_in_the_softest():
    clean = torch.ones(1, 2, 100) * torch.tensor([0.5, 0.005])[:, None]
    gradient = torch.zeros(1, 2, 100)
    gradient[:, 1] = 1.0
    together, each = (Ball.of(Threat("l2", 20.0, how), clean).steepest(gradient) for how in ("together", "each"))
    hidden = Ball.of(Threat("l2", 20.0), clean).spread(gradient) - clean
    assert 20 * np.log10(float(clean[0, 1].norm() / hidden[0, 1].norm())) < -19  # 20 dB over both channels
    bounded = Ball.of(Threat("l2", 20.0, "each"), clean).spread(gradient) - clean
    assert 20 * np.log10(float(clean[0, 1].norm() / bounded[0, 1].norm())) == pytest.approx(20, abs=0.01)
    assert torch.equal(together, each)
    assert Threat("l2", 20.0, "each").unit == "dB SNR, every channel"
    with pytest.raises(ConfigError, match="every sample of every channel"):
        Threat("linf", 0.1, "each")


@pytest.mark.parametrize("db", [40.0, 30.0, 20.0, 10.0])
def test_the_snr_of_a_point_on_the_edge_is_the_budget(db):
    """Hand rule: 20 log10 of the ratio of norms, per clip, so loud and soft clips get the same SNR."""
    clean = (
        torch.randn(4, 1, 4000, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1e-3, 0.01, 0.1, 0.2])[:, None, None]
    )
    edge = Ball.of(Threat("l2", db), clean).spread(torch.randn(4, 1, 4000, generator=torch.Generator().manual_seed(1)))
    assert snr(clean, edge).tolist() == pytest.approx([db] * 4, abs=0.001)


def test_a_clip_beyond_full_scale_may_stay_where_it_is():
    clean = torch.tensor([[[1.5, -2.0, 0.0]]])
    ball = Ball.of(Threat("linf", 0.1), clean)
    assert torch.equal(ball.project(clean), clean)
    assert ball.project(clean + 1).max() == 1.5


def test_silence_has_no_room_in_db_but_has_in_waveform_units():
    clean = torch.zeros(1, 1, 8)
    assert torch.equal(Ball.of(Threat("l2", 10.0), clean).spread(torch.ones(1, 1, 8)), clean)
    assert float(Ball.of(Threat("linf", 0.01), clean).spread(torch.ones(1, 1, 8)).max()) == pytest.approx(0.01)


def test_noise_of_every_budget_has_one_direction():
    clean, draw = torch.full((1, 1, 64), 0.1), torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(0))
    mild, strong = (Ball.of(Threat("l2", db), clean).spread(draw) - clean for db in (40.0, 20.0))
    assert torch.allclose(10 * mild, strong, atol=1e-6)


@pytest.mark.parametrize(("norm", "budget"), [("linf", 0.0), ("linf", 3.0), ("l2", 500.0), ("l1", 1.0)])
def test_senseless_budgets_are_refused(norm, budget):
    with pytest.raises(ConfigError):
        Threat(norm, budget)


@pytest.mark.parametrize("db", [60.0, 80.0, 100.0, 110.0, 120.0])
@pytest.mark.parametrize("where", ["project", "into", "spread"])
def test_budgets_hold_where_the_rounding_of_samples_is_as_large_as_the_perturbation(db, where):
    """At 100 dB a perturbation of 0.3 full scale is a few hundred steps of float32, and equal steps round alike."""
    clean = (0.3 * torch.sin(0.2 * torch.arange(1600)))[None, None]
    direction = torch.ones_like(clean)
    ball = Ball.of(Threat("l2", db), clean)
    found = {
        "project": lambda: ball.project(clean + 0.01 * direction),
        "into": lambda: ball.into(clean + 0.01 * direction),
        "spread": lambda: ball.spread(direction),
    }[where]()
    reached = float(snr(clean, found))
    # Samples near zero keep what they may; those near the peak lose less than a step each.
    assert db <= reached < db + (0.05 if db <= 100 else 3.0)
    assert float((found - clean).abs().max()) > 0


@pytest.mark.parametrize("eps", [1e-3, 1e-5, 1e-6, 1e-7])
def test_an_l_infinity_budget_is_never_left_by_rounding(eps):
    clean = (0.3 * torch.sin(0.2 * torch.arange(1600)))[None, None]
    ball = Ball.of(Threat("linf", eps), clean)
    radius = float(ball.radius[0])
    for sign in (1, -1):
        added = (ball.project(clean + sign).double() - clean.double()).abs()
        assert float(added.max()) <= radius
