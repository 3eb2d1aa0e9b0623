"""Figures of neighbours against scikit-learn, of random orders against drawing many, and clips that are left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from benchbed.errors import ConfigError
from benchbed.metrics.families.embedding import family
from benchbed.metrics.neighbours.ranked import (
    EmbeddedGallery,
    gain,
    precision,
    random_gain,
    random_precision,
    unit,
)
from benchbed.outputs.embedding.described import DescribedClip


def corpus(clips: int = 150) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    truth = np.empty(clips, object)
    for row in range(clips):
        labels = ("dog", "rain", "car", "bird")
        truth[row] = DescribedClip((labels[row % 4], labels[row // 4 % 4]), f"r{row // 3}")
    made = random.normal(size=(clips, 8))
    made[np.arange(clips), np.arange(clips) % 4] += 1.5
    return made, truth


def test_lists_are_scikit_learns():
    made, truth = corpus()
    metrics = family(()).context(made, truth)
    rows = metrics.statistics(made, truth)
    cosines = unit(made) @ unit(made).T
    for row in range(0, 150, 13):
        others = np.array([one.group != truth[row].group for one in truth])
        relevant = np.array([bool(set(one.labels) & set(truth[row].labels)) for one in truth])[others]
        near = cosines[row][others]
        assert rows[row, 4] == pytest.approx(average_precision_score(relevant, near))
        assert rows[row, 6] == pytest.approx(ndcg_score(relevant[None].astype(float), near[None], k=100))
        assert rows[row, 3] == relevant[near.argmax()]
    values = metrics.values(rows.sum(0))
    assert 0 < values["random_map"] < values["map"] <= 1


def test_random_orders_are_what_many_drawn_ones_give():
    random = np.random.default_rng(0)
    for relevant, listed, k in ((3, 12, None), (5, 30, 4), (1, 9, 9)):
        drawn = [np.sort(random.permutation(listed)[:relevant]) + 1 for _ in range(20_000)]
        found = np.mean([precision(ranks, k) for ranks in drawn])
        assert random_precision(relevant, listed, k) == pytest.approx(found, abs=0.005)
        found = np.mean([gain(ranks, k or listed) for ranks in drawn])
        assert random_gain(relevant, listed, k or listed) == pytest.approx(found, abs=0.005)


def test_ties_stand_behind_and_own_recordings_are_no_neighbours():
    truth = np.empty(4, object)
    truth[:] = [DescribedClip((name,), group) for name, group in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "z"))]
    same = np.ones((4, 2))
    lists = list(EmbeddedGallery(same, list(truth)).lists(same, list(truth), 2))
    # The first clip sees the third and the fourth alone, as near as each other.
    assert lists[0].ranks.tolist() == [2] and lists[0].listed == 2
    assert lists[3].ranks.tolist() == []
    metrics = family(()).context(same, truth)
    sums = metrics.statistics(same, truth).sum(0)
    assert sums[:2].tolist() == [3, 1]
    assert "1 clips are left out" in metrics.notes(sums)["map"]


def test_nothing_is_defined_where_no_class_comes_twice():
    truth = np.empty(2, object)
    truth[:] = [DescribedClip(("a",), "x"), DescribedClip(("b",), "y")]
    metrics = family(()).context(np.eye(2), truth)
    sums = metrics.statistics(np.eye(2), truth).sum(0)
    assert np.isnan(metrics.values(sums)["map"]) and "another recording" in metrics.reasons(sums)["map"]
    with pytest.raises(ConfigError, match="neighbours=0"):
        family((), neighbours=0)


def test_an_embedding_of_nothing_is_as_near_to_all():
    assert unit(np.zeros((1, 3))).tolist() == [[0.0, 0.0, 0.0]]
