"""Times: the clock, the repetition, the parts, and the first answer of a fresh process."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch import nn

from benchbed.adapter.frontend import LogMel
from benchbed.adapter.load import load_adapter
from benchbed.profile.clock import Clock, Times, clock_for, pinned_threads, repeat
from benchbed.profile.coldstart import cold_start
from benchbed.profile.latency import latency
from benchbed.profile.layer_time import peak_activation_memory, time_shares


class Net(nn.Module):
    def __init__(self, nap: float = 0.0):
        super().__init__()
        self.mel = LogMel(8000, 20, n_fft=256, hop_length=80)
        self.nap, self.head = nap, nn.Linear(20, 2)

    def forward(self, waveforms):
        bands = self.mel(waveforms).mean(-1)
        if waveforms.device.type != "meta":
            time.sleep(self.nap)
        return self.head(bands)


def test_the_clock_waits_for_the_device():
    waited = []
    clock = Clock(lambda: waited.append(time.perf_counter()))
    clock.now()
    assert len(waited) == 1
    times = repeat(lambda: None, clock, seconds=0, warmup=2, at_least=4)
    assert len(times.wall) == 4
    assert len(waited) > 2 * 4  # before and after every call


def test_cuda_is_synchronised(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.cuda, "synchronize", asked.append)
    clock_for("cuda:1").now()
    assert asked == ["cuda:1"]


def test_warm_up_is_not_counted():
    calls = []

    def call():
        calls.append(len(calls))
        time.sleep(0.02 if len(calls) <= 5 else 0.0)

    times = repeat(call, Clock(), seconds=0, warmup=5, at_least=10)
    assert len(calls) == 15 and np.median(times.wall) < 0.01


def test_times_by_hand():
    times = Times(np.arange(1, 101) / 100, np.full(100, 0.5))
    assert times.percentile(50) == pytest.approx(0.505)
    assert times.percentile(95) == pytest.approx(0.9505)
    assert not times.disturbed
    assert Times(np.full(3, 2.0), np.full(3, 1.0)).disturbed


def test_threads_are_pinned_and_given_back():
    before = torch.get_num_threads()
    with pinned_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_every_part_gets_its_own_time(around):
    found = latency(around(Net(nap=0.01)), batch_sizes=(1, 2), least_seconds=0.1, warmup=2)
    parts = {name: part["value"] for name, part in found["parts"].items()}
    assert set(parts) == {"decode", "front_end", "model", "after"}
    assert parts["model"] >= 10.0 > parts["front_end"] > 0  # ms; the nap is the network's
    whole = found["batch_1"]["median"]["value"]
    assert whole >= 10.0 and parts["after"] < parts["model"]
    assert found["batch_1"]["real_time_factor"]["value"] == pytest.approx(whole / 1000)  # a clip of one second
    assert found["threads"] == 1 and found["device"] == "cpu"


def test_the_best_batch_is_the_one_with_the_highest_throughput(around):
    # The nap is per call, so larger batches pay it less often.
    found = latency(around(Net(nap=0.01)), batch_sizes=(1, 8), least_seconds=0.05, warmup=1)
    assert found["best_batch"]["clips"] == 8
    assert found["throughput"]["batch_8"]["value"] > 4 * found["throughput"]["batch_1"]["value"]


def test_waiting_is_not_computing(around):
    found = latency(around(Net(nap=0.01)), batch_sizes=(1,), least_seconds=0.05, warmup=1)
    assert "do not rank" in found["disturbed"]


def test_timing_leaves_the_adapter_as_it_was(around):
    adapter = around(Net())
    latency(adapter, batch_sizes=(1,), least_seconds=0.02, warmup=1)
    assert "forward" not in vars(adapter)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in adapter.model.modules())


def test_a_foreign_model_is_timed_as_a_whole(foreign):
    found = latency(foreign, batch_sizes=(1,), least_seconds=0.02, warmup=1)
    assert set(found["parts"]) == {"decode", "model"}
    assert found["batch_1"]["median"]["value"] > 0
    assert "cannot be seen" in time_shares(foreign)["reason"]
    assert peak_activation_memory(foreign)["value"] is None


def test_replayed_predictions_are_not_timed(foreign):
    foreign.replays = True
    assert "replayed" in latency(foreign)["reason"]


def test_decoding_is_the_given_one(around):
    found = latency(around(Net()), batch_sizes=(1,), least_seconds=0.02, warmup=1, decode=lambda: time.sleep(0.005))
    assert found["parts"]["decode"]["value"] >= 5.0
    assert "dataset" in found["parts"]["decode"]["method"]


def test_shares_of_time_add_up_and_see_functions(around):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.act, self.down = nn.Linear(8000, 256), nn.ReLU(), nn.Linear(256, 2)

        def forward(self, waveforms):
            x = self.act(self.up(waveforms[:, 0]))
            return self.down((x[:, :, None] @ x[:, None, :]).mean(-1))

    shares = time_shares(around(Mixed()), calls=5)["cpu"]
    assert sum(part["value"] for part in shares.values()) == pytest.approx(1.0)
    assert "Linear" in shares and any(name.startswith("outside layers: aten::") for name in shares)


def test_peak_memory_repeats_and_grows_with_the_batch_of_activations(around):
    def net(width):
        return nn.Sequential(nn.Conv1d(1, width, 1), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten())

    small, large = (peak_activation_memory(around(net(width)))["value"] for width in (4, 16))
    assert peak_activation_memory(around(net(4)))["value"] == small
    # At the ReLU its input and its output are alive: 2 × width × 8000 floats.
    assert small >= 2 * 4 * 8000 * 4 and large >= 2 * 16 * 8000 * 4
    assert large < 4.5 * small


def test_cold_start_in_a_fresh_process(tmp_path):
    from benchbed.adapter.load import shipped_adapters

    found = cold_start(str(shipped_adapters()["cnn"]), {}, seconds=1.0)
    assert found["load"]["value"] > 0 and found["first_call"]["value"] > 0
    assert found["peak_memory"]["value"] > found["memory_before_model"]["value"] > 1e6
    broken = tmp_path / "broken.py"
    broken.write_text("from benchbed.adapter import Nothing\n")
    assert "does not start" in cold_start(str(broken), {})["reason"]


def test_a_process_that_hangs_is_ended(tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)\n")
    assert "within 0.5 s" in cold_start(str(slow), {}, timeout=0.5)["reason"]


def test_shipped_models_have_a_front_end_of_their_own():
    from benchbed.adapter.load import start

    found = latency(start(load_adapter("cnn", {})), batch_sizes=(1,), least_seconds=0.05, warmup=2)
    assert found["parts"]["front_end"]["method"] == "time inside frontend"
