"""Tagging metrics against scikit-learn, hand computation and the rules of the challenges."""

from __future__ import annotations

import warnings
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    label_ranking_average_precision_score,
    label_ranking_loss,
    roc_auc_score,
)

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics import cell
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.tagging import family
from benchbed.metrics.folds import Fold, score_folds
from benchbed.stats.bootstrap import Bootstrap

LABELS = tuple(f"class{i}" for i in range(6))


@pytest.fixture(params=[12, 1])
def clips(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    target = (generator.random((80, 6)) < 0.3).astype(float)
    target[:3] = 0
    target[3] = 1
    scores = np.round(np.clip(0.3 * target + 0.7 * generator.random((80, 6)), 0, 1), request.param)
    return scores, target


def scored(scores: np.ndarray, target: np.ndarray, **options: object) -> dict[str, float]:
    made = family(LABELS[: scores.shape[1]], **options)
    found = score_cell(made, scores, target, np.arange(len(scores)))
    return {name: number.value for name, number in found.metrics.items()}


def test_every_figure_equals_scikit_learn(clips: tuple) -> None:
    scores, target = clips
    found = scored(scores, target)
    aucs = roc_auc_score(target, scores, average=None)
    assert found["map"] == pytest.approx(average_precision_score(target, scores, average="macro"), abs=1e-12)
    assert found["mauc"] == pytest.approx(aucs.mean(), abs=1e-12)
    assert found["d_prime"] == pytest.approx(sqrt(2) * norm.ppf(aucs.mean()), abs=1e-12)
    assert found["d_prime_mean"] == pytest.approx((sqrt(2) * norm.ppf(aucs)).mean(), abs=1e-12)
    assert found["micro_f1"] == pytest.approx(f1_score(target, scores >= 0.5, average="micro"), abs=1e-12)
    assert found["macro_f1"] == pytest.approx(f1_score(target, scores >= 0.5, average="macro"), abs=1e-12)
    pairs = (target.sum(axis=1) > 0) & (target.sum(axis=1) < 6)
    assert found["ranking_loss"] == pytest.approx(label_ranking_loss(target[pairs], scores[pairs]), abs=1e-12)
    some = target.sum(axis=1) > 0
    weights = target[some].sum(axis=1)
    expected = label_ranking_average_precision_score(target[some], scores[some], sample_weight=weights)
    assert found["lwlrap"] == pytest.approx(expected, abs=1e-12)


def test_the_equal_error_rate_is_that_of_sed_eval(clips: tuple) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = pytest.importorskip("sed_eval").metric
    scores, target = clips
    expected = [metric.equal_error_rate(target[:, i], scores[:, i]) for i in range(6)]
    found = score_cell(family(LABELS), scores, target, np.arange(80))
    for label, value in zip(LABELS, expected):
        assert found.groups[f"class={label}"]["eer"].value == pytest.approx(value, abs=1e-12)
    assert found.metrics["macro_eer"].value == pytest.approx(np.mean(expected), abs=1e-12)


def test_the_published_tag_lists_equal_sed_eval(realdata: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metric = pytest.importorskip("sed_eval").metric
    folder = realdata / "sed_eval_tests" / "audio_tagging"
    reference = [line.split("\t") for line in (folder / "reference.txt").read_text().splitlines() if line.strip()]
    answer = [line.split(",") for line in (folder / "estimated.txt").read_text().splitlines() if line.strip()]
    names, labels = [row[0] for row in reference], sorted({row[1] for row in answer})
    clip, label = ({n: i for i, n in enumerate(held)} for held in (names, labels))
    target, scores = np.zeros((len(names), len(labels))), np.full((len(names), len(labels)), np.nan)
    for name, _, tags, *_ in reference:
        for tag in filter(None, tags.split(";")):
            target[clip[name], label[tag]] = 1
    for name, tag, score in answer:
        scores[clip[name], label[tag]] = float(score)
    found = score_cell(family(labels), scores, target, np.arange(len(names)))
    for i, name in enumerate(labels):
        expected = metric.equal_error_rate(target[:, i], scores[:, i])
        assert found.groups[f"class={name}"]["eer"].value == pytest.approx(expected, abs=1e-9)
    # These scores are log-likelihood ratios, far outside 0…1: ranks stand, calibration says why it does not.
    assert found.metrics["map"].value is not None and "lie outside 0…1" in found.metrics["ece"].reason


def test_label_ranking_with_ties_by_hand() -> None:
    # One clip, scores (.5, .5, .1), only class 0 present. Worst rank of the tie: 2, precision ½; later class first: ½;
    # with class 1 present instead, later class first gives rank 1.
    scores = np.array([[0.5, 0.5, 0.1]])
    for present, worst, order in ((0, 0.5, 0.5), (1, 0.5, 1.0)):
        target = np.eye(3)[[present]]
        assert scored(scores, target)["lwlrap"] == worst
        assert scored(scores, target, lwlrap_ties="order")["lwlrap"] == order


def test_a_class_without_positives_is_left_out_and_counted(clips: tuple) -> None:
    scores, target = clips
    target = target.copy()
    target[:, 2] = 0
    found = scored(scores, target)
    rest = [0, 1, 3, 4, 5]
    assert found["map"] == pytest.approx(average_precision_score(target[:, rest], scores[:, rest]), abs=1e-12)
    with pytest.warns(UserWarning, match="No positive class"):
        # What the plain call makes of it: zero precision for the absent class, inside the mean.
        assert found["map"] > average_precision_score(target, scores) + 0.05
    assert found["class_coverage"] == pytest.approx(5 / 6)
    number = score_cell(family(LABELS), scores, target, np.arange(80)).groups["class=class2"]["ap"]
    assert number.value is None and number.reason == "no positive clips, or for AUC and EER no negative ones"


def test_unknown_labels_do_not_count(clips: tuple) -> None:
    scores, target = clips
    target = target.copy()
    target[10:40, 1] = np.nan
    known = ~np.isnan(target[:, 1])
    made = score_cell(family(LABELS), scores, target, np.arange(80))
    expected = average_precision_score(target[known, 1], scores[known, 1])
    assert made.groups["class=class1"]["ap"].value == pytest.approx(expected, abs=1e-12)
    assert made.groups["class=class1"]["f1"].value == pytest.approx(
        f1_score(target[known, 1], scores[known, 1] >= 0.5), abs=1e-12
    )


def test_soft_references_are_positive_above_one_half() -> None:
    scores = np.array([[0.9], [0.1], [0.5]])
    assert scored(scores, np.array([[0.51], [0.5], [0.2]]))["map"] == 1.0


def test_thresholds_per_class_are_frozen() -> None:
    scores, target = np.array([[0.3, 0.3]]), np.array([[1.0, 1.0]])
    assert scored(scores, target, threshold=[0.2, 0.4])["micro_f1"] == pytest.approx(2 / 3)
    assert "thresholds-per-class" in family(LABELS[:2], threshold=[0.2, 0.4]).metrics["micro_f1"].rule


def test_calibration_by_hand() -> None:
    # Two bins. Scores .2, .4 (mean .3, none present) and .8 (present): (2·.3 + 1·.2) / 3.
    scores, target = np.array([[0.2], [0.4], [0.8]]), np.array([[0.0], [0.0], [1.0]])
    assert scored(scores, target, bins=2)["ece"] == pytest.approx(0.8 / 3)
    outside = score_cell(family(("a",)), scores * 2, target, np.arange(3)).metrics["ece"]
    assert outside.value is None and outside.reason == "the scores of 1 clips lie outside 0…1"


def test_intervals_of_ranks_are_exact(clips: tuple) -> None:
    scores, target = clips
    group, draws = np.arange(80) // 4, Bootstrap(20, 40, "tags")
    found = score_cell(family(LABELS), scores, target, group, [], draws)
    copies = next(draws.weights())[7].astype(int)
    again = np.repeat(np.arange(80), copies[group])
    expected = [average_precision_score(target[again, i], scores[again, i]) for i in range(6) if target[again, i].any()]
    assert found.replicates["map"][7] == pytest.approx(np.mean(expected), abs=1e-12)
    assert found.metrics["map"].interval and found.groups["class=class0"]["ap"].interval


def test_folds_pool_clips_and_average_folds(clips: tuple) -> None:
    scores, target = clips
    halves = [slice(0, 50), slice(50, 80)]
    folds = [
        Fold(scores[h], target[h], np.arange(len(scores[h])), Bootstrap(len(scores[h]), 20, str(h))) for h in halves
    ]
    made = score_folds(family(LABELS), folds)
    each = [average_precision_score(target[h], scores[h]) for h in halves]
    assert made.mean["map"].value == pytest.approx(np.mean(each), abs=1e-12)
    assert made.pooled["map"].value == pytest.approx(average_precision_score(target, scores), abs=1e-12)
    assert made.pooled["map"].interval and made.mean["map"].interval


@pytest.mark.parametrize(
    ("scores", "target", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 1)), "references of shape"),
        (np.array([[np.nan], [0.5]]), np.zeros((2, 1)), "scores of 1 clips are not finite"),
        (np.zeros((2, 1)), np.full((2, 1), 2.0), "references outside 0…1"),
    ],
)
def test_bad_input_is_one_clear_error(scores: np.ndarray, target: np.ndarray, message: str) -> None:
    with pytest.raises(CannotMeasure, match=message):
        family(("a",)).statistics(scores, target)


