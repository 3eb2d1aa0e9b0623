"""What is made of a run once for all its pairs is what each pair would make, and whole numbers give the same bits."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple

import numpy as np
import pytest
from made_runs import answers, lucky, made_run, recordings

from benchbed.compare import drawing, pairing
from benchbed.compare.answer import Procedure
from benchbed.compare.contrast import contrast
from benchbed.compare.figure import Figure
from benchbed.compare.reused import ReusedParts
from benchbed.compare.runs import open_run
from benchbed.compare.sides import Side
from benchbed.compare.table import compare
from benchbed.metrics.families.classification import Classification

QUICK = Procedure(draws=130, swaps=119)
TARGET, GROUP = recordings(45, 2)
DEVICE = np.array(["s1", "s2", "s4", "s5"])[np.arange(len(TARGET)) % 4]
SETS = {"seen": ("s1", "s2"), "unseen": ("s4", "s5")}
FIGURES = [
    Figure("clean", group)
    for group in (None, "device=s4", "devices=unseen", "devices_mean=all", "devices_gap=seen-unseen", "class=bus")
]


def opened(tmp_path, *names, **facts):
    found = []
    for i, name in enumerate(names):
        scores = {"clean": answers(lucky(45, 2, 0.7 - 0.1 * i, 0.3, name), TARGET)}
        own = {key: value[i] if isinstance(value, list) else value for key, value in facts.items()}
        place = made_run(tmp_path / name, scores, TARGET, GROUP, name=name, device=DEVICE, sets=SETS, **own)
        found.append(open_run(place))
    return found


def said(a, b, figure, metrics, reused=None):
    """All of a comparison, to the bit."""
    names = ["recall"] if str(figure.group).startswith("class") else metrics
    found = contrast(a, b, figure, names, QUICK, reused=reused)
    bare = [astuple(one) for one in found.values()]
    return repr([[x.tolist() if isinstance(x, np.ndarray) else x for x in one] for one in bare])


@pytest.mark.parametrize("metrics", [["macro_accuracy"], ["accuracy", "macro_f1"]])
@pytest.mark.parametrize("splits", [None, np.repeat(["fold1", "fold2"], [40, 50])], ids=["one", "folds"])
def test_whole_numbers_give_what_all_statistics_give(tmp_path, monkeypatch, metrics, splits):
    a, b = opened(tmp_path, "a", "b", splits=splits)
    with monkeypatch.context() as patch:
        counts = Counter()
        plain = drawing.evaluate_counts
        patch.setattr(drawing, "evaluate_counts", lambda *of: counts.update(asked=1) or plain(*of))
        found = [said(a, b, figure, metrics) for figure in FIGURES]
    assert counts["asked"] == 2 * (len(FIGURES) - 1)  # a class needs others
    monkeypatch.setattr(Classification, "needed", lambda self, names: None)
    assert found == [said(a, b, figure, metrics) for figure in FIGURES]


def test_a_clip_that_is_shared_out_among_draws_is_no_whole_number(tmp_path):
    (a,) = opened(tmp_path, "a")
    made = drawing.recipe(a.sums, Figure("clean"))
    folds = pairing.pair(a, a, Figure("clean"), made).a
    assert drawing.counted(a.family, made, ["accuracy"], folds) is not None
    assert drawing.counted(a.family, made, ["accuracy"], [sums / 3 for sums in folds]) is None
    assert drawing.counted(a.family, made, ["accuracy", "log_loss"], folds) is None


def test_what_is_reused_is_what_each_pair_makes(tmp_path):
    runs, reused = opened(tmp_path, "a", "b", "c"), ReusedParts()
    for _ in range(2):
        for figure in FIGURES:
            for one in runs:
                for other in runs:
                    plain = said(one, other, figure, ["accuracy", "log_loss"])
                    assert said(one, other, figure, ["accuracy", "log_loss"], reused) == plain


def test_recordings_that_a_pair_leaves_out_are_its_own(tmp_path):
    lost = np.zeros(len(TARGET), bool)
    lost[:9] = True
    a, b, c = opened(tmp_path, "a", "b", "c", lost=[None, {"clean": lost}, None])
    reused = ReusedParts()
    for one, other in ((a, c), (a, b), (b, c), (a, c), (b, b)):
        assert said(one, other, Figure("clean"), ["accuracy"], reused) == said(
            one, other, Figure("clean"), ["accuracy"]
        )


def test_a_run_is_drawn_once_for_all_its_pairs(tmp_path, monkeypatch):
    runs = opened(tmp_path, "a", "b", "c", "d")
    counts = Counter()
    plain = drawing.draw
    monkeypatch.setattr(drawing, "draw", lambda run, *of: counts.update([run.name]) or plain(run, *of))
    compare([Side(run.name, (run,)) for run in runs], procedure=QUICK)
    # All metrics for the table, the one that ranks for ranks, and for both matrices, of which the table of the first
    # says one.
    assert counts == {"a": 3, "b": 4, "c": 4, "d": 4}


def test_no_more_is_held_than_is_allowed(tmp_path):
    a, b = opened(tmp_path, "a", "b")
    reused, made = ReusedParts(most=2000), Counter()

    def ask(run, what):
        return reused.ask(run, what, lambda: made.update([(run.name, what)]) or (np.ones(100), {"x": np.ones(20)}))

    for run, what in ((a, 1), (b, 1), (a, 1), (a, 2), (a, 1), (b, 1)):
        ask(run, what)
    assert made == {("a", 1): 1, ("b", 1): 2, ("a", 2): 1}
    assert reused.ask(a, 3, lambda: np.ones(1000)) is not reused.ask(a, 3, lambda: np.ones(1000))
