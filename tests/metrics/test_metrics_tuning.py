"""Thresholds that are best for the macro or the micro F1, together or by class, against search by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.families import sed_best, sed_event, sed_segment
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.thresholds import Thresholds, tune_events, tune_tags
from benchbed.metrics.tuning import choose, tag_sweep

LABELS = ("dog", "rain", "speech")


def by_hand(target: np.ndarray, output: np.ndarray, average: str) -> float:
    """F1 over classes, from its definition."""
    hits, both = (target * output).sum(axis=0), target.sum(axis=0) + output.sum(axis=0)
    if average == "micro":
        return float(2 * hits.sum() / both.sum())
    return float(np.mean([2 * h / b if b else 0.0 for h, b in zip(hits, both)]))


def tags(seed: int, clips: int = 9) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    target = (generator.random((clips, 3)) < 0.3).astype(float)
    return np.round(0.3 * target + 0.7 * generator.random((clips, 3)), 1), target


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_every_choice_is_the_best_there_is(seed: int) -> None:
    scores, target = tags(seed)
    held = target.sum(axis=0) > 0
    if not held.any():
        return
    tried = [np.append(np.unique(scores[:, c]) if held[c] else [], 2.0) for c in range(3)]
    every = list(itertools.product(*tried))
    for average in ("macro", "micro"):
        best = max(by_hand(target[:, held], (scores >= limits)[:, held], average) for limits in every)
        found = choose([tag_sweep(scores, target)], average=average)
        at = np.where(np.isnan(found.thresholds), 2.0, found.thresholds)
        mine = by_hand(target[:, held], (scores >= at)[:, held], average)
        assert found.reached == pytest.approx(best, abs=1e-12) and mine == pytest.approx(best, abs=1e-12)
        assert np.isnan(found.thresholds).tolist() == (~held).tolist()
        common = choose([tag_sweep(scores, target)], average=average, per_class=False)
        # A common threshold also lets classes without positives speak, and their false alarms count.
        over = held if average == "macro" else np.ones(3, bool)
        best = max(by_hand(target[:, over], (scores >= x)[:, over], average) for x in np.unique(scores))
        assert common.reached == pytest.approx(best, abs=1e-12) and len(set(common.thresholds)) == 1


def test_micro_thresholds_are_no_worse_than_going_through_the_classes() -> None:
    """The two-step rule of the DCASE 2017 systems: best by class, then one class at a time until nothing improves."""
    for seed in range(3):
        scores, target = tags(seed, 20)
        limits = tune_tags(scores, target, LABELS, "toy/val").values
        best = f1_score(target, scores >= limits, average="micro")
        improved = True
        while improved:
            improved = False
            for c in range(3):
                for x in np.unique(scores[:, c]):
                    other = [*limits[:c], x, *limits[c + 1 :]]
                    value = f1_score(target, scores >= other, average="micro")
                    if value > best + 1e-12:
                        limits, best, improved = tuple(other), value, True
        assert tune_tags(scores, target, LABELS, "toy/val", average="micro").reached >= best - 1e-12


def test_unknown_labels_and_absent_classes() -> None:
    scores, target = np.array([[0.9, 0.1], [0.8, 0.7], [0.1, 0.2]]), np.array([[1, 0], [np.nan, 0], [0, 0]])
    frozen = tune_tags(scores, target, ("a", "b"), "toy/val", fallback=0.3)
    # Halfway from the only positive clip to the only negative one; what is unknown has no say.
    assert frozen.values == (0.5, 0.3) and frozen.untuned == ("b",)
    assert frozen.reached == 1.0 and np.isnan(frozen.class_f1[1])
    nothing = tune_tags(scores, np.zeros((3, 2)), ("a", "b"), "toy/val", per_class=False)
    assert nothing.values == (0.5, 0.5) and np.isnan(nothing.reached)
    assert Thresholds.from_dict(nothing.as_dict()).untuned == ("a", "b")
    with pytest.raises(CannotMeasure, match="for 1 classes"):
        tune_tags(scores, target, ("a",), "toy/val")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_thresholds_keep_away_from_scores_that_they_would_part(seed: int) -> None:
    """Between the last score that is output and the first that is not, a quarter of the way from either at least."""
    scores, target = tags(seed, 30)
    for c, value in enumerate(choose([tag_sweep(scores, target)]).thresholds):
        if np.isnan(value):
            continue
        above, below = scores[scores[:, c] >= value, c], scores[scores[:, c] < value, c]
        if not len(below):
            assert value == above.min()
            continue
        room = above.min() - below.max()
        assert below.max() + room / 4 - 1e-12 <= value <= above.min() - room / 4 + 1e-12


def test_thresholds_of_events_decide_as_the_edge_does_and_stand_in_the_middle() -> None:
    """Every threshold of a fine grid is scored by itself; around the chosen one the counts stay what they are."""
    outputs, target = random_corpus(np.random.default_rng(7), 12, 2)
    over = sed_best.family(LABELS[:2], onset_collar=0.5, offset_collar=0.5, median_seconds=0.3)
    frozen = tune_events(over, outputs, target, "toy/val")
    grid = np.unique(np.concatenate([item.scores.ravel() for item in outputs]).astype(np.float64))

    def reached(limit: float, c: int) -> tuple[float, ...]:
        at = sed_event.family(LABELS[:2], onset_collar=0.5, offset_collar=0.5, median_seconds=0.3, threshold=limit)
        found = at.per_class(at.statistics(outputs, target).sum(axis=0))
        return tuple(float(np.nan_to_num(found[name][c])) for name in ("f1", "precision", "recall"))

    for c, value in enumerate(frozen.values):
        every = [reached(limit, c) for limit in grid]
        assert reached(value, c)[0] == pytest.approx(max(f1 for f1, *_ in every), abs=1e-12)
        assert frozen.class_f1[c] == pytest.approx(reached(value, c)[0], abs=1e-12)
        # From the next score at or above it, down and up to where the counts change.
        here = start = int(np.searchsorted(grid, value))
        while here > 0 and every[here - 1] == every[start]:
            here -= 1
        last = start
        while last + 1 < len(grid) and every[last + 1] == every[start]:
            last += 1
        low, high = grid[here - 1], grid[last]
        assert low + (high - low) / 4 - 1e-9 <= value <= high - (high - low) / 4 + 1e-9


def test_there_is_no_middle_between_neighbours_in_single_precision() -> None:
    low = np.float32(0.3)
    high = np.nextafter(low, np.float32(1))
    made = choose([tag_sweep(np.array([[high], [low]], np.float64), np.array([[1], [0]]))])
    assert made.thresholds[0] == float(high)


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_each_class_takes_the_filter_that_suits_it(average) -> None:
    outputs, target = random_corpus(np.random.default_rng(5), 25, 3)
    lengths = [0.0, 0.3, 0.9]
    over = [sed_best.family(LABELS, criterion="segment", resolution=0.5, median_seconds=x or None) for x in lengths]
    frozen = tune_events(over, outputs, target, "toy/val", median_seconds=lengths, average=average)
    at = sed_segment.family(LABELS, resolution=0.5, **frozen.options(LABELS, "toy/test"))
    sums = at.statistics(outputs, target).sum(axis=0)
    assert at.values(sums)[f"{average}_f1"] == pytest.approx(frozen.reached, abs=1e-12)
    np.testing.assert_allclose(at.per_class(sums)["f1"], frozen.class_f1, atol=1e-12)
    alone = [tune_events(one, outputs, target, "toy/val", average=average) for one in over]
    assert frozen.reached >= max(one.reached for one in alone) - 1e-12
    if average == "macro":
        best = np.max([one.class_f1 for one in alone], axis=0)
        np.testing.assert_allclose(frozen.class_f1, best, atol=1e-12)
    assert frozen.rule.endswith("segments-0.5s:max:median-of-0,0.3,0.9-s")


def test_one_threshold_for_all_events() -> None:
    outputs, target = random_corpus(np.random.default_rng(6), 25, 3)
    over = sed_best.family(LABELS, onset_collar=0.5, offset_collar=0.5)
    frozen = tune_events(over, outputs, target, "toy/val", per_class=False)
    at = sed_event.family(LABELS, onset_collar=0.5, offset_collar=0.5, **frozen.options(LABELS, "toy/test"))
    sums = at.statistics(outputs, target).sum(axis=0)
    assert len(set(frozen.values)) == 1 and frozen.rule.startswith("best-common-f1:middle:")
    assert at.values(sums)["macro_f1"] == pytest.approx(frozen.reached, abs=1e-12)


def test_files_of_thresholds_are_read_strictly() -> None:
    frozen = Thresholds(("a", "b"), (0.25, 0.5), "toy/val", "r", ("b",), (0.0, 0.4), 0.7, (0.7, float("nan")))
    again = Thresholds.from_dict(frozen.as_dict())
    assert again.options(("b", "a"), "x") == {"threshold": [0.5, 0.25], "median_seconds": [0.4, 0.0]}
    assert frozen.as_dict()["class_f1"] == {"a": 0.7, "b": None}
    for wrong in ({"thresholds": {"a": float("nan")}}, {"median_seconds": {"a": 0.1}}, {"thresholds": {"a": "x"}}):
        with pytest.raises(ConfigError, match="not a file of thresholds"):
            Thresholds.from_dict({**frozen.as_dict(), **wrong})
