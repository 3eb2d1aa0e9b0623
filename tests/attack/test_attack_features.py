"""Attacks on features: exact on networks that are linear behind their front end, and refused where there is no cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_attacks import RATE, linear

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.load import load_adapter, start
from benchbed.attack import ATTACKS, resolve
from benchbed.attack.contract import Problem, Victim
from benchbed.attack.features import ATTACKS as ALLOWED
from benchbed.attack.features import LABEL, FeatureSpace, OnFeatures, reached, refusal
from benchbed.attack.losses import scene
from benchbed.attack.threat import Ball, FeatureThreat, Threat
from benchbed.attack.twin import exclusive
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.outputs.align import alignment_of
from benchbed.run.attacking.victim import untouched, victim_of
from benchbed.types import Batch


class Bands(torch.nn.Module):
    """A front end that is far from linear: logarithm of the energy of blocks of ten samples."""

    def forward(self, waveforms):
        blocks = waveforms.unfold(-1, 10, 10).square().mean(-1)
        return (blocks + 1e-4).log()[:, 0]


class Split(torch.nn.Module):
    """A linear network behind a front end."""

    def __init__(self, weight):
        super().__init__()
        self.bands, self.weight = Bands(), torch.nn.Parameter(weight)

    def forward(self, waveforms):
        return self.bands(waveforms) @ self.weight.T


def made(classes, norm, budget, clips=12):
    weight, waveforms, _ = linear(classes, samples=400, clips=clips)
    model = Split(weight[:, :40])
    space = FeatureSpace.cut(model, model, (Bands,), (1, 400))
    clean = space.of(waveforms)
    target = model(waveforms).argmax(1)
    ball = Ball.of(FeatureThreat(norm, budget), clean)
    problem = Problem(Victim(space.scores), ball, target, scene, [f"clip{i}" for i in range(clips)], 0, RATE)
    return problem, weight[:, :40]


@pytest.mark.parametrize("classes", [2, 3, 10, 527])
@pytest.mark.parametrize(("norm", "budget"), [("linf", 0.05), ("linf", 0.2), ("l2", 0.05), ("l2", 0.4)])
def test_flags_are_those_of_the_dual_norm(classes, norm, budget):
    """Exact: the margin against class k falls by ε·‖w_y − w_k‖₁, or by r·‖w_y − w_k‖₂ with r = RMS·√values."""
    problem, weight = made(classes, norm, budget)
    clean, target = problem.ball.clean.double(), problem.target
    scores, difference = clean @ weight.double().T, (weight[target][:, None] - weight[None]).double()
    radius = budget if norm == "linf" else budget * 40**0.5
    fall = radius * (difference.abs().sum(-1) if norm == "linf" else difference.norm(dim=-1))
    margin = scores.gather(1, target[:, None]) - scores - fall
    margin.scatter_(1, target[:, None], float("inf"))
    # Cross-entropy and margin climb towards the nearest classes, targeted paths to each of the first ones.
    broken = resolve("apgd_t", {"targets": 4, "steps": 25}).run(problem).broken
    for loss in ("ce", "margin"):
        broken |= resolve("apgd", {"loss": loss, "steps": 25}).run(problem).broken
    assert (~broken).tolist() == (margin.amin(1) > 0).tolist()


@pytest.mark.parametrize("name", ["fgsm", "pgd", "apgd", "apgd_t"])
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_one_step_along_the_gradient_is_the_optimum_of_two_classes(name, norm):
    problem, weight = made(2, norm, 0.1)
    problem = Problem(**{**vars(problem), "stop": False})
    found = resolve(name, {"step_share": 1.0} if name == "pgd" else {}).run(problem)
    difference = (weight[0] - weight[1]).detach()
    fall = 0.1 * (float(difference.abs().sum()) if norm == "linf" else 40**0.5 * float(difference.norm()))
    before = problem.margin(problem.ball.clean @ weight.T)
    assert found.margin.tolist() == pytest.approx((before - fall).tolist(), abs=1e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_features_leave_the_box_of_waveforms_but_not_their_ball(norm):
    problem, _ = made(3, norm, 0.3)
    assert float(problem.ball.clean.abs().amax()) > 1
    for name in ALLOWED:
        added = resolve(name).run(problem).points.double() - problem.ball.clean
        size = added.abs().amax(1) if norm == "linf" else added.square().mean(1).sqrt()
        assert bool((size <= 0.3 * (1 + 1e-5)).all())
        assert float(size.max()) == pytest.approx(0.3, rel=1e-4)


@pytest.mark.parametrize("spec", ["cnn", "passt"])
def test_shipped_models_are_cut_behind_their_spectrogram_and_left_as_they_were(spec):
    adapter = start(load_adapter(spec))
    waveforms = 0.1 * torch.randn(3, 1, 32000, generator=torch.Generator().manual_seed(0))
    with untouched(adapter):
        space = FeatureSpace.cut(adapter.model, adapter.forward, (LogMel,), (1, 32000))
        plain = adapter.forward(waveforms).detach()
        clean = space.of(waveforms)
        assert clean.dim() == 3 and isinstance(space.owner, LogMel)
        assert torch.allclose(space.scores(clean), plain, atol=1e-4)
        assert space.predict(clean).argmax(1).tolist() == plain.argmax(1).tolist()
        problem = Problem(
            Victim(space.scores), Ball.of(FeatureThreat("linf", 0.5), clean), plain.argmax(1), scene, ["a", "b", "c"]
        )
        found = resolve("apgd", {"steps": 10, "loss": "margin"}).run(problem)
    assert bool(found.broken.all())
    assert torch.equal(adapter.forward(waveforms), plain)
    assert "forward" not in vars(space.owner)


def test_a_method_features_beside_classify_is_a_cut_and_one_without_is_none():
    class Named(torch.nn.Module):
        def features(self, waveforms):
            return waveforms[:, 0].abs()

        def classify(self, features):
            return features[:, :2]

        def forward(self, waveforms):
            return self.classify(self.features(waveforms))

    class Vgg(torch.nn.Module):
        """Image networks call their convolutions `features`."""

        def __init__(self):
            super().__init__()
            self.features = torch.nn.Conv1d(1, 2, 1)

    space = FeatureSpace.cut(Named(), model := Named(), (LogMel,), (1, 4))
    assert space.name == "features"
    with pytest.raises(CannotMeasure, match="0 times"):
        space.of(torch.ones(2, 1, 4))  # another instance than the one that answers
    clean = FeatureSpace.cut(model, model, (LogMel,), (1, 4)).of(-torch.ones(2, 1, 4))
    assert torch.equal(clean, torch.ones(2, 4)) and "features" not in vars(model)
    with pytest.raises(ConfigError, match="stands apart"):
        FeatureSpace.cut(Vgg(), Vgg(), (LogMel,), (1, 4))


def test_models_that_cannot_be_cut_are_refused():
    two = torch.nn.ModuleList([Bands(), Bands()])
    with pytest.raises(ConfigError, match="2 front ends"):
        FeatureSpace.cut(two, lambda x: x, (Bands,), (1, 400))
    with pytest.raises(ConfigError, match="forward"):
        FeatureSpace.cut(two, None, (Bands,), (1, 400))
    with pytest.raises(ConfigError, match="torch model"):
        FeatureSpace.cut(object(), lambda x: x, (Bands,), (1, 400))


def test_a_network_that_hears_past_its_front_end_is_refused():
    """A ball around the features would leave out what comes in by the other path."""
    bands = Bands()
    space = FeatureSpace.cut(bands, lambda x: bands(x)[:, :3] + 10 * x[:, 0, :3], (Bands,), (1, 400))
    with pytest.raises(CannotMeasure, match="hears more"):
        space.of(0.1 * torch.ones(2, 1, 400))
    twice = FeatureSpace.cut(bands, lambda x: bands(x) + bands(-x), (Bands,), (1, 400))
    with pytest.raises(CannotMeasure, match="2 times"):
        twice.of(torch.ones(2, 1, 400))


def test_a_front_end_is_put_back_after_an_error():
    bands = Bands()

    def forward(x):
        bands(x)
        raise ValueError("no scores")

    space = FeatureSpace.cut(bands, forward, (Bands,), (1, 400))
    with pytest.raises(ValueError, match="no scores"):
        space.of(torch.ones(1, 1, 400))
    assert "forward" not in vars(bands)


def test_only_attacks_that_need_no_waveform_are_offered():
    allowed = {name for name in ATTACKS.names() if refusal(resolve(name)) is None}
    assert allowed == set(ALLOWED) == {"apgd", "apgd_t", "fgsm", "pgd", "white_noise"}
    assert "waveforms" in str(refusal(resolve("torchattacks:PGD")))


def test_budgets_of_features_cannot_be_taken_for_those_of_waveforms():
    sound, feature = Threat("linf", 0.008), FeatureThreat("linf", 0.008)
    assert sound.realizable and not feature.realizable
    assert LABEL == "not realizable as audio"
    assert sound != feature and str(sound) != str(feature) and sound.unit != feature.unit
    assert "feature" in feature.unit and "feature" in FeatureThreat("l2", 1.0).unit
    assert FeatureThreat("l2", 0.1).milder_than(FeatureThreat("l2", 0.2))  # in dB it is the other way round
    with pytest.raises(ConfigError):
        FeatureThreat("l1", 0.1)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        FeatureThreat("l2", 0.0)


def test_nothing_survives_the_unbounded_budget():
    problem, _ = made(10, "l2", FeatureThreat("l2", 0.1).unbounded.budget)
    assert bool(resolve("apgd", {"loss": "margin", "steps": 10}).run(problem).broken.all())


@pytest.mark.parametrize("spec", ["cnn", "passt"])
def test_a_run_can_treat_a_cut_adapter_like_any_other(spec):
    """The victim, the plain path and the alignment of labels take it as they take an adapter of waveforms."""
    adapter = start(load_adapter(spec))
    space = FeatureSpace.cut(adapter.model, adapter.forward, (LogMel,), (1, 32000))
    cut, alignment = OnFeatures(adapter, space), alignment_of(adapter.card, list(adapter.card.labels))
    waveforms = 0.1 * torch.randn(4, 1, 32000, generator=torch.Generator().manual_seed(1))
    with untouched(adapter) as moved:
        clean = space.of(waveforms)
        victim = victim_of(cut, lambda forward: exclusive(forward, alignment))
        target = victim.scores(clean).argmax(1)
        problem = Problem(victim, Ball.of(FeatureThreat("l2", 0.3), clean), target, scene, list("abcd"))
        found = resolve("pgd", {"steps": 10, "loss": "margin"}).run(problem)
        assert not moved()
    lengths = np.full(4, clean.shape[2])
    plain = adapter.predict(Batch(waveforms.numpy(), np.full(4, 32000), 32000))
    assert np.allclose(cut.predict(Batch(clean.numpy(), lengths, 32000)), plain, atol=1e-4)
    answers = alignment.apply(cut.predict(Batch(found.points.numpy(), lengths, 32000)))
    assert (answers.argmax(1) != target.numpy()).tolist() == found.broken.tolist()
    used = [reached("l2", *pair) for pair in zip(clean.numpy(), found.points.numpy())]
    assert max(used) <= 0.3 * (1 + 1e-5) and bool(found.broken.any())
