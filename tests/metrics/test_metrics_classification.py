"""Classification metrics against scikit-learn, hand computations and their own algebra."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.classification import FLOOR, OUTSIDE, baselines, family
from benchbed.stats.bootstrap import Bootstrap

LABELS = tuple("abcdefg")


def random_case(seed: int, clips: int, classes: int = 7) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.dirichlet(np.full(classes, 0.5), clips), generator.integers(0, classes, clips)


def values_of(scores: np.ndarray, target: np.ndarray, labels: tuple[str, ...] = LABELS) -> dict[str, float]:
    metrics = family(labels)
    return {k: float(v) for k, v in metrics.values(metrics.statistics(scores, target).sum(axis=0)).items()}


def test_every_corpus_value_equals_scikit_learn() -> None:
    from sklearn import metrics as oracle

    scores, target = random_case(0, 3000)
    output, found = scores.argmax(axis=1), values_of(scores, target)
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(target, output), abs=1e-12)
    assert found["macro_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(target, output), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(oracle.f1_score(target, output, average="macro"), abs=1e-12)
    assert found["log_loss"] == pytest.approx(oracle.log_loss(target, scores, labels=range(7)), abs=1e-9)
    assert found["brier"] == pytest.approx(oracle.brier_score_loss(target, scores, labels=range(7)), abs=1e-12)
    for k in (3, 5):
        expected = oracle.top_k_accuracy_score(target, scores, k=k, labels=range(7))
        assert found[f"top{k}_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_every_class_value_and_the_confusion_matrix_equal_scikit_learn() -> None:
    from sklearn import metrics as oracle

    scores, target = random_case(1, 2000)
    output, metrics = scores.argmax(axis=1), family(LABELS)
    sums = metrics.statistics(scores, target).sum(axis=0)
    precision, recall, f1, count = oracle.precision_recall_fscore_support(target, output, labels=range(7))
    found = metrics.per_class(sums)
    np.testing.assert_allclose(found["precision"], precision, atol=1e-12)
    np.testing.assert_allclose(found["recall"], recall, atol=1e-12)
    np.testing.assert_allclose(found["f1"], f1, atol=1e-12)
    assert metrics.class_counts(sums).tolist() == count.tolist()
    assert (metrics.confusion(scores, target) == oracle.confusion_matrix(target, output, labels=range(7))).all()
    for label in range(7):
        expected = oracle.log_loss(target[target == label], scores[target == label], labels=range(7))
        assert found["log_loss"][label] == pytest.approx(expected, abs=1e-9)


def test_a_class_absent_from_the_reference_is_skipped_as_scikit_learn_skips_it() -> None:
    from sklearn.metrics import balanced_accuracy_score

    scores, target = random_case(2, 500)
    target[target == 3] = 4
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        expected = balanced_accuracy_score(target, scores.argmax(axis=1))
    assert values_of(scores, target)["macro_accuracy"] == pytest.approx(expected, abs=1e-12)


def test_one_zero_probability_costs_36_nats_whatever_the_dtype() -> None:
    # metrics.md §4: scikit-learn 1.9.1 charges 36.0 for float64 and 15.9 for float32; here it is always float64's.
    for dtype in (np.float32, np.float64):
        # A second clip that is not sure of anything, for one sure clip alone would be a decision without probability.
        found = values_of(np.array([[1.0, 0.0], [0.25, 0.75]], dtype), np.array([1, 1]), ("a", "b"))
        assert found["log_loss"] == pytest.approx((36.0437 - np.log(0.75)) / 2, abs=1e-4)
        assert found["log_loss"] == (-math.log(FLOOR) - math.log(0.75)) / 2


def test_calibration_error_by_hand() -> None:
    # Bin (9/15, 10/15]: confidence sums to 1.3, one right. Bin (13/15, 14/15]: 1.8, both right.
    confidence = np.array([0.65, 0.65, 0.9, 0.9])
    scores = np.column_stack([confidence, 1 - confidence])
    found = values_of(scores, np.array([0, 1, 0, 0]), ("a", "b"))
    assert found["ece"] == pytest.approx((abs(1 - 1.3) + abs(2 - 1.8)) / 4)


def test_ties_go_to_the_lower_class_number_in_accuracy_and_in_top_k() -> None:
    scores = np.full((4, 4), 0.25)
    metrics = family(tuple("abcd"), top_k=(2,))
    found = metrics.values(metrics.statistics(scores, np.arange(4)).sum(axis=0))
    assert float(found["accuracy"]) == 0.25
    assert float(found["top2_accuracy"]) == 0.5


@pytest.mark.parametrize("scores", [[[0.9, 0.8]], [[2.0, -1.0]], [[7.0, 3.0]]])
def test_scores_that_are_not_probabilities_give_accuracy_and_say_why_there_is_no_log_loss(scores: list) -> None:
    metrics = family(("a", "b"))
    sums = metrics.statistics(np.array(scores), np.array([0])).sum(axis=0)
    found = metrics.values(sums)
    assert float(found["accuracy"]) == 1.0
    for name in ("log_loss", "macro_log_loss", "brier", "ece"):
        assert np.isnan(found[name])
        assert metrics.reasons(sums)[name] == "the scores of 1 clips are not probabilities"
    assert "reliability" not in metrics.tables(np.array(scores), np.array([0]), sums)


def test_no_clips_give_no_values_and_the_reason() -> None:
    metrics = family(LABELS)
    sums = metrics.statistics(np.zeros((0, 7)), np.zeros(0, int)).sum(axis=0)
    assert all(np.isnan(value) for value in metrics.values(sums).values())
    assert metrics.reasons(sums)["accuracy"] == "no clips"


@pytest.mark.parametrize(
    ("scores", "target", "message"),
    [
        (np.zeros((2, 3)), np.array([0, 1]), "shape"),
        (np.array([[np.nan, 1.0]]), np.array([0]), "not finite"),
        (np.array([[0.5, 0.5]]), np.array([2]), "outside"),
        (np.array([[0.5, 0.5]]), np.array([-1]), "outside"),
        (np.array([[0.5, 0.5]]), np.array([0.0]), "class numbers"),
    ],
)
def test_bad_input_is_refused(scores: np.ndarray, target: np.ndarray, message: str) -> None:
    with pytest.raises(CannotMeasure, match=message):
        family(("a", "b")).statistics(scores, target)


@pytest.mark.parametrize(("labels", "top_k"), [(("a",), (3,)), (("a", "a"), (3,)), (("a", "b"), (1,))])
def test_bad_options_are_refused(labels: tuple[str, ...], top_k: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError):
        family(labels, top_k=top_k)


def test_values_are_vectorised_over_leading_axes() -> None:
    scores, target = random_case(3, 60)
    metrics = family(LABELS)
    rows = metrics.statistics(scores, target)
    stacked = np.stack([rows[:30].sum(axis=0), rows[30:].sum(axis=0)])[:, None]
    for name, value in metrics.values(stacked).items():
        assert value.shape == (2, 1), name
        assert value[1, 0] == pytest.approx(float(metrics.values(rows[30:].sum(axis=0))[name]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(2, 7))
def test_statistics_add_up_values_stay_in_range_and_order_does_not_matter(seed: int, clips: int, classes: int) -> None:
    scores, target = random_case(seed, clips, classes)
    metrics = family(LABELS[:classes])
    cut = clips // 2
    whole = metrics.grouped(scores, target, np.zeros(clips, int), 1)[0]
    parts = metrics.statistics(scores[:cut], target[:cut]).sum(axis=0) + metrics.statistics(
        scores[cut:], target[cut:]
    ).sum(axis=0)
    np.testing.assert_allclose(parts, whole, rtol=1e-12, atol=1e-12)
    order = np.random.default_rng(seed).permutation(clips)
    shuffled = metrics.grouped(scores[order], target[order], np.zeros(clips, int), 1)[0]
    np.testing.assert_allclose(shuffled, whole, rtol=1e-12, atol=1e-12)
    for name, value in metrics.values(whole).items():
        info = metrics.metrics[name]
        assert info.low - 1e-12 <= float(value) <= info.high + 1e-12, name


def test_baselines_equal_scikit_learn_on_the_models_they_stand_for() -> None:
    from sklearn import metrics as oracle

    counts = [50, 30, 20]
    target = np.repeat(np.arange(3), counts)
    found = baselines(counts)
    uniform, prior = np.full((100, 3), 1 / 3), np.tile([0.5, 0.3, 0.2], (100, 1))
    for name, scores in (("uniform", uniform), ("prior", prior)):
        assert found[name]["log_loss"] == pytest.approx(oracle.log_loss(target, scores), abs=1e-9)
        assert found[name]["brier"] == pytest.approx(oracle.brier_score_loss(target, scores), abs=1e-9)
    assert found["uniform"]["log_loss"] == pytest.approx(math.log(3))
    assert found["majority"]["accuracy"] == 0.5
    assert found["majority"]["macro_accuracy"] == pytest.approx(1 / 3)
    with pytest.raises(CannotMeasure):
        baselines([0, 0])


def test_527_classes_stay_small() -> None:
    # A confusion square per clip would be 278 thousand numbers.
    assert family(tuple(map(str, range(527)))).width < 5 * 527


def test_decisions_have_no_figure_that_looks_like_one_of_probabilities() -> None:
    """0.9 right of ten decisions would be a log loss of 3.6 nats: 36 per wrong answer, the logarithm of a floor."""
    scores = np.eye(6)[[0, 1, 2, 3, 4, 5, 0, 1, 2, 3]]
    target = np.array([0, 1, 2, 3, 4, 5, 0, 1, 2, 4])
    made = family(tuple("abcdef"))
    found = score_cell(made, scores, target, np.arange(10), bootstrap=Bootstrap(10, 50, "x"))
    for name in ("log_loss", "macro_log_loss", "brier", "ece", "top3_accuracy", "top5_accuracy"):
        number = found.metrics[name]
        assert number.value is None and number.reason.startswith("hard decisions"), name
    assert found.metrics["accuracy"].value == 0.9 and found.metrics["accuracy"].low is not None
    assert found.groups["class=a"]["log_loss"].value is None and found.groups["class=a"]["recall"].value == 1
    assert "reliability" not in found.tables and "confusion" in found.tables
    # A row that says nothing, as stored decisions for a class that the dataset lacks become, is no probability either.
    scores[0] = 1 / 6
    assert score_cell(made, scores, target, np.arange(10)).metrics["log_loss"].value is None
    # One clip of a model that is not sure makes probabilities of all.
    scores[0] = [0.9, 0.1, 0, 0, 0, 0]
    assert score_cell(made, scores, target, np.arange(10)).metrics["log_loss"].value > 3


def test_sums_of_versions_that_did_not_tell_decisions_are_still_read() -> None:
    made = family(("a", "b"))
    sums = made.statistics(np.array([[1.0, 0.0]]), np.array([0])).sum(axis=0)
    assert math.isnan(made.values(sums)["log_loss"]) and made.values(sums[:-2])["log_loss"] == 0


def test_a_model_that_knows_more_classes_may_be_wrong_with_them() -> None:
    """Twelve classes, four of them asked: scored among four, the last clip is right, which it is not."""
    from sklearn.metrics import accuracy_score, log_loss

    target = np.array([0, 1, 2, 3])
    logits = np.full((4, 12), -9.0)
    logits[np.arange(4), target] = 3.0
    logits[3, 7] = 5.0
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    among = probabilities[:, :4] / probabilities[:, :4].sum(axis=1, keepdims=True)
    labels = ("a", "b", "c", "d")
    every = score_cell(family(labels, outside=8), probabilities, target, np.arange(4))
    closed = score_cell(family(labels, closed_of=12), among, target, np.arange(4))
    assert every.metrics["accuracy"].value == 0.75 == accuracy_score(target, probabilities.argmax(axis=1))
    assert closed.metrics["accuracy"].value == 1.0
    assert closed.metrics["accuracy"].info.rule == "accuracy:argmax-first:closed-set-4-of-12"
    assert every.metrics["accuracy"].info.rule == "accuracy:argmax-first"
    assert every.metrics["macro_accuracy"].value == 0.75, "a mean over the four classes that have clips"
    wanted = log_loss(target, probabilities, labels=range(12))
    assert every.metrics["log_loss"].value == pytest.approx(wanted, rel=1e-12)
    assert sorted(key for key in every.groups if key.startswith("class=")) == [f"class={label}" for label in "abcd"]
    assert every.tables["confusion"].columns[-1] == OUTSIDE and every.tables["confusion"].values[3].tolist() == [
        0,
        0,
        0,
        0,
        1,
    ]
    assert every.metrics["top3_accuracy"].value == 1.0 and family(labels, outside=8).top_k == (3,)
    assert every.groups["class=d"]["precision"].value is None, "an answer beside all of them is of no class"
    assert family(labels, outside=8).metrics["accuracy"].chance == 1 / 12


@pytest.mark.parametrize("wrong", [{"outside": -1}, {"closed_of": 3}, {"outside": 2, "closed_of": 9}])
def test_classes_beside_those_of_the_dataset_must_be_possible(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="outside="):
        family(("a", "b", "c"), **wrong)
