"""Losses over tracks: the training loss by an outside loop, each goal's own direction, and gradients that stay."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.attack.losses import aimed
from benchbed.attack.losses import tracks as losses


def named(values: list) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


def placed(*sources: tuple[float, float, float], frames: int = 1) -> torch.Tensor:
    """A target of one clip and one class with sources in each frame."""
    made = torch.zeros(1, frames, max(len(sources), 1), 1, 5)
    for number, source in enumerate(sources):
        made[:, :, number, 0, 0] = 1.0
        made[:, :, number, 0, 1:4] = named(list(source))
    return made


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), tracks_=st.integers(1, 3), parts=st.sampled_from([3, 5]))
def test_the_training_loss_is_the_least_over_all_ways_to_give_tracks_sources(seed: int, tracks_: int, parts: int):
    """By loops: with as many tracks as sources or more, every source has a track (Shimada et al. 2022)."""
    random = np.random.default_rng(seed)
    clips, frames, classes, most = 2, 3, 4, 3
    scores = random.standard_normal((clips, frames, tracks_, classes, parts))
    target = np.zeros((clips, frames, most, classes, 5))
    error = np.zeros(clips)
    for clip, frame, label in product(range(clips), range(frames), range(classes)):
        count = int(random.integers(0, most + 1))
        units = random.standard_normal((count, 3))
        units /= np.linalg.norm(units, axis=1, keepdims=True)
        target[clip, frame, :count, label, 0], target[clip, frame, :count, label, 1:4] = 1.0, units
        own = scores[clip, frame, :, label]
        if parts == 5:
            vectors = own[:, :1] * own[:, 1:4] / np.linalg.norm(own[:, 1:4], axis=1, keepdims=True)
        else:
            vectors = own
        if count == 0:
            ways = [np.zeros((tracks_, 3))]
        elif count > tracks_:
            ways = [units[list(way)] for way in permutations(range(count), tracks_)]
        else:
            ways = [units[list(w)] for w in product(range(count), repeat=tracks_) if set(w) == set(range(count))]
        error[clip] += min(float(((vectors - way) ** 2).sum(axis=1).mean()) for way in ways)
    found = losses.adpit(torch.from_numpy(scores), torch.from_numpy(target))
    assert found.tolist() == pytest.approx((error / (frames * classes)).tolist(), rel=1e-5)


def test_with_one_track_the_training_loss_is_that_of_accdoa():
    there, said = placed((1.0, 0.0, 0.0)), named([[[[[0.6, 0.0, 0.8]]]]])
    assert losses.adpit(said, there).item() == pytest.approx(0.4**2 + 0.8**2)
    assert losses.adpit(said, torch.zeros_like(there)).item() == pytest.approx(1.0)


def test_told_distances_count_relative_to_the_reference():
    there, said = placed((1.0, 0.0, 0.0)), named([[[[[1.0, 0.0, 0.0, 3.0]]]]])
    assert losses.adpit(said, there).item() == pytest.approx(0.0, abs=1e-6)  # none is annotated
    there[..., 4] = 2.0
    assert losses.adpit(said, there).item() == pytest.approx(0.25)


def test_each_goal_climbs_what_it_is_called():
    there = placed((1.0, 0.0, 0.0), frames=2)
    there[:, 1] = 0.0
    right = named([[[[[0.9, 0.0, 0.0]]], [[[0.0, 0.0, 0.0]]]]])
    hidden = named([[[[[0.1, 0.0, 0.0]]], [[[0.0, 0.0, 0.0]]]]])
    inserted = named([[[[[0.9, 0.0, 0.0]]], [[[0.0, 0.9, 0.0]]]]])
    turned = named([[[[[0.0, 0.9, 0.0]]], [[[0.0, 0.0, 0.0]]]]])
    worst = {"hide": hidden, "insert": inserted, "move": turned}
    for goal in worst:
        for name in aimed("tracks", goal).names:
            values = {other: losses.LOSSES[name](made, there).item() for other, made in worst.items()}
            clean = losses.LOSSES[name](right, there).item()
            assert values[goal] == max(values.values()) > clean, (goal, name)
            assert [other for other in worst if other != goal and values[other] > clean + 1e-6] == [], (goal, name)
    for name in aimed("tracks").names[:1]:
        assert all(losses.LOSSES[name](made, there) > losses.LOSSES[name](right, there) for made in worst.values())
    # A source that is lost is no source that was moved: the loss would rather have it sound elsewhere.
    assert losses.move(hidden, there) < losses.move(right, there)


def test_straight_losses_keep_a_gradient_where_curved_ones_have_lost_it():
    there = placed((1.0, 0.0, 0.0))
    for goal in losses.GOALS:
        leaf = named([[[[[0.999, 0.01, 0.0]]]]]).requires_grad_(True)
        loss = aimed("tracks", goal).straight
        (slope,) = torch.autograd.grad(loss(leaf, there if goal != "insert" else 0 * there).sum(), leaf)
        assert float(slope.abs().max()) > 0.05, goal


def test_recordings_without_sources_can_only_be_told_some():
    nothing, silent, loud = torch.zeros(1, 2, 1, 1, 5), torch.zeros(1, 2, 1, 1, 3), torch.full((1, 2, 1, 1, 3), 0.6)
    assert losses.margin(silent, nothing).item() == pytest.approx(0.5, abs=1e-5) and losses.margin(loud, nothing) < 0
    for name, loss in losses.LOSSES.items():
        assert loss(loud, nothing).item() > loss(silent, nothing).item(), name
