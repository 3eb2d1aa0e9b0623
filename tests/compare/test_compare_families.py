"""Means of families against scipy, and rank correlations of kinds of robustness against orders made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from made_records import figure, make_result

from benchbed.compare.families import difference_over_models, families_of, mean_over_models
from benchbed.results.families import FamilyTable
from benchbed.results.record import Result, Value

#: Model → family, clean, unseen, noise.
MODELS = {
    "a": ("cnn", 0.50, 0.40, 0.30),
    "b": ("cnn", 0.60, 0.45, 0.35),
    "c": ("cnn", 0.70, 0.50, 0.20),
    "d": ("transformer", 0.80, 0.70, 0.50),
    "e": ("transformer", 0.85, 0.75, 0.60),
}


def runs() -> list[Result]:
    made = []
    for name, (family, clean, unseen, noise) in MODELS.items():
        one = make_result(name, clean, model__family=family, suite__name="clean")
        one.cells[0].groups["devices=unseen"] = {"macro_accuracy": figure(unseen)}
        one.cells[0].groups["devices=seen"] = {"macro_accuracy": figure(clean)}
        two = make_result(name, clean, model__family=family, suite__name="noise", suite__hash="n", conditions=True)
        for cell in two.cells:  # a run that lacks clips has no say
            cell.complete = True
        two.scores["robustness:group/noise"] = figure(noise)
        made += [one, two]
    return made


@pytest.fixture(scope="module")
def table() -> FamilyTable:
    (found,) = families_of(runs())
    return found


def values(*numbers: float) -> list[Value]:
    return [Value(value=v, n=9, direction="higher", unit="score", rule="r") for v in numbers]


def test_a_mean_over_models_has_student_s_interval() -> None:
    numbers = [0.2, 0.5, 0.9, 1.4]
    found = mean_over_models(values(*numbers))
    low, high = scipy.stats.t.interval(0.95, 3, np.mean(numbers), scipy.stats.sem(numbers))
    assert (found.value, found.low, found.high) == pytest.approx((0.75, low, high))
    alone = mean_over_models(values(0.5))
    assert (alone.value, alone.low) == (0.5, None)
    assert "one model" in alone.reason


def test_a_difference_has_welch_s_interval() -> None:
    a, b = [0.2, 0.5, 0.9, 1.4], [0.1, 0.15, 0.3]
    found = difference_over_models(values(*a), values(*b))
    expected = scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(np.mean(a) - np.mean(b))
    assert difference_over_models(values(0.5), values(0.1, 0.2)) is None
    flat = difference_over_models(values(0.5, 0.5), values(0.1, 0.1))
    assert flat.low is None and "same figure" in flat.reason


def test_fractions_and_costs_stay_where_they_can_be() -> None:
    fractions = [figure(v) for v in (0.02, 0.9)]
    assert (mean_over_models(fractions).low, mean_over_models(fractions).high) == (0, 1)
    costs = [Value(value=v, n=0, direction="lower", unit="MACs", rule="r") for v in (1e6, 9e7)]
    assert mean_over_models(costs).low == 0


def test_families_are_means_over_their_models(table: FamilyTable) -> None:
    assert table.families == {"cnn": ("a", "b", "c"), "transformer": ("d", "e")}
    by_question = {question.answer.question: question for question in table.questions}
    assert by_question["clean"].means["cnn"].value == pytest.approx(0.6)
    assert by_question["noise"].means["transformer"].value == pytest.approx(0.55)
    (unseen,) = by_question["unseen"].differences
    assert (unseen.first, unseen.second) == ("cnn", "transformer")
    assert unseen.value.value == pytest.approx(0.45 - 0.725)
    assert unseen.shown == (unseen.value.high < 0)


def test_correlations_are_over_the_models_that_have_both(table: FamilyTable) -> None:
    found = {(one.first, one.second): one for one in table.agreements}
    assert found["clean", "unseen"].spearman.value == 1
    columns = np.array([row[1:] for row in MODELS.values()])
    expected = scipy.stats.kendalltau(columns[:, 1], columns[:, 2]).statistic
    assert found["unseen", "noise"].kendall.value == pytest.approx(expected)
    assert found["unseen", "noise"].models == 5
    kept = {(one.first, one.second): one for one in table.kept}
    shares = columns[:, 1:] / columns[:, :1]
    expected = scipy.stats.spearmanr(*shares.T).statistic
    assert kept["unseen", "noise"].spearman.value == pytest.approx(expected)
    assert set(kept) == {("unseen", "noise")}


def test_models_that_lack_clips_have_no_say() -> None:
    results = runs()
    results[0].cells[0].complete = False
    (found,) = families_of(results)
    (clean,) = [q for q in found.questions if q.answer.question == "clean"]
    assert "a" not in {name for name, *_ in clean.models} or clean.answer.values[0].value is not None
    assert {one.models for one in found.agreements if one.first == "clean" and one.second == "unseen"} == {4}


def test_one_family_of_two_models_makes_no_page() -> None:
    assert families_of([make_result("a"), make_result("b")]) == []
    assert len(families_of([make_result("a"), make_result("b", model__family="cnn")])) == 1


def test_of_a_suite_of_folds_every_question_takes_part_by_its_mean_over_folds() -> None:
    folds = {
        name: (family, np.array([clean - 0.05, clean + 0.05]), np.array([noise, noise - 0.1]), np.array([unseen] * 2))
        for name, (family, clean, unseen, noise) in MODELS.items()
    }
    results = []
    for name, (family, clean, noise, device) in folds.items():
        one = make_result(name, model__family=family, suite__name="folds", suite__hash="f")
        (cell,) = one.cells
        one.cells[:] = [
            cell.model_copy(
                update={
                    "key": f"scene/{fold}/clean",
                    "split": fold,
                    "metrics": {"macro_accuracy": figure(value)},
                    "groups": {},
                }
            )
            for fold, value in zip(("fold1", "fold2"), clean)
        ]
        one.scores["macro_accuracy"] = figure(clean.mean())
        for fold, heard, elsewhere in zip(("fold1", "fold2"), noise, device):
            one.scores[f"robustness:{fold}:group/noise"] = figure(heard)
            one.scores[f"robustness:{fold}:group/device"] = figure(elsewhere)
        results.append(one)
    (table,) = families_of(results)
    by_question = {question.answer.question: question for question in table.questions}
    assert by_question["noise"].means["cnn"].value == pytest.approx(np.mean([0.25, 0.30, 0.15]))
    kept = {(one.first, one.second): one for one in table.kept}
    shares = [(noise.mean() / clean.mean(), device.mean() / clean.mean()) for _, clean, noise, device in folds.values()]
    expected = scipy.stats.spearmanr(*np.transpose(shares)).statistic
    assert kept["unseen", "noise"].spearman.value == pytest.approx(expected)
    # Of two folds, one that lacks its noise leaves the model without that figure, not with half of it.
    del results[0].scores["robustness:fold2:group/noise"]
    (table,) = families_of(results)
    assert {one.models for one in table.kept if (one.first, one.second) == ("unseen", "noise")} == {4}
