"""Auto-PGD step by step: the published update, whose memory is reused; slices; what is kept; where tensors are made."""

from __future__ import annotations

import pytest
import torch
from made_attacks import linear, problem

from benchbed.attack import ATTACKS, resolve
from benchbed.attack.contract import Cost, Outcome, Victim
from benchbed.attack.descent import Chosen, auto_pgd, sliced_gradient
from benchbed.attack.losses import scene
from benchbed.rng import preserved_global_state


def bent(classes=5, clips=6, samples=60):
    """A model that is not linear, clips and its answers; the points it was asked for come in a list."""
    weight, clean, _ = linear(classes, samples=samples, clips=clips)
    second = linear(classes, samples=classes, seed=1)[0]
    asked = []

    def forward(waveforms):
        asked.append(waveforms.detach().clone())
        return 3 * (4 * waveforms.flatten(1) @ weight.T).tanh() @ second.T

    return forward, clean, forward(clean).argmax(1), asked


@pytest.mark.parametrize(("norm", "budget"), [("linf", 0.1), ("l2", 10.0)])
def test_the_first_steps_are_those_of_the_publication(norm, budget):
    """z = P(x + η·g), x′ = P(x + ¾·(z − x) + ¼·(x − x₋₁)) with η = 2ε and g the sign or the unit gradient (Croce and
    Hein 2020, Algorithm 1), taken here in double precision and without any reuse of memory."""
    forward, clean, target, asked = bent()
    made = problem(forward, clean, target, norm, budget, stop=False)
    asked.clear()
    resolve("apgd", {"steps": 10}).run(made)
    points = [point.double() for point in asked[:3]]
    start, radius = clean.double(), made.ball.radius.double().view(-1, 1, 1)

    def inside(wanted):
        added = wanted - start
        if norm == "linf":
            added = torch.minimum(torch.maximum(added, -radius), radius)
        else:
            added = added * (radius / added.flatten(1).norm(dim=1).view(-1, 1, 1)).clamp(max=1)
        return (start + added).clamp(-1, 1)

    def uphill(at):
        leaf = at.float().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(forward(leaf), target, reduction="sum")
        slope = torch.autograd.grad(loss, leaf)[0].double()
        return slope.sign() if norm == "linf" else slope / slope.flatten(1).norm(dim=1).view(-1, 1, 1)

    first = inside(points[0] + 2 * radius * uphill(points[0]))
    assert torch.allclose(points[1], first, atol=1e-7, rtol=0)
    reached = inside(points[1] + 2 * radius * uphill(points[1]))
    second = inside(points[1] + 0.75 * (reached - points[1]) + 0.25 * (points[1] - points[0]))
    assert torch.allclose(points[2], second, atol=1e-7, rtol=0)
    assert float((points[2] - points[1]).abs().max()) > 1e-6  # far more than the tolerance


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_what_is_offered_is_not_overwritten_by_later_steps(norm):
    """The memory of old points is taken for new ones; the strongest point and the clean clips must not share it."""
    forward, clean, target, asked = bent()
    before = clean.clone()
    found = resolve("apgd", {"steps": 25, "loss": "margin"}).run(
        problem(forward, clean, target, norm, 1e-4 if norm == "linf" else 60.0, stop=False)
    )
    margins = torch.stack([scene.margin(forward(point), target) for point in list(asked[1:])])
    assert torch.equal(clean, before)
    assert torch.allclose(found.margin, margins.amin(0), atol=1e-6)
    assert torch.allclose(scene.margin(forward(found.points), target), found.margin, atol=1e-6)


