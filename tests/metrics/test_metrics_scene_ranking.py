"""Average precision and AUC of scenes, one class against the rest: held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.families.scene_ranking import example, family


def drawn(clips: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    # Rounded scores are tied often, which is where implementations differ.
    return generator.dirichlet(np.full(classes, 0.7), clips).round(2), generator.integers(0, classes, clips)


def test_it_is_what_scikit_learn_says_of_tied_scores():
    scores, target = drawn(300, 6)
    found, by_class = family(tuple("abcdef")).sample(scores, target, np.arange(300), 300).scores(np.ones((1, 300)))
    hot = np.eye(6)[target]
    assert found["map"][0] == pytest.approx(average_precision_score(hot, scores, average="macro"), abs=1e-12)
    assert found["mauc"][0] == pytest.approx(roc_auc_score(hot, scores, average="macro"), abs=1e-12)
    ap, auc = average_precision_score(hot, scores, average=None), roc_auc_score(hot, scores, average=None)
    np.testing.assert_allclose(by_class["ap"][0], ap, atol=1e-12)
    np.testing.assert_allclose(by_class["auc"][0], auc, atol=1e-12)


def test_a_class_without_clips_is_left_out_of_the_means():
    scores, target = drawn(60, 4)
    target[target == 3] = 0
    found, by_class = family(tuple("abcd")).sample(scores, target, np.arange(60), 60).scores(np.ones((1, 60)))
    assert np.isnan(by_class["ap"][0, 3]) and np.isnan(by_class["auc"][0, 3])
    assert found["map"][0] == pytest.approx(by_class["ap"][0, :3].mean())


def test_classes_of_the_model_alone_rank_nothing():
    scores, target = drawn(50, 5)
    made = family(tuple("abc"), outside=2).sample(scores, target % 3, np.arange(50), 50)
    plain = family(tuple("abc")).sample(scores[:, :3], target % 3, np.arange(50), 50)
    assert made.scores(np.ones((1, 50)))[0] == plain.scores(np.ones((1, 50)))[0]


def test_a_closed_set_is_in_every_rule():
    made = family(("a", "b"), closed_of=9)
    assert all(info.rule.endswith("closed-set-2-of-9") for info in {**made.metrics, **made.class_metrics}.values())


def test_one_class_has_no_auc_and_says_why():
    made = family(("a", "b"))
    sums = made.statistics(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 0])).sum(axis=0)
    assert made.reasons(sums)["mauc"] == "all clips are of one class"


def test_wrong_input_is_one_clear_error():
    made, scores, target = example(np.random.default_rng(0), 5)
    with pytest.raises(ConfigError, match="two different classes"):
        family(("a", "a"))
    with pytest.raises(CannotMeasure, match="for 5 clips and 3 classes"):
        made.statistics(scores[:, :2], target)
    with pytest.raises(CannotMeasure, match="scores of 1 clips are not finite"):
        made.statistics(np.where(np.arange(5)[:, None] == 2, np.nan, scores), target)
    with pytest.raises(CannotMeasure, match="class numbers 0…2"):
        made.statistics(scores, target + 2)
