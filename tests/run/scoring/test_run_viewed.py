"""Clips that decide together, and clips that are left out, from suite to record, against the same by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import benchbed as bb
from benchbed.errors import ConfigError
from benchbed.metrics.dropping import left_in
from benchbed.run.preparing.together import refuse_strangers
from benchbed.run.scoring.dropped import COLUMNS
from benchbed.run.scoring.viewed import WORDS
from benchbed.suite.load import load_definition

LABELS = ("low", "high", "none")
#: Twelve recordings of four clips, each made by two devices at once.
ROWS = [(rec, device, cut) for rec in range(12) for device in "ab" for cut in range(4)]


@pytest.fixture
def world(tmp_path: Path):
    """A data set in the form of a folder, random answers to it, and a way to score them."""
    rows = []
    for number, (rec, device, cut) in enumerate(ROWS):
        path = f"{number:02d}.wav"
        (tmp_path / "data").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "data" / path, np.full(800, 0.1), 8000)
        rows.append((path, LABELS[rec % 3], f"rec{rec}", device, cut, f"fold{1 + rec % 2}"))
    table = pd.DataFrame(rows, columns=["path", "label", "group", "device", "cut", "split"])
    weights = np.random.default_rng(3).random((len(rows), 3))
    weights[np.arange(len(rows)), table["label"].map(LABELS.index)] += 0.25
    answers = weights / weights.sum(axis=1, keepdims=True)

    def score(
        splits: tuple[str, ...] = ("test",),
        table: pd.DataFrame = table,
        answers: np.ndarray = answers,
        name: str | None = None,
        **parts: object,
    ):
        written = table if len(splits) > 1 else table.assign(split="test")
        written.to_csv(tmp_path / "data" / "clips.csv", index=False)
        names = dict.fromkeys(["path", "label", "group", "split"])
        suite = {
            "name": "toy",
            "version": "1",
            "task": "scene",
            "data": {
                "layout": "folder",
                "name": "toy",
                "options": {"csv": "clips.csv", **{name: name for name in names}, "labels": list(LABELS)},
                "splits": list(splits),
            },
            "slices": [{"column": "device"}],
            "statistics": {"draws": 60},
            "profile": False,
            **parts,
        }
        said = pd.concat([written[["path"]], pd.DataFrame(answers, columns=LABELS)], axis=1)
        said.to_csv(tmp_path / "answers.csv", index=False)
        data = {"toy": tmp_path / "data"}
        return bb.score(suite, tmp_path / "answers.csv", name=name, data=data, out=tmp_path / "runs")

    return score, table, answers


def decided(answers: np.ndarray, key: pd.Series, rule: str) -> dict[str, int]:
    """What each group of clips is by a rule, without the code under test."""
    found = {}
    for name, place in key.groupby(key).groups.items():
        mine = answers[list(place)]
        if rule == "mean":
            best = mine.sum(axis=0).argmax()
        elif rule == "log_mean":
            best = np.log(mine).sum(axis=0).argmax()
        else:
            votes = np.bincount(mine.argmax(axis=1), minlength=3)
            best = max(range(3), key=lambda c: (votes[c], mine[:, c].sum()))
        found[str(name)] = int(best)
    return found


@pytest.mark.parametrize("rule", ["mean", "log_mean", "vote"])
def test_recordings_are_decided_by_their_clips(world, rule):
    score, table, answers = world
    metrics = score(view={"by": ["group", "device"], "rule": rule}).result.cells[0].metrics
    key = table["group"] + "/" + table["device"]
    truth = table["label"].map(LABELS.index)
    right = [best == truth[key == name].iloc[0] for name, best in decided(answers, key, rule).items()]
    single = (answers.argmax(axis=1) == truth).mean()
    assert metrics["accuracy"].value == pytest.approx(single) and metrics["accuracy"].n == 96
    found = metrics["recording_accuracy"]
    assert found.value == pytest.approx(np.mean(right)) and found.n == 24
    assert found.value != metrics["accuracy"].value
    assert found.low < found.value < found.high and "12 groups" in found.interval
    assert found.rule.endswith(f"|{rule}-of-clips-by-group+device") and WORDS[rule] in found.scope


def test_slices_classes_and_comparisons_have_the_view(world, tmp_path):
    score, table, answers = world
    run = score(view={"by": ["group", "device"], "rule": "mean", "name": "scene_of_ten"})
    groups = run.result.cells[0].groups
    on_b = table["device"] == "b"
    best = decided(answers, table["group"].where(on_b), "mean")
    right = [b == LABELS.index(table["label"][(table["group"] == name)].iloc[0]) for name, b in best.items()]
    found = groups["device=b"]["scene_of_ten_accuracy"]
    assert found.value == pytest.approx(np.mean(right)) and found.n == 12
    assert groups["class=low"]["scene_of_ten_recall"].n == 8


def test_recordings_of_two_models_are_compared_in_the_same_draws(world):
    score, table, answers = world
    view = {"by": ["group", "device"]}
    other = np.roll(answers, 7, axis=0) * 0.3 + answers * 0.7
    runs = [score(view=view, answers=said, name=name) for said, name in ((answers, "one"), (other, "other"))]
    rows = bb.compare(*runs, metrics=["recording_accuracy"], conditions=["clean"]).frame()
    key, truth = table["group"] + "/" + table["device"], table["label"].map(LABELS.index)
    values = [
        np.mean([best == truth[key == name].iloc[0] for name, best in decided(said, key, "mean").items()])
        for said in (answers, other)
    ]
    assert rows["difference"].tolist() == pytest.approx([values[0] - values[1]]) and values[0] != values[1]
    assert rows["low"].iloc[0] < values[0] - values[1] < rows["high"].iloc[0]


def test_folds_are_joined_for_the_view_too(world):
    score, table, answers = world
    scores = score(("fold1", "fold2"), view={"by": ["group", "device"]}).result.scores
    key = table["group"] + "/" + table["device"]
    best = decided(answers, key, "mean")
    truth = dict(zip(key, table["label"].map(LABELS.index)))
    split = dict(zip(key, table["split"]))
    right = pd.Series({name: b == truth[name] for name, b in best.items()})
    each = right.groupby(pd.Series(split)).mean()
    assert scores["folds_mean:recording_accuracy"].value == pytest.approx(each.mean())
    assert scores["recording_accuracy"].value == pytest.approx(each.mean())
    assert scores["folds_pooled:recording_accuracy"].value == pytest.approx(right.mean())


def test_clips_that_are_no_one_are_refused_with_their_line(world):
    score, table, _ = world
    with pytest.raises(ConfigError, match=r"clips of one device \(a\) are of different classes") as caught:
        score(view={"by": ["device"]})
    assert "suite:" in str(caught.value.where)
    with pytest.raises(ConfigError, match=r"clips of one label \(high\) are of different resampling groups"):
        score(view={"by": ["label"]})
    with pytest.raises(ConfigError, match="has no column 'recorder'"):
        score(view={"by": ["recorder"]})
    empty = table.assign(part=np.where(np.arange(96) == 7, "", table["group"]))
    with pytest.raises(ConfigError, match=r"07.wav has no part"):
        score(table=empty, view={"by": ["part"]})


def test_clips_of_tags_may_differ():
    table = pd.DataFrame({"clip_id": ["a", "b"], "label": [("x",), ("y",)], "group": ["r", "r"]})
    suite = {"name": "s", "version": "1", "data": {"layout": "folder"}, "view": {"by": ["group"]}}
    refuse_strangers(load_definition({**suite, "task": "tags"}), {"test": table})
    with pytest.raises(ConfigError, match="of different classes, and are no one recording"):
        refuse_strangers(load_definition({**suite, "task": "scene"}), {"test": table})


def test_clips_are_left_out_in_seeded_draws(world):
    score, table, answers = world
    run = score(drop={"fractions": [0.05, 0.25], "draws": 40})
    cell = run.result.cells[0]
    right = answers.argmax(axis=1) == table["label"].map(LABELS.index)
    name = f"{run.result.dataset.index_hash}/test/clip"
    truth = table["label"].to_numpy()
    for row, share in enumerate((0.05, 0.25)):
        by_class = [
            np.mean([right[kept & (truth == label)].mean() for label in LABELS])
            for kept in left_in(96, share, 40, name, 0) > 0
        ]
        found = cell.metrics[f"macro_accuracy_without_{100 * share:g}"]
        assert found.value == pytest.approx(np.mean(by_class)) and found.n == 96 - round(96 * share)
        assert [found.low, found.high] == pytest.approx(np.quantile(by_class, [0.025, 0.975]).tolist())
        expected = [np.mean(by_class), np.std(by_class, ddof=1), min(by_class), max(by_class)]
        assert cell.matrices["drop_macro_accuracy"].values[row] == pytest.approx(expected)
    assert cell.matrices["drop_macro_accuracy"].rows == ["5 %", "25 %"]
    assert cell.matrices["drop_macro_accuracy"].columns == list(COLUMNS)
    again = score(drop={"fractions": [0.05, 0.25], "draws": 40}).result.cells[0]
    assert again.matrices["drop_macro_accuracy"] == cell.matrices["drop_macro_accuracy"]
    grouped = score(drop={"fractions": [0.25], "draws": 40, "unit": "group"}).result.cells[0]
    assert grouped.matrices["drop_macro_accuracy"].row_title == "groups left out"
    spread = [cell.matrices["drop_macro_accuracy"].values[1][1], grouped.matrices["drop_macro_accuracy"].values[0][1]]
    assert spread[0] < spread[1]


def test_the_page_shows_recordings_beside_clips(world):
    score, _, _ = world
    page = score(view={"by": ["group", "device"]}, drop={"fractions": [0.05], "draws": 5}).page()
    assert "Macro accuracy (recordings)" in page and "Macro accuracy without 5 % of the clips" in page
    assert "Clips left out" in page
