"""Speakers of a closed set: accuracy and equal error rates, held against scikit-learn's curve and accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_curve, top_k_accuracy_score

from benchbed.metrics.families.speaker_identification import family


def eer_of_curve(same: np.ndarray, scores: np.ndarray) -> float:
    """Where scikit-learn's curve, drawn with straight lines, meets the line of equal errors."""
    false, true, _ = roc_curve(same, scores, drop_intermediate=False)
    at = int(np.argmax(false + true >= 1))
    share = (1 - false[at - 1] - true[at - 1]) / (false[at] + true[at] - false[at - 1] - true[at - 1])
    return float(false[at - 1] + share * (false[at] - false[at - 1]))


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    target = generator.integers(0, 8, 200)
    logits = generator.normal(size=(200, 8)) + 1.5 * np.eye(8)[target]
    scores = np.exp(logits).round(2)
    return scores / scores.sum(axis=1, keepdims=True), target


def test_accuracy_is_that_of_scikit_learn(answers):
    scores, target = answers
    made = family(tuple("abcdefgh"))
    values = made.values(made.statistics(scores, target).sum(axis=0))
    assert values["accuracy"] == pytest.approx(accuracy_score(target, scores.argmax(axis=1)))
    assert values["top5_accuracy"] == pytest.approx(top_k_accuracy_score(target, scores, k=5))
    assert made.primary == "accuracy" and made.right == "accuracy"


def test_equal_error_rates_lie_on_the_curve_of_scikit_learn(answers):
    scores, target = answers
    same = np.eye(8)[target]
    found, by_speaker = family(tuple("abcdefgh")).sample(scores, target, np.arange(200), 200).scores(np.ones((1, 200)))
    assert found["eer"][0] == pytest.approx(eer_of_curve(same.ravel(), scores.ravel()), abs=1e-12)
    single = [eer_of_curve(same[:, i], scores[:, i]) for i in range(8)]
    np.testing.assert_allclose(by_speaker["class_eer"][0], single, atol=1e-12)
    assert found["macro_eer"][0] == pytest.approx(np.mean(single))
    # All speakers share one threshold here, which is another and harder question.
    assert found["eer"][0] != pytest.approx(found["macro_eer"][0], abs=1e-4)


def test_a_speaker_known_to_the_model_alone_is_a_wrong_answer(answers):
    scores, target = answers
    made = family(tuple("abcd"), outside=4)
    values = made.values(made.statistics(scores[target < 4], target[target < 4]).sum(axis=0))
    assert values["accuracy"] == pytest.approx((scores.argmax(axis=1) == target)[target < 4].mean())


def test_one_speaker_has_no_error_rate_and_says_why():
    made = family(("a", "b"))
    sums = made.statistics(np.array([[0.9, 0.1]]), np.array([0])).sum(axis=0)
    assert made.reasons(sums)["macro_eer"] == "all clips are of one speaker"