def test_bad_options_are_one_clear_error() -> None:
    for options in ({"threshold": [0.1, 0.2]}, {"bins": 0}, {"lwlrap_ties": "best"}):
        with pytest.raises(ConfigError):
            family(("a",), **options)


def test_decisions_about_tags_have_no_calibration_and_their_ranks_are_named() -> None:
    target = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    made = family(("dog", "rain"))
    found = score_cell(made, np.array([[1.0, 0], [0, 1], [1, 0], [0, 0]]), target, np.arange(4))
    assert found.metrics["ece"].value is None and found.metrics["ece"].reason.startswith("hard decisions")
    assert found.metrics["map"].note == "of hard decisions: scores are 0 or 1, and ties"
    assert found.metrics["micro_f1"].note is None and found.metrics["micro_f1"].value == pytest.approx(6 / 7)
    assert "reliability" not in found.tables
    soft = score_cell(made, np.array([[0.9, 0], [0, 1], [1, 0], [0, 0]]), target, np.arange(4))
    assert soft.metrics["ece"].value is not None and soft.metrics["map"].note is None


def test_many_classes_are_drawn_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    # Counts are then drawn apart from sums of precisions and losses.
    generator = np.random.default_rng(6)
    target = (generator.random((60, 4)) < 0.3).astype(np.float64)
    scores, boot = generator.random((60, 4)), Bootstrap(60, 100, "many")
    few = score_cell(family("abcd"), scores, target, np.arange(60), [], boot)
    monkeypatch.setattr(cell, "MANY", 1)
    many = score_cell(family("abcd"), scores, target, np.arange(60), [], boot)
    assert few.replicates.keys() == many.replicates.keys()
    for name, draws in few.replicates.items():
        assert many.replicates[name] == pytest.approx(draws, abs=1e-12, nan_ok=True)
    assert few.groups["class=a"] == many.groups["class=a"]
