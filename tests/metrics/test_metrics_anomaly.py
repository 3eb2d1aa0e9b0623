"""Anomaly scores: areas beside scikit-learn's, means of each year, ties, zeros and sections with one state."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from benchbed.errors import ConfigError, DataError
from benchbed.metrics.cell import score_cell
from benchbed.metrics.families.anomaly import family
from benchbed.outputs.anomaly.monitored import MonitoredClip

SECTIONS = ("fan section_00", "fan section_01", "valve section_00")


def made(seed: int, count: int = 240, coarse: bool = True):
    """Scores with ties and decisions `[clip, 2]`, and references of three sections and two domains."""
    draw = np.random.default_rng(seed)
    target = np.empty(count, object)
    target[:] = [
        MonitoredClip(SECTIONS[i % 3], ("source", "target")[i // 3 % 2], bool(draw.integers(0, 2)))
        for i in range(count)
    ]
    scores = draw.normal(size=count) + np.array([0.8 * one.anomalous for one in target])
    scores = scores.round(1) if coarse else scores
    return np.column_stack([scores, scores > 0.6]).astype(float), target


def figures(scores, target, **options):
    metrics = family(SECTIONS, **options)
    sums = metrics.statistics(scores, target).sum(axis=0)
    values = metrics.values(sums)
    ranked, each = metrics.sample(scores, target, np.arange(len(target)), len(target)).scores(np.ones((1, len(target))))
    values |= {name: value[0] for name, value in ranked.items()}
    return values, metrics.per_class(sums) | {name: value[0] for name, value in each.items()}


def official(scores, target, year):
    """Areas and figures of decisions of every section and domain, and the means, with scikit-learn and SciPy.

    The steps of the evaluators of the challenge (y-kawagu/dcase2021_task2_evaluator at 1787468,
    Kota-Dohi/dcase2022_evaluator at de8719b, nttcslab/dcase2023_task2_evaluator at 3aa8a9f and
    dcase2024_task2_evaluator at b5d17f6), written anew. Run on their public ground truths with made-up scores, they and
    `benchbed score` agree in all figures that they print.
    """
    areas, partial, decided = [], [], {"precision": [], "recall": [], "f1": []}
    wrong = np.array([one.anomalous for one in target])
    for section in SECTIONS:
        mine = np.array([one.section == section for one in target])
        if year != 2021:
            pauc = roc_auc_score(wrong[mine], scores[mine, 0], max_fpr=0.1)
        for domain in ("source", "target"):
            own = np.array([one.domain == domain for one in target])
            rows = mine & (own if year == 2021 else own | wrong)
            areas.append(roc_auc_score(wrong[rows], scores[rows, 0]))
            partial.append(roc_auc_score(wrong[rows], scores[rows, 0], max_fpr=0.1) if year == 2021 else pauc)
            truth, said = wrong[mine & own], scores[mine & own, 1]
            for name, function in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
                decided[name].append(function(truth, said, zero_division=0))

    def mean(values):
        return scipy.stats.hmean(np.maximum(values, np.finfo(float).eps))

    # From 2022 on each section has one partial area.
    entering = [*areas, *(partial if year == 2021 else partial[::2])]
    return {"auc": mean(areas), "pauc": mean(partial), "score": mean(entering)} | {
        name: mean(values) for name, values in decided.items()
    }


@pytest.mark.parametrize("year", [2021, 2022, 2023, 2024])
@pytest.mark.parametrize("seed", [0, 1])
def test_figures_are_those_of_the_evaluators(year, seed):
    scores, target = made(seed)
    expected = official(scores, target, year)
    values, _ = figures(scores, target, year=year)
    assert {name: values[name] for name in expected} == pytest.approx(expected, abs=1e-12)


def test_the_rule_of_2020_is_an_arithmetic_mean_over_ids():
    scores, target = made(3)
    values, each = figures(scores, target, year=2020)
    wrong, section = np.array([one.anomalous for one in target]), np.array([one.section for one in target])
    areas = [roc_auc_score(wrong[section == s], scores[section == s, 0]) for s in SECTIONS]
    partial = [roc_auc_score(wrong[section == s], scores[section == s, 0], max_fpr=0.1) for s in SECTIONS]
    assert each["section_auc"] == pytest.approx(areas, abs=1e-12)
    assert values["auc"] == pytest.approx(np.mean(areas), abs=1e-12)
    assert values["score"] == pytest.approx(np.mean([*areas, *partial]), abs=1e-12)


def test_the_scale_of_a_section_plays_no_part():
    scores, target = made(4, coarse=False)
    moved = scores.copy()
    moved[:, 0] = np.exp(scores[:, 0]) + 1000 * np.array([SECTIONS.index(one.section) for one in target])
    for name, value in figures(scores, target)[0].items():
        assert figures(moved, target)[0][name] == pytest.approx(value, abs=1e-12), name


def test_equal_scores_are_chance_in_both_areas():
    scores, target = made(5)
    scores[:, 0] = 3.0
    values, _ = figures(scores, target)
    assert values["auc"] == values["pauc"] == values["score"] == pytest.approx(0.5, abs=1e-12)


def test_a_section_with_one_state_leaves_means_undefined_or_is_left_out():
    scores, target = made(6)
    for row, one in enumerate(target):
        if one.section == SECTIONS[1]:
            target[row] = MonitoredClip(one.section, one.domain, False)
    group = np.arange(len(target))
    strict = score_cell(family(SECTIONS), scores, target, group)
    assert strict.metrics["score"].value is None and "fan section_01 (source) has no anomaly" in (
        strict.metrics["score"].reason or ""
    )
    assert strict.groups["class=valve section_00"]["section_auc"].value is not None
    lenient = score_cell(family(SECTIONS, one_class="leave_out"), scores, target, group)
    others = np.array([one.section != SECTIONS[1] for one in target])
    alone = score_cell(family(SECTIONS), scores[others], target[others], group[: others.sum()])
    # A section without any clip is in no mean.
    assert lenient.metrics["score"].value == pytest.approx(alone.metrics["score"].value, abs=1e-12)
    assert "fan section_01" in (lenient.metrics["auc"].note or "")
    assert "leave-out" in family(SECTIONS, one_class="leave_out").metrics["auc"].rule


def test_answers_without_decisions_have_areas_alone():
    scores, target = made(7)
    scores[:, 1] = np.nan
    found = score_cell(family(SECTIONS), scores, target, np.arange(len(target)))
    assert found.metrics["auc"].value is not None and found.metrics["f1"].value is None
    assert "no decisions" in (found.metrics["f1"].reason or "")
    scores[:5, 1] = 1.0
    some = score_cell(family(SECTIONS), scores, target, np.arange(len(target)))
    assert "235 of 240 clips have no decision" in (some.metrics["recall"].reason or "")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"year": 2019}, "no rule of 2019"), ({"mean": "harmonical"}, "harmonic"), ({"one_class": "skip"}, "one_class")]
    + [({"max_fpr": 0.0}, "max_fpr=0"), ({"max_fpr": math.nan}, "max_fpr=nan")],
)
def test_unknown_rules_are_refused(options, said):
    with pytest.raises(ConfigError) as caught:
        family(SECTIONS, **options)
    assert said in str(caught.value)


def test_a_clip_of_no_section_or_domain_is_refused():
    target = np.empty(1, object)
    target[0] = MonitoredClip("fan section_0", "source", True)
    with pytest.raises(DataError, match="no section 'fan section_0'"):
        family(SECTIONS).statistics(np.zeros((1, 2)), target)
    target[0] = MonitoredClip(SECTIONS[0], "", True)
    with pytest.raises(DataError, match="has no domain"):
        family(SECTIONS).statistics(np.zeros((1, 2)), target)
