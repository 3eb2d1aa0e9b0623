"""Scores in model classes become probabilities in dataset labels; every expected value is worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchbed.adapter import Card
from benchbed.errors import AdapterError
from benchbed.outputs.align import align, alignment_of

LABELS = ("airport", "bus", "shopping_mall")


def card(labels=LABELS, output="scene", scores="logits", **more) -> Card:
    return Card(name="net", family="cnn", output=output, labels=tuple(labels), sample_rate=8000, scores=scores, **more)


@given(arrays(np.float64, (4, 3), elements=st.floats(-50, 50)), st.permutations(LABELS))
def test_logits_are_reordered_and_go_through_softmax(logits, order):
    made = align(logits, card(order), LABELS)
    expected = scipy.special.softmax(logits, axis=1)[:, [order.index(label) for label in LABELS]]
    np.testing.assert_allclose(made, expected, rtol=1e-12, atol=1e-300)


def test_large_logits_do_not_overflow():
    made = align(np.array([[1e4, 0.0, -1e4]]), card(), LABELS)
    np.testing.assert_array_equal(made, [[1, 0, 0]])


def test_softmax_is_over_the_datasets_classes_only():
    # exp: 1, 2, 4 and a class the dataset lacks; 1/7, 2/7, 4/7.
    logits = np.log([[1.0, 2.0, 4.0, 1000.0]])
    np.testing.assert_allclose(align(logits, card((*LABELS, "park")), LABELS), [[1 / 7, 2 / 7, 4 / 7]], rtol=1e-6)


def test_probabilities_stay_bit_for_bit():
    given_ = np.array([[0.2, 0.3, 0.5], [0.0, 1.0, 0.0], [1e-30, 0.4, 0.6]], np.float32)
    np.testing.assert_array_equal(align(given_, card(scores="probabilities"), LABELS), given_)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_probabilities_of_tags_keep_every_bit(kind):
    given_ = np.array([[0.7, 1e-7, 1.0], [0.01, 0.0, 0.99]], kind)
    np.testing.assert_array_equal(align(given_, card(output="tags", scores="probabilities"), LABELS, "tags"), given_)


@given(arrays(np.float32, 6, elements=st.floats(-80, 36, width=32), unique=True))
def test_logits_of_tags_keep_their_ranks(logits):
    # float32 calls every logit above 17 a one; neighbours among float32 logits up to 16 are told apart by float64.
    kept = np.unique(np.round(logits, 3))[:, None] * np.ones(3)
    made = align(kept.astype(np.float32), card(output="tags"), LABELS, "tags")[:, 0]
    assert (np.diff(made) >= 0).all() and (np.diff(made)[kept[1:, 0] < 25] > 0).all()
    np.testing.assert_allclose(made, scipy.special.expit(kept[:, 0].astype(np.float32).astype(float)), rtol=1e-12)


def test_probabilities_with_other_classes_are_divided_by_their_sum():
    given_ = np.array([[0.1, 0.2, 0.1, 0.6]])
    made = align(given_, card((*LABELS, "park"), scores="probabilities"), LABELS)
    np.testing.assert_allclose(made, [[0.25, 0.5, 0.25]], rtol=1e-6)


def test_log_probabilities():
    made = align(np.log([[0.2, 0.3, 0.5]]), card(scores="log_probabilities"), LABELS)
    np.testing.assert_allclose(made, [[0.2, 0.3, 0.5]], rtol=1e-6)
    with np.errstate(divide="ignore"):
        zero = align(np.log([[0.0, 0.5, 0.5]]), card(scores="log_probabilities"), LABELS)
    np.testing.assert_allclose(zero, [[0, 0.5, 0.5]])


def test_tagger_on_a_scene_task_takes_the_largest_mapped_class_and_normalises():
    # airport = max(.1, .4) = .4; bus = .2; shopping_mall = .2; sum .8.
    net = card(
        ("Aircraft", "Announcement", "Bus", "Crowd"),
        output="tags",
        scores="probabilities",
        label_map={"airport": ("Aircraft", "Announcement"), "bus": ("Bus",), "shopping_mall": ("Crowd",)},
    )
    made = align(np.array([[0.1, 0.4, 0.2, 0.2]]), net, LABELS)
    np.testing.assert_allclose(made, [[0.5, 0.25, 0.25]], rtol=1e-6)


def test_tagger_logits_go_through_sigmoid_first():
    # sigmoid(0) = 1/2, sigmoid(log 1/3) = 1/4: normalised 1/2, 1/4, 1/4.
    made = align(np.array([[0.0, -np.log(3), -np.log(3)]]), card(output="tags"), LABELS)
    np.testing.assert_allclose(made, [[0.5, 0.25, 0.25]], rtol=1e-6)


def test_tagger_that_is_sure_of_nothing_still_ranks():
    made = align(np.array([[-800.0, -801.0, -900.0]]), card(output="tags"), LABELS)
    np.testing.assert_allclose(made, [[1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0]], rtol=1e-5, atol=1e-7)


def test_no_probability_anywhere_is_shared_equally():
    made = align(np.zeros((1, 3)), card(output="tags", scores="probabilities"), LABELS)
    np.testing.assert_allclose(made, [[1 / 3] * 3], rtol=1e-6)


def test_a_clip_has_the_same_bits_beside_one_without_any_probability():
    scores = np.random.default_rng(0).random((3, 3)).astype(np.float32)
    scores[1] = 0
    made = align(scores, card(output="tags", scores="probabilities"), LABELS)
    alone = align(scores[::2], card(output="tags", scores="probabilities"), LABELS)
    assert (made[::2] == alone).all() and made[1].tolist() == [1 / 3] * 3


def test_tags_task_keeps_probabilities_independent():
    net = card(output="tags")
    np.testing.assert_allclose(align(np.zeros((1, 3)), net, LABELS, "tags"), [[0.5] * 3])
    np.testing.assert_allclose(align(np.zeros((1, 3)), card(), LABELS[:2], "tags"), [[1 / 3] * 2], rtol=1e-6)


@given(arrays(np.float64, (3, 5), elements=st.floats(-30, 30)), st.sampled_from(["scene", "tags"]))
def test_scene_rows_sum_to_one_whatever_the_model(scores, output):
    made = align(scores, card((*LABELS, "x", "y"), output=output), LABELS)
    np.testing.assert_allclose(made.sum(1), 1, rtol=1e-5)


def test_frames_of_scores_keep_their_axes():
    assert align(np.zeros((2, 7, 3)), card(), LABELS).shape == (2, 7, 3)


def test_empty_batch():
    assert align(np.zeros((0, 3)), card(), LABELS).shape == (0, 3)


def test_names_equal_but_for_case_and_separators():
    plan = alignment_of(card(("Airport", "BUS", "shopping mall")), LABELS)
    assert [match.how for match in plan.matches] == ["normalised"] * 3
    assert plan.columns == ((0,), (1,), (2,))


def test_exact_name_wins_over_normalised():
    plan = alignment_of(card(("bus", "Bus")), ("Bus",))
    assert (plan.columns, plan.matches[0].how) == (((1,),), "exact")


def test_park_is_not_urban_park_unless_mapped():
    with pytest.raises(AdapterError) as caught:
        alignment_of(card(("urban_park", "bus")), ("park", "bus"))
    assert "no class for 1 of 2 labels: park" in caught.value.what
    assert "urban_park" in caught.value.what
    assert "label_map" in caught.value.hint
    plan = alignment_of(card(("urban_park", "bus"), label_map={"park": ("urban park",)}), ("park", "bus"))
    assert plan.columns == ((0,), (1,))
    assert plan.describe()["matches"][0] == {"label": "park", "classes": ["urban_park"], "how": "map"}


def test_misspelt_label_gets_a_suggestion():
    with pytest.raises(AdapterError) as caught:
        alignment_of(card(("airprt", "bus", "shopping_mall")), LABELS)
    assert "for airport, did you mean 'airprt'?" in caught.value.hint


@pytest.mark.parametrize(
    ("net", "labels", "words"),
    [
        (card(("a", "a")), ("a",), "the card of net lists labels twice: a"),
        (card(("a", "b")), ("a", "a"), "the dataset lists labels twice: a"),
        (card(("a", "b"), label_map={"c": ("bb",)}), ("c",), "'c' is mapped to 'bb', which net lacks"),
        (card(("a", "b"), label_map={"c": ("a",)}), ("a", "c"), "a and c would get the same score"),
        (card(output="frames"), LABELS, "gives frames"),
    ],
)
def test_plans_that_cannot_be_made(net, labels, words):
    with pytest.raises(AdapterError, match=words):
        alignment_of(net, labels)


@pytest.mark.parametrize(
    ("net", "scores", "words"),
    [
        (card(), np.zeros((2, 4)), "the last axis must be the 3 classes"),
        (card(), np.zeros(3), "shape"),
        (card(), np.array([[0, np.nan, 0], [0, 0, 0]]), "NaN or infinite scores for 1 of 2"),
        (card(), np.array([[0, np.inf, 0]]), "NaN or infinite"),
        (card(), np.full((1, 3), -np.inf), "NaN or infinite"),
        (card(scores="probabilities"), np.array([[1.5, -0.5, 0]]), "the card says probabilities"),
        (card(scores="probabilities"), np.array([[0.5, 0.5, 0.5]]), "sum to 1.5, not 1"),
        (card(scores="log_probabilities"), np.array([[1.0, 0.0, 0.0]]), "the card says log_probabilities"),
        (card(scores="log_probabilities"), np.array([[-9.0, -9.0, -9.0]]), "sum to"),
    ],
)
def test_scores_that_are_not_what_the_card_says(net, scores, words):
    with pytest.raises(AdapterError, match=words):
        alignment_of(net, LABELS).apply(scores)


def test_usable_tells_which_clip_is_broken():
    scores = np.array([[0, 1, 2], [0, np.nan, 0], [-np.inf, 0, 0], [np.inf, 0, 0]])
    assert alignment_of(card(), LABELS).usable(scores).tolist() == [True, False, True, False]


def test_description_is_json_and_complete():
    net = card(("bus", "airport", "shopping_mall", "tram", "park"))
    said = json.loads(json.dumps(alignment_of(net, LABELS).describe()))
    assert said["reordered"] is True
    assert said["unused_classes"] == 2 and said["unused_examples"] == ["tram", "park"]
    assert [match["how"] for match in said["matches"]] == ["exact"] * 3


def test_wrong_order_of_labels_cannot_be_seen_here():
    right = align(np.array([[3.0, 0.0, 0.0]]), card(), LABELS)
    wrong = align(np.array([[3.0, 0.0, 0.0]]), card(LABELS[::-1]), LABELS)
    assert right.argmax() == 0 and wrong.argmax() == 2
