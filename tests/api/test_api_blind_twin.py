"""One network twice, with its gradient and without, through `run`, `compare`, `gate` and `leaderboard`: what gradients
left and what answers alone left are never ranked together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml
from made_traps import Trap, write

import benchbed as bb
from benchbed.errors import CannotMeasure
from benchbed.report import best_known
from benchbed.results.answers import answers
from benchbed.results.store import read
from benchbed.rng import stream

CELL = "standard@l2:25dB"
CLOSED = Trap(
    extra="""
    forward = None

    def predict(self, batch):
        with torch.inference_mode():
            return self.model(torch.from_numpy(batch.waveforms)).numpy()
"""
)
RULES = """
name: robust
alpha: 0.05
rules:
  - {name: cell, metric: robust_accuracy, condition: "standard@l2:25dB", margin: {absolute: 90 pt}}
  - {name: figure, metric: "adversarial:robust_accuracy/standard@l2:25dB", margin: {absolute: 90 pt}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folder of the data, the suite and both runs."""
    root = tmp_path_factory.mktemp("twins")
    (root / "data").mkdir()
    rows = []
    for i, (label, pitch) in enumerate([("low", 250), ("middle", 1000), ("high", 3000)] * 4):
        wave = 0.2 * np.sin(2 * np.pi * pitch * np.arange(2000) / 8000)
        wave += 0.05 * stream("toy", i).standard_normal(2000)
        soundfile.write(root / "data" / f"{i:02d}.wav", wave, 8000, subtype="PCM_16")
        rows.append({"path": f"{i:02d}.wav", "label": label, "group": f"r{i // 3}"})
    pd.DataFrame(rows).to_csv(root / "data" / "clips.csv", index=False)
    suite = {
        "name": "twins",
        "version": "1",
        "task": "scene",
        "data": {
            "layout": "folder",
            "name": "toy",
            "splits": ["all"],
            "options": {"csv": "clips.csv", "path": "path", "label": "label", "group": "group"},
        },
        "statistics": {"draws": 50},
        "conditions": ["clean", {"attack": "standard", "budgets": [25], "n": 6, "steps": 8}],
    }
    (root / "twins.yaml").write_text(yaml.safe_dump(suite))
    (root / "rules.yaml").write_text(RULES)
    models = {"shows": write(root, "shows", Trap()), "hides": write(root, "hides", CLOSED)}
    bb.run(root / "twins.yaml", model=models, data={"toy": root / "data"}, out=root / "runs")
    return root


@pytest.fixture(scope="module")
def runs(place):
    return place / "runs" / "twins" / "shows", place / "runs" / "twins" / "hides"


def test_a_record_says_who_attacked(runs):
    shows, hides = (read(run / "result.json") for run in runs)
    assert f"adversarial:robust_accuracy/{CELL}" in shows.scores
    assert f"black_box:robust_accuracy/{CELL}" in hides.scores
    assert not [name for name in hides.scores if name.startswith("adversarial:")]


def test_a_comparison_holds_the_clean_figures_and_no_attacked_one(runs):
    made = bb.compare(*runs)
    table = made.frame()
    attacked = table[table["condition"].astype(str).str.contains("standard")]
    assert "clean" in set(table["condition"])
    assert attacked.empty
    assert f"attacker of scene/all/{CELL} is gradients and answers in one run and answers alone in the other" in str(
        made
    )
    with pytest.raises(CannotMeasure, match="answers alone in the other"):
        bb.compare(*runs, conditions=(CELL,))


def test_a_gate_cannot_measure_one_against_the_other(place, runs):
    shows, hides = runs
    for one, base in ((hides, shows), (shows, hides)):
        verdict = bb.gate(one, base, rules=place / "rules.yaml")
        assert not verdict.passed and verdict.exit_code == 3


def test_no_question_of_the_first_page_sets_one_beside_the_other(runs):
    results = [read(run / "result.json") for run in runs]
    asked = {answer.question: answer for answer in answers(results)}
    assert set(asked["clean"].values) == {0, 1} and set(asked["attack"].values) == {0}
    (alone,) = [answer for answer in answers(results[1:]) if answer.question == "attack"]
    assert alone.about.endswith("by answers alone") and set(alone.values) == {0}


def test_a_board_ranks_neither_above_the_other(place, runs, tmp_path):
    told: list[str] = []
    bb.leaderboard([*runs], tmp_path / "site", references=["none"], told=told.append)
    assert not told, "one model without gradient takes the comparison of all others along"
    (page,) = (tmp_path / "site" / "suites").glob("*.html")
    assert "Standard, by answers alone" in page.read_text()
    shows, hides = (best_known.best_known(read(run / "result.json")) for run in runs)
    assert {name.partition(":")[0] for name in best_known.figures(shows)} == {"adversarial"}
    assert {name.partition(":")[0] for name in best_known.figures(hides)} == {"black_box"}
    assert hides[0].by.endswith("by answers alone")
