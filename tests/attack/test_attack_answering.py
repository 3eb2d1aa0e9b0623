"""Black boxes: a substitute made from answers points where the gradient points, and decisions alone find a boundary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_attacks import RATE, linear, problem

from benchbed.adapter.mel import mel_filters
from benchbed.attack import resolve
from benchbed.attack.answering import HEARINGS, BandCells, BandEnergies, Substitute, missed
from benchbed.attack.attacks import surrogate
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


def test_steps_of_single_cells_are_their_gradients():
    """Against autograd: direction and length, at the edges of the clip and in both channels."""
    features, clip = BandEnergies(RATE), torch.cat([sounds(1), sounds(1).flip(-1)], 1)
    cells = BandCells(features, clip)
    image = features.spectrum(clip)[1]
    inner = [3 * image.shape[2] + 10, image[0].numel() + 40 * image.shape[2] + 9]
    for number in (0, *inner, image.numel() - 1):
        leaf = clip.clone().requires_grad_(True)
        # The level that the floor follows is no part of the gradient.
        (true,) = torch.autograd.grad(features.spectrum(leaf)[1].log().flatten()[number], leaf)
        (made,) = cells.steps(torch.tensor([number]))
        assert torch.allclose(made, true[0] / true.norm(), atol=1e-4)
        if number in inner:
            assert float(cells.slope[number]) == pytest.approx(float(true.norm()), rel=1e-3)


@pytest.mark.parametrize(("scale", "bands"), [("htk", 40), ("slaney", 64)])
def test_mel_scales_are_those_of_front_ends(scale, bands):
    """Where bands are wide enough for the bins, they are the triangles that front ends are verified with."""
    made = BandEnergies(32000, bands, scale).weights
    wanted = torch.from_numpy(mel_filters(32000, 1024, bands, fmin=0.0, fmax=16000.0, scale=scale)).float()
    wide = slice(-20, None)
    assert torch.allclose(made[wide], (wanted / wanted.sum(1, keepdim=True))[wide], atol=1e-4)


def test_what_a_model_hears_is_told_from_its_answers():
    """Answers that are linear in the log-energies of one mel scale and number of bands are missed least by these."""
    clip, here = sounds(1, 8000), []
    hearings = [BandEnergies(RATE, *each) for each in HEARINGS]
    cells = BandCells(hearings[0], clip)
    chosen = torch.from_numpy(stream("chosen").permutation(len(cells.slope))[:300])
    steps = 1e-3 * cells.steps(chosen)
    changes = [(features(clip + steps) - features(clip)) / 1e-3 for features in hearings]
    for number, each in enumerate(changes):
        fine = each[:, : hearings[number].spectrum(clip)[1].numel()]
        weight = torch.from_numpy(stream("heard").standard_normal((fine.shape[1], 2)).astype(np.float32))
        left_out = [missed(other, fine @ weight) for other in changes]
        assert int(np.argmin(left_out)) == number, left_out
        here.append(min(left_out))
    assert all(0 <= value < 1 for value in here)


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


def test_a_substitute_that_has_moved_learns_what_it_misses():
    """Of a linear model with another slope at the second point, it knows that slope after as many answers again."""
    features, clip = BandEnergies(RATE, 20), sounds(1, 600)
    random = stream("moved")
    size = features(clip).shape[1]
    first, second = (torch.from_numpy(random.standard_normal((size, 2)).astype(np.float32)) for _ in range(2))
    rows = torch.from_numpy(random.standard_normal((2, 2 * size, size)).astype(np.float32))
    substitute = Substitute(features, 0.0)
    substitute.learn(rows[0, :, :1], rows[0], rows[0] @ first)
    assert torch.allclose(substitute.on_bands, first, atol=0.05)
    substitute.move()
    substitute.learn(rows[1, :, :1], rows[1], rows[1] @ second)
    assert torch.allclose(substitute.on_bands, second, atol=0.1)


def test_a_black_box_leads_nearly_as_far_as_the_gradient():
    """Of what the gradient takes off the margin of a network on log-mel bands, 1,200 answers take off 85 %.

    The bound was set after that was seen, and is there for what would fall below it: half as many answers take off
    69 %, and as many 79 % where the model's own bands are not found out.
    """
    bank = torch.from_numpy(mel_filters(RATE, 256, 24, fmin=0.0, fmax=RATE / 2, scale="slaney")).float()
    random = stream("bent")
    inner, outer = (
        torch.from_numpy((random.standard_normal(shape) / shape[1] ** 0.5).astype(np.float32))
        for shape in ((40, 24 * 26), (3, 40))
    )

    def forward(x):
        spectrum = torch.stft(x[:, 0], 256, 80, window=torch.hann_window(256), return_complex=True)
        heard = (bank @ spectrum.abs().square() + 1e-4).log()
        return torch.relu((heard + 4).flatten(1) @ inner.T) @ outer.T

    clean = sounds(3)
    target = forward(clean).argmax(1)
    gone = []
    for name, options in (("apgd", {"loss": "margin"}), ("surrogate", {"queries": 1200})):
        one = replace(problem(forward, clean, target, "l2", 20.0), stop=False)
        gone.append(one.margin(forward(clean)) - resolve(name, options).run(one).margin)
    assert one.victim.cost.forwards <= 3 * 1200 and one.victim.cost.backwards == 0
    assert float((gone[1] / gone[0]).mean()) > 0.82


@pytest.mark.parametrize(("norm", "budget"), [("l2", 20.0), ("linf", 0.01)])
def test_few_answers_lead_half_as_far_as_the_gradient_in_both_norms(norm, budget):
    """White noise and eight bands: nothing is soft, and no cell tells more than another. They lead 54 to 62 % as far.

    Half as many lead 36 to 44 % as far, as many 33 to 36 % where the bands that suit the model best are not found out.
    """
    forward, clean = bands_model(), sounds(2)
    target = forward(clean).argmax(1)
    gone = []
    for name, options in (("apgd", {"loss": "margin", "steps": 20}), ("surrogate", {"queries": 500})):
        one = replace(problem(forward, clean, target, norm, budget), stop=False)
        gone.append(one.margin(forward(clean)) - resolve(name, options).run(one).margin)
    assert bool((gone[1] > 0.5 * gone[0]).all()) and bool((gone[0] > 0).all())


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
        resolve("surrogate", {"queries": 400}).run(one)
        asked[name] = one.victim.cost.forwards
    assert asked["samples"] <= 300_000 // 2000
    assert 300 < asked["bands"] <= 400


def test_a_short_clip_is_asked_on_when_all_its_cells_have_been_asked():
    """Two hundred samples have fewer cells than the parts around the clean clip have queries."""
    weight, clean, target = linear(3, samples=200, clips=1)
    one = replace(problem(lambda x: x.flatten(1) @ weight.T, clean, target, "l2", 60.0), stop=False)
    cells = len(BandCells(BandEnergies(RATE), clean).slope)
    resolve("surrogate", {"queries": 14 * cells}).run(one)
    assert 13 * cells < one.victim.cost.forwards <= 14 * cells


def test_a_model_without_a_gradient_gets_thousands_of_queries():
    weak, strong = ensemble("standard", differentiable=False), ensemble("standard", differentiable=False, powered=True)
    assert [a.name for a in strong.attacks] == ["square", "transfer", "surrogate", "boundary"]
    assert strong.cost(10, 1, 1).forwards - weak.cost(10, 1, 1).forwards >= 10_000
    assert not strong.white_box
