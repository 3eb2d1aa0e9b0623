"""A suite that goes through options of its models: a row for each combination, by every way to run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchbed as bb
from benchbed.api.campaigning import campaign_plan
from benchbed.cli import main
from benchbed.errors import ConfigError

ADAPTER = """
import numpy as np
from benchbed.adapter import Adapter, Card

class Toy(Adapter):
    card = Card(name="toy", family="other", output="scene", labels=("low", "high"), sample_rate=8000)

    def __init__(self, weight: float = 1.0, sharp: bool = False):
        self.weight, self.sharp = weight, sharp

    def predict(self, batch):
        spectrum = np.abs(np.fft.rfft(batch.waveforms[:, 0])) ** 2
        low, high = spectrum[:, :500].sum(1), spectrum[:, 500:].sum(1) * self.weight
        return np.log(np.stack([low, high], 1) + 1e-9).astype(np.float32) * (2 if self.sharp else 1)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "toy.py"
    path.write_text(ADAPTER)
    return path


def test_every_combination_is_a_run_with_its_own_name(toy_run, definition, model, tmp_path):
    definition["sweep"] = {"weight": [1.0, 0.0], "sharp": [False, True]}
    runs = toy_run(str(model), limit=20)
    assert [run.name for run in runs] == [
        f"toy[sharp={s},weight={w}]" for w in ("1.0", "0.0") for s in ("false", "true")
    ]
    assert len({run.path for run in runs}) == 4 and not runs.errors
    assert {run.result.dataset.clips for run in runs} == {20}
    # All answer `low` where the weight of high is 0.
    values = [run.result.scores["macro_accuracy"].value for run in runs]
    assert values[:2] == [1.0, 1.0] and values[2:] == [0.5, 0.5]
    # They ask one question, and can be compared.
    assert len({run.result.suite.hash for run in runs}) == 1
    compared = bb.compare(runs[0].path, runs[2].path)
    assert compared is not None


def test_an_option_that_is_given_is_not_gone_through(toy_run, definition, model):
    definition["sweep"] = {"weight": [1.0, 0.0]}
    runs = toy_run(str(model), options={"weight": 3.0})
    assert [run.result.model.options for run in runs] == [{"weight": 3.0, "sharp": False}]


def test_a_model_that_is_made_already_is_refused(toy_run, definition, tmp_path):
    definition["sweep"] = {"weight": [1.0, 0.0]}
    space: dict = {}
    exec(ADAPTER, space)
    with pytest.raises(ConfigError, match="toy is made already") as caught:
        toy_run(space["Toy"]())
    assert "suite:" in str(caught.value.where)


def test_an_option_that_the_model_lacks_is_told_of_each_row(toy_run, definition, model):
    definition["sweep"] = {"patchout": [0, 2]}
    runs = toy_run(str(model))
    assert not runs and list(runs.errors) == ["toy[patchout=0]", "toy[patchout=2]"]
    assert "unknown adapter option 'patchout'" in str(runs.errors["toy[patchout=0]"])


def test_the_command_of_a_row_makes_that_row_again(toy_data, definition, model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    definition |= {"sweep": {"weight": [1.0, 0.0]}, "conditions": ["clean"]}
    (tmp_path / "suite.yaml").write_text(json.dumps(definition))
    flags = ["--data", "toy=data", "--quiet", "--no-report", "--no-isolate"]
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["run", "suite.yaml", "--model", "it=toy.py", *flags])
    records = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.parent.name for path in records] == ["it-weight=1.0", "it-weight=0.0"]
    command = json.loads(records[1].read_text())["provenance"]["command"]
    assert command.endswith("--set weight=0.0")
    before = records[1].stat().st_mtime_ns
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["run", "suite.yaml", "--model", "toy.py", "--set", "weight=0.0", *flags])
    assert len(capsys.readouterr().out.split()) == 1 and records[1].stat().st_mtime_ns == before


def test_a_campaign_has_a_step_for_each_row(toy_data, definition, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    definition |= {"sweep": {"weight": [1.0, 0.0]}, "conditions": ["clean"]}
    (tmp_path / "suite.yaml").write_text(json.dumps(definition))
    (tmp_path / "campaign.yaml").write_text(
        "name: c\nsuites: [suite.yaml]\nmodels: [toy.py, {adapter: toy.py, name: one, set: {weight: 2.0}}]\n"
        "data: {toy: data}\n"
    )
    assert [row["model"] for row in campaign_plan("campaign.yaml")] == ["toy[weight=1.0]", "toy[weight=0.0]", "one"]
    outcome = bb.campaign("campaign.yaml", isolate=False, report=False)
    assert list(outcome.places) == ["suite/toy[weight=1.0]", "suite/toy[weight=0.0]", "suite/one"]
    again = bb.campaign("campaign.yaml", isolate=False, report=False)
    assert again.kept == list(outcome.places)
