"""Teacher and student: held against counts by hand and scikit-learn's accuracy."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from benchbed.errors import CannotMeasure
from benchbed.metrics.distillation import FIGURES, distilled


def drawn(seed: int = 0) -> tuple[np.ndarray, ...]:
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 5, 400)
    teacher = np.where(generator.random(400) < 0.8, truth, generator.integers(0, 5, 400))
    student = np.where(generator.random(400) < 0.7, teacher, generator.integers(0, 5, 400))
    alone = np.where(generator.random(400) < 0.4, truth, generator.integers(0, 5, 400))
    return truth, teacher, student, alone


def test_figures_are_those_of_scikit_learn():
    truth, teacher, student, alone = drawn()
    found = distilled(teacher, student, truth, np.arange(400) // 4, alone=alone, draws=200)
    accuracy = [accuracy_score(truth, answers) for answers in (teacher, student, alone)]
    wrong = teacher != truth
    assert found["agreement"].value == pytest.approx(accuracy_score(teacher, student))
    assert found["agreement_when_wrong"].value == pytest.approx(accuracy_score(teacher[wrong], student[wrong]))
    assert found["agreement_when_wrong"].n == wrong.sum()
    assert found["gap"].value == pytest.approx(accuracy[0] - accuracy[1])
    assert found["recovered"].value == pytest.approx((accuracy[1] - accuracy[2]) / (accuracy[0] - accuracy[2]))
    assert set(found) == set(FIGURES)
    for figure in found.values():
        assert figure.low is not None and figure.low < figure.value < figure.high


def test_the_interval_of_agreement_is_about_the_binomial_one():
    truth, teacher, student, _ = drawn()
    found = distilled(teacher, student, truth, np.arange(400), draws=2000)["agreement"]
    share = found.value
    error = 1.96 * np.sqrt(share * (1 - share) / 400)
    assert (found.high - found.low) / 2 == pytest.approx(error, rel=0.1)


def test_recordings_are_drawn_whole():
    truth, teacher, student, _ = drawn()
    once = distilled(teacher, student, truth, np.arange(400), draws=500)["agreement"]
    copies = [np.repeat(x, 4) for x in (teacher, student, truth, np.arange(400))]
    again = distilled(*copies, draws=500)["agreement"]
    assert (again.low, again.high) == pytest.approx((once.low, once.high)) and again.n == 1600


def test_what_cannot_be_said_says_why():
    truth = np.array([0, 1, 0, 1])
    found = distilled(truth, truth, truth, np.arange(4), alone=truth, draws=0)
    assert found["agreement_when_wrong"].reason == "the teacher is never wrong"
    assert found["recovered"].value is None and "as good as the teacher" in found["recovered"].reason


def test_other_clips_are_one_clear_error():
    with pytest.raises(CannotMeasure, match=r"answered \[3, 4\] clips"):
        distilled(np.zeros(4), np.zeros(3), np.zeros(4), np.arange(4))
    with pytest.raises(CannotMeasure, match=r"answered \[0\] clips"):
        distilled(*np.zeros((4, 0)))
