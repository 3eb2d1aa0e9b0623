"""torchattacks behind the bridge: its faults do not reach a figure, and it agrees with our own attacks."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
import torch
from made_attacks import linear, problem

from benchbed.attack import resolve
from benchbed.attack.threat import Ball
from benchbed.attack.torchattacks_bridge import ALLOWED, REFUSED
from benchbed.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def toy():
    """A model that is not linear, and clips that it answers as asked."""
    weight, clean, _ = linear(10, clips=8)
    second = linear(10, samples=10)[0]

    def forward(waveforms):
        return 3 * (4 * waveforms.flatten(1) @ weight.T).tanh() @ second.T

    return forward, clean, forward(clean).argmax(1)


@pytest.mark.parametrize(("name", "norm"), [(name, norm) for name, norms in ALLOWED.items() for norm in norms])
def test_every_allowed_attack_keeps_the_budget_and_leaves_no_trace(toy, name, norm):
    forward, clean, target = toy
    asked = problem(forward, clean[:3], target[:3], norm, 0.0005 if norm == "linf" else 38.0)
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    found = resolve(f"torchattacks:{name}").run(asked)
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
    added = (found.points.double() - asked.ball.clean).flatten(1)
    size = added.norm(dim=1) if norm == "l2" else added.abs().amax(1)
    assert bool((size <= asked.ball.radius * (1 + 1e-4) + 1e-7).all())
    # What the library fails on it returns clean; the strongest point tried is kept instead.
    assert bool((size > 0).all())
    assert found.broken.tolist() == (forward(found.points).argmax(1) != asked.target).tolist()


@pytest.mark.parametrize(("name", "norm", "budget"), [("PGD", "linf", 0.0004), ("PGDL2", "l2", 40.0)])
def test_the_library_is_given_half_the_radius_for_a_range_half_as_wide(toy, monkeypatch, name, norm, budget):
    """What the library itself returns is within the budget of the waveform, and uses it: nothing is left to cut."""
    forward, clean, target = toy
    asked = problem(forward, clean[:2], target[:2], norm, budget)
    given = []

    def kept(ball, points):
        given.append((points - ball.clean) / ball.radius)
        return points

    monkeypatch.setattr(Ball, "project", kept)
    resolve(f"torchattacks:{name}", {"steps": 5}).run(asked)
    size = torch.cat(given).flatten(1)
    used = size.norm(dim=1) if norm == "l2" else size.abs().amax(1)
    assert used.tolist() == pytest.approx([1.0, 1.0], rel=1e-2)


@pytest.mark.parametrize("name", ["APGD"])
def test_where_the_library_fails_the_strongest_point_is_kept_not_the_clean_clip(toy, name):
    forward, clean, target = toy
    asked = problem(forward, clean[:2], target[:2], "linf", 1e-6)
    found = resolve(f"torchattacks:{name}", {"steps": 3}).run(asked)
    assert not bool(found.broken.any())
    assert bool(((found.points - clean[:2]).abs().flatten(1).amax(1) > 0).all())
    assert bool((found.margin <= asked.margin(forward(clean[:2]))).all())


def test_results_do_not_depend_on_the_batch(toy):
    forward, clean, target = toy
    asked = problem(forward, clean, target, "linf", 0.0005)
    whole = resolve("torchattacks:PGD").run(asked).points
    part = resolve("torchattacks:PGD").run(asked.select(torch.tensor([3, 6]))).points
    assert torch.allclose(whole[[3, 6]], part, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "ours", "norm", "budget"),
    [
        ("PGD", "pgd", "linf", 0.0004),
        ("APGD", "apgd", "linf", 0.0004),
        ("APGD", "apgd", "l2", 40.0),
    ],
)
def test_robust_counts_agree_within_one(toy, name, ours, norm, budget):
    forward, clean, target = toy
    theirs = resolve(f"torchattacks:{name}", {"steps": 30})
    theirs.run(problem(forward, clean, target, norm, budget))
    mine = resolve(ours, {"steps": 30, "loss": "ce"}).run(problem(forward, clean, target, norm, budget))
    counts = int((~theirs.returned).sum()), int((~mine.broken).sum())
    assert abs(counts[0] - counts[1]) <= 1 and counts[1] <= counts[0]
    assert 0 < counts[1] < len(clean)


def test_a_loss_that_masks_with_zeros_works_on_logarithms_of_probabilities(toy):
    """CW's margin takes the largest of masked scores, which is 0 when all are negative: unmended it never succeeds."""
    forward, clean, target = toy
    log = problem(lambda x: forward(x).log_softmax(1), clean, target, "l2", 25.0)
    found = resolve("torchattacks:CW", {"steps": 30}).run(log)
    plain = resolve("torchattacks:CW", {"steps": 30}).run(problem(forward, clean, target, "l2", 25.0))
    assert int(found.broken.sum()) == int(plain.broken.sum()) > 0


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refusals_give_their_reason(name):
    with pytest.raises(ConfigError) as caught:
        resolve(f"torchattacks:{name}")
    assert REFUSED[name] in caught.value.what


def test_lists_cover_the_library():
    """Every attack of the installed library is either allowed or refused for a reason."""
    import torchattacks

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = {n for n in torchattacks.__all__ if isinstance(getattr(torchattacks, n), type)}
    known -= {"LGV"}  # an ensemble of retrained weights, not an attack of one model
    assert known <= set(ALLOWED) | set(REFUSED)
    assert not set(ALLOWED) & set(REFUSED)


def test_budgets_cannot_be_smuggled_in_as_options():
    with pytest.raises(ConfigError, match="budget"):
        resolve("torchattacks:PGD", {"eps": 0.3})
    with pytest.raises(ConfigError, match="steps"):
        resolve("torchattacks:PGD", {"stps": 3})


def test_several_labels_are_not_taken_for_soft_ones(toy):
    forward, clean, _ = toy
    with pytest.raises(ConfigError, match="soft"):
        resolve("torchattacks:PGD").run(problem(forward, clean, torch.ones(8, 10), "linf", 0.001))


@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_are_refused_where_the_library_would_crash(classes):
    weight, clean, target = linear(classes)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 1e-5)
    with pytest.raises(ConfigError, match="four classes"):
        resolve("torchattacks:APGDT").run(asked)
    assert len(resolve("torchattacks:APGD").run(asked).points) == len(clean)
