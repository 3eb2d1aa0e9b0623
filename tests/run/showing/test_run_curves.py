"""Curves for the page: against sed_scores_eval, scikit-learn, decisions made one by one, and by hand."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import precision_recall_fscore_support

from benchbed.metrics.families import psds, sed_event, sed_intersection, sed_segment, sed_tagging, tagging
from benchbed.metrics.joint import Joint
from benchbed.metrics.sed.decision import Decision
from benchbed.metrics.sed.examples import random_corpus
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, frame_scores, recording
from benchbed.results.curves import RocLine, ThresholdCurves, ThresholdLine
from benchbed.run.showing import curves
from benchbed.run.showing.curves import thinned
from benchbed.run.showing.kinds import shown

GOLDEN = Path(__file__).parents[2] / "metrics" / "golden"
LABELS = ("c0", "c1", "c2", "c3")
FIGURES = ("f1", "precision", "recall")


def cell_curves(family, scores, target, cell):
    """The curves of a family's own kind of output."""
    return shown(family.output).curves(family, scores, target, cell)


def area(line: RocLine, limit: float) -> float:
    """Below the stored steps."""
    return float((np.array(line.ratios) * np.diff(np.append(line.rates, limit))).sum() / limit)


def named(held: ThresholdCurves) -> dict[str, ThresholdLine]:
    return {line.name: line for line in held.lines}


@pytest.fixture(scope="module")
def golden() -> tuple[np.ndarray, np.ndarray, dict]:
    """Recordings, and what sed_scores_eval 0.0.4 makes of them."""
    spec = importlib.util.spec_from_file_location("sed_corpus_of_curves", GOLDEN / "sed_corpus.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = module.corpus(6)
    outputs, target = np.empty(len(data), object), np.empty(len(data), object)
    for i, (scores, events) in enumerate(data):
        onset, offset, label = zip(*events) if events else ((), (), ())
        outputs[i] = frame_scores(scores, module.HOP)
        target[i], _ = recording(onset, offset, [f"c{c}" for c in label], LABELS, module.FRAMES * module.HOP)
    return outputs, target, json.loads((GOLDEN / "sed_scores_eval_0.0.4.json").read_text())["decimals"]["6"]


@pytest.mark.parametrize("steps", [curves.STEPS, 4])
def test_the_area_below_a_roc_is_the_score_of_sed_scores_eval(golden, monkeypatch, steps):
    outputs, target, expected = golden
    monkeypatch.setattr(curves, "STEPS", steps)
    found = cell_curves(psds.family(LABELS), outputs, target, "k").rocs
    assert [one.metric for one in found] == ["psds1", "psds2"] and {one.max_rate for one in found} == {100}
    for one in found:
        whole, *each = one.lines
        assert (whole.name, [line.name for line in each]) == ("all", list(LABELS))
        assert whole.area == pytest.approx(expected[one.metric][0], abs=1e-11)
        for line, value in zip(one.lines, [expected[one.metric][0], *expected[one.metric][1]]):
            # Stored to four and six decimals, and merged where there were more steps than are kept.
            assert area(line, one.max_rate) == pytest.approx(value, abs=5e-6)
            assert len(line.rates) <= 2 * steps + 3 and line.rates == sorted(line.rates)


def test_a_roc_by_hand():
    # Frames of one second; the event is found from 0.9 down, a false alarm of another recording comes at 0.4: once in
    # two recordings of ten seconds is 180 times in an hour.
    first, second = np.full((10, 1), 0.1), np.full((10, 1), 0.1)
    first[2:4], second[5:7] = 0.9, 0.4
    edges = np.arange(11) * SECOND
    outputs, target = np.empty(2, object), np.empty(2, object)
    outputs[:] = [FrameScores(first, edges), FrameScores(second, edges)]
    one = np.array([2 * SECOND]), np.array([4 * SECOND]), np.array([0])
    two = np.array([0]), np.array([3 * SECOND]), np.array([0])
    target[:] = [Events(*one, 10 * SECOND), Events(*two, 10 * SECOND)]
    options = {"dtc": 0.7, "gtc": 0.7, "max_efpr": 400.0}
    (found,) = cell_curves(psds.family(("dog",), scenarios={"own": options}), outputs, target, "k").rocs
    # Half of the events without a false alarm; the second is found by no threshold.
    assert [(line.rates, line.ratios, line.area) for line in found.lines] == [([0.0], [0.5], 0.5)] * 2


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(-1, 1)), max_size=60),
    st.integers(2, 12),
)
def test_thinning_keeps_the_area_and_the_end(points, most):
    at = np.sort(np.array([place for place, _ in points]))
    rise = np.array([amount for _, amount in points])
    few, amounts = thinned(at, rise, 100.0, most)
    assert len(few) <= most + 3 and (np.diff(few) >= 0).all()
    assert (amounts * (100 - few)).sum() == pytest.approx((rise * (100 - at)).sum(), abs=1e-6)
    assert amounts.sum() == pytest.approx(rise.sum(), abs=1e-9)


