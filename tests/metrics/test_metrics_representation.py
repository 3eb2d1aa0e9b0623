"""Measures of embeddings: held against numpy's covariance and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.errors import CannotMeasure
from benchbed.metrics.representation import representation


def test_variance_and_covariance_are_those_of_vicreg():
    held = np.random.default_rng(0).standard_normal((200, 6)) * np.array([0.2, 0.5, 1, 2, 3, 0.1])
    found = representation(held)
    scatter = np.cov(held.T)
    assert found.variance == pytest.approx(np.maximum(0, 1 - np.sqrt(np.diag(scatter) + 1e-4)).mean())
    off = scatter - np.diag(np.diag(scatter))
    assert found.covariance == pytest.approx((off**2).sum() / 6)


def test_effective_rank_counts_even_directions():
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((40, 40)))[0]
    basis = basis - basis.mean(0)
    # Five even directions in a space of twelve.
    directions = np.linalg.svd(basis, full_matrices=False)[0][:, :5]
    held = directions @ np.eye(5, 12)
    assert representation(held).effective_rank == pytest.approx(5, rel=0.05)
    # Of two directions with 3 : 1 the exponential of their entropy.
    line = np.array([[3.0, 0], [-3, 0], [0, 1], [0, -1]])
    assert representation(line).effective_rank == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))


def test_collapse_is_told_from_a_small_scale():
    noise = np.random.default_rng(2).standard_normal((50, 8))
    assert not representation(1e-3 * noise).collapsed
    assert representation(np.ones((50, 8)) * 7.3).collapsed
    # All clips on one line: they differ, but in one thing only.
    assert representation(np.outer(noise[:, 0], np.arange(1, 9))).collapsed


def test_dead_features_are_counted():
    held = np.random.default_rng(3).standard_normal((50, 8))
    held[:, :2] = 4.0
    assert representation(held).dead == pytest.approx(0.25)


def test_wrong_input_is_one_clear_error():
    with pytest.raises(CannotMeasure, match="embeddings of shape"):
        representation(np.ones((1, 4)))
    with pytest.raises(CannotMeasure, match="not finite"):
        representation(np.array([[1.0, np.nan], [0, 1]]))
