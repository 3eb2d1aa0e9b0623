"""Several exits, and cutting a network in two, against hand calculations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchbed.adapter import TorchAdapter
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.profile.exits import (
    budget_accuracy,
    exit_costs,
    exit_scores,
    exits_report,
    practical,
    threshold_curve,
)
from benchbed.profile.split import CutPlace, best_split, mark_compressive, measure_cuts, split_report


class Branchy(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.early = nn.Linear(8000, 50), nn.Linear(50, 2)
        self.second, self.last = nn.Linear(50, 40), nn.Linear(40, 2)

    def exits(self, waveforms):
        x = torch.relu(self.first(waveforms[:, 0]))
        yield self.early(x)
        yield self.last(torch.relu(self.second(x)))

    def forward(self, waveforms):
        return list(self.exits(waveforms))[-1]


@pytest.fixture
def branchy(around) -> TorchAdapter:
    adapter = around(Branchy())
    adapter.exits = adapter.model.exits
    return adapter


def test_costs_are_cumulative_with_earlier_heads(branchy):
    costs = exit_costs(branchy, 1.0, repeats=5)
    first = 8000 * 50 + 50 * 2
    assert costs.macs == [first, first + 50 * 40 + 40 * 2]
    assert 0 < costs.seconds[0] < costs.seconds[1]


def test_the_last_exit_is_forward(branchy):
    waveforms = np.random.Generator(np.random.Philox(key=1)).standard_normal((3, 1, 8000)).astype(np.float32)
    scores = exit_scores(branchy, waveforms)
    assert scores.shape == (2, 3, 2)
    with torch.no_grad():
        np.testing.assert_allclose(scores[-1], branchy.forward(torch.from_numpy(waveforms)).numpy(), rtol=1e-6)


def test_threshold_curve_by_hand():
    # Confidence of the first exit per clip: .9 right, .6 wrong, .7 right; the second exit is always right at .8.
    exits = np.array([[[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], [[0.8, 0.2], [0.2, 0.8], [0.2, 0.8]]])
    target = np.array([0, 1, 1])
    curve = {
        point["threshold"]: point for point in threshold_curve(exits, target, [10.0, 40.0], [0.0, 0.65, 0.75, 1.01])
    }
    assert curve[0.0]["accuracy"] == pytest.approx(2 / 3) and curve[0.0]["mean_cost"] == 10
    assert curve[0.65]["accuracy"] == 1.0 and curve[0.65]["mean_cost"] == 20  # one clip of three goes on
    assert curve[0.75]["mean_cost"] == 30 and curve[0.75]["share"] == pytest.approx([1 / 3, 2 / 3])
    assert curve[1.01]["mean_cost"] == 40


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 20), st.integers(0, 10_000))
def test_cost_grows_with_the_threshold(exits, clips, key):
    random = np.random.Generator(np.random.Philox(key=key))
    scores = random.random((exits, clips, 3))
    scores /= scores.sum(-1, keepdims=True)
    costs = np.cumsum(random.random(exits) + 0.1).tolist()
    curve = threshold_curve(scores, random.integers(0, 3, clips), costs)
    spent = [point["mean_cost"] for point in curve]
    assert all(b >= a - 1e-12 for a, b in itertools.pairwise(spent))
    assert spent[0] == pytest.approx(costs[0]) and spent[-1] == pytest.approx(costs[-1])
    assert all(sum(point["share"]) == pytest.approx(1.0) for point in curve)


def test_anytime_accuracy_is_the_mean_over_sampled_budgets():
    random = np.random.Generator(np.random.Philox(key=3))
    scores, target, costs = random.random((3, 200, 4)), random.integers(0, 4, 200), [2.0, 5.0, 9.0]
    exact = budget_accuracy(scores, target, costs)
    correct = scores.argmax(-1) == target
    budgets = random.uniform(0, 9.0, 200_000)
    last = np.searchsorted(costs, budgets, side="right") - 1
    sampled = np.where(last < 0, 0.0, correct[last.clip(0), random.integers(0, 200, len(budgets))]).mean()
    assert exact["accuracy"] == pytest.approx(sampled, abs=0.005)


def test_published_impractical_exits():
    # DISCO crowd counting, mean absolute error of CNN exits V1, AV1, AV2: only the first is worth its cost.
    assert practical([-16.99, -17.00, -17.90]) == [True, False, False]
    # With transformer branches the second is too, the third is not.
    assert practical([-15.04, -14.58, -17.03]) == [True, True, False]


def test_exits_that_do_not_fit_are_refused():
    with pytest.raises(CannotMeasure, match="must grow"):
        threshold_curve(np.zeros((2, 1, 2)), np.array([0]), [5.0, 4.0])
    with pytest.raises(CannotMeasure, match="shape"):
        threshold_curve(np.zeros((2, 1, 2)), np.array([0]), [5.0])
    with pytest.raises(CannotMeasure, match="no clip"):
        threshold_curve(np.zeros((1, 0, 2)), np.array([]), [5.0])


def test_report_with_and_without_clips(branchy):
    bare = exits_report(branchy, 1.0)
    assert bare["exit_1"]["accuracy"]["value"] is None and "threshold_curve" not in bare
    scores = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.8, 0.2], [0.2, 0.8]]])
    full = exits_report(branchy, 1.0, scores, np.array([0, 1]))
    assert [full[f"exit_{n}"]["accuracy"]["value"] for n in (1, 2)] == [0.5, 1.0]
    assert full["exit_2"]["practical"] is True and full["exit_2"]["accuracy"]["clips"] == 2

    def broken(waveforms):
        raise RuntimeError("no branch")
        yield

    branchy.exits = broken
    assert "no branch" in exits_report(branchy, 1.0)["reason"]


CUTS = [CutPlace("a", 0.2, 3000), CutPlace("b", 0.5, 9000), CutPlace("c", 0.6, 500), CutPlace("d", 0.9, 500)]


def test_compressive_cuts_by_hand():
    # Nine thousand bytes are more than the input's eight, and the second five hundred are no improvement.
    assert [cut.layer for cut in mark_compressive(CUTS, 8000) if cut.compressive] == ["a", "c"]


@pytest.mark.parametrize(
    ("rate", "private", "layer", "seconds"),
    [
        (1e9, False, "input", 8000 / 1e9 + 0.1),  # a fast link: send everything, the server is ten times faster
        (1e9, True, "a", 0.2 + 3000 / 1e9 + 0.08),  # the same without letting audio out
        (10_000, False, "a", 0.2 + 0.3 + 0.08),  # 3000 bytes in 300 ms
        (3_000, False, "c", 0.6 + 500 / 3000 + 0.04),  # a slower link moves the cut to where least is sent
        (100, False, "output", 1.0),  # nothing is worth sending
    ],
)
def test_best_split_by_hand(rate, private, layer, seconds):
    best = best_split(CUTS, 8000, 1.0, bytes_per_second=rate, server_speedup=10, private=private)
    assert best.layer == layer and best.seconds == pytest.approx(seconds)
    assert best.no_offload == 1.0
    assert best.gain == pytest.approx(1 - seconds / (1.0 if private else min(1.0, best.full_offload)))


def test_a_batch_takes_longer_and_is_cut_alike():
    one, many = (best_split(CUTS, 8000, 1.0, bytes_per_second=1e4, batch=n) for n in (1, 8))
    assert many.layer == one.layer and many.seconds == pytest.approx(8 * one.seconds)
    with pytest.raises(ConfigError, match="rate"):
        best_split(CUTS, 8000, 1.0, bytes_per_second=0)


def test_cuts_of_a_network(around):
    net = nn.Sequential(nn.Flatten(), nn.Linear(8000, 100), nn.ReLU(), nn.Linear(100, 4000), nn.Linear(4000, 2))
    cuts, size, total = measure_cuts(around(net), 1.0, repeats=3)
    sent = {cut.layer: cut.send_bytes for cut in cuts}
    assert size == 32000
    assert sent["1"] == sent["2"] == 400 and sent["3"] == 16000
    assert [cut.layer for cut in cuts if cut.compressive] == ["1"]
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(cuts)) and cuts[-1].seconds <= total * 1.5
    told = split_report(around(net), 1.0, bytes_per_second=[1e3, 1e9], batches=[1, 4])
    assert len(told["scenarios"]) == 4 and told["scenarios"][0]["cut_after"] in ("1", "output")


def test_a_foreign_model_cannot_be_cut(foreign):
    assert "can be cut" in split_report(foreign, 1.0, bytes_per_second=[1e6])["reason"]