def test_a_curve_at_a_threshold_is_what_sed_scores_eval_finds_there(golden):
    outputs, target, expected = golden
    collars = {"onset_collar": 0.25, "offset_collar": 0.25}
    family = Joint(
        sed_intersection.family(LABELS, threshold=0.555),
        {"event": sed_event.family(LABELS, threshold=0.555, **collars)},
    )
    inter, event = cell_curves(family, outputs, target, "k").thresholds
    for held, name, what in ((inter, "intersection_at", "events by intersection"), (event, "collar_at", "events")):
        assert held.what == what and held.declared[0].prefix == ("" if held is inter else "event_")
        place = held.thresholds.index(0.555)
        for line in held.lines:
            key = {"macro": "macro_average", "micro": "micro_average"}.get(line.name, line.name)
            assert line.at[0].f1 == pytest.approx(expected[name][key], abs=1e-11)
            assert line.f1[place] == pytest.approx(expected[name][key], abs=6e-6)


@pytest.mark.parametrize(
    "made",
    [
        sed_event.family(LABELS, median_seconds=0.6),
        sed_segment.family(LABELS, resolution=0.5),
        sed_intersection.family(LABELS, dtc=0.3, gtc=0.6),
        sed_event.family(LABELS, matching="greedy", onset_collar=0.5),
        sed_segment.family(LABELS, rule="sed_eval:default"),
        sed_event.family(LABELS, rule="sed_eval:zero_score"),
    ],
    ids=["collars", "segments", "intersection", "greedy", "sed_eval segments", "sed_eval events"],
)
def test_every_drawn_point_is_a_decision_at_that_threshold(made):
    outputs, target = random_corpus(np.random.default_rng(5), 12, 4)
    (held,) = cell_curves(made, outputs, target, "k").thresholds
    assert 0.5 in held.thresholds and held.thresholds == sorted(held.thresholds)
    lines, median = named(held), made.decision.median
    for place, threshold in list(enumerate(held.thresholds))[1::7]:
        made.decision = Decision((threshold,), median)
        sums = made.statistics(outputs, target).sum(axis=0)
        values, each = made.values(sums), made.per_class(sums)
        for name, line in lines.items():
            for figure in FIGURES:
                mean = f"{name}_{figure}"
                exact = values.get(mean) if name in ("macro", "micro") else each[figure][LABELS.index(name)]
                if exact is not None:
                    drawn = getattr(line, figure)[place]
                    assert (np.isnan(exact) and drawn is None) or drawn == pytest.approx(float(exact), abs=6e-6)


