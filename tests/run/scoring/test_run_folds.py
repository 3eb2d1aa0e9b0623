"""Folds from suite to record and terminal: the figure that ranks in the suite, joined as the suite says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchbed.predictions.store import read_units
from benchbed.report import terminal
from benchbed.results.store import read
from benchbed.run import session
from benchbed.suite.load import load_suite

SUITE = """
name: folded
version: "1"
task: scene
data:
  layout: folder
  name: toy
  options: {{csv: clips.csv, path: path, label: label, group: group, split: split, labels: [low, high]}}
  splits: [fold1, fold2, fold3]
conditions: [clean, {{corruption: white_noise, parameters: [40, -20], severities: [1, 2]}}]
metrics: {{family: classification, primary: accuracy, folds: {folds}}}
statistics: {{draws: 50}}
profile: false
"""


@pytest.fixture
def folded(tmp_path: Path, toy_table, adapter_file):
    """Runs 40 clips in folds of 8, 12 and 20, which noise leaves with different shares of right answers."""
    # Folds of other sizes and shares of `high`, which the toy calls everything that is noisy: 25, 50 and 60 %.
    table = toy_table.sort_values("label", kind="stable")[["path", "label"]].reset_index(drop=True)
    splits = np.repeat(["fold1", "fold2", "fold3"] * 2, [2, 6, 12, 6, 6, 8])
    table = table.assign(split=splits, group=[f"{s}{i}" for i, s in enumerate(splits)])
    table.to_csv(tmp_path / "data" / "clips.csv", index=False)

    def run(folds: str):
        (tmp_path / "folded.yaml").write_text(SUITE.format(folds=folds))
        made = session.Settings(out=tmp_path / "runs", data={"toy": tmp_path / "data"}, quiet=True)
        prepared = session.prepare(load_suite(str(tmp_path / "folded.yaml")), str(adapter_file()), {}, made)
        path = session.run(prepared, made, {}).path
        stored = read_units(sorted((path.parent / "predictions").glob("*.parquet")))
        right = (stored.table["prediction"].astype(str) == stored.table["label"].astype(str)).to_numpy()
        return read(path), stored.table.assign(right=right)

    return run


@pytest.mark.parametrize("folds", ["mean", "pooled"])
def test_every_condition_has_the_figure_that_ranks_over_all_folds(folded, folds):
    result, clips = folded(folds)
    conditions = {cell.key.split("/", 2)[2] for cell in result.cells}
    assert len(conditions) == 3 and len(result.cells) == 9
    for condition in conditions:
        own = clips[clips["cell"].astype(str).str.split("/", n=2).str[2] == condition]
        each = own.groupby(own["cell"].astype(str))["right"].mean()
        scope = "" if condition == "clean" else f"{condition}:"
        mean, pooled = (result.scores[f"folds_{kind}:{scope}accuracy"] for kind in ("mean", "pooled"))
        assert mean.value == pytest.approx(each.mean()) and pooled.value == pytest.approx(own["right"].mean())
        assert mean.n == 40 and "mean-over-3-folds" in mean.rule
        if 0 < own["right"].mean() < 1:
            assert mean.low < mean.value < mean.high and mean.interval
    noisy = next(c for c in conditions if c.endswith("@2"))
    assert result.scores[f"folds_mean:{noisy}:accuracy"].value == pytest.approx((0.25 + 0.5 + 0.6) / 3)
    assert result.scores[f"folds_pooled:{noisy}:accuracy"].value == pytest.approx(0.5)
    headline = result.scores["accuracy"]
    assert headline.value == result.scores[f"folds_{folds}:accuracy"].value


@pytest.mark.parametrize(("folds", "says"), [("mean", "mean over 3 folds"), ("pooled", "3 folds pooled")])
def test_the_terminal_prints_what_its_heading_says(folded, folds, says):
    result, _ = folded(folds)
    stream = io.StringIO()
    terminal.print_runs([result], Console(file=stream, width=160))
    lines = stream.getvalue().splitlines()
    at = next(i for i, line in enumerate(lines) if f"from mild to severe, {says}" in line)
    conditions = [
        cell.key.split("/", 2)[2] for cell in result.cells if cell.split == "fold1" and cell.condition.severity
    ]
    joined = [result.scores[f"folds_{folds}:{condition}:accuracy"].value for condition in conditions]
    wanted = [f"{100 * value:.1f}" for value in joined]
    # A strength stands before each figure.
    assert lines[at + 1].split()[-3::2] == wanted


def test_a_record_without_the_mean_shows_no_fold_in_its_place(folded):
    """Records of earlier versions held the mean of another metric, and a terminal showed the last fold for it."""
    result, _ = folded("mean")
    for name in [name for name in result.scores if ":white_noise" in name or name == "accuracy"]:
        del result.scores[name]
    stream = io.StringIO()
    terminal.print_runs([result], Console(file=stream, width=160))
    lasts = [f"{100 * c.metrics['accuracy'].value:.1f}" for c in result.cells if c.split == "fold3"]
    at = next(i for i, line in enumerate(stream.getvalue().splitlines()) if "severe, mean over 3 folds" in line)
    below = " ".join(stream.getvalue().splitlines()[at + 1 : at + 3])
    assert not any(f" {value} " in f" {below} " for value in lasts)


def test_every_figure_of_a_record_says_what_it_is_called_and_what_it_is_about(folded):
    result, _ = folded("mean")
    named = [*result.scores.items()]
    for cell in result.cells:
        named += [*cell.metrics.items(), *(pair for group in cell.groups.values() for pair in group.items())]
    assert not [name for name, value in named if not value.title]
    about = {name: (value.title, value.scope) for name, value in result.scores.items()}
    assert about["accuracy"] == ("Accuracy", "mean over 3 folds")
    assert about["folds_std:accuracy"] == ("Accuracy", "standard deviation over 3 folds")
    assert about["baseline_prior:log_loss"] == ("Log loss", "prior baseline")
    assert about["folds_mean:white_noise@2:accuracy"] == (
        "Accuracy",
        "mean over 3 folds, white noise, -20 dB SNR, active level",
    )
    title, scope = about["robustness:fold1:mean/white_noise"]
    assert (title, scope) == ("Accuracy, mean over severities", "white noise, fold1")
    # Two figures of a record that are told apart by their keys are told apart by their words.
    words = [f"{value.title}, {value.scope}" for name, value in result.scores.items() if ":" in name]
    assert len(set(words)) == len(words)
