"""Gradients of the front end against those that autograd finds through the dense way, in double precision."""

from __future__ import annotations

import pytest
import torch

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.gradient_by_clip import CutFrames, MelOfFrames

KINDS = {
    "reflected": {"n_fft": 256, "hop_length": 80},
    "magnitude": {"n_fft": 256, "hop_length": 80, "power": 1},
    "short window": {"n_fft": 256, "hop_length": 64, "win_length": 200, "log": "db", "top_db": 60},
    "pre-emphasis": {"n_fft": 256, "hop_length": 128, "pad_mode": "constant", "preemphasis": 0.97},
    "kaldi": {"n_fft": 256, "hop_length": 80, "win_length": 200, "framing": "kaldi", "preemphasis": 0.97},
    "kaldi, centred": {"n_fft": 256, "hop_length": 80, "framing": "kaldi", "center": True, "remove_dc": True},
    "as it is": {"n_fft": 256, "hop_length": 300, "center": False, "scale": 3.0, "log": None},
}


def dense(frontend: LogMel, waveforms: torch.Tensor) -> torch.Tensor:
    """The way that `LogMel` takes where it is traced: one matrix of filters, and autograd for the rest."""
    return frontend._logarithm(frontend.filters.to(waveforms.dtype) @ frontend._power(waveforms[:, 0] * frontend.scale))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-12), (torch.float32, 2e-5)])
def test_gradients_are_those_of_the_dense_way(kind, dtype, near):
    frontend = LogMel(8000, 20, **KINDS[kind])
    generator = torch.Generator().manual_seed(0)
    waveforms = (0.1 * torch.randn(3, 1, 2000, generator=generator, dtype=dtype)).requires_grad_()
    found, expected = frontend(waveforms), dense(frontend, waveforms)
    pull = torch.randn(found.shape, generator=generator, dtype=dtype)
    torch.testing.assert_close(found, expected, rtol=near, atol=near)
    [mine], [theirs] = (torch.autograd.grad((out * pull).sum(), waveforms) for out in (found, expected))
    assert float((mine - theirs).norm() / theirs.norm()) < near


def test_values_are_those_without_gradients():
    frontend = LogMel(8000, 20, n_fft=256, hop_length=80)
    waveforms = 0.1 * torch.randn(3, 1, 2000, generator=torch.Generator().manual_seed(1))
    assert torch.equal(frontend(waveforms.clone().requires_grad_()).detach(), frontend(waveforms))


@pytest.mark.parametrize("kind", ["reflected", "magnitude", "kaldi"])
def test_silence_has_a_finite_gradient(kind):
    frontend = LogMel(8000, 20, **KINDS[kind])
    waveforms = torch.zeros(1, 1, 2000, requires_grad=True)
    [found] = torch.autograd.grad(frontend(waveforms).sum(), waveforms)
    assert torch.isfinite(found).all()


def test_filters_that_learn_get_their_gradient():
    frontend = LogMel(8000, 20, n_fft=256, hop_length=80)
    frontend.filters = torch.nn.Parameter(frontend.filters) if "filters" not in frontend._buffers else frontend.filters
    frontend.filters.requires_grad_()
    waveforms = torch.randn(1, 1, 2000, requires_grad=True)
    grads = torch.autograd.grad(frontend(waveforms).sum(), (waveforms, frontend.filters))
    assert all(bool(grad.abs().sum() > 0) for grad in grads)


def test_frames_add_up_where_they_came_from():
    waveforms = torch.randn(2, 103, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: CutFrames.apply(x, 16, 5), waveforms)
    assert torch.autograd.gradcheck(lambda x: CutFrames.apply(x, 16, 20), waveforms)


def test_the_gradient_of_frames_is_that_of_differences():
    frontend = LogMel(8000, 6, n_fft=32, hop_length=8)
    frames = torch.randn(1, 3, 32, dtype=torch.float64, requires_grad=True)
    for power in (1, 2):
        frontend.power, frontend._bank = power, None
        bank, window = frontend._banded(torch.float64), frontend.window.double()
        made = lambda x, b=bank, w=window, p=power: MelOfFrames.apply(x, w, b, 6, 32, p)  # noqa: E731
        assert torch.autograd.gradcheck(made, frames)