def test_the_best_threshold_is_the_highest_of_the_best_drawn_ones():
    # One event in frames of 0.7; a false alarm of 0.3: every threshold above 0.3 up to 0.7 is without mistake.
    scores = np.array([[0.7], [0.7], [0.0], [0.3], [0.0], [0.0]])
    outputs, target = np.empty(1, object), np.empty(1, object)
    outputs[0] = FrameScores(scores, np.arange(7) * SECOND)
    target[0] = Events(np.array([0]), np.array([2 * SECOND]), np.array([0]), 6 * SECOND)
    (held,) = cell_curves(sed_event.family(("dog",), threshold=0.2), outputs, target, "k").thresholds
    dog = named(held)["dog"]
    assert (dog.best_threshold, dog.best_f1, dog.references) == (0.7, 1, 1)
    (mark,) = dog.at
    assert (mark.threshold, mark.f1, mark.precision, mark.recall) == (0.2, pytest.approx(2 / 3), 0.5, 1)
    at = dict(zip(held.thresholds, zip(dog.f1, dog.precision, dog.recall)))
    # At zero the whole recording is one event, which lies beyond the collars.
    assert at[0.0] == (0, 0, 0) and at[0.3] == (0.66667, 0.5, 1) and at[0.32] == (1, 1, 1)
    assert at[0.72] == (0, None, 0)


def test_thresholds_of_their_own_are_marked_on_each_class():
    outputs, target = random_corpus(np.random.default_rng(7), 20, 4)
    own = [0.3, 0.45, 0.5, 0.61]
    made = sed_event.family(LABELS, threshold=own)
    sums = made.statistics(outputs, target).sum(axis=0)
    (held,) = cell_curves(made, outputs, target, "k").thresholds
    lines = named(held)
    assert [lines[name].at[0].threshold for name in LABELS] == own and lines["macro"].at[0].threshold is None
    np.testing.assert_allclose([lines[name].at[0].f1 for name in LABELS], made.per_class(sums)["f1"], atol=1e-12)
    assert lines["macro"].at[0].f1 == pytest.approx(float(made.values(sums)["macro_f1"]), abs=1e-12)
    # Each class's own figure lies on its own curve where the grid has its threshold.
    assert lines["c2"].f1[held.thresholds.index(0.5)] == pytest.approx(lines["c2"].at[0].f1, abs=6e-6)


@pytest.mark.parametrize("weak", [False, True])
def test_tags_agree_with_scikit_learn(weak):
    if weak:
        made, frames, target = sed_tagging.example(np.random.default_rng(0), 60)
        scores = np.stack([item.scores.max(axis=0) for item in frames])
        truth = np.stack([sed_tagging.present(item, 3) for item in target])
    else:
        made, frames, target = tagging.example(np.random.default_rng(0), 60)
        scores, truth = frames, target
    (held,) = cell_curves(made, frames, target, "k").thresholds
    lines = named(held)
    assert held.what == "tags" and len(held.thresholds) == 51
    for place, threshold in list(enumerate(held.thresholds))[::5]:
        said = scores >= threshold
        for name, average in (("macro", "macro"), ("micro", "micro"), ("dog", None)):
            truths, answers = (truth[:, 0], said[:, 0]) if average is None else (truth, said)
            precision, recall, f1, _ = precision_recall_fscore_support(
                truths, answers, average=average or "binary", zero_division=0
            )
            line = lines[name]
            drawn = [0.0 if value is None else value for value in (line.precision[place], line.recall[place])]
            assert drawn == pytest.approx([precision, recall], abs=6e-6)
            assert line.f1[place] == pytest.approx(f1, abs=6e-6)
    sums = made.statistics(frames, target).sum(axis=0)
    assert lines["macro"].at[0].f1 == pytest.approx(float(made.values(sums)["macro_f1"]), abs=1e-12)
    assert lines["rain"].at[0].recall == pytest.approx(float(made.per_class(sums)["recall"][1]), abs=1e-12)


