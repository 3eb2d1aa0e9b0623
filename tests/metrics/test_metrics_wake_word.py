"""F1 of a wake word, also with balanced sides, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from benchbed.errors import ConfigError
from benchbed.metrics.families.wake_word import family


def made(clips: int = 300) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    target = np.where(random.random(clips) < 0.23, 1, random.integers(2, 4, clips)) % 4
    scores = random.dirichlet(np.ones(4), clips)
    scores[np.arange(clips), target] += 0.35
    return scores / scores.sum(axis=1, keepdims=True), target


@pytest.mark.parametrize("threshold", [None, 0.4])
def test_figures_are_those_of_scikit_learn(threshold):
    scores, target = made()
    metrics = family(("noise", "marvin", "yes", "no"), keyword="marvin", threshold=threshold)
    found = metrics.values(metrics.statistics(scores, target).sum(axis=0))
    said = target == 1
    heard = scores.argmax(axis=1) == 1 if threshold is None else scores[:, 1] >= threshold
    assert found["f1"] == pytest.approx(f1_score(said, heard))
    assert found["precision"] == pytest.approx(precision_score(said, heard))
    assert found["recall"] == pytest.approx(recall_score(said, heard))
    balance = np.where(said, 0.5 / said.sum(), 0.5 / (~said).sum())
    assert found["balanced_f1"] == pytest.approx(f1_score(said, heard, sample_weight=balance))
    assert found["false_alarm_rate"] == pytest.approx(heard[~said].mean())
    assert found["balanced_f1"] > found["f1"]


def test_balanced_f1_is_what_balanced_draws_give_in_the_long_run():
    scores, target = made(2000)
    metrics = family(("noise", "marvin", "yes", "no"), keyword="marvin")
    value = metrics.values(metrics.statistics(scores, target).sum(axis=0))["balanced_f1"]
    random, heard, drawn = np.random.default_rng(0), scores.argmax(axis=1) == 1, []
    with_word, without = np.flatnonzero(target == 1), np.flatnonzero(target != 1)
    for _ in range(200):
        chosen = np.concatenate([with_word, random.choice(without, len(with_word), replace=False)])
        drawn.append(f1_score(target[chosen] == 1, heard[chosen]))
    assert np.mean(drawn) == pytest.approx(value, abs=0.002)


def test_both_classes_have_their_recall():
    metrics = family(("marvin", "other"))
    scores = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    sums = metrics.statistics(scores, np.array([0, 0, 1, 1, 1])).sum(axis=0)
    np.testing.assert_allclose(metrics.per_class(sums)["class_recall"], [1 / 2, 2 / 3])
    assert metrics.class_counts(sums).tolist() == [2, 3]
    three = family(("noise", "marvin", "other"), keyword="marvin")
    several = three.per_class(three.statistics(np.eye(3), np.arange(3)).sum(axis=0))["class_recall"]
    assert several[1] == 1 and np.isnan(several[[0, 2]]).all()


def test_what_is_undefined_says_why():
    metrics = family(("marvin", "other"))
    counts = metrics.statistics(np.array([[0.2, 0.8]]), np.array([1])).sum(axis=0)
    assert np.isnan(metrics.values(counts)["balanced_f1"])
    assert metrics.reasons(counts)["balanced_f1"] == "no clip holds the word"
    assert metrics.reasons(counts)["precision"] == "the word was never heard"


def test_wrong_options_are_refused():
    with pytest.raises(ConfigError, match="did you mean 'marvin'"):
        family(("marvin", "other"), keyword="marvn")
    with pytest.raises(ConfigError, match="a threshold of 40"):
        family(("marvin", "other"), threshold=40)
    with pytest.raises(ConfigError, match="one of two classes"):
        family(("marvin",))
