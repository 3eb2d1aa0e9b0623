"""Certificates of randomized smoothing against closed forms and against the worst that can be done."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.attack.certificate import Certificate, certify, least_share
from benchbed.rng import stream


def plane(offset: float, samples: int = 50):
    """A linear model at a known distance of the clip: smoothed, its certified radius tends to that distance."""
    weight = np.ones((1, samples)) / samples**0.5
    return (lambda x: ((x * weight).sum((1, 2)) > -offset).astype(int)), np.zeros((1, samples), np.float32)


@pytest.mark.parametrize("distance", [0.05, 0.1, 0.2])
def test_the_radius_of_a_plane_is_its_distance_and_never_more(distance):
    """Cohen et al., proposition 2 and section 4: for a linear model the radius is tight, but for counting."""
    votes, clip = plane(distance)
    found = certify(votes, clip, 0.1, stream("certify", distance), counting=20000)
    assert found.label == 1
    assert 0.9 * distance <= found.radius <= distance


@given(st.floats(0.0, 0.3), st.floats(0.02, 0.5), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_a_certificate_never_reaches_further_than_the_model(distance, sigma, draw):
    votes, clip = plane(distance)
    assert certify(votes, clip, sigma, stream("reach", draw), counting=400).radius <= distance + 1e-9


def test_a_model_that_guesses_abstains():
    random = np.random.default_rng(0)
    found = certify(lambda x: random.integers(0, 2, len(x)), np.zeros((1, 8), np.float32), 0.1, stream("coin"))
    assert found == Certificate(None, 0.0, found.share) and found.share <= 0.5
    assert found.snr(np.ones((1, 8))) == float("inf")
    assert certify(lambda x: -np.ones(len(x), int), np.zeros((1, 8), np.float32), 0.1, stream("none")).label is None


@pytest.mark.parametrize("hits", [1, 50, 90, 100])
def test_the_bound_is_that_of_clopper_and_pearson(hits):
    from scipy.stats import beta

    assert least_share(hits, 100, 0.001) == pytest.approx(beta.ppf(0.001, hits, 100 - hits + 1), rel=1e-9)


def test_the_bound_is_wrong_as_rarely_as_it_says():
    """10,000 experiments with a probability of 0.8: at most 5 % of the bounds lie above it, and not far fewer."""
    hits = np.random.default_rng(1).binomial(200, 0.8, 10000)
    above = np.mean([least_share(int(h), 200, 0.05) > 0.8 for h in hits])
    assert 0.02 <= above <= 0.055


def test_the_same_clip_has_the_same_certificate_in_any_batch():
    votes, clip = plane(0.1)
    one, other = (certify(votes, clip, 0.1, stream("same"), batch=size) for size in (7, 64))
    assert one == other
