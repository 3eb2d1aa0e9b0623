"""Folded batch norms: held against a hand calculation, and against networks of which some may not be folded."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchbed.adapter.folding import fold_batch_norms
from benchbed.errors import AdapterError


def moved(norm):
    """A batch norm with statistics of its own."""
    with torch.no_grad():
        for value, low, high in (
            (norm.weight, 0.5, 2),
            (norm.bias, -1, 1),
            (norm.running_mean, -1, 1),
            (norm.running_var, 0.2, 3),
        ):
            value.uniform_(low, high)
    return norm.eval()


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        yield


def test_folded_weights_are_those_of_a_hand_calculation():
    conv, norm = nn.Conv1d(2, 3, 4), moved(nn.BatchNorm1d(3, eps=1e-3))
    weight, bias, clips = conv.weight.detach().numpy(), conv.bias.detach().numpy(), torch.randn(5, 2, 9)
    scale = norm.weight.detach().numpy() / np.sqrt(norm.running_var.numpy() + 1e-3)
    net = nn.Sequential(conv, norm).eval()
    assert fold_batch_norms(net, lambda: net(clips)) == 1
    np.testing.assert_allclose(net[0].weight.detach(), weight * scale[:, None, None], rtol=1e-6)
    shift = (bias - norm.running_mean.numpy()) * scale + norm.bias.detach().numpy()
    np.testing.assert_allclose(net[0].bias.detach(), shift, rtol=1e-5, atol=1e-6)
    assert isinstance(net[1], nn.Identity)


@pytest.mark.parametrize(
    ("layer", "norm", "clips"),
    [
        (nn.Conv2d(2, 4, 3, groups=2, bias=False), nn.BatchNorm2d(4), (3, 2, 6, 7)),
        (nn.ConvTranspose1d(2, 4, 3, stride=2), nn.BatchNorm1d(4), (3, 2, 6)),
        (nn.Linear(6, 4), nn.BatchNorm1d(4), (3, 6)),
    ],
)
def test_answers_stay_up_to_rounding(layer, norm, clips):
    net, given = nn.Sequential(layer, moved(norm), nn.ReLU()).eval(), torch.randn(clips)
    before = net(given)
    assert fold_batch_norms(net, lambda: net(given)) == 1
    torch.testing.assert_close(net(given), before, rtol=1e-5, atol=1e-5)


class Shared(nn.Module):
    """A layer whose output something else reads, too."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm, self.other = nn.Conv1d(1, 2, 3), moved(nn.BatchNorm1d(2)), nn.Conv1d(2, 2, 1)
        self.last = moved(nn.BatchNorm1d(2))

    def forward(self, given):
        made = self.layer(given)
        if given.shape[-1] > 4:  # what a symbolic trace stumbles over
            made = self.norm(made) + made
        return self.last(self.other(made))


def test_what_something_else_reads_is_left():
    net, given = Shared().eval(), torch.randn(2, 1, 9)
    before = net(given)
    assert fold_batch_norms(net, lambda: net(given)) == 1
    assert isinstance(net.norm, nn.BatchNorm1d) and isinstance(net.last, nn.Identity)
    torch.testing.assert_close(net(given), before, rtol=1e-5, atol=1e-5)


def test_a_layer_that_is_called_twice_is_left():
    layer, norm = nn.Linear(4, 4), moved(nn.BatchNorm1d(4))
    net = nn.Sequential(layer, norm, nn.ReLU(), layer).eval()
    with pytest.raises(AdapterError, match="1 batch norms, none of which follows a layer of its own"):
        fold_batch_norms(net, lambda: net(torch.randn(2, 4)))


def test_a_norm_over_another_axis_than_the_layer_makes_is_left():
    # The norm scales the 4 rows, and the layer made the 4 columns: the shapes fit, and folding would be wrong.
    net = nn.Sequential(nn.Linear(6, 4), moved(nn.BatchNorm1d(4))).eval()
    with pytest.raises(AdapterError, match="nothing can be folded"):
        fold_batch_norms(net, lambda: net(torch.randn(2, 4, 6)))


def test_weights_that_hooks_make_are_left():
    net = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 2, 3)), moved(nn.BatchNorm1d(2))).eval()
    with pytest.raises(AdapterError, match="nothing can be folded"):
        fold_batch_norms(net, lambda: net(torch.randn(2, 1, 9)))


def test_a_network_without_batch_norms_is_an_error():
    net = nn.Sequential(nn.Linear(4, 2)).eval()
    with pytest.raises(AdapterError, match="no batch norms") as caught:
        fold_batch_norms(net, lambda: net(torch.randn(2, 4)))
    assert "backend=folded" in str(caught.value.hint)
