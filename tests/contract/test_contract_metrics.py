"""What every registered metric family must fulfil, whoever adds it."""

from __future__ import annotations

import numpy as np
import pytest

from benchbed.metrics import FAMILIES
from benchbed.metrics.cell import score_cell
from benchbed.metrics.contract import Family
from benchbed.stats.bootstrap import Bootstrap


@pytest.fixture(params=FAMILIES.names())
def case(request: pytest.FixtureRequest) -> tuple[Family, np.ndarray, np.ndarray]:
    return FAMILIES.get(request.param).example(np.random.default_rng(0), 40)


def test_every_metric_says_what_it_means(case: tuple) -> None:
    family = case[0]
    assert family.primary in family.metrics
    for name, info in {**family.metrics, **family.class_metrics}.items():
        assert info.title and info.unit and info.direction in ("higher", "lower"), name
    for named in (family.metrics, family.class_metrics):
        titles = [info.title for info in named.values()]
        assert len(set(titles)) == len(titles), "two columns of one table would be called the same"
        assert info.rule and " " not in info.rule, name
        if info.low is not None and info.high is not None:
            assert info.low < info.high, name
            assert info.chance is None or info.low <= info.chance <= info.high, name


def test_values_match_their_meanings_and_stay_in_range(case: tuple) -> None:
    family, scores, target = case
    sums = family.statistics(scores, target).sum(axis=0)
    values, reasons = family.values(sums), family.reasons(sums)
    assert set(values) == set(family.metrics)
    ranked = sampled(family, scores, target, np.ones((1, 40)))[0]
    assert {*ranked} == family.ranked & {*family.metrics}
    assert all(np.isnan(values[name]) for name in ranked)
    for name, value in {**values, **{name: value[0] for name, value in ranked.items()}}.items():
        info = family.metrics[name]
        if np.isnan(value) and reasons.get(name):
            assert name != family.primary
            continue  # it needs what is not here, and says so
        assert np.ndim(value) == 0 and np.isfinite(value), name
        assert info.low is None or value >= info.low - 1e-9, name
        assert info.high is None or value <= info.high + 1e-9, name


def sampled(family: Family, scores: np.ndarray, target: np.ndarray, weights: np.ndarray) -> tuple[dict, dict]:
    sample = family.sample(scores, target, np.arange(len(scores)), len(scores))
    assert (sample is not None) == bool(family.ranked)
    return sample.scores(weights) if sample else ({}, {})


def test_a_weight_counts_a_clip_so_many_times(case: tuple) -> None:
    family, scores, target = case
    copies = np.random.default_rng(1).integers(0, 3, 40)
    repeated = np.repeat(np.arange(40), copies)
    drawn = sampled(family, scores, target, np.array([np.ones(40, int), copies]))
    alone = sampled(family, scores[repeated], target[repeated], np.ones((1, len(repeated))))
    for weighted, plain in zip(drawn, alone):
        for name in weighted:
            np.testing.assert_allclose(weighted[name][1], plain[name][0], rtol=1e-9, err_msg=name)


def test_statistics_are_additive(case: tuple) -> None:
    family, scores, target = case
    rows = family.statistics(scores, target)
    assert rows.dtype == np.float64 and len(rows) == 40 and np.isfinite(rows).all()
    halves = family.statistics(scores[:17], target[:17]).sum(axis=0) + family.statistics(scores[17:], target[17:]).sum(
        axis=0
    )
    np.testing.assert_allclose(halves, rows.sum(axis=0), rtol=1e-9, atol=1e-9)
    group = np.arange(40) % 7
    grouped = family.grouped(scores, target, group, 8)
    np.testing.assert_allclose(grouped, Family.grouped(family, scores, target, group, 8), rtol=1e-9, atol=1e-9)
    assert not grouped[7].any()


def test_values_are_vectorised_over_leading_axes(case: tuple) -> None:
    family, scores, target = case
    rows = family.grouped(scores, target, np.arange(40) % 6, 6).reshape(2, 3, -1)
    for method in (family.values, family.per_class):
        together = method(rows)
        alone = method(rows[1, 2])
        for name in together:
            np.testing.assert_allclose(together[name][1, 2], alone[name], rtol=1e-9, err_msg=name)


def test_no_clips_are_undefined_with_a_reason(case: tuple) -> None:
    family, scores, target = case
    nothing = np.zeros(family.statistics(scores[:1], target[:1]).shape[1])
    reasons = family.reasons(nothing)
    for name, value in family.values(nothing).items():
        assert np.isnan(value) and reasons[name], name


def test_the_cell_engine_scores_it(case: tuple) -> None:
    family, scores, target = case
    found = score_cell(family, scores, target, np.arange(40) // 2, [], Bootstrap(20, 100))
    assert set(found.metrics) == set(family.metrics)
    assert all(number.interval or number.reason for number in found.metrics.values())
    assert {name for name in found.groups if name.startswith("class=")} == {f"class={c}" for c in family.labels}