def test_a_score_at_the_threshold_is_an_output():
    scores, target = np.array([[0.5], [0.48], [0.2]]), np.array([[1.0], [1.0], [0.0]])
    (held,) = cell_curves(tagging.family(("dog",)), scores, target, "k").thresholds
    recall = dict(zip(held.thresholds, named(held)["dog"].recall))
    assert (recall[0.48], recall[0.5], recall[0.52]) == (1, 0.5, 0) and named(held)["dog"].at[0].recall == 0.5


def test_unknown_tags_and_scores_of_another_range():
    scores, target = np.array([[3.0, -2.0], [1.0, 4.0], [2.0, 0.0]]), np.array([[1, 0], [0, 1], [np.nan, 1]])
    (held,) = cell_curves(tagging.family(("dog", "rain")), scores, target, "k").thresholds
    lines = named(held)
    assert (held.thresholds[0], held.thresholds[-1]) == (-2, 4) and 0.5 in held.thresholds
    assert [lines[name].references for name in ("dog", "rain", "micro")] == [1, 2, 3]
    # The clip that nobody knows about is no false alarm.
    assert lines["dog"].precision[held.thresholds.index(0.5)] == 0.5
    assert lines["dog"].at[0].f1 == pytest.approx(2 / 3) and lines["rain"].at[0].recall == 0.5


def test_classes_without_references_and_beyond_the_most_have_no_line(monkeypatch):
    monkeypatch.setattr(curves, "CLASSES", 2)
    scores = np.array([[0.9, 0.8, 0.7, 0.6]] * 3)
    target = np.array([[1, 0, 1, 1], [1, 0, 0, 1], [0, 0, 0, 1]])
    (held,) = cell_curves(tagging.family(LABELS), scores, target, "k").thresholds
    assert list(named(held)) == ["macro", "micro", "c0", "c3"] and held.left_out == 1


def test_lists_of_events_and_nothing_at_all_have_no_curves():
    _, target = random_corpus(np.random.default_rng(0), 3, 4)
    family = Joint(sed_event.family(LABELS), {"segment": sed_segment.family(LABELS)})
    assert cell_curves(family, target, target, "k").thresholds == []
    made = cell_curves(Joint(psds.family(LABELS), {"event": sed_event.family(LABELS)}), target[:0], target[:0], "k")
    assert (made.rocs, made.thresholds) == ([], [])


def test_recordings_with_tags_alone_count_for_tags_alone():
    tags, outputs, target = sed_tagging.example(np.random.default_rng(0), 30)
    strong = [i for i in range(30) if i % 3]
    event = sed_event.family(tags.labels)
    made = cell_curves(Joint(event, {"weak": tags}), outputs, target, "k").thresholds
    alone = cell_curves(event, outputs[strong], target[strong], "k").thresholds
    assert made[0].lines == alone[0].lines
    assert made[0].declared[0].rule == f"{alone[0].declared[0].rule}:strong-labels"
    assert made[1].lines == cell_curves(tags, outputs, target, "k").thresholds[0].lines
    assert made[1].declared[0].rule == tags.metrics["macro_f1"].rule


def test_a_set_without_references_has_no_roc():
    outputs, target = random_corpus(np.random.default_rng(0), 3, 4)
    empty = np.empty(3, object)
    empty[:] = [Events(*(np.zeros(0, np.int64),) * 3, item.duration) for item in target]
    made = cell_curves(Joint(psds.family(LABELS), {"event": sed_event.family(LABELS)}), outputs, empty, "k")
    assert made.rocs == [] and [line.name for line in made.thresholds[0].lines] == ["macro", "micro"]
    assert made.thresholds[0].lines[0].best_f1 is None


def test_a_thousand_recordings_stay_small():
    outputs, target = random_corpus(np.random.default_rng(0), 1000, 10)
    labels = tuple(f"class_{i:02d}" for i in range(10))
    family = Joint(psds.family(labels), {"event": sed_event.family(labels), "segment": sed_segment.family(labels)})
    assert len(cell_curves(family, outputs, target, "k").model_dump_json(exclude_defaults=True)) < 100_000
