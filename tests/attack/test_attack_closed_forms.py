"""Attacks against models whose robustness is known exactly."""

from __future__ import annotations

import pytest
import torch
from made_attacks import linear, problem

from benchbed.attack import resolve
from benchbed.attack.contract import Victim
from benchbed.attack.ensemble import ensemble, levels
from benchbed.attack.threat import Threat


def truly_robust(weight, clean, target, norm, radius):
    """Clips of a linear model that no point of the ball breaks: margin over the dual norm of the difference (exact)."""
    scores = clean.flatten(1) @ weight.T
    difference = weight[None] - weight[target][:, None]
    size = difference.abs().sum(-1) if norm == "linf" else difference.norm(dim=-1)
    margin = scores.gather(1, target[:, None]) - scores
    margin.scatter_(1, target[:, None], float("inf"))
    return ((margin - radius[:, None] * size).amin(1) > 0).tolist()


@pytest.mark.parametrize("classes", [2, 3, 10, 527])
@pytest.mark.parametrize(("norm", "budget"), [("linf", 0.001), ("linf", 0.004), ("l2", 35.0), ("l2", 25.0)])
def test_auto_pgd_finds_the_optimum_of_a_linear_model(classes, norm, budget):
    weight, clean, target = linear(classes)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, norm, budget)
    found = levels(lambda threat: asked, [Threat(norm, budget)], ensemble("fast"))[0]
    known = truly_robust(weight, clean, target, norm, asked.ball.radius)
    assert (~found.outcome.broken).tolist() == known


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "apgd_t"])
def test_with_two_classes_one_loss_reaches_the_dual_norm(name):
    """The margin of a two-class linear model falls by exactly ε·‖w‖₁."""
    weight, clean, target = linear(2)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "linf", 1e-4, stop=False)
    found = resolve(name).run(asked)
    clean_margin = asked.margin(clean.flatten(1) @ weight.T)
    expected = clean_margin - 1e-4 * (weight[0] - weight[1]).abs().sum()
    assert found.margin.tolist() == pytest.approx(expected.tolist(), abs=2e-5)


def test_logarithms_of_probabilities_change_no_flag():
    weight, clean, target = linear(10)
    flags = []
    for forward in (lambda x: x.flatten(1) @ weight.T, lambda x: (x.flatten(1) @ weight.T).log_softmax(1)):
        found = resolve("apgd", {"loss": "margin"}).run(problem(forward, clean, target, "linf", 0.001))
        flags.append(found.broken.tolist())
    assert flags[0] == flags[1]


def test_double_precision_models_keep_their_type():
    weight, clean, target = linear(3)
    weight, clean = weight.double(), clean.double()
    found = resolve("apgd").run(problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 25.0))
    assert found.points.dtype == torch.float64
    assert bool(found.broken.any())


def test_the_margin_loss_needs_no_third_class_and_no_scale():
    weight, clean, target = linear(2)
    for scale in (1e-3, 1.0, 1e4):
        asked = problem(lambda x, s=scale: s * (x.flatten(1) @ weight.T), clean, target, "linf", 0.003)
        known = truly_robust(weight, clean, target, "linf", asked.ball.radius)
        assert (~resolve("apgd", {"loss": "margin"}).run(asked).broken).tolist() == known


def test_more_steps_are_never_weaker_than_the_best_point_so_far():
    weight, clean, target = linear(10)
    asked = problem(lambda x: (x.flatten(1) @ weight.T).tanh(), clean, target, "linf", 0.0008)
    robust = [int((~resolve("pgd", {"steps": n}).run(asked).broken).sum()) for n in (1, 5, 20, 60)]
    assert robust == sorted(robust, reverse=True)


def test_the_worst_case_is_the_minimum_over_members():
    weight, clean, target = linear(10)
    forward = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    members = ensemble("fast").attacks
    asked = problem(forward, clean, target, "linf", 0.0008)
    alone = [~attack.run(asked).broken for attack in members]
    noise = [~resolve(name).run(asked).broken for name in ("white_noise", "pink_noise")]
    worst = torch.stack(alone + noise).all(0)
    found = levels(lambda threat: asked, [Threat("linf", 0.0008)], ensemble("fast"))[0]
    assert (~found.outcome.broken).tolist() == worst.tolist()


def test_a_clip_that_broke_stays_broken_at_every_larger_budget():
    weight, clean, target = linear(10)
    forward = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    threats = [Threat("l2", db) for db in (45.0, 35.0, 25.0)]
    found = levels(lambda t: problem(forward, clean, target, t.norm, t.budget), threats, ensemble("fast"))
    broken = [level.outcome.broken for level in found]
    assert bool((broken[0] <= broken[1]).all()) and bool((broken[1] <= broken[2]).all())
    assert bool((found[2].carried == broken[1]).all())


def test_targets_are_as_many_as_there_are_other_classes():
    assert resolve("apgd_t", {"steps": 10}).cost(2).backwards == 10
    assert resolve("apgd_t", {"steps": 10}).cost(527).backwards == 90


def test_evaluations_are_counted_and_stay_within_the_price():
    weight, clean, target = linear(3)
    for name in ("fgsm", "pgd", "apgd", "apgd_t", "square", "white_noise"):
        victim = Victim(lambda x: x.flatten(1) @ weight.T)
        attack = resolve(name)
        attack.run(problem(None, clean, target, "linf", 1e-7, victim=victim))
        price = attack.cost(3) * len(clean)
        assert 0 < victim.cost.forwards <= price.forwards
        assert victim.cost.backwards <= price.backwards
