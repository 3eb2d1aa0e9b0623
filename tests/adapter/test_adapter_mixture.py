"""Mixtures against scikit-learn, which fitted them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler

from benchbed.adapter.mixture import GaussianMixtures, Standardised


@pytest.fixture(scope="module")
def frames():
    rng = np.random.Generator(np.random.Philox(1))
    return rng.standard_normal((600, 5)) * [1, 2, 0.3, 1, 5] + rng.integers(0, 3, (600, 1)) * 4


@pytest.fixture(scope="module")
def fitted(frames):
    return [GaussianMixture(k, covariance_type="diag", random_state=k).fit(frames) for k in (3, 3)]


@pytest.fixture(scope="module")
def ours(fitted):
    made = GaussianMixtures(2, 3, 5)
    with torch.no_grad():
        for place, one in enumerate(fitted):
            made.log_weights[place] = torch.from_numpy(np.log(one.weights_))
            made.means[place] = torch.from_numpy(one.means_)
            made.variances[place] = torch.from_numpy(one.covariances_)
    return made


def test_densities_are_scikit_learns(ours, fitted, frames):
    x = torch.from_numpy(frames.T.astype(np.float32))[None]
    with torch.no_grad():
        got = ours(x)[0].double().numpy()
    wanted = np.stack([one.score_samples(frames) for one in fitted])
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(
        ours.joint(x)[0, 0].softmax(0).detach().numpy().T, fitted[0].predict_proba(frames), atol=1e-3
    )


def test_in_double_precision_nothing_is_lost(ours, fitted, frames):
    with torch.no_grad():
        got = GaussianMixtures(2, 3, 5).double()
        got.load_state_dict({k: v.double() for k, v in ours.state_dict().items()})
        got.log_weights[0] = torch.from_numpy(np.log(fitted[0].weights_))
        got.means[0], got.variances[0] = (torch.from_numpy(v) for v in (fitted[0].means_, fitted[0].covariances_))
        scores = got(torch.from_numpy(frames.T)[None])[0, 0].numpy()
    np.testing.assert_allclose(scores, fitted[0].score_samples(frames), rtol=1e-10)


def test_gradients_reach_the_frames(ours):
    x = torch.zeros(1, 5, 4, requires_grad=True)
    ours(x).sum().backward()
    assert torch.isfinite(x.grad).all() and (x.grad != 0).any()


def test_features_are_standardised_as_scikit_learn_does(frames):
    x = torch.from_numpy(frames.T.copy())[None]
    made = Standardised(5).double()
    made.measure(x)
    np.testing.assert_allclose(made(x)[0].numpy().T, StandardScaler().fit_transform(frames), atol=1e-12)


def test_a_feature_that_never_moves_stays_finite():
    made = Standardised(2)
    made.measure(torch.ones(3, 2, 4))
    assert torch.equal(made(torch.ones(1, 2, 1)), torch.zeros(1, 2, 1))
