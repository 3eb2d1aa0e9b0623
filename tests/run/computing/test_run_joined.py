"""Joining the answers of windows: by hand, against the plain mean of probabilities, and its differentiable twin."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.card import Card
from benchbed.run.computing.joined import joined, joined_tensor


def card(output: str, scores: str) -> Card:
    return Card("t", "cnn", output, ("a", "b", "c"), 8000, scores=scores)


def probabilities(raw: np.ndarray, it: Card) -> np.ndarray:
    """What the card says the answers mean."""
    if it.scores == "probabilities":
        return raw
    if it.scores == "log_probabilities":
        return np.exp(raw)
    if it.output == "scene":
        e = np.exp(raw - raw.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)
    return 1 / (1 + np.exp(-raw))


KINDS = [(o, s) for o in ("scene", "tags") for s in ("logits", "probabilities", "log_probabilities")]


@pytest.mark.parametrize("how", ["mean", "max"])
@pytest.mark.parametrize(("output", "scores"), KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), windows=st.integers(2, 6))
def test_joined_answers_are_joined_probabilities(output, scores, how, seed, windows):
    it = card(output, scores)
    logits = np.random.default_rng(seed).normal(0, 4, (2, windows, 3))
    given_as = {
        "logits": logits,
        "probabilities": probabilities(logits, card(output, "logits")),
        "log_probabilities": np.log(probabilities(logits, card(output, "logits"))),
    }[scores]
    each = probabilities(given_as, it)
    wanted = each.mean(1) if how == "mean" else each.max(1)
    if output == "scene" and how == "max":
        wanted = wanted / wanted.sum(-1, keepdims=True)
    answer = joined(given_as, it, how)
    np.testing.assert_allclose(probabilities(answer, it), wanted, rtol=1e-9, atol=1e-12)
    twin = joined_tensor(torch.from_numpy(given_as), it, how).numpy()
    np.testing.assert_allclose(twin, answer, rtol=1e-9, atol=1e-9)


def test_one_window_is_left_as_it_is():
    raw = np.random.default_rng(0).normal(size=(2, 1, 3)).astype(np.float32)
    for output, scores in KINDS:
        assert np.array_equal(joined(raw, card(output, scores), "mean"), raw[:, 0])


def test_a_logit_beyond_the_precision_of_a_sigmoid_keeps_its_rank():
    """Probabilities of 50 and 60 are both 1.0 in float64; as logits they stay apart."""
    it = card("tags", "logits")
    answer = joined(np.array([[[50.0, 60.0, -50.0], [50.0, 60.0, -60.0]]]), it, "mean")[0]
    assert answer[0] == pytest.approx(50.0) and answer[1] == pytest.approx(60.0)
    # Mean of e^-50 and e^-60, by hand: −50 − log 2 + log(1 + e^-10).
    assert answer[2] == pytest.approx(-50 - np.log(2) + np.log1p(np.exp(-10)))


def test_a_window_without_an_answer_leaves_the_clip_without_one():
    raw = np.zeros((1, 3, 3))
    raw[0, 1, 0] = np.nan
    assert np.isnan(joined(raw, card("scene", "logits"), "mean")).any()
    assert np.isnan(joined(raw, card("tags", "probabilities"), "max")).any()


def test_vectors_are_averaged():
    embedding = Card("t", "cnn", "scene", (), 8000)
    assert joined(np.array([[[1.0, 3.0], [3.0, 5.0]]]), embedding, "mean").tolist() == [[2.0, 4.0]]
