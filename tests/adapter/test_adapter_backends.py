"""Compiled and exported functions: the same answers, and one clear error where that is not to be had."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from benchbed.adapter.backends import agree, by_onnx, compiled
from benchbed.errors import AdapterError

CPU = torch.device("cpu")


class Numbered(nn.Module):
    """Its graph has the number of clips written into it."""

    def forward(self, given):
        return torch.cat([given, torch.zeros(len(given), 1)], 1)


class Counting(nn.Module):
    """What a trace takes for a constant."""

    calls = 0

    def forward(self, given):
        self.calls += 1
        return given * self.calls


def test_agreement_is_a_share_of_the_largest_score():
    plain = torch.tensor([[0.0, -8.0]])
    assert agree("it", plain + 0.004, plain, 1e-3) == pytest.approx(0.0005, rel=1e-3)
    with pytest.raises(AdapterError, match=r"it answers otherwise .* 0\.0005 of the largest, 0\.0001 is allowed"):
        agree("it", plain + 0.004, plain, 1e-4)
    with pytest.raises(AdapterError, match="answers otherwise"):
        agree("it", plain * torch.nan, plain, 1e-4)
    with pytest.raises(AdapterError, match=r"gives scores \[1, 1\]"):
        agree("it", plain[:, :1], plain, 1e-4)


@pytest.mark.parametrize("clips", [1, 2, 7])
def test_a_graph_answers_any_number_of_clips(clips):
    net, given = (
        nn.Sequential(nn.Conv1d(1, 3, 4), nn.ReLU(), nn.Flatten(), nn.Linear(15, 2)).eval(),
        torch.randn(7, 1, 8),
    )
    made = by_onnx(net, net, CPU, 1e-4)
    made(given)
    with torch.inference_mode():
        torch.testing.assert_close(made(given[:clips]), net(given[:clips]), rtol=1e-5, atol=1e-6)


def test_a_graph_for_one_number_of_clips_where_the_model_holds_on_to_it():
    net = Numbered().eval()
    made = by_onnx(net, net, CPU, 1e-4)
    for clips in (3, 5, 3):
        given = torch.randn(clips, 2)
        torch.testing.assert_close(made(given), net(given))


def test_a_graph_that_answers_otherwise_is_refused():
    net = Counting().eval()
    with pytest.raises(AdapterError, match="the ONNX graph answers otherwise than the plain model"):
        by_onnx(net, net, CPU, 1e-4)(torch.ones(2, 3))


def test_what_cannot_be_exported_is_one_clear_error(capfd):
    net = nn.Module()
    net.forward = lambda given: torch.fft.rfft(given).abs()
    with pytest.raises(AdapterError, match="cannot be exported to ONNX: ") as caught:
        by_onnx(net, net, CPU, 1e-4)(torch.ones(2, 8))
    assert len(str(caught.value)) < 700 and not capfd.readouterr().out


def test_a_device_that_onnxruntime_lacks_is_refused():
    with pytest.raises(AdapterError, match="cannot use cuda"):
        by_onnx(nn.Identity(), nn.Identity(), torch.device("cuda"), 1e-4)


def test_a_compiled_function_is_traced_whole(monkeypatch):
    # Tracing is torch's own; what it would make C++ of, which takes a minute, is run as it is.
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU()).eval()
    made, given = compiled(net), torch.randn(5, 4)
    with torch.inference_mode():
        torch.testing.assert_close(made(given), net(given))

    def branching(given):
        return given * 2 if float(given.sum()) > 0 else given

    with pytest.raises(AdapterError, match=r"torch\.compile cannot compile the model"):
        compiled(branching)(torch.ones(2, 2))


def test_a_missing_compiler_is_one_clear_error(monkeypatch):
    def fails(plain, **options):
        def call(given):
            raise RuntimeError("InvalidCxxCompiler: No working C++ compiler found\nwith a long story")

        return call

    monkeypatch.setattr(torch, "compile", fails)
    with pytest.raises(AdapterError, match="No working C\\+\\+ compiler found") as caught:
        compiled(nn.Identity())(torch.ones(1))
    assert "g++" in str(caught.value.hint) and "long story" not in str(caught.value)
