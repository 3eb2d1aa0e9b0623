"""Thresholds chosen on one set, frozen and used on another; weak labels from frame scores."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families import sed_best, sed_event, sed_tagging, tagging
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.thresholds import Thresholds, tune_events, tune_tags
from benchbed.outputs.frames.recording import Events, FrameScores

LABELS = ("dog", "rain", "speech")


def test_tags_get_the_threshold_of_the_best_f1() -> None:
    generator = np.random.default_rng(0)
    target = (generator.random((60, 3)) < 0.3).astype(float)
    target[:, 2] = 0
    scores = np.round(0.4 * target + 0.6 * generator.random((60, 3)), 2)
    target[5, 0] = np.nan
    frozen = tune_tags(scores, target, LABELS, "toy/val")
    for c in range(2):
        known = ~np.isnan(target[:, c])
        reached = {t: f1_score(target[known, c], scores[known, c] >= t) for t in np.unique(scores[:, c])}
        mine = f1_score(target[known, c], scores[known, c] >= frozen.values[c])
        assert mine == pytest.approx(max(reached.values()))
    assert frozen.untuned == ("speech",) and frozen.values[2] == 0.5
    made = tagging.family(LABELS, **frozen.options(LABELS, "toy/test"))
    sums = made.statistics(scores[:, :], np.nan_to_num(target)).sum(axis=0)
    assert made.per_class(sums)["f1"][1] == pytest.approx(f1_score(target[:, 1], scores[:, 1] >= frozen.values[1]))


def test_events_get_the_threshold_of_the_best_f1_and_keep_it() -> None:
    outputs, target = random_corpus(np.random.default_rng(1), 30, 3)
    over = sed_best.family(LABELS, onset_collar=0.5, offset_collar=0.5)
    frozen = tune_events(over, outputs[:20], target[:20], "toy/validation")
    at = sed_event.family(LABELS, onset_collar=0.5, offset_collar=0.5, **frozen.options(LABELS, "toy/test"))
    sums = at.statistics(outputs[:20], target[:20]).sum(axis=0)
    best = score_cell(over, outputs[:20], target[:20], np.arange(20)).metrics["best_macro_f1"].value
    assert at.values(sums)["macro_f1"] == pytest.approx(best, abs=1e-12)
    assert "thresholds-per-class" in at.metrics["macro_f1"].rule


def test_thresholds_are_written_and_read_again() -> None:
    frozen = Thresholds(("a", "b"), (0.25, 0.5), "toy/val", "best-f1", ("b",))
    assert Thresholds.from_dict(json.loads(json.dumps(frozen.as_dict()))) == frozen
    with pytest.raises(ConfigError, match="not a file of thresholds"):
        Thresholds.from_dict({"thresholds": [0.5]})


def test_thresholds_are_not_scored_where_they_were_chosen() -> None:
    frozen = Thresholds(("a",), (0.25,), "toy/val", "best-f1")
    with pytest.raises(ConfigError, match="chosen on toy/val cannot be scored there"):
        frozen.options(("a",), "toy/val")
    with pytest.raises(ConfigError, match="no threshold for b"):
        frozen.options(("a", "b"), "toy/test")
    with pytest.raises(ConfigError, match="sed_best"):
        tune_events(tagging.family(("a",)), np.zeros((1, 1)), np.zeros((1, 1)), "toy/val")
    with pytest.raises(CannotMeasure):
        tune_tags(np.full((1, 1), np.nan), np.zeros((1, 1)), ("a",), "toy/val")


def test_weak_and_strong_references_are_scored_together() -> None:
    outputs, target = random_corpus(np.random.default_rng(2), 40, 3)
    tags = np.stack([sed_tagging.present(events, 3) for events in target])
    mixed = target.copy()
    for i in range(0, 40, 2):
        mixed[i] = tags[i]
    found = score_cell(sed_tagging.family(LABELS), outputs, mixed, np.arange(40)).metrics
    highest = np.stack([item.scores.max(axis=0) for item in outputs])
    assert found["map"].value == pytest.approx(average_precision_score(tags, highest), abs=1e-12)
    assert found["macro_f1"].value == pytest.approx(f1_score(tags, highest >= 0.5, average="macro"), abs=1e-12)


def test_bad_weak_input_is_one_clear_error() -> None:
    frames, made = FrameScores(np.zeros((1, 1)), np.array([0, 1])), sed_tagging.family(("a",))
    outputs, target = np.empty(1, object), np.empty(1, object)
    outputs[0], target[0] = frames, np.zeros(2)
    with pytest.raises(CannotMeasure, match="weak labels of shape"):
        made.statistics(outputs, target)
    target[0] = Events(np.array([0]), np.array([1]), np.array([4]))
    with pytest.raises(CannotMeasure, match="event classes outside"):
        made.statistics(outputs, target)
    # A list of events is an answer, too; its classes are held to the same.
    with pytest.raises(CannotMeasure, match="event classes outside"):
        made.statistics(target, target)
    with pytest.raises(ConfigError, match="unknown pooling"):
        sed_tagging.family(("a",), pool="median")
