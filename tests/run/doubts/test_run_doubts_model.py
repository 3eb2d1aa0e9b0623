"""Doubts about model and data, by whole runs: every planted fault is said, and a sound model is left in peace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import soundfile
import torch

from benchbed.results.record import Check
from benchbed.run.job.settings import Settings
from benchbed.run.preparing.prepare import prepare
from benchbed.run.session import run
from benchbed.suite.load import load_suite

RATE = 8000
LABELS = ("low", "middle", "high")
PITCH = {"low": 300, "middle": 900, "high": 2700}
SUITE = """
name: toy
version: "1"
task: scene
data: {layout: folder, name: toy, options: {csv: clips.csv, group: group, fold: fold}, splits: SPLITS}
conditions: [clean]
statistics: {draws: 0}
profile: false
"""
ADAPTER = """
import numpy as np
import torch
from benchbed.adapter import Card, TorchAdapter
from benchbed.adapter.checkpoint import fit_state_dict, load_state_dict

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(8)
        self.drop = torch.nn.Dropout(0.5)
        self.head = torch.nn.Linear(8, 3)

    def forward(self, x):
        spectrum = torch.fft.rfft(x[:, 0], 1024 if RATE_FREE else None).abs() ** 2
        bands = torch.stack([part.sum(1) for part in spectrum.split(-(-spectrum.shape[1] // 8), 1)], 1)
        return self.head(self.drop(self.norm(bands.clamp_min(1e-9).log())))

RATE_FREE = False

class Toy(TorchAdapter):
    def __init__(self, checkpoint: str = ""):
        self.checkpoint = checkpoint or None
        self.card = Card(name="toy", family="mlp", output="scene", labels=("high", "low", "middle"),
                         sample_rate=8000, clip_seconds=0.25, trained_on=())

    def build(self):
        net = Net()
        if self.checkpoint:
            fit_state_dict(net, load_state_dict(self.checkpoint))
        return net
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty clips of three pitches in five folds, and a network trained on them."""
    place = tmp_path_factory.mktemp("doubts")
    rows, waves, targets = ["path,label,group,fold"], [], []
    for i in range(60):
        label = LABELS[i % 3]
        random = np.random.Generator(np.random.Philox(key=i))
        time = np.arange(RATE // 4) / RATE
        wave = 0.2 * np.sin(2 * np.pi * PITCH[label] * random.uniform(0.8, 1.2) * time)
        wave += 0.02 * random.standard_normal(len(wave))
        (place / "data").mkdir(exist_ok=True)
        soundfile.write(place / "data" / f"{i}.wav", wave, RATE)
        rows.append(f"{i}.wav,{label},r{i},{i // 3 % 5 + 1}")
        waves.append(wave)
        targets.append(("high", "low", "middle").index(label))
    (place / "data" / "clips.csv").write_text("\n".join(rows))
    (place / "net.py").write_text(ADAPTER)
    space: dict = {}
    exec(compile(ADAPTER, "net", "exec"), space)
    torch.manual_seed(0)
    net = space["Net"]()
    net.drop.p = 0.0
    sound = torch.tensor(np.stack(waves), dtype=torch.float32)[:, None]
    step = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(120):
        step.zero_grad()
        torch.nn.functional.cross_entropy(net(sound), torch.tensor(targets)).backward()
        step.step()
    safetensors.torch.save_file(net.state_dict(), place / "net.safetensors")
    return place


def doubts(
    world: Path, change: tuple[str, str] | None = None, *, splits: str = "[all]", checkpoint: bool = True
) -> dict[str, Check]:
    text = ADAPTER
    if change is not None:
        assert change[0] in text
        text = text.replace(*change)
    adapter = world / "changed.py"
    adapter.write_text(text)
    suite = world / "toy.yaml"
    suite.write_text(SUITE.replace("SPLITS", splits))
    options = {"checkpoint": str(world / "net.safetensors")} if checkpoint else {}
    settings = Settings(out=world / "runs", data={"toy": world / "data"}, quiet=True)
    made = run(prepare(load_suite(str(suite)), str(adapter), options, settings), settings, options)
    return {check.name: check for check in made.result.checks}


def wrong(found: dict[str, Check]) -> set[str]:
    return {name for name, check in found.items() if check.status in ("warn", "fail")}


def test_a_sound_model_is_left_in_peace(world):
    found = doubts(world)
    assert wrong(found) == set()
    assert {"model:training", "model:company", "model:weights", "answers:chance", "answers:order"} <= set(found)


TRAINING = """        return net

    def load(self, device="cpu"):
        super().load(device)
        self.again = [self.model.train()]
"""
PARTLY = """
            state = load_state_dict(self.checkpoint)
            renamed = {f"old.{key}" if "head" in key else key: value for key, value in state.items()}
            net.load_state_dict(renamed, strict=False)
"""


def test_training_mode(world):
    found = doubts(world, ("        return net\n", TRAINING))
    assert found["model:training"].status == "fail"
    assert "after loading: model.norm, model.drop;" in found["model:training"].message
    assert found["model:company"].status == "warn"
    assert "heard again" in found["model:company"].message
    assert "model:weights" not in found, "what answers by chance cannot be told from what was loaded by chance"


def test_a_batch_that_is_levelled_as_a_whole(world):
    level = ("self.norm(bands.clamp_min(1e-9).log())", "self.norm((bands / bands.max() * 1e3).clamp_min(1e-9).log())")
    found = doubts(world, level)
    assert found["model:company"].status == "warn"
    assert "alone and in a batch of 4" in found["model:company"].message


def test_weights_that_nobody_loaded(world):
    found = doubts(world, checkpoint=False)
    assert found["model:weights"].status == "fail"
    assert "model.head.weight" in found["model:weights"].message
    assert "100%" not in found["model:weights"].message, "a batch norm begins the same every time"


def test_a_seed_does_not_make_chance_a_checkpoint(world):
    seeded = ("        net = Net()\n", "        torch.manual_seed(3)\n        net = Net()\n")
    assert doubts(world, seeded, checkpoint=False)["model:weights"].status == "fail"
    assert doubts(world, seeded)["model:weights"].status == "pass"


def test_a_checkpoint_that_fits_in_part(world):
    part = ("            fit_state_dict(net, load_state_dict(self.checkpoint))\n", PARTLY)
    found = doubts(world, part)
    assert found["model:weights"].status == "fail"
    assert "2 of 6 tensors" in found["model:weights"].message


def test_a_rate_that_is_not_the_models(world):
    found = doubts(world, ("sample_rate=8000, clip_seconds=0.25", "sample_rate=24000, clip_seconds=0.25"))
    assert found["model:rate"].status == "warn"
    assert "at 8000 Hz, passed off as 24000 Hz" in found["model:rate"].message


def test_samples_of_sixteen_bits(world):
    # The network was trained on ±1; told to divide by 32768 it was meant for integers.
    found = doubts(world, ("bands.clamp_min(1e-9).log()", "(bands / 32768**2 * 1e-2).clamp_min(1e-9).log()"))
    assert found["answers:chance"].status == "warn"


def test_labels_in_another_order(world):
    found = doubts(world, ('labels=("high", "low", "middle")', 'labels=("low", "middle", "high")'))
    assert found["answers:order"].status == "warn"
    assert "answers:order" in wrong(found)


def test_one_model_for_folds_that_it_was_trained_on(world):
    told = ("trained_on=()", "trained_on=('toy',)")
    found = doubts(world, told, splits="[fold1, fold2, fold3, fold4, fold5]")
    assert found["data:trained_on"].status == "warn"
    assert "one model scores 5 folds of toy" in found["data:trained_on"].message
    assert "data:trained_on" not in doubts(world, told, splits="[fold1]")


def test_the_part_that_a_model_was_trained_on_is_compared_clip_by_clip(world):
    told = ("trained_on=()", "trained_on=('toy', 'toy/not_fold1')")
    found = doubts(world, told, splits="[fold1, fold2]")["data:trained_on"]
    assert (found.status, found.message.partition(": ")[2]) == ("fail", "fold2 (12 of 12 clips)")
    assert doubts(world, told, splits="[fold1]")["data:trained_on"].status == "pass"


def test_what_data_check_knows_of_leaks(world):
    table = world / "data" / "clips.csv"
    kept = table.read_text()
    try:
        table.write_text(kept.replace("3.wav,low,r3,", "3.wav,low,r0,"))
        found = doubts(world, splits="[fold1]")
        assert found["data:leaks:fold1"].status == "warn"
        assert "1 recordings are in both not_fold1 and fold1" in found["data:leaks:fold1"].message
        first = (world / "data" / "0.wav").read_bytes()
        second = (world / "data" / "3.wav").read_bytes()
        table.write_text(kept)
        (world / "data" / "3.wav").write_bytes(first)
        found = doubts(world, splits="[fold1]")
        assert "have content that is in not_fold1" in found["data:leaks:fold1"].message
        (world / "data" / "3.wav").write_bytes(second)
    finally:
        table.write_text(kept)
    assert doubts(world, splits="[fold1]")["data:leaks:fold1"].status == "pass"


def test_the_record_is_the_same_when_everything_is_reused(world):
    assert {n: (c.status, c.message) for n, c in doubts(world).items()} == {
        n: (c.status, c.message) for n, c in doubts(world).items()
    }
