"""Probes against scikit-learn, against the published code, and by hand; and which clips they learn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier

from benchbed.adapter.heads import TEMPERATURE, Neighbours, NormedLine, Perceptron, keep_head, kept_head
from benchbed.errors import CheckpointError, ConfigError
from benchbed.run.probing.examples import fewer, held_out
from benchbed.run.probing.judged import judged
from benchbed.run.probing.linear import fit, searched
from benchbed.run.probing.networks import Schedule, _rate, grid, normed_line, perceptron, train


def corpus(clips: int = 90, features: int = 6, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    label = np.arange(clips) % classes
    return random.normal(size=(clips, features)) + 1.2 * np.eye(classes, features)[label], label


@pytest.mark.parametrize("c", [1e-3, 1.0, 100.0])
def test_one_class_per_clip_is_scikit_learns_regression(c):
    x, label = corpus()
    made = fit(x, np.eye(3)[label], c, exclusive=True)
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=10_000).fit(x, label)
    np.testing.assert_allclose(made.weights, theirs.coef_, atol=2e-4 * max(1, abs(theirs.coef_).max()))
    shares = np.exp(made.scores(x)) / np.exp(made.scores(x)).sum(1, keepdims=True)
    np.testing.assert_allclose(shares, theirs.predict_proba(x), atol=1e-4)
    assert made.converged


@pytest.mark.parametrize("c", [1e-3, 1.0])
def test_more_features_than_clips_have_the_same_optimum(c):
    x, label = corpus(clips=24, features=200)
    x += 3.0  # as log-mel features that were never centred
    made = fit(x, np.eye(3)[label], c, exclusive=True)
    theirs = LogisticRegression(C=c, tol=1e-8, max_iter=10_000).fit(x, label)
    np.testing.assert_allclose(made.weights, theirs.coef_, atol=2e-4 * max(1, abs(theirs.coef_).max()))
    again = fit(x, np.eye(3)[label], c, exclusive=True, start=made)
    np.testing.assert_allclose(again.scores(x), made.scores(x), atol=1e-4)


def test_several_classes_per_clip_are_a_regression_each():
    x, label = corpus()
    targets = np.eye(3)[label]
    targets[::4, 2] = 1
    made = fit(x, targets, 0.5, exclusive=False)
    for number in range(3):
        theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=10_000).fit(x, targets[:, number])
        np.testing.assert_allclose(made.scores(x)[:, number], theirs.decision_function(x), atol=1e-3)


def test_the_search_goes_as_far_as_eight_steps_a_decade_and_takes_the_smaller_of_equals():
    best, tried = searched(lambda c: (-abs(np.log10(c) - 2.6), 0.0))
    decades = [round(float(np.log10(c)), 3) for c, _, _ in tried]
    # Best of the first seven: 2; then 3 (one away), 2.5, 2.75 or 2.25, and an eighth: 2.625.
    assert decades == [-6, -4, -2, 0, 2, 4, 6, 1, 3, 2.5, 3.5, 2.25, 2.75, 2.375, 2.625]
    assert np.log10(best) == pytest.approx(2.625)
    assert searched(lambda c: (0.5, 0.0))[0] == pytest.approx(1e-6)
    # What ranks alike is told apart by the loss: a ranking says nothing of scores that never reach a threshold.
    assert np.log10(searched(lambda c: (0.5, abs(np.log10(c) - 1)))[0]) == pytest.approx(1)


def test_neighbours_are_scikit_learns_with_the_same_weights():
    x, label = corpus(60)
    asked = corpus(20, seed=5)[0]
    head = Neighbours(torch.from_numpy(x), torch.eye(3)[torch.from_numpy(label)], 10)

    def weights(distances: np.ndarray) -> np.ndarray:
        shares = np.exp((1 - distances) / TEMPERATURE)
        return shares / shares.sum(1, keepdims=True)

    theirs = KNeighborsClassifier(10, metric="cosine", weights=weights, algorithm="brute").fit(x, label)
    found = head(torch.from_numpy(asked).float()).numpy()
    np.testing.assert_allclose(found, theirs.predict_proba(asked), atol=1e-5)


def test_neighbours_as_x_ares_computes_them_are_no_cosines():
    """Figures of `KNN` of jimbozhang/xares 161f0ef (src/xares/trainer.py), run on the same draws."""
    random = np.random.default_rng(7)
    bank = torch.from_numpy(random.normal(size=(60, 8)).astype(np.float32))
    targets = torch.eye(4)[torch.from_numpy(random.integers(0, 4, 60))]
    asked = torch.from_numpy(random.normal(size=(5, 8)).astype(np.float32))
    published = [[0.506633, 0.149343, 0.104927, 0.239097], [0.131335, 0.294713, 0.184942, 0.389010]]
    np.testing.assert_allclose(Neighbours(bank, targets, axis=0)(asked)[:2].numpy(), published, atol=2e-6)
    # What they give once each clip of their bank has length one.
    mended = [[0.872937, 0.103527, 0.012659, 0.010878], [0.212930, 0.032006, 0.100561, 0.654502]]
    np.testing.assert_allclose(Neighbours(bank, targets)(asked)[:2].numpy(), mended, atol=2e-6)


def test_hears_head_has_the_shape_of_the_published_one():
    """`FullyConnectedPrediction` of hear-eval-kit 8559649 with 16 features and ten labels: 29,706 and 1,081,354."""
    for layers, count in ((1, 29_706), (2, 1_081_354)):
        head = Perceptron(16, 10, layers)
        assert sum(p.numel() for p in head.parameters()) == count
        kinds = [type(part).__name__ for part in head.hidden]
        assert kinds == ["Linear", "BatchNorm1d", "Dropout", "ReLU"] * layers
    assert head(torch.zeros(2, 5, 16)).shape == (2, 5, 10)
    assert [type(part).__name__ for part in NormedLine(4, 2).children()] == ["LayerNorm", "Linear"]


def test_hears_grid_and_the_rates_of_x_ares():
    points = grid(16)
    assert {(p.layers, p.rate, p.initialisation) for p in points} == {
        (layers, rate, drawn)
        for layers in (1, 2)
        for rate in (3.2e-3, 1e-3, 3.2e-4, 1e-4)
        for drawn in ("uniform", "normal")
    }
    falling = Schedule(rate=1e-3, epochs=10, end=0.1)
    # Half-way along the cosine stands the mean of both ends.
    assert [_rate(falling, epoch) for epoch in (0, 5)] == pytest.approx([1e-3, 5.5e-4])
    assert _rate(Schedule(rate=2e-3), 400) == 2e-3


def test_training_learns_is_ended_early_and_gives_the_same_twice():
    x, label = corpus(60)
    targets = np.eye(3)[label]
    looked: list[float] = []

    def look(head: torch.nn.Module) -> float:
        with torch.no_grad():
            looked.append(judged(head(torch.from_numpy(x).float()).numpy(), targets, exclusive=True))
        return looked[-1]

    schedule = Schedule(rate=3.2e-3, epochs=60, every=3, patience=2)
    make = perceptron(6, 3, grid(1)[0])
    torch.manual_seed(5)
    one, state = train(make, x, targets, schedule, look, exclusive=True, name="a"), torch.get_rng_state()
    two = train(make, x, targets, schedule, look, exclusive=True, name="a")
    assert torch.equal(state, torch.get_rng_state())
    assert one.score == max(looked) > 0.6 and one.epochs % 3 == 0 and len(looked) < 2 * 20
    assert all(torch.equal(a, b) for a, b in zip(one.head.state_dict().values(), two.head.state_dict().values()))
    ended = train(normed_line(6, 3), x, targets, Schedule(epochs=2), None, exclusive=False, name="b")
    assert ended.score is None and ended.epochs == 2


def test_what_is_chosen_by():
    random = np.random.default_rng(0)
    scores, targets = random.random((40, 3)), random.integers(0, 2, (40, 3))
    targets[:, 2] = 0
    theirs = np.mean([average_precision_score(targets[:, i], scores[:, i]) for i in range(2)])
    assert judged(scores, targets, exclusive=False) == pytest.approx(theirs)
    assert judged(scores, np.zeros((40, 3)), exclusive=False) == 0.0


def table(clips: int) -> pd.DataFrame:
    return pd.DataFrame({"clip_id": [f"c{number}" for number in range(clips)]})


def test_fewer_clips_are_among_more_and_every_class_keeps_one():
    targets = np.eye(3)[np.arange(60) % 3]
    sizes, before = [], np.zeros(0)
    for fraction in (0.01, 0.05, 0.1, 0.5, 1.0):
        rows = fewer(table(60), targets, "abc", fraction=fraction)
        assert set(before) <= set(rows) and targets[rows].sum(0).min() >= 1
        sizes, before = [*sizes, len(rows)], rows
    assert sizes == [3, 3, 6, 30, 60]
    shots = fewer(table(60), targets, "abc", shots=4)
    assert targets[shots].sum(0).tolist() == [4, 4, 4]
    assert set(shots) != set(fewer(table(60), targets, "abc", shots=4, draw=1))
    # Neither the order of the table nor the clips beside a class's own move a choice.
    turned = table(60).iloc[::-1].reset_index(drop=True)
    again = fewer(turned, targets[::-1], "abc", shots=4)
    assert set(turned["clip_id"].iloc[again]) == set(table(60)["clip_id"].iloc[shots])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"fraction": 0.0}, "fraction=0 of the training split"),
        ({"fraction": 1.5}, "fraction=1.5"),
        ({"shots": 0}, "shots=0"),
        ({"shots": 2, "fraction": 0.5}, "both shots and fraction"),
        ({"shots": 21}, "21 shots, and fewer training clips of a (20), b (20), c (20)"),
    ],
)
def test_choices_that_mean_nothing(words, said):
    with pytest.raises(ConfigError) as caught:
        fewer(table(60), np.eye(3)[np.arange(60) % 3], "abc", **words)
    assert said in str(caught.value) and caught.value.hint


def test_no_recording_is_on_both_sides_and_every_class_on_each():
    targets = np.eye(4)[np.arange(80) % 4]
    groups = [f"r{number // 8}" for number in range(80)]
    mask = held_out(groups, targets)
    assert mask is not None and not {g for g, m in zip(groups, mask) if m} & {g for g, m in zip(groups, mask) if not m}
    assert targets[mask].sum(0).min() > 0 and targets[~mask].sum(0).min() > 0
    assert 8 <= mask.sum() <= 24
    assert held_out(["one"] * 80, targets) is None


def test_a_head_is_read_as_it_was_written(tmp_path):
    head = Neighbours(torch.eye(3), torch.eye(3), 2)
    about = {"kind": "knn", "width": 3, "labels": ["a", "b", "c"], "options": {"bank": 3, "neighbours": 2}}
    keep_head(tmp_path / "h.safetensors", head, about)
    again, told = kept_head(tmp_path / "h.safetensors")
    asked = torch.rand(4, 3)
    assert torch.equal(head(asked), again(asked)) and told == about
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(1)}, str(tmp_path / "other.safetensors"))
    with pytest.raises(CheckpointError, match="holds no probe"):
        kept_head(tmp_path / "other.safetensors")
