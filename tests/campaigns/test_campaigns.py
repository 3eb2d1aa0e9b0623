"""Campaigns: every model on every suite, what is finished is left alone, and one more model costs that model."""

from __future__ import annotations

import json
import textwrap

import numpy as np
import pandas as pd
import pytest
import soundfile

import benchbed as bb
from benchbed.api.campaigning import campaign_plan
from benchbed.campaigns.load import load_campaign
from benchbed.campaigns.state import CampaignState, NotedRun
from benchbed.errors import ConfigError
from benchbed.report.campaign import campaign_table

SUITE = """
name: {name}
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {{csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}}
  splits: [test]
conditions: {conditions}
statistics: {{draws: 50}}
profile: false
"""
ADAPTER = """
import pathlib
import numpy as np
from benchbed.adapter import Adapter, Card

class Toy(Adapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def __init__(self, weight: float = 1.0, file: str = ""):
        self.weight = weight
        self.bias = float(pathlib.Path(file).read_text()) if file else 0.0

    def load(self, device):
        with open(pathlib.Path(__file__).parent / "loaded", "a") as log:
            log.write("x")

    def predict(self, batch):
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        low, high = spectrum[:, :500].sum(1), spectrum[:, 500:].sum(1) * self.weight
        return np.log(np.stack([low, high], 1) + 1e-9).astype(np.float32) + self.bias
"""
CAMPAIGN = """
name: nightly
suites:
  - plain.yaml
  - {suite: noisy.yaml, limit: 12}
models:
  - toy.py
  - {adapter: toy.py, name: heavy, set: {weight: 2.0}}
data: {toy: data}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A campaign of two models on two suites, in a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    rows = []
    for i in range(16):
        label, time = ("low", "high")[i % 2], np.arange(2000) / 8000
        tone = 0.3 * np.sin(2 * np.pi * (200 if label == "low" else 2500) * time)
        soundfile.write(tmp_path / "data" / f"{i}.wav", tone, 8000)
        rows.append({"path": f"{i}.wav", "label": label, "group": f"g{i // 2}", "split": "test"})
    pd.DataFrame(rows).to_csv(tmp_path / "data" / "clips.csv", index=False)
    (tmp_path / "plain.yaml").write_text(SUITE.format(name="plain", conditions="[clean]"))
    noisy = "[clean, {corruption: white_noise, parameters: [10]}]"
    (tmp_path / "noisy.yaml").write_text(SUITE.format(name="noisy", conditions=noisy))
    (tmp_path / "toy.py").write_text(textwrap.dedent(ADAPTER))
    (tmp_path / "campaign.yaml").write_text(CAMPAIGN)
    return tmp_path


def loads(place) -> int:
    """How often a model was loaded since this was asked last."""
    log = place / "loaded"
    count = len(log.read_text()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


KEYS = ["plain/toy", "plain/heavy", "noisy/toy", "noisy/heavy"]


def test_every_model_runs_on_every_suite_and_a_second_time_nothing_is_loaded(place):
    first = bb.campaign("campaign.yaml", report=False)
    assert list(first.places) == KEYS and not first.runs.errors and not first.kept
    assert [run.result.dataset.clips for run in first.runs] == [16, 16, 12, 12]
    assert loads(place) == 4
    again = bb.campaign("campaign.yaml", report=False)
    assert again.kept == KEYS and loads(place) == 0
    assert [run.result for run in again.runs] == [run.result for run in first.runs]
    assert bb.campaign("campaign.yaml", report=False, again=True).kept == [] and loads(place) == 4


def test_progress_moves_with_every_unit_and_ends_at_all(place, monkeypatch):
    from benchbed.run import progress
    from benchbed.run.preparing import units

    monkeypatch.setattr(units, "SHARD_CLIPS", (4, 4))
    shown, advance = [], progress.Progress.advance

    def noted(self, evaluations):
        advance(self, evaluations)
        if self.title not in ("toy", "heavy"):  # that of a run
            shown.append((self.done, self.total))

    monkeypatch.setattr(progress.Progress, "advance", noted)
    bb.campaign("campaign.yaml", report=False)
    assert shown == sorted(shown) and shown[-1][0] == shown[-1][1]
    assert len(set(shown)) >= 12, "more often than four runs end"


def test_one_more_model_costs_that_model(place):
    bb.campaign("campaign.yaml", report=False)
    loads(place)
    (place / "campaign.yaml").write_text(CAMPAIGN.replace("data:", "  - {adapter: toy.py, name: new}\ndata:"))
    plan = campaign_plan("campaign.yaml")
    assert [row["done"] for row in plan] == [True, True, False] * 2
    assert all(row["time_seconds"] > 0 and row["evaluations"] in (16, 24) for row in plan if not row["done"])
    loads(place)
    grown = bb.campaign("campaign.yaml", report=False)
    assert grown.kept == KEYS and set(grown.places) == {*KEYS, "plain/new", "noisy/new"}
    assert loads(place) == 2


def change_code(place):
    (place / "toy.py").write_text(textwrap.dedent(ADAPTER).replace("1e-9", "1e-8"))


def change_data(place):
    soundfile.write(place / "data" / "3.wav", np.zeros(2000), 8000)


def change_suite(place):
    path = place / "noisy.yaml"
    path.write_text(path.read_text().replace("[10]", "[5]"))


def change_record(place):
    path = place / "runs" / "plain" / "heavy" / "result.json"
    path.write_bytes(path.read_bytes()[:-20])


def change_state(place):
    path = place / "runs" / "nightly.campaign.json"
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 2'))


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (change_code, []),
        (change_data, KEYS[2:]),  # the twelve clips of the other suite do not have it among them
        (change_suite, KEYS[:2]),
        (change_record, [KEYS[0], *KEYS[2:]]),
        (change_state, []),
    ],
)
def test_what_changed_is_looked_at_anew(place, change, kept):
    bb.campaign("campaign.yaml", report=False)
    change(place)
    assert bb.campaign("campaign.yaml", report=False).kept == kept


def test_weights_that_an_option_names_are_seen(place):
    (place / "bias.txt").write_text("0.5")
    words = "suites: [plain.yaml]\nmodels:\n  - {adapter: toy.py, set: {file: ./bias.txt}}\ndata: {toy: data}\n"
    (place / "campaign.yaml").write_text("name: w\n" + words)
    bb.campaign("campaign.yaml", report=False)
    assert bb.campaign("campaign.yaml", report=False).kept == ["plain/toy"]
    (place / "bias.txt").write_text("0.7")
    assert bb.campaign("campaign.yaml", report=False).kept == []


def test_a_model_that_fails_takes_nothing_else_along_and_is_tried_again(place):
    (place / "broken.py").write_text(textwrap.dedent(ADAPTER).replace("self.bias = ", "self.bias = 1 / 0 if 1 else "))
    (place / "campaign.yaml").write_text(CAMPAIGN.replace("  - toy.py", "  - broken.py"))
    outcome = bb.campaign("campaign.yaml", report=False)
    assert list(outcome.places) == ["plain/heavy", "noisy/heavy"]
    assert list(outcome.runs.errors) == ["plain/broken", "noisy/broken"]
    table = campaign_table(
        {key: run.result for key, run in outcome.places.items()},
        {key: error.what for key, error in outcome.runs.errors.items()},
        outcome.kept,
    )
    assert table.row_count == 2 and [str(column.header).split()[0] for column in table.columns][1:] == [
        "plain",
        "noisy",
    ]
    (place / "broken.py").write_text(textwrap.dedent(ADAPTER))
    mended = bb.campaign("campaign.yaml", report=False)
    assert mended.kept == ["plain/heavy", "noisy/heavy"] and len(mended.places) == 4


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("suites:", "suits:"), r"unknown key 'suits'[\s\S]*campaign.yaml:3:1[\s\S]*suites"),
        (("limit: 12", "limits: 12"), r"unknown key 'limits'[\s\S]*:5:[\s\S]*limit"),
        (("limit: 12", "limit: 0"), "greater than or equal to 1"),
        (("name: heavy, ", ""), r"2 models are called 'toy'[\s\S]*:7:"),
        (("set: {weight: 2.0}", "only: [plane]"), r"no suite 'plane'[\s\S]*plain"),
        (("  - plain.yaml", "  - noisy.yaml"), "stands twice"),
        (("name: nightly", "name: ../up"), "name"),
        (("plain.yaml", "absent.yaml"), "absent"),
    ],
)
def test_faults_point_at_the_line_before_anything_runs(place, change, told):
    (place / "campaign.yaml").write_text(CAMPAIGN.replace(*change))
    with pytest.raises(ConfigError, match=told):
        bb.campaign("campaign.yaml")
    assert not (place / "runs").exists()


def test_a_model_may_be_for_some_suites_only(place):
    (place / "campaign.yaml").write_text(CAMPAIGN.replace("set: {weight: 2.0}", "only: [noisy]"))
    assert load_campaign(place / "campaign.yaml").campaign.models[1].only == ["noisy"]
    assert list(bb.campaign("campaign.yaml", report=False).places) == ["plain/toy", "noisy/toy", "noisy/heavy"]


def test_a_noted_run_without_a_record_or_with_an_error_does_not_hold(tmp_path):
    state = CampaignState(tmp_path / "a" / "n.campaign.json")
    state.note("s/m", NotedRun("asked", error="broke"))
    again = CampaignState.opened(state.path)
    assert again.runs == state.runs and not again.runs["s/m"].holds("asked", "", "")
    assert not NotedRun("asked", str(tmp_path / "none.json"), "d").holds("asked", "", "")
    state.path.write_text(json.dumps({"format": 1}))
    assert CampaignState.opened(state.path).runs == {}


def test_the_verb_has_one_summary_and_an_exit_code(place, capfd):
    """The verb is `benchbed.cli.campaigning`."""
    from benchbed.cli import main

    (place / "broken.py").write_text("raise RuntimeError('no')")
    (place / "campaign.yaml").write_text(CAMPAIGN.replace("  - toy.py\n", "  - toy.py\n  - broken.py\n"))
    with pytest.raises(SystemExit) as left:
        main(["campaign", "campaign.yaml", "--no-report", "--no-isolate"])
    out, said = capfd.readouterr()
    assert left.value.code == 2 and len(out.splitlines()) == 4
    assert "6 runs: 0 were finished, 2 have no result" in said and "no result:" in said
    with pytest.raises(SystemExit) as left:
        main(["campaign", "campaign.yaml", "--plan", "--json"])
    total = json.loads(capfd.readouterr().out)["total"]
    assert total["runs"] == 6 and total["done"] == 4
