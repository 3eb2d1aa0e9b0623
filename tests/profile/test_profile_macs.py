"""Operation counts against hand counts, published figures, and torchinfo."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.load import load_adapter, start
from benchbed.profile.challenge import ChallengeCount, challenge_macs, difference
from benchbed.profile.macs import FrontEndCost, count_macs
from benchbed.profile.parameters import count_parameters
from benchbed.profile.trace import trace_forward

DEVICES = ("cpu", "meta")


class Call(nn.Module):
    """A module around a function."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, x):
        return self.function(x, *self.parts)


class First(nn.Module):
    """The first output of a recurrent layer."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)[0]


def macs(network: nn.Module, shape: tuple[int, ...], device: str) -> float:
    network = network.eval()
    network = network.to_empty(device="meta") if device == "meta" else network
    trace, _ = trace_forward(network, network, torch.zeros(shape, device=device))
    assert trace.uncounted == []
    return trace.macs


HAND = [
    # output 8×10×10, each from 3×5×5
    ("conv2d", nn.Conv2d(3, 8, 5, padding=2), (1, 3, 10, 10), 8 * 100 * 3 * 25),
    ("strided conv2d", nn.Conv2d(3, 8, 3, stride=2), (1, 3, 11, 11), 8 * 25 * 3 * 9),
    # every output sees one input channel
    ("depthwise", nn.Conv2d(6, 6, 3, padding=1, groups=6), (1, 6, 10, 10), 6 * 100 * 9),
    ("grouped", nn.Conv2d(6, 4, 3, padding=1, groups=2), (1, 6, 10, 10), 4 * 100 * 3 * 9),
    ("dilated conv1d", nn.Conv1d(2, 4, 3, dilation=2), (1, 2, 20), 4 * 16 * 2 * 3),
    # every input meets 4 output channels and 3 places
    ("transposed conv1d", nn.ConvTranspose1d(2, 4, 3, stride=2), (1, 2, 10), 10 * 2 * 4 * 3),
    ("linear", nn.Linear(7, 5), (1, 7), 35),
    ("linear over frames", nn.Linear(7, 5), (1, 20, 7), 20 * 35),
    ("batch counts", nn.Linear(7, 5), (3, 7), 3 * 35),
    ("bilinear", Call(lambda x, b: b(x, x), nn.Bilinear(4, 4, 6)), (2, 4), 2 * 6 * (4 * 4 + 4)),
    # per step and direction: gates × hidden × (input + hidden); second layer's input has both directions
    ("gru", First(nn.GRU(16, 32, 2, bidirectional=True)), (50, 4, 16), 200 * 2 * 3 * 32 * ((16 + 32) + (64 + 32))),
    ("gru batch first", First(nn.GRU(16, 32, batch_first=True)), (4, 50, 16), 200 * 3 * 32 * (16 + 32)),
    ("lstm", First(nn.LSTM(16, 32, 2, bidirectional=True)), (50, 4, 16), 200 * 2 * 4 * 32 * ((16 + 32) + (64 + 32))),
    ("rnn", First(nn.RNN(16, 32)), (50, 4, 16), 200 * 32 * (16 + 32)),
    # q·k and weights·v: 2 · heads · n² · width of a head
    ("sdpa", Call(lambda x: F.scaled_dot_product_attention(x, x, x)), (2, 3, 20, 8), 2 * 2 * 3 * 20 * 20 * 8),
    (
        "causal sdpa",
        Call(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)),
        (1, 3, 20, 8),
        2 * 3 * 20 * 20 * 8,
    ),
    (
        "attention by hand",
        Call(lambda x: (x @ x.transpose(-1, -2)).softmax(-1) @ x),
        (1, 3, 20, 8),
        2 * 3 * 20 * 20 * 8,
    ),
    (
        "multi-head attention",
        First(Call(lambda x, m: m(x, x, x), nn.MultiheadAttention(32, 4, batch_first=True))),
        (1, 20, 32),
        4 * 20 * 32 * 32 + 2 * 20 * 20 * 32,
    ),
    (
        "encoder layer",
        nn.TransformerEncoderLayer(32, 4, 64, batch_first=True),
        (1, 20, 32),
        20 * (4 * 32 * 32 + 2 * 32 * 64) + 2 * 20 * 20 * 32,
    ),
    ("einsum", Call(lambda x: torch.einsum("bij,bjk->bik", x, x)), (2, 6, 6), 2 * 6**3),
    ("matrix times vector", Call(lambda x: x @ x[0]), (6, 6), 36),
    ("functional conv", Call(lambda x: F.conv1d(x, x.new_zeros(4, 1, 3))), (1, 1, 10), 4 * 8 * 3),
    ("called twice", Call(lambda x, layer: layer(layer(x)), nn.Linear(5, 5)), (1, 5), 50),
    ("nothing to multiply", nn.Sequential(nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(2)), (1, 4, 8), 0),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("name", "network", "shape", "wanted"), HAND, ids=[case[0] for case in HAND])
def test_hand_counts(name, network, shape, wanted, device):
    assert macs(copy.deepcopy(network), shape, device) == wanted


def test_the_dcase_2024_baseline_shape_has_its_published_cost(dcase2024_shape):
    # README of the baseline: 61,148 parameters and 29,419,156 MACs for [1, 1, 256, 65].
    images = torch.zeros(1, 1, 256, 65)
    assert count_parameters(dcase2024_shape).total == 61_148
    assert challenge_macs(dcase2024_shape, dcase2024_shape, images).macs == 29_419_156
    trace, _ = trace_forward(dcase2024_shape, dcase2024_shape, images)
    # The exact count is lower by the parameters of batch normalisation, which the tool counts once.
    normalised = sum(
        p.numel() for m in dcase2024_shape.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()
    )
    assert trace.macs == 29_419_156 - normalised


def test_published_vision_transformers(vit):
    # ViT-B/16 on 128×100, stride 10, one channel, ten classes: 85,345,546 parameters and 108 patches.
    large = vit((128, 100), 16, 10, 768, 12, 12, 4)
    assert sum(value.numel() for value in large.parameters()) == 85_345_546
    assert large.positions.shape[1] == 109
    # Four layers of 60, six heads, MLP ratio 1, 12×12 patches: 103,150.
    small = vit((128, 100), 12, 12, 60, 4, 6, 1)
    assert sum(value.numel() for value in small.parameters()) == 103_150
    for network, tokens, dim, depth, ratio, patch in ((large, 109, 768, 12, 4, 16), (small, 81, 60, 4, 1, 12)):
        trace, _ = trace_forward(network, network, torch.zeros(1, 1, 128, 100, device="meta"))
        layer = tokens * (4 * dim * dim + 2 * ratio * dim * dim) + 2 * tokens * tokens * dim
        assert trace.macs == (tokens - 1) * patch * patch * dim + depth * layer + dim * 10
    assert trace.macs == pytest.approx(10.8e6, rel=0.02)  # the figure derived for the small one


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (
            nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(800, 3)),
            (2, 1, 10, 10),
        ),
        (nn.Sequential(nn.LSTM(8, 6, 2, bidirectional=True, batch_first=True)), (2, 9, 8)),
        (nn.Sequential(nn.GRU(8, 6, batch_first=True)), (2, 9, 8)),
        (nn.Sequential(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)), (2, 9, 16)),
        (nn.Sequential(nn.ConvTranspose1d(2, 4, 3), nn.GroupNorm(2, 4), nn.Conv1d(4, 2, 1)), (2, 2, 9)),
        (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)), (3, 7, 4)),
    ],
)
def test_the_challenge_count_is_torchinfos(network, shape):
    torchinfo = pytest.importorskip("torchinfo")
    x = torch.zeros(shape)
    with torch.no_grad():
        theirs = torchinfo.summary(network.eval(), input_data=x, verbose=0).total_mult_adds
    assert challenge_macs(network, network, x).macs == theirs


def test_the_challenge_count_sees_a_few_per_cent_of_a_transformer():
    adapter = start(load_adapter("passt", {}))
    exact = count_macs(adapter, 1.0, on_device=False)
    with torch.no_grad():
        told = challenge_macs(adapter.model, adapter.forward, torch.zeros(1, 1, 32000))
    assert told.macs < 0.06 * exact.total
    said = difference(exact.total, told, exact.by_type)
    assert "Attention -" in said and "not seen" in said and "Linear -" in said


def test_difference_says_equal():
    assert difference(5, ChallengeCount(5, {"Linear": 5}), {"Linear": 5}) == "equal"


def test_layers_and_types_add_up(around):
    net = nn.Sequential(nn.Conv1d(1, 4, 9, stride=4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 2))
    counted = count_macs(around(net), 1.0)
    assert counted.by_layer == {"0": 4 * 1998 * 9, "4": 8}
    assert counted.by_type == {"Conv1d": 4 * 1998 * 9, "Linear": 8}
    assert counted.total == counted.on_device == sum(counted.by_layer.values())
    assert counted.front_end is None and counted.notes == ()


def test_the_front_end_is_counted_apart(around):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.mel = LogMel(8000, 20, n_fft=256, hop_length=80)
            self.head = nn.Linear(20, 2)

        def forward(self, waveforms):
            return self.head(self.mel(waveforms).mean(-1))

    adapter = around(Net())
    counted = count_macs(adapter, 1.0)
    frames = 101
    assert counted.total == 40
    assert counted.front_end.layers == ("mel",)
    assert counted.front_end.transforms == {256: frames}
    assert counted.front_end.dense_macs == 20 * 129 * frames
    assert counted.front_end.sparse_macs == int(np.count_nonzero(adapter.model.mel.filters)) * frames
    assert counted.front_end.fft_flops == 2.5 * 256 * 8 * frames


def test_a_front_end_without_a_module_ends_at_the_first_layer(around):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("bank", torch.zeros(129, 20))
            self.head = nn.Linear(20, 6)

        def forward(self, waveforms):
            power = torch.stft(
                waveforms[:, 0], 256, 80, window=torch.ones(256, device=waveforms.device), return_complex=True
            ).abs()
            bands = power.mean(-1) @ self.bank
            hidden = self.head(bands)
            return (hidden @ hidden.transpose(0, 1)).expand(-1, 2)

    counted = count_macs(around(Net()), 1.0)
    assert counted.front_end.dense_macs == 129 * 20
    assert counted.total == 20 * 6 + 6  # the head, and the product after it


def test_a_network_that_needs_data_is_counted_on_the_device(around):
    class Peeking(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8000, 2)

        def forward(self, waveforms):
            gain = 1.0 if float(waveforms.abs().max()) > 0 else 0.0
            return self.head(waveforms[:, 0]) * gain

    counted = count_macs(around(Peeking()), 1.0)
    assert counted.total == 16000 and counted.backend == "cpu"
    assert "does not run on the meta device" in counted.notes[0]


def test_counts_that_disagree_are_told(around):
    class Shortcut(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(8000, 2)

        def forward(self, waveforms):
            scores = self.head(waveforms[:, 0])
            return scores if waveforms.device.type == "meta" else self.head(waveforms[:, 0]) + scores

    counted = count_macs(around(Shortcut()), 1.0)
    assert (counted.total, counted.on_device) == (16000, 32000)
    assert "should be equal" in counted.notes[0]


def test_operations_without_a_formula_make_a_lower_bound(around, monkeypatch):
    from benchbed.profile import formulas

    monkeypatch.setitem(formulas._OWN, "aten._cdist_forward", None)
    net = Call(lambda x, layer: torch.cdist(layer(x)[None], layer(x)[None])[0].expand(1, 2), nn.Linear(8000, 3))
    net.forward = lambda x: net.function(x[:, 0], *net.parts)  # type: ignore[method-assign]
    counted = count_macs(around(net), 1.0)
    assert counted.uncounted == ("aten._cdist_forward",)


def test_counting_leaves_the_model_as_it_was(around):
    net = nn.Sequential(nn.Conv1d(1, 2, 3), nn.AdaptiveAvgPool1d(1), nn.Flatten())
    adapter = around(net)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    count_macs(adapter, 0.5)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    assert str(next(net.parameters()).device) == "cpu"
    assert torch.backends.mha.get_fastpath_enabled()


def test_published_front_end_formula():
    assert FrontEndCost(transforms={512: 3}).fft_flops == 3 * 2.5 * 512 * math.log2(512)


def test_what_must_be_sent_includes_skip_connections():
    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Linear(10, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            kept = self.first(x)
            return self.last(torch.relu(self.second(kept)) + kept)

    net = Skip()
    trace, _ = trace_forward(net, net, torch.zeros(1, 10))
    sent = {cut.layer: cut.send_bytes for cut in trace.cuts}
    # After the second layer both its output and the skipped one are needed: 2 × 4 floats.
    assert sent == {"first": 16, "second": 32, "last": 8, "": 8}


def test_what_a_model_was_asked_before_changes_no_count():
    """A dual encoder embeds its texts once: they were counted, or not, by whether predictions had been made before."""
    adapter = start(load_adapter("dual_encoder", {}))
    fresh = count_macs(adapter, 1.0)
    adapter.asked(tuple(f"a dog barks {number} times" for number in range(300)))
    later = count_macs(adapter, 1.0)
    assert fresh.total == later.total and fresh.by_type == later.by_type
    assert "GRU" not in fresh.by_type, "texts are no part of one clip's cost"
