"""What a suite may ask about cost, and what stands on the record then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchbed.errors import ConfigError
from benchbed.results.store import read
from benchbed.run import session
from benchbed.suite.load import load_suite

SUITE = """
name: cost
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {{csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}}
  splits: [test]
conditions: [clean]
statistics: {{draws: 0}}
{cost}
"""

BRANCHY = """
import torch
from torch import nn
from benchbed.adapter import Card, TorchAdapter

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.early, self.last = nn.Linear(4000, 8), nn.Linear(8, 2), nn.Linear(8, 2)

    def exits(self, waveforms):
        x = torch.relu(self.first(waveforms[:, 0]))
        yield self.early(x)
        yield self.last(x)

class Branchy(TorchAdapter):
    card = Card(name="branchy", family="mlp", output="scene", labels=("low", "high"), sample_rate=8000,
                clip_seconds=0.5, weight_bits=16)

    def build(self):
        return Net()

    def exits(self, waveforms):
        yield from self.model.exits(waveforms)

    def forward(self, waveforms):
        return list(self.exits(waveforms))[-1]
"""


@pytest.fixture
def costed(tmp_path: Path, toy_table):
    """Runs the toy set on an adapter with two exits and a suite that asks about cost."""
    toy_table[["path", "label", "group"]].assign(split="test").to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "branchy.py").write_text(BRANCHY)

    def run(cost: str, adapter: str | None = None, **settings) -> dict:
        suite = tmp_path / "cost.yaml"
        suite.write_text(SUITE.format(cost=cost))
        made = session.Settings(out=tmp_path / "runs", data={"toy": tmp_path / "data"}, quiet=True, **settings)
        prepared = session.prepare(load_suite(str(suite)), adapter or str(tmp_path / "branchy.py"), {}, made)
        path = session.run(prepared, made, {}).path
        read(path)
        return json.loads(path.read_text())

    return run


def test_counts_by_default(costed):
    found = costed("")["profile"]
    assert found["parameters"]["value"] == 4000 * 8 + 8 + 2 * (8 * 2 + 2)
    assert found["macs"]["value"] == 4000 * 8 + 2 * 16
    assert "latency" not in found and found["energy"]["method"] == "none"


def test_counts_are_the_same_in_every_run(costed):
    first, second = (costed("", reuse=session.Reuse.NEVER)["profile"] for _ in range(2))
    for name in ("parameters", "macs", "flops", "parameter_memory", "size", "compute"):
        assert first[name] == second[name]


def test_profile_false_counts_nothing(costed):
    assert costed("profile: false")["profile"] == {}


def test_times_and_energy_where_asked_even_if_predictions_are_reused(costed):
    cost = """
profile:
  latency: {batch_sizes: [1], seconds: 0.05, warmup: 2, cold_start: false}
  energy: {windows: 2, window_seconds: 0.05, idle_seconds: 0, tdp_watts: 60, tdp_threads: 2, grid_kgco2e_per_kwh: 0.4}
  layers: true
"""
    costed("profile: false")
    record = costed(cost)  # every prediction is there already
    found = record["profile"]
    assert found["latency"]["batch_1"]["median"]["value"] > 0
    assert "dataset" in found["latency"]["parts"]["decode"]["method"]
    assert found["energy"]["method"] in ("estimated", "measured")
    whole = found["energy"]["whole_run"]
    assert whole["joules"]["value"] == pytest.approx(whole["cpu_seconds"]["value"] * 30)
    assert whole["cpu_seconds"]["value"] == pytest.approx(record["provenance"]["cpu_seconds"], abs=1e-3)
    assert whole["evaluations"] == 40
    assert sum(layer["macs"] for layer in found["compute"]["layers"]) == found["macs"]["value"]


def test_exits_are_compared_on_clips(costed):
    found = costed("profile: {exit_clips: 10}")["profile"]["exits"]
    assert found["exit_1"]["macs"]["value"] == 4000 * 8 + 16
    assert found["exit_2"]["macs"]["value"] == 4000 * 8 + 32
    assert found["exit_1"]["accuracy"]["clips"] == 10
    curve = found["threshold_curve"]
    assert curve[0]["mean_cost"] == 32016 and curve[-1]["mean_cost"] == 32032
    assert "exits" not in costed("profile: {exit_clips: 0}")["profile"]


def test_cost_does_not_change_what_makes_suites_comparable(costed):
    hashes = {costed(cost)["suite"]["hash"] for cost in ("", "profile: false", "profile: {layers: true}")}
    assert len(hashes) == 1


def test_compliance_uses_the_counts(costed):
    record = costed("compliance: {rule: dcase2024}")
    statuses = {check["name"]: check["status"] for check in record["checks"]}
    assert statuses["dcase2024:memory"] == "pass"
    assert record["scores"]["dcase2024:memory"]["value"] == 2 * record["profile"]["parameters"]["value"]
    # Half a second is not what the limit is about.
    assert statuses["dcase2024:macs"] == "skipped"


NORMALISED = """
import torch
from torch import nn
from benchbed.adapter import Card, TorchAdapter

