"""Threats beyond a ball and a budget: the smallest perturbation, sounds that fall anywhere, rooms, classes by class."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from made_attacks import RATE, linear, problem

from benchbed.attack import resolve, sanity
from benchbed.attack.air import Surroundings, heard_through, split
from benchbed.attack.attacks.displacement import displaced
from benchbed.attack.ensemble import ensemble, levels
from benchbed.attack.frequency import band_pass
from benchbed.attack.threat import Threat
from benchbed.errors import ConfigError
from benchbed.metrics.adversarial import cell_figures
from benchbed.run.scoring.attacks import flags_of
from benchbed.stats.bootstrap import Bootstrap


def distances(weight, clean, target):
    """Exact L2 distance of each clip to the nearest boundary of a linear model."""
    scores = clean.flatten(1) @ weight.T
    size = (weight[None] - weight[target][:, None]).norm(dim=-1)
    apart = (scores.gather(1, target[:, None]) - scores) / size.clamp_min(1e-12)
    return apart.scatter(1, target[:, None], float("inf")).amin(1)


@pytest.mark.parametrize("classes", [2, 10])
def test_the_smallest_perturbation_of_a_linear_model_is_its_distance_to_the_boundary(classes):
    weight, clean, target = linear(classes)
    made = lambda threat: problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", threat.budget)  # noqa: E731
    found = levels(made, [Threat("l2", 60.0), Threat("l2", -10.0)], ensemble("minimal"))[-1]
    reached = (found.outcome.points - clean).flatten(1).norm(dim=1)
    exact = distances(weight, clean, target)
    assert bool(found.outcome.broken.all())
    apart = 20 * torch.log10(reached / exact)
    assert float(apart.min()) > -0.01 and float(apart.max()) < 0.1  # dB; never less than what is possible


def test_one_search_answers_for_every_budget():
    weight, clean, target = linear(10)
    victims = []

    def made(threat):
        one = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", threat.budget)
        victims.append(one.victim)
        return one

    budgets = [50.0, 40.0, 30.0, 25.0, 20.0, 10.0, 0.0]
    found = levels(made, [Threat("l2", budget) for budget in budgets], ensemble("minimal"))
    radius = clean.flatten(1).norm(dim=1)
    exact = 20 * torch.log10(radius / distances(weight, clean, target))
    for budget, level in zip(budgets, found):
        assert level.outcome.broken.tolist() == (exact >= budget).tolist()
        added = (level.outcome.points - clean).flatten(1).norm(dim=1)
        assert bool((added <= radius * 10 ** (-budget / 20) * (1 + 1e-5)).all())
    # One search: its gradients are those of one budget, whatever the suite lists.
    assert sum(victim.cost.backwards for victim in victims) <= 100 * len(clean)
    # What each clip took adds up to what the model was asked: a gradient counts as three answers.
    told = sum(sum(level.outcome.columns["passes"]) for level in found)
    assert told == sum(victim.cost.forwards + 2 * victim.cost.backwards for victim in victims)


def sliding(clean, at=None):
    """A model that hears one pattern of 40 samples wherever it is: the greatest correlation against a fixed score."""
    kernel = torch.sin(torch.arange(40.0))[None, None] / 4

    def forward(x):
        heard = torch.nn.functional.conv1d(x, kernel).amax((1, 2))
        return torch.stack([torch.full_like(heard, 0.35), heard], 1)

    return forward


def test_a_burst_is_short_and_works_where_it_was_not_made():
    clean = 0.05 * torch.from_numpy(np.random.default_rng(0).standard_normal((4, 1, 1600)).astype(np.float32))
    asked = problem(sliding(clean), clean, torch.zeros(4).long(), "l2", 0.0)
    found = resolve("burst", {"milliseconds": 20.0, "steps": 30, "loss": "margin"}).run(asked)
    added = (found.points - clean).abs()[:, 0]
    for row in added:
        heard = torch.nonzero(row > 1e-7)[:, 0]
        assert int(heard[-1] - heard[0]) < 0.02 * RATE
    assert found.broken.all() and found.columns["unseen_correct"] == [0.0] * 4
    starts = {int(torch.nonzero(row > 1e-7)[0, 0]) for row in added}
    assert len(starts) == 4  # every clip has a position of its own


def test_noise_in_the_same_window_does_not_do_what_the_burst_does():
    clean = 0.05 * torch.from_numpy(np.random.default_rng(0).standard_normal((4, 1, 1600)).astype(np.float32))
    asked = problem(sliding(clean), clean, torch.zeros(4).long(), "l2", 4.0)
    still = resolve("burst", {"milliseconds": 20.0, "steps": 1, "draws": 1, "loss": "margin"}).run(asked)
    moved = resolve("burst", {"milliseconds": 20.0, "steps": 40, "loss": "margin"}).run(asked)
    assert float(moved.margin.mean()) < float(still.margin.mean()) - 0.1


@pytest.mark.parametrize(
    ("name", "options"), [("burst", {"milliseconds": 10}), ("over_air", {}), ("displacement", {})], ids=str
)
def test_what_is_planted_in_the_attackers_own_part_of_the_ball_is_found_by_an_attack_that_looks(name, options):
    """A direction of scores, which a burst reaches wherever it falls: 12 random ones do not lie as far as a climb."""
    spectrum = lambda x: torch.fft.rfft(x[:, 0]).abs()[:, 1:].log1p().unflatten(1, (4, -1)).mean(2)  # noqa: E731
    clean = 0.1 * torch.from_numpy(np.random.default_rng(0).standard_normal((4, 1, 800)).astype(np.float32))
    asked = problem(spectrum, clean, torch.zeros(4, dtype=torch.int64), "l2", 10.0)
    good = sanity.planted(asked, resolve(name, {**options, "steps": 40}))
    assert (good.n, good.bad) == (4, 0)
    # The right scores with the gradient of something else: it leads nowhere.
    other = torch.from_numpy(np.random.default_rng(1).standard_normal((800, 4)).astype(np.float32))
    aside = lambda x: spectrum(x.detach()) + (x - x.detach()).flatten(1) @ other  # noqa: E731
    masked = replace(asked.victim, attack_forward=aside)
    assert sanity.planted(replace(asked, victim=masked), resolve(name, {**options, "steps": 40})).bad >= 3


def test_a_burst_with_all_of_the_clip_to_use_must_break_what_a_burst_need_not():
    """A model that hears both halves of a clip and asks one of them only: a short burst in one leaves the other."""
    clean = 0.05 * torch.from_numpy(np.random.default_rng(0).standard_normal((4, 1, 800)).astype(np.float32))
    quietest = lambda x: x.unflatten(2, (8, 100)).square().mean(3).amin(2)[:, 0]  # noqa: E731
    forward = lambda x: torch.stack([torch.full((len(x),), 0.05), quietest(x)], 1)  # noqa: E731
    loud = problem(forward, clean, torch.zeros(4).long(), "l2", -20.0)
    burst = resolve("burst", {"milliseconds": 12.5, "steps": 30, "loss": "margin"})
    assert burst.spares and burst.unsparing().length(loud) == 800 and burst.length(loud) == 100
    assert sanity.unbounded(loud, burst).bad == 4  # rightly: the parts that it leaves are as quiet as ever
    assert sanity.unbounded(loud, burst.unsparing()).bad == 0
    # A model that answers the same to everything is one that nothing breaks, and the check says so.
    dead = replace(loud.victim, forward=lambda x: torch.stack([0 * x.sum((1, 2)) + 1, 0 * x.sum((1, 2))], 1))
    assert sanity.unbounded(replace(loud, victim=dead), burst.unsparing()).bad == 4


def test_a_burst_of_no_length_is_refused():
    weight, clean, target = linear(3)
    with pytest.raises(ConfigError, match="a burst of 0 milliseconds"):
        resolve("burst", {"milliseconds": 0}).run(problem(lambda x: x.flatten(1) @ weight.T, clean, target))


def test_convolution_is_that_of_numpy():
    random = np.random.default_rng(1)
    sound, one, two = random.standard_normal(300), random.standard_normal(50), random.standard_normal(700)
    expected = np.convolve(np.convolve(sound, one), two)[:300]
    got = heard_through(torch.from_numpy(sound), one, two).numpy()
    assert np.abs(got - expected).max() < 1e-4 * np.abs(expected).max()


def test_what_is_judged_in_was_never_learned_in():
    air = Surroundings.synthetic(RATE)
    assert not any(np.array_equal(one, other) for one in air.rooms for other in air.unseen_rooms)
    seen, unseen = split([np.ones(1) * i for i in range(9)], [f"{i}.wav" for i in range(9)])
    assert len(seen) == 7 and len(unseen) == 2
    assert not {float(one[0]) for one in seen} & {float(one[0]) for one in unseen}


def test_over_the_air_the_budget_is_about_what_arrives():
    weight, clean, target = linear(3, samples=800)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 20.0)
    air = Surroundings.synthetic(RATE)
    heard = replace(air, unseen_rooms=(np.eye(1, 900)[0] * 0.01,), unseen_loudspeakers=(np.ones(1),))
    found = resolve("over_air", {"steps": 6, "draws": 2}).run(replace(asked, surroundings=heard))
    snr = 20 * torch.log10(clean.flatten(1).norm(dim=1) / (found.points - clean).flatten(1).norm(dim=1))
    # A room that swallows 40 dB swallows nothing of the budget, which is set where the microphone is.
    assert snr.tolist() == pytest.approx([20.0] * len(clean), abs=0.01)


def test_the_matrix_of_classes_is_that_of_a_linear_model():
    weight, clean, target = linear(5)
    asked = problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 14.0)
    found = resolve("class_matrix", {"steps": 60}).run(asked)
    radius = asked.ball.radius
    for row in range(len(clean)):
        told = {int(k) for k in found.columns["reached"][row].split(",") if k}
        for k in set(range(5)) - {int(target[row])}:
            # Reachable iff some point of the ball has k above every other; checked along the best direction for k
            # against the class that holds out longest (a bound from both sides leaves the clear cases).
            scores = clean[row].flatten() @ weight.T
            gaps = [(scores[j] - scores[k]) / (weight[k] - weight[j]).norm() for j in range(5) if j != k]
            if max(gaps) > radius[row]:
                assert k not in told
            mean = weight[k] - weight[[j for j in range(5) if j != k]].mean(0)
            point = clean[row].flatten() + 0.999 * radius[row] * mean / mean.norm()
            if int((point @ weight.T).argmax()) == k:
                assert k in told


def test_the_answer_of_a_linear_encoder_is_turned_as_far_as_the_budget_can():
    """Of an encoder W, an added δ of norm ε turns W·x by at most asin(σ·ε / |W·x|) where σ is its largest gain; an
    orthogonal encoder reaches it."""
    random = np.random.default_rng(0)
    weight = torch.from_numpy(np.linalg.qr(random.standard_normal((60, 60)))[0].astype(np.float32))
    clean = 0.1 * torch.from_numpy(random.standard_normal((4, 1, 60)).astype(np.float32))
    forward = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    asked = problem(forward, clean, forward(clean).argmax(1), "l2", 10.0)
    found = resolve("displacement", {"steps": 60}).run(asked)
    best = 1 - np.cos(np.arcsin(10 ** (-10 / 20)))
    assert found.columns["displacement"] == pytest.approx([best] * 4, rel=0.02)
    noise = resolve("white_noise", {"draws": 1}).run(asked)
    turned = displaced(forward(clean), forward(noise.points))
    assert float(turned.max()) < min(found.columns["displacement"])


def test_what_is_displaced_is_told_as_a_mean_over_clips():
    table = pd.DataFrame(
        {"clean_correct": [True] * 3, "noise_correct": [True] * 3, "robust": [True, True, False]}
        | {"displacement": [0.2, 0.4, None]}
    )
    figure = cell_figures(flags_of(table, np.arange(3), np.arange(3), Bootstrap(3, draws=0)))["displacement"]
    assert figure.value == pytest.approx(0.3) and figure.n == 2


def test_foreign_sounds_outside_the_band_of_a_condition_are_over_its_budget():
    """Two tones of equal level, one in the band and one below it: only the first counts, whatever the second breaks."""
    time = torch.arange(800) / RATE
    low, high = (0.01 * torch.sin(2 * torch.pi * pitch * time)[None] for pitch in (500, 3000))
    clean = 0.1 * torch.from_numpy(np.random.default_rng(0).standard_normal((3, 1, 800)).astype(np.float32))
    forward = lambda x: torch.stack([x[:, 0, 0] * 0, x[:, 0, 0] * 0 + 1], 1)  # noqa: E731
    asked = problem(forward, clean, torch.zeros(3).long(), "l2", 10.0)
    offered = {asked.ids[i]: ((clean[i] + sound).numpy(),) for i, sound in enumerate((low, high, low + high))}
    wide = resolve("from_folder", {"folder": "x"}).run(replace(asked, offered=offered))
    assert wide.columns["foreign"] == ["within"] * 3 and wide.broken.all()
    banded = replace(asked.ball, within=band_pass(2000, None, RATE))
    found = resolve("from_folder", {"folder": "x"}).run(replace(asked, ball=banded, offered=offered))
    assert found.columns["foreign"] == ["over", "within", "over"]
    assert found.broken.tolist() == [False, True, False]
    # Under a limit on what may be heard, a sound that would have to be softer is over it, too.
    limited = replace(asked.ball, limit=lambda rows, added: added * torch.tensor([1.0, 0.5, 1.0])[rows, None, None])
    found = resolve("from_folder", {"folder": "x"}).run(replace(asked, ball=limited, offered=offered))
    assert found.columns["foreign"] == ["within", "over", "within"]
