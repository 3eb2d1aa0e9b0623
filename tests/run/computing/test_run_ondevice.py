"""Units whose corruptions are made where the model runs: the host's answers within the tolerance, and own keys."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchbed.perturb import resolve
from benchbed.perturb.ondevice import Moved
from benchbed.run.computing import ondevice
from benchbed.run.computing.engine import Engine
from benchbed.run.executing.unit import compute
from benchbed.run.preparing.units import cut
from benchbed.suite.model import Suite
from benchbed.suite.plan import plan_cells

NAMES = ("white_noise", "gain", "clipping", "low_pass", "time_mask")
CONDITIONS = ["clean", *({"corruption": name} for name in NAMES)]
MODEL = """
import torch
from benchbed.adapter import Card, TorchAdapter

class Toy(TorchAdapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=RATE, EXTRA)
    def build(self):
        return torch.nn.Identity()
    def forward(self, waveforms):
        power = torch.fft.rfft(waveforms[:, 0]).abs() ** 2
        return torch.log(torch.stack([power[:, :400].sum(1), power[:, 400:].sum(1)], 1) + 1e-3)
"""


@pytest.fixture
def job_of(toy_job, tmp_path):
    """A job with a model of torch."""

    def made(extra="", rate=8000, more="", **changes):
        path = tmp_path / "torch_toy.py"
        path.write_text(MODEL.replace("RATE", str(rate)).replace("EXTRA", extra) + more)
        return replace(toy_job(conditions=CONDITIONS), recipe=(str(path), {}), **changes)

    return made


def units(job):
    suite = Suite(name="s", version="1", task="scene", data={"layout": "folder"}, conditions=job.conditions)
    return cut(job, plan_cells(suite), seconds={"test": 20.0}, digests={}, models={"test": {"m": 1}})


def computed(job):
    return [compute(Engine(job), unit) for unit in units(job)]


@pytest.fixture
def there(monkeypatch):
    """Names of corruptions that were made on the device."""
    names, made = set[str](), ondevice.made

    def counted(moved, corruption, *rest):
        names.add(type(corruption).__name__)
        return made(moved, corruption, *rest)

    monkeypatch.setattr(ondevice, "made", counted)
    return names


def test_answers_are_those_of_the_host_within_the_tolerance(job_of, there):
    host, device = computed(job_of()), computed(job_of(on_device=True))
    assert there == {"WhiteNoise", "Gain", "Clipping", "LowPass"}
    assert len(host) == len(device) == 6
    for one, other in zip(host, device):
        assert not one.failures and not other.failures
        assert {k: v for k, v in one.columns.items() if k not in ("achieved", "skipped")}.keys() <= other.columns.keys()
        for name in ("clip_id", "cell", "skipped", "note", "padded", "cropped", "resampled"):
            assert list(one.columns[name]) == list(other.columns[name])
        assert np.array_equal(one.columns["achieved"], other.columns["achieved"], equal_nan=True)
        assert np.abs(one.scores - other.scores).max() < 1e-4
    assert np.array_equal(host[0].scores, device[0].scores) and np.array_equal(host[5].scores, device[5].scores)


def test_units_made_there_have_names_of_their_own_and_no_others(job_of):
    host, device = units(job_of()), units(job_of(on_device=True))
    same = [one.id == other.id for one, other in zip(host, device, strict=True)]
    assert same == [True, False, False, False, False, True]
    assert [one.loose == other.loose for one, other in zip(host, device)] == same


@pytest.mark.parametrize(
    ("extra", "rate", "more"),
    [
        ("", 16000, ""),
        ("clip_seconds=1.0", 8000, ""),
        (
            "",
            8000,
            "\n    def predict(self, batch):\n        assert type(batch.waveforms).__name__ == 'ndarray'\n"
            "        return super().predict(batch)\n",
        ),
    ],
    ids=["another rate", "another length", "a predict of its own"],
)
def test_other_models_and_clips_are_made_for_by_the_host(job_of, there, extra, rate, more):
    host, other = computed(job_of(extra, rate, more)), computed(job_of(extra, rate, more, on_device=True))
    assert not there
    assert all(np.array_equal(a.scores, b.scores) and not b.failures for a, b in zip(host, other, strict=True))


def test_a_device_without_memory_leaves_it_to_the_host(job_of, monkeypatch):
    def full(self, state, parameter, moved):
        raise torch.OutOfMemoryError("CUDA out of memory")

    host = computed(job_of())
    for name in NAMES[:-1]:
        monkeypatch.setattr(type(resolve(name)), "apply_on_device", full)
    device = computed(job_of(on_device=True))
    assert all(np.array_equal(a.scores, b.scores) and not b.failures for a, b in zip(host, device, strict=True))


def test_any_other_error_there_is_the_clips_failure(job_of, monkeypatch):
    def broken(self, state, parameter, moved):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(type(resolve("gain")), "apply_on_device", broken)
    made = computed(job_of(on_device=True))
    assert "no such kernel" in made[2].failures[0]["message"] and not made[1].failures


def test_a_perturbation_of_which_nothing_came_reached_no_severity():
    gain = resolve("gain", [0.0, -6.0])
    wave = (np.round(np.linspace(-0.5, 0.5, 8000) * 32768) / 32768).astype(np.float32)[None]
    from benchbed.perturb.contract import Context
    from benchbed.run.computing.whole import Clip

    state = gain.prepare(wave, 8000, np.random.default_rng(0), Context())
    clip = Clip(wave, 8000, False, False)
    first, second = ondevice.made(Moved(torch.from_numpy), gain, state, gain.parameters, clip)
    assert first.achieved is None and second.achieved == -6.0


def test_a_batch_may_hold_both():
    """A strength that is not possible leaves the clip as it was read, beside those that were made."""
    from benchbed.run.computing.whole import ModelInput

    here = ModelInput(np.ones((1, 4), np.float32), False, False, False, False)
    batch = ondevice.stacked([here, ondevice.as_input(torch.zeros(1, 4))])
    assert isinstance(batch, torch.Tensor) and batch.tolist() == [[[1.0] * 4], [[0.0] * 4]]
    assert isinstance(ondevice.stacked([here, here]), np.ndarray)
