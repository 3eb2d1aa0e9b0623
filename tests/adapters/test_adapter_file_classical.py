"""Gaussian mixtures, i-vectors and networks over frames: against closed forms, published figures, scikit-learn."""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.decomposition import FactorAnalysis

from benchbed.adapter.checkpoint import read_metadata
from benchbed.adapter.load import load_adapter, start
from benchbed.data import synthetic
from benchbed.errors import AdapterError, ConfigError
from benchbed.types import Batch


def module(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(scope="module")
def ivector(repository):
    return module(repository / "adapters" / "ivector.py", "classical_ivector")


@pytest.fixture(scope="module")
def script(repository):
    before = list(sys.path)
    yield module(repository / "adapters" / "training" / "classical.py", "classical_script")
    sys.path[:] = before


@pytest.fixture(scope="module")
def esc(tmp_path_factory):
    return synthetic.make(tmp_path_factory.mktemp("classical") / "set", layout="esc50", size="small")


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small(ivector):
    """The machine of the tests of bob.learn.em: two Gaussians, three features, two dimensions."""
    made = ivector.IVectors(2, 3, 2).double()
    with torch.no_grad():
        made.shared.means[0] = torch.tensor([[1.0, 7, 4], [4, 5, 3]])
        made.total.copy_(torch.tensor([[[1.0, 2], [4, 1], [0, 3]], [[5, 8], [7, 10], [11, 1]]]))
    return made


def test_an_ivector_is_that_of_bob(small):
    """Figures of bob.learn.em 3.3.1 (tests/test_ivector.py), the first of them from its C++ implementation."""
    with torch.no_grad():
        small.shared.variances[0] = torch.tensor([[1.0, 2, 1], [3, 2, 4]])
        counts = torch.tensor([[0.4, 0.6]]).double()
        sums = torch.tensor([[[1.0, 2, 3], [2, 4, 3]]]) - counts[..., None] * small.shared.means[0]
        found = small.posterior(counts, sums)[0][0].numpy()
    np.testing.assert_allclose(found, [-0.04213415, 0.21463343], atol=5e-8)


def test_frames_are_shared_out_as_bob_does(small):
    """The same source: one frame through equal weights and the mixture's own variances."""
    with torch.no_grad():
        small.shared.variances[0] = torch.tensor([[0.5, 1, 1.5], [1, 1.5, 2]])
        found = small(torch.tensor([[[1.0], [2.0], [3.0]]]).double())[0].numpy()
    np.testing.assert_allclose(found, [0.02774721, -0.35237828], atol=5e-8)


def test_an_ivector_is_the_mean_of_a_gaussian_given_frames(ivector):
    """Frames whose component is certain are jointly Gaussian with y: its conditional mean by one large inverse."""
    rng = np.random.Generator(np.random.Philox(2))
    means, variances = np.array([[0.0, 0], [1000, 1000]]), rng.uniform(0.5, 2, (2, 2))
    total = rng.standard_normal((2, 2, 3))
    which = np.array([0, 0, 1, 0, 1])
    frames = means[which] + rng.standard_normal((5, 2))
    made = ivector.IVectors(2, 2, 3).double()
    with torch.no_grad():
        made.shared.means[0], made.shared.variances[0] = torch.from_numpy(means), torch.from_numpy(variances)
        made.total.copy_(torch.from_numpy(total))
        found = made(torch.from_numpy(frames.T)[None])[0].numpy()
    stacked = np.concatenate([total[k] for k in which])
    covariance = stacked @ stacked.T + np.diag(np.concatenate([variances[k] for k in which]))
    wanted = stacked.T @ np.linalg.solve(covariance, (frames - means[which]).ravel())
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_what_is_kept_changes_nothing(ivector):
    made = ivector.IVectors(3, 4, 2)
    frames = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = made(frames)
        made.keep()
        torch.testing.assert_close(made(frames), before)


def test_total_variability_of_one_gaussian_is_factor_analysis(script):
    """With one component and one frame a clip the model is factor analysis, whose maximum scikit-learn finds."""
    rng = np.random.Generator(np.random.Philox(3))
    data = rng.standard_normal((400, 2)) @ rng.standard_normal((2, 6)) + 0.5 * rng.standard_normal((400, 6))
    oracle = FactorAnalysis(2, tol=1e-10, max_iter=5000, svd_method="lapack").fit(data)
    sums = (data - data.mean(0))[:, None]
    start = 0.1 * rng.standard_normal((1, 6, 2))
    found, reached = script.total_variability(np.ones((400, 1)), sums, oracle.noise_variance_[None], start, 400)
    np.testing.assert_allclose(found[0] @ found[0].T, oracle.components_.T @ oracle.components_, atol=1e-4)
    assert all(later >= sooner - 1e-9 for sooner, later in pairwise(reached)), "EM never gets worse"


def test_total_variability_is_found_again(script):
    """Clips made from a known T: what EM finds spans the same space and has its size."""
    rng = np.random.Generator(np.random.Philox(4))
    total, variances = rng.standard_normal((2, 4, 2)), rng.uniform(0.5, 2, (2, 4))
    counts = rng.integers(20, 60, (500, 2)).astype(float)
    shift = np.einsum("cfr,ir->icf", total, rng.standard_normal((500, 2)))
    noise = rng.standard_normal((500, 2, 4)) * np.sqrt(variances * counts[..., None])
    found, _ = script.total_variability(
        counts, counts[..., None] * shift + noise, variances, 0.1 * rng.standard_normal(total.shape), 60
    )
    ours, true = found.reshape(8, 2), total.reshape(8, 2)
    assert np.linalg.norm(ours @ ours.T - true @ true.T) < 0.15 * np.linalg.norm(true @ true.T)


def test_a_component_without_frames_stays_finite(script):
    start = np.ones((2, 3, 1))
    counts, sums = np.array([[5.0, 0.0], [4.0, 0.0]]), np.array([[[1.0, 2, 3], [0, 0, 0]]] * 2)
    found, _ = script.total_variability(counts, sums, np.ones((2, 3)), start, 3)
    assert np.isfinite(found).all()


def fitting(repository, esc, out, name, *more):
    model = str(repository / "adapters" / f"{name}.py")
    reader = ["--layout", "esc50", "--data", str(esc), "--layout-set", "subset=esc10"]
    splits = ["--train-splits", "not_fold5", "--test-splits", "fold5", "--epochs", "8"]
    return ["--model", model, *reader, *splits, "--out", str(out), *more]


@pytest.mark.parametrize(("name", "options"), [("gmm", ["components=2"]), ("ivector", ["components=4", "rank=12"])])
@pytest.mark.filterwarnings("ignore:Best performing initialization")
def test_fits_repeat_themselves_and_the_adapter_loads_them(script, repository, esc, tmp_path, name, options):
    chosen = [word for option in options for word in ("--set", option)]
    results = [script.main(fitting(repository, esc, tmp_path / f"{run}.safetensors", name, *chosen)) for run in "ab"]
    assert results[0] == results[1]
    about = read_metadata(tmp_path / "a.safetensors")
    assert float(about["train_accuracy"]) > 0.5, "ten classes: chance is 0.1"
    assert json.loads(about["trained_on"]) == ["esc10-synthetic", "esc10-synthetic/not_fold5"]
    assert json.loads(about["augmentation"])["mixup"] == 0 and "classical.py" in about["command"]
    adapter = start(
        load_adapter(str(repository / "adapters" / f"{name}.py"), {"checkpoint": str(tmp_path / "a.safetensors")})
    )
    assert adapter.predict(Batch(np.zeros((1, 1, 32000), np.float32), np.array([32000]), 32000)).shape == (1, 10)


def test_what_cannot_be_fitted_is_one_clear_error(script, repository, esc, tmp_path):
    out = tmp_path / "x.safetensors"
    with pytest.raises(AdapterError, match="not fitted by expectation"):
        script.main(fitting(repository, esc, out, "cnn"))
    with pytest.raises(ConfigError, match="frames for 4000 Gaussians"):
        script.main(fitting(repository, esc, out, "gmm", "--set", "components=4000"))
    with pytest.raises(ConfigError, match="rounds"):
        script.main(fitting(repository, esc, out, "gmm", "--epochs", "0"))


@pytest.mark.parametrize(("arch", "cells"), [("dnn", 256), ("rnn", 256), ("rnn", 512)])
def test_networks_over_frames_have_the_counts_of_their_table(repository, arch, cells):
    """By hand for 61 features and 15 scenes: dense layers with a bias, two values a cell that batch normalisation
    learns, and three gates of a recurrent unit with two biases each."""
    made = module(repository / "adapters" / "frame_networks.py", "classical_frames")
    norm, head = 2 * cells, 15 * cells + 15
    wanted = {
        "dnn": (61 * cells + cells) + 4 * (cells * cells + cells) + 5 * norm + head,
        "rnn": 3 * (61 * cells + cells * cells + 2 * cells) + 3 * (2 * cells * cells + 2 * cells) + norm + head,
    }[arch]
    net = made.FrameNetwork(15, arch, cells)
    assert sum(p.numel() for p in net.parameters()) == wanted
    if cells == 256:
        assert wanted == {"dnn": 285_455, "rnn": 644_111}[arch]


def test_a_clips_score_is_the_sum_of_likelihoods(repository):
    made = module(repository / "adapters" / "frame_networks.py", "classical_frames")
    net = made.FrameNetwork(3, "dnn", 8, 2).eval()
    features = torch.randn(2, 61, 7, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        each = torch.stack([net.classify(features[..., t : t + 1]).exp() for t in range(7)])
        torch.testing.assert_close(net.classify(features).exp(), each.mean(0))


def test_the_second_layer_reads_backwards(repository):
    made = module(repository / "adapters" / "frame_networks.py", "classical_frames")
    net = made.Backwards(2, 4).eval()
    x = torch.zeros(1, 6, 2)
    late = x.clone()
    late[0, -1] = 1.0
    with torch.no_grad():
        changed = (net(late) - net(x))[0].abs().sum(1)
    assert changed[0] > 0, "the first frame knows of the last"


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("gmm", {"components": "0"}, "components"),
        ("ivector", {"rank": "0"}, "dimensions"),
        ("frame_networks", {"cells": "0"}, "cells"),
    ],
)
def test_sizes_that_are_none_are_refused(repository, name, options, said):
    with pytest.raises(ConfigError, match=said):
        start(load_adapter(str(repository / "adapters" / f"{name}.py"), {"weights": "random", **options}))