def test_a_weaker_point_never_takes_the_place_of_a_stronger_one():
    made = problem(lambda x: x[:, 0, :2], torch.zeros(3, 1, 4), torch.zeros(3, dtype=torch.int64), "linf", 0.1)
    outcome, every = Outcome.start(made), torch.arange(3)
    outcome.offer(every, torch.full((3, 1, 4), 0.1), torch.tensor([0.5, -0.2, 0.3]), 1, "first")
    outcome.offer(every, torch.full((3, 1, 4), 0.2), torch.tensor([0.6, -0.1, float("nan")]), 2, "weaker")
    outcome.offer(every[:1], torch.full((1, 1, 4), 0.3), torch.tensor([-0.4]), 3, "stronger")
    assert outcome.margin.tolist() == pytest.approx([-0.4, -0.2, 0.3])
    assert outcome.points[:, 0, 0].tolist() == pytest.approx([0.3, 0.1, 0.1])
    assert outcome.by == ["stronger", "first", "first"] and outcome.step.tolist() == [3, 1, -1]


@pytest.mark.parametrize("name", ["apgd", "apgd_t", "pgd", "fgsm"])
def test_slices_change_no_flag_and_no_count(monkeypatch, name):
    forward, clean, target, _ = bent(clips=7)
    found, costs = [], []

    def clip_by_clip(waveforms):  # some processors round products of matrices by how many rows there are
        return torch.cat([forward(one) for one in waveforms.split(1)])

    for most in (10**9, 130):
        monkeypatch.setattr("benchbed.attack.descent.SLICE", most)
        victim = Victim(clip_by_clip)
        found.append(resolve(name).run(problem(None, clean, target, "linf", 3e-3, victim=victim)))
        costs.append(victim.cost)
    assert torch.equal(found[0].broken, found[1].broken) and 0 < int(found[0].broken.sum()) < 7
    assert torch.allclose(found[0].points, found[1].points, atol=1e-6)
    assert costs[0] == costs[1]


def test_slices_are_even_and_bounded_and_take_the_parameters_of_their_clips(monkeypatch):
    monkeypatch.setattr("benchbed.attack.descent.SLICE", 130)
    forward, clean, target, asked = bent(clips=7)
    wanted = (target + 1) % 5
    asked.clear()
    victim = Victim(forward)
    loss = Chosen(scene.towards, wanted)
    value, scores, slope = sliced_gradient(victim, clean, target, loss)
    assert [len(points) for points in asked] == [2, 2, 2, 1]
    assert max(points.numel() for points in asked) <= 130 and victim.cost == Cost(7, 7)
    whole = Victim(forward).gradient(clean, target, loss)
    for part, expected in zip((value, scores, slope), whole):
        assert torch.allclose(part, expected, atol=1e-6)


def test_a_restart_adds_to_what_was_found_and_sees_only_what_is_left():
    forward, clean, target, asked = bent(clips=7)
    budget = ("linf", 3e-3)
    once = resolve("apgd", {"steps": 5}).run(problem(forward, clean, target, *budget))
    asked.clear()
    thrice = resolve("apgd", {"steps": 5, "restarts": 3}).run(problem(forward, clean, target, *budget))
    assert bool((once.broken <= thrice.broken).all())
    left = int((~once.broken).sum())
    assert 0 < left < 7 and len(asked[6]) <= left
    assert bool((thrice.margin <= once.margin + 1e-6).all())


def test_a_clip_keeps_its_path_whatever_clips_are_beside_it():
    forward, clean, target, _ = bent(clips=6)
    asked = problem(forward, clean, target, "linf", 2e-3)
    whole = resolve("apgd", {"steps": 20}).run(asked)
    for clip in range(6):
        alone = resolve("apgd", {"steps": 20}).run(asked.select(torch.tensor([clip])))
        assert torch.allclose(alone.points[0], whole.points[clip], atol=1e-6)


def test_random_models_are_averaged_over_all_draws():
    """The gradient of f(x) = s·w·x with s = 1, 3, 5, … is the mean of the draws: with 4 of them 4·w."""
    weight = torch.tensor([[1.0, -2.0, 0.5]])
    drawn = iter(range(1, 100, 2))
    victim = Victim(lambda x: next(drawn) * x[:, 0] @ weight.T, eot=4)
    _, scores, slope = victim.gradient(torch.ones(1, 1, 3), torch.tensor([0]), lambda s, y: s[:, 0])
    assert slope.flatten().tolist() == [4.0, -8.0, 2.0] and scores.item() == pytest.approx(-0.5 * 4)
    assert victim.cost == Cost(4, 4)


