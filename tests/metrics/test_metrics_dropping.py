"""Figures without some of the clips, against the same figures of the clips that are left."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import average_precision_score

from benchbed.metrics.dropping import figures_without, left_in
from benchbed.metrics.families.classification import family as classification
from benchbed.metrics.families.tagging import family as tagging


def made(clips: int = 60) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(5)
    target = random.integers(0, 2, (clips, 3)).astype(float)
    return np.clip(0.35 * target + 0.6 * random.random(target.shape), 0, 1), target


def test_each_share_leaves_out_so_many_and_every_seed_others():
    kept = left_in(50, 0.12, 20, "set", 0)
    assert kept.shape == (20, 50) and (kept.sum(axis=1) == 44).all() and set(np.unique(kept)) == {0.0, 1.0}
    assert len({row.tobytes() for row in kept}) == 20
    assert (kept == left_in(50, 0.12, 20, "set", 0)).all() and (kept != left_in(50, 0.12, 20, "set", 1)).any()
    # The first re-draws do not depend on how many follow.
    assert (kept[:5] == left_in(50, 0.12, 5, "set", 0)).all()


def test_map_without_clips_is_that_of_scikit_learn_on_the_rest():
    scores, target = made()
    found = figures_without(
        tagging(("a", "b", "c")), scores, target, np.arange(60), 60, [0.02, 0.12], 7, ["map", "micro_f1"], "set"
    )
    for share in (0.02, 0.12):
        for draw, row in enumerate(left_in(60, share, 7, "set", 0)):
            rest = row > 0
            expected = average_precision_score(target[rest], scores[rest], average="macro")
            assert abs(found[share]["map"][draw] - expected) < 1e-9


def test_a_recording_leaves_with_all_its_clips():
    scores, target = made()
    group = np.repeat(np.arange(15), 4)
    labels = target.argmax(axis=1)
    right = scores.argmax(axis=1) == labels
    found = figures_without(
        classification(("a", "b", "c")), scores, labels, group, 15, [0.2], 9, ["accuracy"], "set", seed=3
    )
    expected = [right[row[group] > 0].mean() for row in left_in(15, 0.2, 9, "set", 3)]
    np.testing.assert_allclose(found[0.2]["accuracy"], expected, atol=1e-12)
