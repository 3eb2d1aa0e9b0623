"""What sounds of a network's outputs, and thresholds chosen by F20°: by hand, and against every combination."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics import FAMILIES
from benchbed.metrics.families import sed_event, seld2022
from benchbed.metrics.seld.decision import TrackDecision, decision
from benchbed.metrics.seld.examples import random_tracks
from benchbed.metrics.seld.tuning import tune_tracks
from benchbed.metrics.thresholds import Thresholds
from benchbed.outputs.tracks.recording import Tracks, tracks
from benchbed.outputs.tracks.vectors import decided, decoded, undecided

YEARS = [name for name in FAMILIES.names() if name.startswith("seld")]
LABELS = ("dog", "rain", "bell")


def objects(*held: Tracks) -> np.ndarray:
    array = np.empty(len(held), object)
    array[:] = held
    return array


def noisy(seed: int, recordings: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Answers whose activity says how far a row can be trusted, by class on another scale."""
    generator = np.random.default_rng(seed)
    said, there = random_tracks(generator, recordings, len(LABELS))
    for i, one in enumerate(said):
        near = generator.random(len(one)) < 0.6
        azimuth = np.where(near, one.azimuth, (one.azimuth + 90 + 180) % 360 - 180)
        scale = np.array([1.0, 0.6, 0.4])[one.label]
        sure = np.clip(np.where(near, 0.7, 0.4) + 0.15 * generator.standard_normal(len(one)), 0.11, 1) * scale
        # Rows are told apart by frame, class and track, as networks give them.
        _, track = np.unique(np.stack([one.frame, one.label]), axis=1, return_inverse=True)
        kept = np.unique(track.reshape(-1), return_index=True)[1]
        said[i] = replace(one, azimuth=azimuth, activity=np.maximum(sure, 0.101)).only(kept)
    return said, there


def f20(name: str, said: np.ndarray, there: np.ndarray, thresholds: object) -> tuple[float, float, np.ndarray]:
    family = FAMILIES.get(name).family(LABELS, threshold=thresholds, by="benchbed")
    sums = family.statistics(said, there).sum(axis=0)
    values = family.values(sums)
    return float(values["macro_f20"]), float(values["micro_f20"]), family.per_class(sums)["f20"]


def test_a_threshold_takes_what_sounds() -> None:
    there = objects(tracks([0, 10], [0, 0], [30.0, 30.0], frames=20))
    said = objects(replace(tracks([0, 10], [0, 0], [30.0, 30.0], frames=20), activity=np.array([0.8, 0.4])))
    recall = [
        float(family.values(family.statistics(said, there).sum(axis=0))["micro_lr_cd"])
        for family in (seld2022.family(("dog",), threshold=limit) for limit in (0.3, 0.5, 0.9))
    ]
    assert recall == [1.0, 0.5, 0.0]
    # What is decided already, as files are, no threshold changes.
    listed = objects(tracks([0], [0], [30.0], frames=20))
    for limit in (0.3, 0.9):
        family = seld2022.family(("dog",), threshold=limit)
        assert family.values(family.statistics(listed, there).sum(axis=0))["micro_lr_cd"] == 0.5


def test_the_distance_of_unification_is_an_option() -> None:
    turn = np.radians([0.0, 20.0])
    vectors = np.zeros((1, 2, 1, 3))
    vectors[0, :, 0, 0], vectors[0, :, 0, 1] = 0.9 * np.cos(turn), 0.9 * np.sin(turn)
    said, there = objects(undecided(vectors, frames=1)), objects(tracks([0], [0], [10.0], frames=1))
    counts = {}
    for degrees in (0.0, 15.0, 30.0):
        family = seld2022.family(("dog",), unify_degrees=degrees, unit="frame")
        counts[degrees] = float(family.values(family.statistics(said, there).sum(axis=0))["er20"])
    assert counts == {0.0: 1.0, 15.0: 1.0, 30.0: 0.0}
    np.testing.assert_allclose(decided(said[0], unify=30.0).azimuth, [10.0])


