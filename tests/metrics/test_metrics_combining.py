"""Answers of several clips as one, against the rules written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from benchbed.metrics.combining import combined

SAID = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.5, 0.1, 0.4], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5]])
CODE = np.array([0, 1, 0, 1, 1])


def test_the_mean_of_probabilities():
    found = combined(SAID, CODE, 2, "mean", exclusive=True)
    np.testing.assert_allclose(found, [[0.6, 0.15, 0.25], [0.5 / 3, 1.4 / 3, 1.1 / 3]], atol=1e-12)


def test_the_mean_of_logarithms_is_a_normalised_geometric_mean():
    found = combined(SAID, CODE, 2, "log_mean", exclusive=True)
    for code in (0, 1):
        product = SAID[code == CODE].prod(axis=0) ** (1 / (code == CODE).sum())
        np.testing.assert_allclose(found[code], product / product.sum(), atol=1e-12)
        np.testing.assert_allclose(found[code], softmax(np.log(SAID[code == CODE]).mean(axis=0)), atol=1e-12)
    alone = combined(SAID, CODE, 2, "log_mean", exclusive=False)
    np.testing.assert_allclose(alone[1], expit(logit(SAID[CODE == 1]).mean(axis=0)), atol=1e-12)


def test_votes_are_counted_and_equal_ones_told_apart_by_the_mean():
    found = combined(SAID, CODE, 2, "vote", exclusive=True)
    # Two votes for the first class; then two for the second, one for the third, each with the mean probability.
    np.testing.assert_allclose(found[0], (np.array([2, 0, 0]) + [0.6, 0.15, 0.25]) / 3, atol=1e-12)
    np.testing.assert_allclose(found[1], (np.array([0, 2, 1]) + np.array([0.5, 1.4, 1.1]) / 3) / 4, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    tied = combined(np.array([[0.6, 0.4], [0.05, 0.95]]), np.zeros(2, int), 1, "vote", exclusive=True)
    assert tied[0].argmax() == 1


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_saturated_answer_leaves_no_nan(exclusive):
    found = combined(np.array([[1.0, 0.0], [0.0, 1.0]]), np.zeros(2, int), 1, "log_mean", exclusive=exclusive)
    np.testing.assert_allclose(found, [[0.5, 0.5]], atol=1e-9)


@pytest.mark.parametrize("rule", ["mean", "log_mean", "vote"])
def test_one_clip_alone_decides_as_it_did(rule):
    found = combined(SAID, np.arange(5), 5, rule, exclusive=True)
    assert (found.argmax(axis=1) == SAID.argmax(axis=1)).all()
    if rule != "vote":
        np.testing.assert_allclose(found, SAID, atol=1e-9)
