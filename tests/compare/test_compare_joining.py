"""What several splits are called once they are one figure: a mean over folds only where it is one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_runs import answers, changed, lucky, made_run, recordings

from benchbed.compare.answer import Procedure
from benchbed.compare.asked import Wanted
from benchbed.compare.figure import Figure
from benchbed.compare.joining import joining
from benchbed.compare.runs import open_run
from benchbed.compare.show import lines
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.report.versus import comparison_page
from benchbed.results.comparison import ComparisonRecord
from benchbed.results.splits import called, joined

QUICK = Procedure(draws=200, swaps=199)
TARGET, GROUP = recordings(30, 4)


def two(tmp_path, names, **facts):
    splits = np.repeat(names, [40, 80])
    device = splits.copy()
    right = [lucky(30, 4, share, 0.2, share) for share in (0.8, 0.6)]
    places = [
        made_run(tmp_path / n, {"clean": answers(r, TARGET)}, TARGET, GROUP, name=n, splits=splits, device=device)
        for n, r in zip("ab", right)
    ]
    for place in places if facts else ():
        changed(place, lambda raw: raw["suite"]["definition"].update(facts))
    return [open_run(place) for place in places]


@pytest.mark.parametrize(
    ("names", "how", "says"),
    [
        (["fold1", "fold2"], "mean", "mean over 2 folds"),
        (["fold1", "fold2"], "pooled", "2 folds pooled"),
        (["1", "2"], "mean", "mean over 2 folds"),
        (["clotho", "audiocaps"], "mean", "mean over 2 splits"),
        (["fold1", "extra1"], "mean", "mean over 2 splits"),
    ],
)
def test_only_folds_are_called_folds(tmp_path, names, how, says):
    a, b = two(tmp_path, names, metrics={"folds": how})
    assert joining(a, Figure("clean")) == says == joined(names, how)
    text = "\n".join(lines(compare([Side("a", (a,)), Side("b", (b,))], procedure=QUICK)))
    assert text.count(says) == 1 and ("fold" in text) == (called(names) == "folds")


def test_groups_of_runs_say_so_too(tmp_path):
    a, b = two(tmp_path / "one", ["fold1", "fold2"])
    c, d = two(tmp_path / "other", ["fold1", "fold2"])
    made = compare([Side("a", (a, c), "seeds"), Side("b", (b, d), "seeds")], Wanted(metrics=("accuracy",)), QUICK)
    assert made.pairings[0].mixed_joined == ["mean over 2 folds"]
    assert made.as_json()["pairings"][0]["mixed"][0]["joined"] == "mean over 2 folds"
    assert "\n".join(lines(made)).count("mean over 2 folds") == 1


def test_one_split_is_no_mean(tmp_path):
    a, b = (
        open_run(made_run(tmp_path / n, {"clean": answers(lucky(30, 4, 0.7, 0.2, n), TARGET)}, TARGET, GROUP, name=n))
        for n in "ab"
    )
    assert joining(a, Figure("clean")) == "" == joining(a, Figure("clean", "class=tram"))
    text = "\n".join(lines(compare([Side("a", (a,)), Side("b", (b,))], procedure=QUICK)))
    assert "fold" not in text and "mean over" not in text


def test_a_group_of_one_split_and_a_class_say_what_they_are(tmp_path):
    a, b = two(tmp_path, ["clotho", "audiocaps"])
    assert joining(a, Figure("clean", "device=clotho")) == "split clotho alone"
    assert joining(a, Figure("clean", "class=tram")) == "2 splits pooled"
    assert joining(a, Figure("clean", split="clotho")) == ""
    made = compare([Side("a", (a,)), Side("b", (b,))], Wanted(metrics=("accuracy",), groups=("device=*",)), QUICK)
    rows = {row.contrast.figure.group: row.joined for row in made.pairings[0].rows}
    assert rows[None] == "mean over 2 splits" and rows["device=audiocaps"] == "split audiocaps alone"
    held = ComparisonRecord.model_validate(json.loads(json.dumps(made.as_json(), default=float)))
    remarks = [branch.remark for forest in comparison_page(held, {}).versus[0].forests for branch in forest.branches]
    assert "mean over 2 splits" in remarks and "split clotho alone" in remarks