@pytest.mark.parametrize("name", sorted(set(ATTACKS.names()) - {"transfer", "universal", "music"}))
@pytest.mark.parametrize(("norm", "budget"), [("linf", 2e-3), ("l2", 20.0)])
def test_every_tensor_is_made_on_the_device_of_the_clips(name, norm, budget):
    """Here the default device is one without storage: a tensor made without saying where could not be computed with,
    just as one on the CPU could not beside clips on a GPU."""
    forward, clean, target, _ = bent(clips=4)
    asked = problem(forward, clean, target, norm, budget)
    # Thousands of queries make no other tensors than hundreds.
    options = {"queries": 600} if name == "surrogate" else {}
    plain = resolve(name, options).run(asked)
    with torch.device("meta"):
        found = resolve(name, options).run(asked)
    assert found.points.device == clean.device
    assert torch.equal(found.points, plain.points) and torch.equal(found.step, plain.step)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["apgd", "apgd_t", "pgd", "fgsm", "square", "white_noise", "pink_noise"])
@pytest.mark.parametrize(("norm", "budget"), [("linf", 2e-3), ("l2", 20.0)])
def test_flags_on_a_gpu_are_those_of_the_cpu(name, norm, budget):
    weight, clean, _ = linear(5)
    target = (clean.flatten(1) @ weight.T).argmax(1)
    found = []
    for device in ("cpu", "cuda"):
        there = weight.to(device)
        asked = problem(lambda x, w=there: x.flatten(1) @ w.T, clean.to(device), target.to(device), norm, budget)
        found.append(resolve(name, {}).run(asked))
    sure = found[0].margin.abs() > 1e-4
    assert torch.equal(found[0].broken[sure], found[1].broken.cpu()[sure])
    assert torch.allclose(found[0].margin, found[1].margin.cpu(), atol=1e-3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("norm", "budget"), [("linf", 0.3), ("l2", 10.0), ("l2", 0.0)])
def test_every_step_is_that_of_torchattacks_from_the_same_start(norm, budget):
    """Forty steps in double precision, with halvings and returns to the best point, from the library's random start.

    The budgets are such that the loss keeps changing: the library compares its losses in single precision, and takes
    a smaller rise for none.
    """
    import torchattacks

    weight, clean, _ = linear(6, samples=60, clips=5)
    second = linear(6, samples=6, seed=1)[0].double()
    weight, clean, asked = weight.double(), clean.double(), []

    def forward(waveforms):
        asked.append(waveforms.detach().clone())
        return 3 * (4 * waveforms.flatten(1) @ weight.T).sin() @ second.T

    class Image(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.anchor = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
            self.eval()

        def forward(self, images):
            return forward((2 * images - 1)[:, 0])

    target = forward(clean).argmax(1)
    made = problem(
        forward, clean[:1] if norm == "l2" else clean, target[:1] if norm == "l2" else target, norm, budget, stop=False
    )
    library = torchattacks.APGD(
        Image(), norm={"linf": "Linf", "l2": "L2"}[norm], steps=40, eps=float(made.ball.radius[0]) / 2
    )
    asked.clear()
    with preserved_global_state():
        library(((made.ball.clean + 1) / 2)[:, None], made.target)
    theirs = asked[1:]
    asked = []
    outcome = Outcome.start(made)
    auto_pgd(made, outcome, torch.arange(len(made)), theirs[0], scene.cross_entropy, 40, "apgd")
    assert len(asked) == len(theirs) == 41
    for step, (mine, other) in enumerate(zip(asked, theirs)):
        assert torch.allclose(mine, other, atol=1e-6, rtol=0), step
