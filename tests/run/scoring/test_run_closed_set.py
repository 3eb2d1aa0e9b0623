"""A model that knows more classes than the dataset: wrong with them, or cut down to the dataset's and marked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, log_loss

from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.runs import open_run
from benchbed.predictions.store import read_units
from benchbed.results.store import read
from benchbed.run import session
from benchbed.suite.load import load_suite

SUITE = """
name: asked
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {csv: clips.csv, path: path, label: label, labels: [low, high]}
  splits: [all]
conditions: [clean]
statistics: {draws: 20}
profile: false
"""
NAMES = ("siren", "high", *(f"other{i}" for i in range(9)), "low")


@pytest.fixture
def asked(tmp_path: Path, toy_table, repository: Path):
    """Scores of twelve classes for 40 clips: right among the two that are asked, and "siren" for ten of them."""
    toy_table[["path", "label"]].to_csv(tmp_path / "data" / "clips.csv", index=False)
    logits = np.random.default_rng(0).normal(-3, 0.1, (40, 12))
    logits[np.arange(40), [NAMES.index(label) for label in toy_table["label"]]] = 3.0
    logits[::4, 0] = 4.0
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = pd.DataFrame(scores, columns=NAMES)
    table.insert(0, "filename", toy_table["path"])
    table.to_csv(tmp_path / "out.csv", index=False)
    low = toy_table["label"].eq("low").to_numpy()
    two = pd.DataFrame({"filename": toy_table["path"], "low": np.where(low, 0.8, 0.2), "high": np.where(low, 0.2, 0.8)})
    two.to_csv(tmp_path / "two.csv", index=False)

    def run(more: str = "", file: str = "out.csv", **options):
        (tmp_path / "s.yaml").write_text(SUITE + more)
        adapter = str(repository / "adapters" / "predictions.py")
        options = {"file": str(tmp_path / file), **options}
        made = session.Settings(out=tmp_path / f"runs{len(more)}{file}", data={"toy": tmp_path / "data"}, quiet=True)
        prepared = session.prepare(load_suite(str(tmp_path / "s.yaml")), adapter, options, made)
        return session.run(prepared, made, options).path

    run.scores, run.target = scores, [NAMES.index(label) for label in toy_table["label"]]
    return run


def test_an_answer_that_the_dataset_has_no_class_for_is_wrong(asked):
    path = asked()
    result = read(path)
    found = result.cells[0].metrics
    assert found["accuracy"].value == 0.75 == accuracy_score(asked.target, asked.scores.argmax(axis=1))
    assert found["log_loss"].value == pytest.approx(log_loss(asked.target, asked.scores, labels=range(12)), rel=1e-9)
    assert all("closed-set" not in value.rule for value in found.values())
    assert result.dataset.labels == ["low", "high"]
    assert [key for key in result.cells[0].groups if key.startswith("class=")] == ["class=low", "class=high"]
    assert any("knows 10 classes that the dataset lacks" in check.message for check in result.checks)
    stored = read_units(sorted((path.parent / "predictions").glob("*.parquet")))
    assert len(stored.labels) == 12 and (stored.table["prediction"].astype(str) == "siren").sum() == 10
    # The sums beside the record say the same.
    run = open_run(path)
    sums = next(iter(run.sums.cells.values())).rows.sum(axis=0)
    assert run.family.values(sums)["accuracy"] == 0.75


@pytest.mark.parametrize(
    "more", ["metrics: {closed_set: true}\n", "label_map: {low: [low], high: [high]}\n"], ids=["asked for", "map"]
)
def test_a_closed_set_says_so_in_every_rule(asked, more):
    result = read(asked(more))
    cell = result.cells[0]
    assert cell.metrics["accuracy"].value == 1.0
    every = [*cell.metrics.values(), *(v for group in cell.groups.values() for v in group.values())]
    assert all("closed-set-2-of-12" in value.rule for value in every)
    assert [check.status for check in result.checks if check.name == "classes:closed-set"] == ["warn"]


def test_a_tagger_on_scenes_is_a_closed_set(asked):
    result = read(asked(output="tags"))
    assert "closed-set-2-of-12" in result.cells[0].metrics["accuracy"].rule


def test_a_model_of_the_datasets_own_classes_has_no_mark_and_is_compared_with_one_of_more(asked):
    wide, narrow = asked(), asked(file="two.csv")
    assert not any(check.name.startswith("classes") for check in read(narrow).checks)
    assert read(narrow).cells[0].metrics["accuracy"].value == 1.0
    found = contrast(open_run(wide), open_run(narrow), Figure("clean"), ["accuracy", "macro_accuracy"])
    assert found["accuracy"].value == pytest.approx(-0.25)