class Normalised(TorchAdapter):
    card = Card(name="normalised", family="cnn", output="scene", labels=("low", "high"), sample_rate=8000,
                clip_seconds=1.0, weight_bits=16)

    def build(self):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv1d(1, 16, 9), nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
                             nn.Linear(16, 2))

    def forward(self, waveforms):
        return self.model(waveforms)
"""


def test_a_challenges_limit_is_held_against_the_count_of_its_own_tool(costed, tmp_path):
    """torchinfo counts biases and normalisation, which are no multiply-accumulates of a product."""
    torchinfo = pytest.importorskip("torchinfo")
    import torch
    from torch import nn

    path = tmp_path / "normalised.py"
    path.write_text(NORMALISED)
    record = costed("compliance: {rule: dcase2025}", adapter=str(path))
    network = nn.Sequential(
        nn.Conv1d(1, 16, 9), nn.BatchNorm1d(16), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(16, 2)
    )
    wanted = torchinfo.summary(network, input_data=torch.zeros(1, 1, 8000), verbose=0).total_mult_adds
    assert wanted == 16 * 10 * 7992 + 32 + 34, "convolution with its bias, normalisation, linear layer with its bias"
    exact = 16 * 9 * 7992 + 32
    assert record["profile"]["macs"]["value"] == exact
    figure = record["scores"]["dcase2025:macs"]
    assert figure["value"] == wanted and figure["rule"] == "dcase2025:macs"
    message = next(check["message"] for check in record["checks"] if check["name"] == "dcase2025:macs")
    assert f"{wanted:,} of 30,000,000 MACs" in message and f"{exact:,} operations" in message


def test_a_foreign_model_has_reasons(costed, adapter_file):
    found = costed("compliance: {rule: dcase2024}", adapter=str(adapter_file()))
    assert found["profile"]["macs"]["value"] is None and found["profile"]["macs"]["reason"]
    assert {check["status"] for check in found["checks"] if check["name"].startswith("dcase2024")} == {"skipped"}


def test_a_suite_names_no_file_outside_its_folder(costed, tmp_path):
    # It is there, and refused all the same.
    (tmp_path.parent / "evil.py").write_text(BRANCHY)
    for key in ("reference: ../evil.py", "wattmeter: /tmp/meter.csv"):
        with pytest.raises(ConfigError, match="leaves the folder"):
            costed(f"profile: {{energy: {{{key}}}}}")


def test_a_reference_is_measured_in_the_same_session(costed, tmp_path):
    cost = """
profile:
  energy: {windows: 5, window_seconds: 0.4, idle_seconds: 0, tdp_watts: 60, reference: branchy.py}
"""
    found = costed(cost)["profile"]["energy"]
    assert found["reference"]["model"] == "branchy"
    ours, theirs = found["joules_per_inference"]["value"], found["reference"]["joules_per_inference"]
    assert found["ratio_to_reference"]["value"] == pytest.approx(ours / theirs)
    if found["method"] == "estimated":
        assert 0.2 < ours / theirs < 5  # it is its own reference; how near to 1 depends on what else the machine does
