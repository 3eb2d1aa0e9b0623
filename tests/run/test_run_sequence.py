"""A sequence of checkpoints as one run: hand-made matrices, the baseline's figures and scorer, a run with its page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix

import benchbed as bb
from benchbed.checkpoints import last_step, parted, split_after
from benchbed.compare.figure import Figure, cells_of
from benchbed.compare.runs import open_run
from benchbed.data import synthetic
from benchbed.data.domain_lists import LABELS
from benchbed.data.layouts import dcase2026_task7
from benchbed.errors import ConfigError
from benchbed.metrics.families.classification import family
from benchbed.metrics.folds import Fold
from benchbed.report.steps import step_matrix
from benchbed.run.scoring.sequence import sequence_figures
from benchbed.stats.bootstrap import Bootstrap
from benchbed.suite.load import load_definition
from benchbed.suite.sequence import CheckpointSequence


def folds(after, each=100, draws=200):
    """Folds in which so many of `each` clips of all ten classes are right, by step and domain."""
    made = {}
    for (step, domain), right in after.items():
        target = np.repeat(np.arange(10), each)
        said = np.where(np.tile(np.arange(each), 10) < right, target, (target + 1) % 10)
        boot = Bootstrap(len(target), draws, name=f"toy/{step}/{domain}")
        made[split_after(step, domain)] = Fold(np.eye(10)[said], target, np.arange(len(target)), boot)
    return made


def figures(after, steps=("D1", "D2", "D3"), **more):
    made, table = sequence_figures(
        CheckpointSequence(steps=list(steps), **more), family(LABELS), "macro_accuracy", folds(after)
    )
    return {name.removeprefix("sequence:"): number for name, number in made.items()}, table


AFTER = {
    **{("D1", "D2"): 30, ("D1", "D3"): 20},
    **{("D2", "D2"): 70, ("D2", "D3"): 40},
    **{("D3", "D2"): 55, ("D3", "D3"): 80},
}


def test_figures_of_steps_are_those_of_the_definitions():
    """0.70 − 0.55 is forgotten; D2 was known to 0.30, D3 to 0.40, chance is 0.10; (0.55 + 0.80) / 2 in the end."""
    made, table = figures(AFTER)
    values = {name: number.value for name, number in made.items() if "@" in name}
    assert values == pytest.approx(
        {"forward@D2": 0.2, "mean@D2": 0.7, "forward@D3": 0.3, "mean@D3": 0.675, "forgetting@D3": 0.15}, abs=1e-12
    )
    assert (table.rows, table.columns) == (("D1", "D2", "D3"), ("D2", "D3"))
    assert table.values.tolist() == pytest.approx(np.array([[0.3, 0.2], [0.7, 0.4], [0.55, 0.8]]))
    assert made["forgetting@D3"].info.direction == "lower" and made["forward@D3"].info.direction == "higher"
    assert made["D2/D3"].value == pytest.approx(0.4) and made["mean@D3"].n == 2000


def test_forgetting_counts_from_the_best_earlier_step():
    made, _ = figures({**AFTER, ("D1", "D2"): 90})
    assert made["forgetting@D3"].value == pytest.approx(0.9 - 0.55)


def test_steps_of_one_domain_are_drawn_alike():
    """The same answers after two steps: nothing is forgotten, in no draw."""
    made, _ = figures({**AFTER, ("D3", "D2"): 70})
    held = made["forgetting@D3"]
    assert held.value == 0 and held.drawn is not None and not held.drawn.any() and "same value" in (held.reason or "")
    # 0.15 of a thousand clips that are all lost the same way: √(0.15 · 0.85 / 1000) · 1.96 on either side.
    lost = figures(AFTER)[0]["forgetting@D3"]
    assert (lost.high - lost.low) / 2 == pytest.approx(1.96 * np.sqrt(0.15 * 0.85 / 1000), rel=0.25)


def test_the_figures_of_the_published_baseline():
    """mulimani/dcase2026_task7_baseline at aa3678f prints 46.9 for D2, then 47.2 and 41.5, on average 44.4."""
    after = {
        ("D1", "D2"): 100,
        ("D1", "D3"): 100,
        ("D2", "D2"): 469,
        ("D2", "D3"): 300,
        ("D3", "D2"): 472,
        ("D3", "D3"): 415,
    }
    made, _ = sequence_figures(
        CheckpointSequence(steps=["D1", "D2", "D3"]), family(LABELS), "macro_accuracy", folds(after, each=1000, draws=0)
    )
    assert made["sequence:mean@D2"].value == pytest.approx(0.469)
    # The mean of what is printed is 44.35: it was taken of figures with more digits.
    assert made["sequence:mean@D3"].value == pytest.approx((0.472 + 0.415) / 2)
    assert made["sequence:forgetting@D3"].value == pytest.approx(-0.003)


def test_class_wise_accuracy_is_that_of_the_baselines_scorer():
    """Its steps, written anew: the diagonal of the confusion matrix over its row sums, NaN as zero, then the mean."""
    generator = np.random.default_rng(3)
    target, said = generator.integers(0, 10, 300), generator.integers(0, 10, 300)
    counts = confusion_matrix(target, said)
    official = np.mean(np.nan_to_num(counts.diagonal() / counts.sum(axis=1), nan=0.0))
    metrics = family(LABELS)
    values = metrics.values(metrics.statistics(np.eye(10)[said], target).sum(axis=0))
    assert values["macro_accuracy"] == pytest.approx(official, abs=1e-12)


def test_a_metric_without_chance_needs_a_reference():
    after = {("a", "a"): 50, ("a", "b"): 20, ("b", "a"): 40, ("b", "b"): 60}
    made, _ = sequence_figures(CheckpointSequence(steps=["a", "b"]), family(LABELS), "macro_f1", folds(after))
    assert made["sequence:forward@b"].value is None and "sequence.reference" in (
        made["sequence:forward@b"].reason or ""
    )
    made, _ = figures(after, ("a", "b"), reference=0.0)
    assert made["forward@b"].value == pytest.approx(0.2) and made["forgetting@b"].value == pytest.approx(0.1)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A system whose answers after three steps are in a table each."""
    place = tmp_path_factory.mktemp("sequence") / "steps"
    place.mkdir()
    data = dcase2026_task7.read(synthetic.make(place / "data", layout="dcase2026_task7", size="small"))
    tested = pd.concat([data.select("D2"), data.select("D3")])
    for number, step in enumerate(("D1", "D2", "D3")):
        right = np.arange(len(tested)) % 4 < 2 + number % 2
        said = np.where(right, tested["label"], [LABELS[(LABELS.index(x) + 1) % 10] for x in tested["label"]])
        pd.DataFrame({"filename": tested["path"], "scene_label": said}).to_csv(place / f"{step}.csv", index=False)
    return bb.score(
        "dcase2026_task7",
        str(place / "{step}.csv"),
        data={"dcase2026_task7": place / "data"},
        overrides={"statistics.draws": 50},
        out=place / "runs",
    )


