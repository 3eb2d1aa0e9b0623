"""Doubts about answers: each is raised by its fault, and by no sound model; the figures are computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from benchbed.outputs.frames.recording import Events, frame_scores
from benchbed.predictions.store import Predictions
from benchbed.run.doubts.answers import _assigned, _none_better, answer_doubts, chance, order, softmax_twice
from benchbed.run.doubts.seen import Seen, seen

LABELS = tuple("abcdefghij")


def made(accuracy: float = 0.8, clips: int = 200, *, tags: bool = False, seed: int = 0) -> Seen:
    random = np.random.Generator(np.random.Philox(key=seed))
    label = np.arange(clips) % len(LABELS)
    logits = random.gumbel(size=(clips, len(LABELS)))
    hit = random.random(clips) < accuracy
    logits[np.arange(clips), np.where(hit, label, random.integers(0, len(LABELS), clips))] += 10
    scores = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if tags:
        scores = 1 / (1 + np.exp(5 - logits))
    split = np.array([f"fold{i % 5}" for i in range(clips)], object)
    return Seen(LABELS, scores, np.eye(len(LABELS), dtype=bool)[label], np.arange(clips) // 2, split, not tags)


def changed(items: Seen, scores: np.ndarray) -> Seen:
    return Seen(items.labels, scores, items.present, items.group, items.split, items.single)


def status(items: Seen) -> dict[str, str]:
    return {check.name: check.status for check in answer_doubts(items)}


@pytest.mark.parametrize("tags", [False, True])
@pytest.mark.parametrize("accuracy", [0.4, 0.8, 1.0])
def test_a_sound_model_raises_no_doubt(accuracy, tags):
    assert set(status(made(accuracy, tags=tags)).values()) == {"pass"}


@pytest.mark.parametrize("tags", [False, True])
def test_labels_in_another_order(tags):
    items = made(tags=tags)
    turned = changed(items, items.scores[:, np.roll(np.arange(10), 3)])
    found = order(turned)
    assert found.status == "warn"
    assert "with 10 classes in another order" in found.message
    assert "a → d" in found.message, "what says 'd' stands for a"
    assert status(turned)["answers:order"] == "warn"


def test_where_each_class_is_best_for_its_own_label_no_order_is_sought(monkeypatch):
    import scipy.optimize

    sought = []
    whole = scipy.optimize.linear_sum_assignment
    monkeypatch.setattr(scipy.optimize, "linear_sum_assignment", lambda worth: sought.append(1) or whole(worth))
    generator = np.random.default_rng(4)
    for seed in range(30):
        credit, present = generator.random((60, 6)) ** 3, np.eye(6, dtype=bool)[np.arange(60) % 6]
        credit[present] += seed / 30
        worth = present.T.astype(float) @ credit + 1e-9 * np.eye(6)
        assert _assigned(credit, present).tolist() == whole(-worth)[1].tolist()
    assert 0 < len(sought) < 30


@pytest.mark.parametrize("classes", [2, 3, 5, 11])
def test_a_solver_is_asked_only_where_another_order_is_better_or_as_good(classes):
    """Also where a label has a better class than its own, which its owner would lose more by giving away."""
    from scipy.optimize import linear_sum_assignment

    generator, kept, rings = np.random.default_rng(classes), [], 0
    for turn in range(200):
        worth = generator.random((classes, classes)) + (turn % 10) / 10 * np.eye(classes)
        stays = linear_sum_assignment(-worth)[1].tolist() == list(range(classes))
        assert _none_better(worth) == stays
        kept.append(stays)
        rings += stays and bool((worth > np.diagonal(worth)[:, None]).any())
    assert 0 < sum(kept) < 200 and rings > 0
    # Two labels that could change places for nothing leave it to the solver.
    assert not _none_better(np.ones((classes, classes)))


def test_two_labels_swapped_are_named():
    items = made(clips=400)
    swap = [1, 0, *range(2, 10)]
    found = order(changed(items, items.scores[:, swap]))
    assert found.status == "warn"
    assert found.message.startswith("with 2 classes in another order")
    assert "a → b, b → a" in found.message


@pytest.mark.parametrize("seed", range(30))
def test_chance_is_never_taken_for_another_order(seed):
    items = made(seed=seed)
    random = np.random.Generator(np.random.Philox(key=1000 + seed))
    guessing = changed(items, random.permutation(items.scores))
    assert order(guessing).status == "pass"


def test_guessing_is_called_guessing_with_its_figures():
    items = made()
    random = np.random.Generator(np.random.Philox(key=7))
    guessing = changed(items, random.permutation(items.scores))
    found = chance(guessing)
    recall = balanced_accuracy_score(guessing.present.argmax(1), guessing.scores.argmax(1))
    # Twenty recordings for each of ten classes: the mean of ten shares with variance .1 · .9 / 20 each.
    spread = 1.96 * math.sqrt(10 * 0.1 * 0.9 / 20) / 10
    assert found.status == "warn"
    assert found.message.startswith(f"mean recall {recall:.3f}, of a guess 0.100 ± {spread:.3f}: cannot be told")


def test_the_auc_is_that_of_scikit_learn():
    items = made(0.5, tags=True)
    mean = np.mean([roc_auc_score(items.present[:, i], items.scores[:, i]) for i in range(10)])
    assert chance(items).message.startswith(f"mean AUC {mean:.3f}, of a guess 0.500")


def test_scores_that_are_negated_are_worse_than_guessing():
    items = made(tags=True)
    found = chance(changed(items, 1 - items.scores))
    assert found.status == "warn"
    assert "negated" in found.message


def test_a_softmax_of_probabilities():
    items = made()
    twice = np.exp(items.scores) / np.exp(items.scores).sum(1, keepdims=True)
    (found,) = softmax_twice(changed(items, twice))
    assert found.status == "warn"
    assert f"{math.e / (math.e + 9):.1%}" in found.message
    assert softmax_twice(items) == []


def test_an_unsure_model_that_is_right_to_be_unsure_is_no_double_softmax():
    items = made(0.25)
    flat = np.exp(items.scores) / np.exp(items.scores).sum(1, keepdims=True)
    assert softmax_twice(changed(items, flat)) == []


def test_a_temperature_is_no_double_softmax():
    items = made()
    cool = items.scores**0.5 / (items.scores**0.5).sum(1, keepdims=True)
    assert softmax_twice(changed(items, cool)) == []


def test_a_sigmoid_of_probabilities():
    items = made(tags=True)
    (found,) = softmax_twice(changed(items, 1 / (1 + np.exp(-items.scores))))
    assert "0.5 … 0.731" in found.message
    assert softmax_twice(items) == []


def test_four_folds_by_heart_and_one_not():
    items = made(0.7)
    heart = np.where((items.split != "fold3")[:, None], items.present.astype(float), items.scores)
    found = {check.name: check for check in answer_doubts(changed(items, heart))}["answers:folds"]
    assert found.status == "warn"
    assert found.message.startswith("fold3 is right in")
    assert "the other 4 splits together in 100.0%" in found.message


def test_few_clips_say_nothing():
    (found,) = answer_doubts(made(clips=16))
    assert (found.name, found.status) == ("answers:chance", "skipped")


def predictions(kind: str, labels: list, scores: np.ndarray, references: np.ndarray | None = None) -> Predictions:
    count = len(labels)
    table = pd.DataFrame(
        {
            "clip_id": [f"toy/{i}" for i in range(count)],
            "cell": pd.Categorical([f"{kind}/test/clean"] * count),
            "draw": [0] * count,
            "group": pd.Categorical([f"r{i // 2}" for i in range(count)]),
            "label": labels,
        }
    )
    return Predictions(("a", "b"), table, scores, [], kind, references)


def test_answers_without_scores_of_classes_are_not_called_few():
    empty = np.zeros((0, len(LABELS)))
    nothing = Seen(LABELS, empty, empty.astype(bool), np.zeros(0, np.int64), np.zeros(0, object), False)
    [check] = [check for check in answer_doubts(nothing) if check.name == "answers:chance"]
    assert check.status == "skipped" and check.message == "no clip has scores of classes, which chance is told from"


def test_clips_of_one_class_and_of_tags():
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    one = seen(predictions("scene", ["a", "b"], scores), ["scene/test/clean"])
    assert one.single and one.right.tolist() == [True, True]
    assert one.split.tolist() == ["test", "test"] and one.groups == 1
    several = seen(predictions("tags", [("a", "b"), ()], scores), ["tags/test/clean"])
    assert not several.single
    assert several.present.tolist() == [[True, True], [False, False]]
    assert several.credit.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_credit_of_tags_is_the_rank_that_scipy_gives():
    from scipy.stats import rankdata

    scores = np.round(np.random.default_rng(2).random((50, 4)), 1).astype(np.float32)
    none = np.zeros((0, 4))
    for given in (scores, none):
        blank = np.zeros(len(given), int)
        found = Seen(("a", "b", "c", "d"), given, given > 0.5, blank, blank.astype(str), False).credit
        expected = (rankdata(given, axis=0) - 0.5) / len(given) if len(given) else given
        np.testing.assert_array_equal(found, expected)


def test_recordings_are_looked_at_by_the_second():
    values = np.repeat(np.array([[0.9, 0.1], [0.3, 0.5], [0.1, 0.7]]), 10, axis=0)
    answer = np.empty(1, object)
    answer[0] = frame_scores(values, 0.1, 3.0)
    truth = np.empty(1, object)
    truth[0] = Events(np.array([200_000, 1_900_000]), np.array([900_000, 2_100_000]), np.array([0, 1]), 3_000_000)
    found = seen(predictions("frames", [("a", "b")], answer, truth), ["frames/test/clean"])
    assert np.allclose(found.scores, [[0.9, 0.1], [0.3, 0.5], [0.1, 0.7]])
    assert found.present.tolist() == [[True, False], [False, True], [False, True]]
    assert found.group.tolist() == [0, 0, 0]
