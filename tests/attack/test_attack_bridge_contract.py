"""Every attack of torchattacks that is offered, on every shape of clip, with a model that has modes to lose."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from made_attacks import problem

from benchbed.attack import resolve
from benchbed.attack.foreign import ALLOWED, offered
from benchbed.attack.torchattacks_bridge import REFUSED

pytestmark = pytest.mark.filterwarnings("ignore")

#: Clips, channels, samples and samples per second: 6 s are long, half a millisecond is short.
CLIPS = {
    "one channel": (2, 1, 400, 16_000),
    "two channels": (2, 2, 400, 16_000),
    "short": (2, 1, 8, 16_000),
    "long": (1, 1, 96_000, 16_000),
    "silent": (2, 1, 400, 16_000),
    "8 kHz": (2, 1, 400, 8_000),
}


class Net(torch.nn.Module):
    """A small network with dropout and batch statistics, whose parts are in different modes."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.layers = torch.nn.Sequential(
            torch.nn.Conv1d(channels, 6, 5, padding=2), torch.nn.BatchNorm1d(6), torch.nn.Tanh(), torch.nn.Dropout(0.5)
        )
        self.out = torch.nn.Linear(6, 4)
        self.out.bias.requires_grad_(False)

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.out(self.layers(8 * waveforms).pow(2).mean(2)) * 10


def test_what_is_offered_is_listed():
    said = offered()
    assert set(said) == set(ALLOWED) | set(REFUSED)


@pytest.mark.parametrize("kind", CLIPS)
@pytest.mark.parametrize(("name", "norm"), [(name, norms[-1]) for name, norms in sorted(ALLOWED.items())])
def test_budget_range_mode_and_states(name, norm, kind):
    clips, channels, samples, rate = CLIPS[kind]
    generator = torch.Generator().manual_seed(5)
    clean = 0.1 * torch.randn(clips, channels, samples, generator=generator)
    if kind == "silent":
        clean = torch.zeros_like(clean)
    net = Net(channels).eval()
    modes = {part: module.training for part, module in net.named_modules()}
    # What the user has accumulated in a network stays; what had no gradient gets none.
    net.layers[0].weight.grad = torch.ones_like(net.layers[0].weight)
    asked_for_gradients = {part: value.requires_grad for part, value in net.named_parameters()}
    buffers = {part: value.clone() for part, value in net.named_buffers()}
    target = net(clean).argmax(1).detach()
    # A silent clip has no power to set a noise against; its budget is one of samples.
    asked = problem(net, clean, target, norm, 0.002 if norm == "linf" else 30.0, rate=rate)
    assert asked.sample_rate == rate
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    options = {"steps": 3} if name not in ("FGSM", "FFGSM", "DeepFool") else {}
    found = resolve(f"torchattacks:{name}", options).run(asked)
    assert found.points.shape == clean.shape and bool(torch.isfinite(found.points).all())
    assert bool((found.points.abs() <= 1).all())
    added = (found.points.double() - asked.ball.clean).flatten(1)
    size = added.norm(dim=1) if norm == "l2" else added.abs().amax(1)
    assert bool((size <= asked.ball.radius * (1 + 1e-4) + 1e-7).all())
    with torch.no_grad():
        assert found.broken.tolist() == (net(found.points).argmax(1) != target).tolist()
    assert {part: module.training for part, module in net.named_modules()} == modes
    assert {part: value.requires_grad for part, value in net.named_parameters()} == asked_for_gradients
    assert all(torch.equal(value, buffers[part]) for part, value in net.named_buffers())
    held = {part for part, value in net.named_parameters() if value.grad is not None}
    assert held == {"layers.0.weight"} and bool((net.layers[0].weight.grad == 1).all())
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), states[2])