def test_a_run_scores_every_domain_by_the_checkpoint_of_each_step(run):
    assert run.result.model.name.startswith("steps["), "after the folder, not after the first of its files"
    cells = {cell.split: cell.metrics["macro_accuracy"].value for cell in run.result.cells}
    assert list(cells) == [split_after(step, domain) for step in ("D1", "D2", "D3") for domain in ("D2", "D3")]
    # Two or three of every four clips are right, ten clips a domain.
    assert list(cells.values()) == pytest.approx([0.6, 0.4, 0.8, 0.7, 0.6, 0.4])
    scores = run.result.scores
    assert scores["macro_accuracy"].value == pytest.approx(0.5) == scores["sequence:mean@D3"].value
    assert scores["sequence:forgetting@D3"].value == pytest.approx(0.2)
    matrix = run.result.cells[-1].matrices["step_domain"]
    assert matrix.values == [pytest.approx(row) for row in ([0.6, 0.4], [0.8, 0.7], [0.6, 0.4])]


def test_one_checkpoint_for_all_steps_is_told(tmp_path, run):
    assert not [check for check in run.result.checks if check.name == "sequence:checkpoints"]
    data = synthetic.make(tmp_path / "data", layout="dcase2026_task7", size="small")
    clips = pd.concat([dcase2026_task7.read(data).select(domain) for domain in ("D2", "D3")])
    pd.DataFrame({"filename": clips["path"], "scene_label": clips["label"]}).to_csv(tmp_path / "one.csv", index=False)
    same = bb.score(
        "dcase2026_task7",
        tmp_path / "one.csv",
        data={"dcase2026_task7": data},
        overrides={"statistics.draws": 0},
        out=tmp_path / "runs",
        report=False,
    )
    (check,) = (check for check in same.result.checks if check.name == "sequence:checkpoints")
    assert check.status == "warn" and "{step}" in check.message
    assert same.result.scores["sequence:forgetting@D3"].value == 0


def test_a_page_shows_the_matrix_and_comparisons_ask_the_last_step(run):
    page, drawn = run.page(), step_matrix(run.result)
    assert drawn is not None and "after each step" in drawn and ">80.0<" in drawn
    steps = [cell.model_copy(update={"matrices": {}}) for cell in run.result.cells]
    assert step_matrix(run.result.model_copy(update={"cells": steps})) is None
    assert 'id="steps"' in page and "Macro accuracy of each domain after each step" in page
    opened = open_run(run.path)
    assert list(cells_of(opened.sums, Figure("clean"))) == ["after_D3_on_D2", "after_D3_on_D3"]
    assert list(cells_of(opened.sums, Figure("clean", split="after_D1_on_D3"))) == ["after_D1_on_D3"]
    assert last_step(cell.split for cell in run.result.cells) == ["after_D3_on_D2", "after_D3_on_D3"]


def test_the_same_form_serves_captioning():
    loaded = load_definition(
        {"extends": "clotho_to_audiocaps_steps", "name": "mine", "version": "1", "task": "caption"}, {}
    )
    assert [parted(split) for split in loaded.suite.data.splits] == [
        ("clotho", "clotho"),
        ("clotho", "audiocaps"),
        ("audiocaps", "clotho"),
        ("audiocaps", "audiocaps"),
    ]
    assert loaded.suite.sequence is not None and loaded.suite.sequence.reference == 0.0


@pytest.mark.parametrize(
    ("sequence", "said"),
    [
        ({"steps": ["D1", "D1"]}, "two steps have one name"),
        ({"steps": ["D1"]}, "at least 2 items"),
        ({"steps": ["a_on_b", "c"]}, "cannot be named so"),
        ({"steps": ["D1", "D2"], "learns": {"D9": "D2"}}, "names the step 'D9'"),
        ({"steps": ["D1", "D2"], "learns": {"D1": "D9"}}, "names the split 'D9'"),
    ],
)
def test_a_sequence_that_cannot_be_is_told(sequence, said):
    with pytest.raises(ConfigError, match=said):
        load_definition(
            {"extends": "dcase2026_task7", "name": "mine", "version": "1", "task": "scene", "sequence": sequence}, {}
        )
