"""Scores of single clips, against scikit-learn, figures worked out by hand and combinatorics."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, label_ranking_average_precision_score

from benchbed.metrics import clip_scores
from benchbed.metrics.families import sed_event, sed_segment
from benchbed.metrics.families.tagging import family
from benchbed.outputs.frames.recording import Events
from benchbed.rng import stream

LABELS = ("a", "b", "c", "d")


def objects(*recordings):
    held = np.empty(len(recordings), object)
    for i, events in enumerate(recordings):
        onset, offset, label = (np.array([event[k] for event in events], dtype=float) for k in range(3))
        held[i] = Events((onset * 1e6).astype(int), (offset * 1e6).astype(int), label.astype(int), 10_000_000)
    return held


@given(st.integers(0, 10_000))
def test_average_precision_and_f1_are_those_of_scikit_learn(seed):
    random = stream("clip-scores", seed)
    target = random.random((5, 4)) < 0.4
    scores = random.random((5, 4)).round(1)  # with ties
    found, f1 = (
        clip_scores.clip_ap(family(LABELS), scores, target),
        clip_scores.label_f1(family(LABELS), scores, target),
    )
    for i in range(5):
        if target[i].any():
            assert found[i] == pytest.approx(
                label_ranking_average_precision_score(target[i : i + 1], scores[i : i + 1])
            )
        else:
            assert found[i] == float(not (scores[i] >= 0.5).any())
        assert f1[i] == pytest.approx(f1_score(target[i], scores[i] >= 0.5, zero_division=1.0))
        same = ((scores[i] >= 0.5) == target[i]).all()
        assert clip_scores.label_set(family(LABELS), scores, target)[i] == same


def test_a_threshold_per_class_decides():
    thresholds = family(LABELS, threshold=[0.1, 0.9, 0.9, 0.9])
    scores, target = np.full((1, 4), 0.5), np.array([[1, 0, 0, 0]])
    assert clip_scores.label_set(thresholds, scores, target).tolist() == [1.0]
    assert clip_scores.class_decision(1)(thresholds, scores, target).tolist() == [1.0]
    assert clip_scores.class_decision(0)(thresholds, scores, 1 - target).tolist() == [0.0]


def test_events_of_a_recording_by_hand():
    truth = objects([(0, 1, 0), (2, 4, 1), (6, 7, 0)], [], [])
    # The first is found, the second starts 0.3 s late, the third is another class; one recording is rightly silent.
    said = objects([(0.1, 1.1, 0), (2.3, 4, 1), (6, 7, 2)], [], [(0, 1, 3)])
    assert clip_scores.timed_f1(sed_event.family(LABELS), said, truth).tolist() == [pytest.approx(1 / 3), 1.0, 0.0]
    wide = sed_event.family(LABELS, onset_collar=0.3)
    assert clip_scores.timed_f1(wide, said, truth)[0] == pytest.approx(2 / 3)
    # On segments of a second: class 0 at 0 and 6, of which 0 and 1 are said; class 1 at 2 and 3, both; class 2 at 6.
    segments = clip_scores.timed_f1(sed_segment.family(LABELS, resolution=1.0), said, truth)
    assert segments.tolist() == [pytest.approx(2 * 3 / (4 + 5)), 1.0, 0.0]


def test_flips_count_what_the_collars_say_changed():
    made = sed_event.family(LABELS)
    truth = objects([(0, 1, 0), (2, 4, 1), (6, 7, 0)])
    before = objects([(0, 1, 0), (6, 7, 0), (9, 9.5, 2)])
    # The first has moved out of its collar (lost, and a new false alarm), the second is found now, an old false alarm
    # has moved within its collar (not new), and there is one more.
    after = objects([(0.4, 1.4, 0), (2, 4, 1), (6, 7, 0), (9.1, 9.6, 2), (8, 8.5, 3)])
    assert clip_scores.event_flips(made, before, after, truth).tolist() == [[1, 2]]
    assert clip_scores.event_flips(made, before, before, truth).tolist() == [[0, 0]]
    nothing = objects([])
    assert clip_scores.event_flips(made, nothing, nothing, nothing).tolist() == [[0, 0]]


@pytest.mark.parametrize(("labels", "classes"), [(1, 3), (2, 5), (3, 6)])
def test_chance_of_average_precision_is_that_of_all_orders(labels, classes):
    every = [
        np.mean(np.arange(1, labels + 1) / np.array(ranks)) for ranks in combinations(range(1, classes + 1), labels)
    ]
    exact = np.mean(np.array(every) > 0.5)
    assert clip_scores.chance_of_ap(labels, classes, 0.5) == pytest.approx(exact, abs=0.03)
    assert clip_scores.chance_of_ap(0, classes, 0.5) == 0.0