def test_what_is_decided_late_is_what_was_decided_at_once() -> None:
    generator = np.random.default_rng(3)
    output = generator.normal(0, 0.45, (40, 3, 4, 4))
    for threshold, unify in product((0.2, 0.5, 0.8), (0.0, 15.0, 60.0)):
        one = decoded(output, threshold=threshold, unify=unify)
        other = decided(undecided(output), threshold, unify)
        for name in ("frame", "label", "source", "azimuth", "elevation", "distance"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        assert one.activity is None and other.activity is None
    limits = np.array([0.2, 0.4, 0.6, 0.8])
    each = decided(undecided(output), limits)
    for label, limit in enumerate(limits):
        mine, alone = each.only(each.label == label), decided(undecided(output), limit)
        np.testing.assert_array_equal(mine.azimuth, alone.only(alone.label == label).azimuth)


def test_rules_name_a_decision_that_is_not_the_baselines() -> None:
    rules = {
        seld2022.family(LABELS, **options).metrics["macro_f20"].rule
        for options in ({}, {"threshold": 0.5}, {"threshold": [0.5, 0.5, 0.5]}, {"unify_degrees": 15.0})
    }
    assert rules == {"macro_f20:seld2022:segment:20deg"}
    own = seld2022.family(LABELS, threshold=[0.3, 0.4, 0.5], unify_degrees=10.0)
    assert own.metrics["er20"].rule == "er20:seld2022:segment:20deg:thresholds-per-class:unify-10deg"
    assert own.metrics["official_er20"].rule.endswith("official:segment:20deg:thresholds-per-class:unify-10deg")


@pytest.mark.parametrize("name", YEARS)
def test_each_class_takes_the_threshold_with_its_highest_f20(name: str) -> None:
    said, there = noisy(1)
    grid = (0.15, 0.25, 0.35, 0.5, 0.65)
    family = FAMILIES.get(name).family(LABELS)
    chosen = tune_tracks(family, said, there, "toy/val", grid=grid)
    tried = {threshold: f20(name, said, there, threshold) for threshold in grid}
    for label, value in enumerate(chosen.values):
        best = max(each[label] for _, _, each in tried.values())
        assert tried[value][2][label] == pytest.approx(best) == pytest.approx(chosen.class_f1[label])
    assert chosen.reached == pytest.approx(f20(name, said, there, list(chosen.values))[0])
    # With several classes on scales of their own, one threshold for all is no match.
    common = tune_tracks(family, said, there, "toy/val", grid=grid, per_class=False)
    assert len(set(common.values)) == 1 and common.reached <= chosen.reached
    assert common.reached == pytest.approx(max(macro for macro, _, _ in tried.values()))


@pytest.mark.parametrize("name", YEARS)
def test_the_micro_f20_is_the_highest_of_every_combination(name: str) -> None:
    said, there = noisy(2)
    grid = (0.15, 0.3, 0.45, 0.6)
    chosen = tune_tracks(FAMILIES.get(name).family(LABELS), said, there, "toy/val", grid=grid, average="micro")
    best = max(f20(name, said, there, list(each))[1] for each in product(grid, repeat=len(LABELS)))
    assert chosen.reached == pytest.approx(best)
    assert f20(name, said, there, list(chosen.values))[1] == pytest.approx(best)


def test_what_does_not_occur_keeps_the_fallback() -> None:
    there = objects(tracks([0], [0], [0.0], frames=20))
    said = objects(replace(tracks([0, 0], [0, 1], [0.0, 0.0], frames=20), activity=np.array([0.7, 0.9])))
    chosen = tune_tracks(seld2022.family(LABELS), said, there, "toy/val", fallback=0.6)
    assert chosen.untuned == ("rain", "bell") and chosen.values[1:] == (0.6, 0.6)
    # Any threshold below 0.7 is as good: the middle of them is taken.
    assert chosen.values[0] == pytest.approx(0.4)
    assert chosen.rule == "best-f20:grid-0.1-0.95-of-35:seld2022:segment:20deg:unify-15deg"
    nothing = tune_tracks(seld2022.family(LABELS), objects(Tracks()), objects(Tracks(frames=10)), "toy/val")
    assert nothing.values == (0.5, 0.5, 0.5) and np.isnan(nothing.reached)
    assert Thresholds.from_dict(chosen.as_dict()).values == chosen.values


def test_what_cannot_be_decided() -> None:
    with pytest.raises(ConfigError, match=r"a threshold of 0\.05 for tracks"):
        seld2022.family(LABELS, threshold=[0.5, 0.05, 0.5])
    with pytest.raises(ConfigError, match="2 thresholds for 3 classes"):
        seld2022.family(LABELS, threshold=[0.5, 0.4])
    with pytest.raises(ConfigError, match="within 200 degrees"):
        decision(0.5, 200)
    with pytest.raises(CannotMeasure, match="2 thresholds for 3 classes"):
        TrackDecision((0.4, 0.5)).apply(objects(Tracks()), 3)
    with pytest.raises(ConfigError, match="a family of localisation"):
        tune_tracks(sed_event.family(LABELS), objects(Tracks()), objects(Tracks()), "toy/val")
