"""Networks in fewer bits: held against arithmetic in whole numbers, and against torch's own narrow formats."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchbed.adapter.quantisation import quantise
from benchbed.errors import AdapterError, ConfigError


def layer() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(16, 5).eval()


def test_eight_bits_are_arithmetic_in_whole_numbers():
    """Integers added up in 64 bits and scaled afterwards, written out in numpy."""
    net, clips = layer(), torch.randn(40, 16, generator=torch.Generator().manual_seed(1))
    weight, bias = net.weight.detach().numpy().copy(), net.bias.detach().numpy()
    quantise(net, "int8", lambda: net(clips))
    low, high = min(0.0, float(clips.min())), max(0.0, float(clips.max()))
    step = (high - low) / 255
    zero = round(-low / step)
    whole = np.clip(np.round(clips.numpy().astype(np.float64) / step) + zero, 0, 255).astype(np.int64) - zero
    scale = np.abs(weight).max(1) / 127
    wanted = (whole @ np.round(weight / scale[:, None]).astype(np.int64).T) * (step * scale) + bias
    np.testing.assert_allclose(net(clips).detach().numpy(), wanted, atol=2e-5)
    assert len(np.unique(net.weight.detach().numpy()[0])) <= 255


def test_the_range_is_that_of_the_calibration_clips():
    net = layer()
    quantise(net, "int8", lambda: net(torch.linspace(-1, 1, 16)[None]))
    # Beyond it inputs saturate.
    torch.testing.assert_close(net(torch.full((1, 16), 50.0)), net(torch.full((1, 16), 1.0)), atol=0.02, rtol=0)


def test_channels_have_scales_of_their_own():
    """Channels of a convolution a thousand times apart keep half a step of their own, and transposed ones, too."""
    for conv, axis in ((nn.Conv1d(2, 2, 3, bias=False), 0), (nn.ConvTranspose1d(2, 2, 3, bias=False), 1)):
        with torch.no_grad():
            conv.weight.select(axis, 0).mul_(1000)
        before = conv.weight.detach().clone()
        quantise(conv, "int8", lambda conv=conv: conv(torch.ones(1, 2, 8)))
        for channel in (0, 1):
            error = (conv.weight - before).select(axis, channel).abs().max()
            assert error <= before.select(axis, channel).abs().max() / 254 * 1.001


@pytest.mark.parametrize(("precision", "kind"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_narrow_formats_are_those_of_torch(precision, kind):
    net, clips = layer(), torch.randn(7, 16)
    weight, bias = net.weight.detach().to(kind).float(), net.bias.detach().to(kind).float()
    wanted = (clips.to(kind).float() @ weight.T + bias).to(kind).float()
    quantise(net, precision)
    torch.testing.assert_close(net(clips), wanted, atol=float(torch.finfo(kind).eps), rtol=0)


def test_recurrent_layers_and_their_states():
    torch.manual_seed(0)
    net, clips = nn.GRU(4, 3, batch_first=True).eval(), torch.randn(2, 9, 4)
    plain = net(clips)[0]
    made = quantise(net, "int8", lambda: net(clips))
    assert made.weights == 4 * 9 + 3 * 9 and made.parameters == made.weights + 18
    out, state = net(clips)
    assert out.shape == plain.shape and state.shape == (1, 2, 3)
    assert 0 < (out - plain).abs().max() < 0.05


def test_a_gradient_passes_the_rounding():
    net = layer()
    clips = torch.linspace(-1, 1, 16)[None]
    quantise(net, "int8", lambda: net(clips))
    given = clips.clone().requires_grad_()
    net(given).sum().backward()
    torch.testing.assert_close(given.grad[0], net.weight.sum(0))


def test_what_cannot_be_is_one_clear_error():
    with pytest.raises(ConfigError, match="unknown precision 'int4'"):
        quantise(layer(), "int4")
    with pytest.raises(ConfigError, match="needs clips to calibrate"):
        quantise(layer(), "int8")
    with pytest.raises(AdapterError, match="no layers to quantise"):
        quantise(nn.ReLU(), "bf16")
    apart = nn.ModuleDict({"a": layer(), "b": layer()})
    with pytest.raises(AdapterError, match="reached 1 of 2 layers"):
        quantise(apart, "int8", lambda: apart["a"](torch.ones(1, 16)))
