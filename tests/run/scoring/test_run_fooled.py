"""Which sounds fool the model, over strengths, repeated conditions and splits."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from benchbed.metrics.folds import Fold
from benchbed.run.scoring.aggregate import AnswersOfCell, ScoredCell
from benchbed.run.scoring.fooled import fooled
from benchbed.stats.bootstrap import Bootstrap

TRUTH = np.array([0, 1, 0, 1])


def cell(key, parameter=None, kind="corruption"):
    condition = SimpleNamespace(kind=kind, parameter=parameter, unit="dB")
    return SimpleNamespace(key=key, split=key.split("/")[1], condition=condition)


def answered(said, sounds=None, applied=True):
    scores = np.eye(2)[np.array(said)]
    fold = Fold(scores, TRUTH, np.arange(4), Bootstrap(4, draws=20))
    said = AnswersOfCell(fold, np.arange(4), None if sounds is None else np.array(sounds))
    return ScoredCell(None, fold.bootstrap, lambda: said, applied, sounds is not None)


def test_strengths_are_told_apart_and_together():
    cells = [cell("scene/test/clean", kind="clean"), cell("scene/test/event_injection@1", -5)]
    cells += [cell("scene/test/event_injection@2", 5), cell("scene/test/event_injection@1#2", 9)]
    sounds = ["dog", "dog", "cat", "cat"]
    scored = {
        "scene/test/clean": answered([0, 1, 0, 0]),  # the last clip was never right
        "scene/test/event_injection@1": answered([0, 1, 0, 0], sounds),
        "scene/test/event_injection@2": answered([1, 1, 1, 1], sounds),
        "scene/test/event_injection@1#2": answered([1, 0, 0, 1], ["dog"] * 4),
    }
    found = {name: figure.value for name, figure in fooled(cells, scored).items()}
    assert found == {
        "fooled:event_injection/cat": 0.5,
        "fooled:event_injection/dog": 0.25,
        "fooled:event_injection@1/cat": 0.0,
        "fooled:event_injection@1/dog": 0.0,
        "fooled:event_injection@2/cat": 1.0,
        "fooled:event_injection@2/dog": 0.5,
        "fooled:event_injection#2/dog": 2 / 3,
    }
    assert fooled(cells, scored)["fooled:event_injection@2/cat"].info.title == "Turned at 5 dB"


def test_nothing_is_said_without_clean_answers_or_a_sound_that_could_be_put_in():
    injected = cell("scene/test/event_injection@1", 0)
    assert fooled([injected], {injected.key: answered(TRUTH, ["dog"] * 4)}) == {}
    clean = cell("scene/test/clean", kind="clean")
    scored = {clean.key: answered(TRUTH), injected.key: answered(TRUTH, ["dog"] * 4, applied=False)}
    assert fooled([clean, injected], scored) == {}
    assert fooled([clean], {clean.key: answered(TRUTH)}) == {}


def test_splits_have_figures_of_their_own():
    cells, scored = [], {}
    for split, said in (("a", [1, 1, 0, 1]), ("b", [0, 1, 0, 1])):
        cells += [cell(f"scene/{split}/clean", kind="clean"), cell(f"scene/{split}/event_injection@1", 0)]
        scored[f"scene/{split}/clean"] = answered(TRUTH)
        scored[f"scene/{split}/event_injection@1"] = answered(said, ["dog"] * 4)
    found = fooled(cells, scored)
    assert {name: one.value for name, one in found.items()} == {
        "fooled:a:event_injection/dog": 0.25,
        "fooled:b:event_injection/dog": 0.0,
    }
    assert found["fooled:a:event_injection/dog"].info.scope == "dog, a"
