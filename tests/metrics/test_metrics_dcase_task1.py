"""DCASE Task 1 limits and rankings against published figures."""

from __future__ import annotations

import pytest

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.dcase_task1 import RULES, compliance, mean_over_splits, rule, weighted_ranks


def test_the_published_baseline_of_2024_complies_in_half_precision_only() -> None:
    # metrics.md §4: 61,148 parameters and 29,419,156 MACs, held in 16 bits.
    half = {f.name: f for f in compliance("dcase2024", parameters=61_148, bits=16, macs=29_419_156)}
    assert (half["memory"].value, half["memory"].status, half["macs"].status) == (122_296, "pass", "pass")
    single = {f.name: f for f in compliance("dcase2024", parameters=61_148, bits=32, macs=29_419_156)}
    assert (single["memory"].value, single["memory"].status) == (244_592, "fail")


def test_the_limit_on_operations_is_about_the_count_of_the_challenges_own_tool() -> None:
    [_, own] = compliance("dcase2025", parameters=1, bits=8, macs=30_170_112, exact=29_880_000)
    assert (own.status, own.value, own.rule) == ("fail", 30_170_112, "dcase2025:macs")
    assert own.message == (
        "30,170,112 of 30,000,000 MACs (for 1 s, counted by torchinfo; 29,880,000 operations; for each device's model)"
    )
    [_, graph] = compliance("dcase2025", parameters=1, bits=8, macs=29_880_000, exact=29_880_000, tool="formulas")
    assert (graph.status, graph.rule) == ("pass", "dcase2025:macs:not-by-the-challenge-tool")
    assert "counted by formulas" in graph.message and "operations" not in graph.message


@pytest.mark.parametrize(("name", "limit"), [("dcase2020b", 512_000), ("dcase2021a", 131_072), ("dcase2023", 128_000)])
def test_kilobytes_changed_their_meaning(name: str, limit: int) -> None:
    over = {"parameters": limit // 4 + 1, "nonzero": limit // 4 + 1, "bits": 32}
    within = {"parameters": limit // 4, "nonzero": limit // 4, "bits": 32}
    assert rule(name).memory_bytes == limit
    assert compliance(name, **over)[0].status == "fail"
    assert compliance(name, **within)[0].status == "pass"


def test_only_the_early_years_leave_zeros_out() -> None:
    sparse = {"parameters": 1_000_000, "nonzero": 30_000, "bits": 32, "macs": 1}
    assert compliance("dcase2021a", **sparse)[0].status == "pass"
    assert compliance("dcase2023", **sparse)[0].status == "fail"
    assert [f.status for f in compliance("dcase2022", **sparse)] == ["fail", "pass"]


def test_2022_limits_the_number_of_parameters_and_says_what_is_still_to_be_quantised() -> None:
    found = compliance("dcase2022", parameters=128_000, bits=32, macs=30_000_000)
    assert [f.status for f in found] == ["pass", "pass"]
    assert "quantisation is still to be done" in found[0].message


def test_2020a_has_no_limits() -> None:
    assert compliance("dcase2020a", parameters=10**9) == []


def test_what_was_not_measured_is_skipped_and_named() -> None:
    memory, macs = compliance("dcase2025", parameters=1000)
    assert (memory.status, memory.message) == ("skipped", "not measured: bit width of the parameters")
    assert (macs.status, macs.message) == ("skipped", "not measured: MACs")
    [_, other] = compliance("dcase2025", parameters=1000, bits=8, macs=10, seconds=10)
    assert other.status == "skipped" and "these are for 10 s" in other.message
    assert compliance("dcase2021a", parameters=1000, bits=8)[0].message == "not measured: number of non-zero parameters"


def test_an_unknown_rule_suggests_the_nearest() -> None:
    with pytest.raises(ConfigError, match="dcase2203") as caught:
        rule("dcase2203")
    assert caught.value.hint.startswith("did you mean 'dcase20")


def test_the_ranking_of_2023_by_hand() -> None:
    # transformers-asc.md §6: ranks (1, 3, 2) give 0.5 + 0.75 + 0.5 = 1.75.
    assert weighted_ranks([0.6, 0.5, 0.4], [120, 90, 100], [10, 29, 5])[0] == 1.75
    assert weighted_ranks([0.6, 0.6], [1, 2], [1, 1]).tolist() == [1.0, 1.25]
    assert weighted_ranks([0.6, 0.6], [1, 2], [1, 1], ties="average").tolist() == [1.375, 1.625]
    with pytest.raises(CannotMeasure):
        weighted_ranks([0.5], [1, 2], [1])


def test_the_ranking_of_2024_is_the_published_mean() -> None:
    splits = {5: 49.21, 10: 52.51, 25: 55.49, 50: 56.20, 100: 58.34}
    assert mean_over_splits(splits) == pytest.approx(54.35)
    del splits[5]
    with pytest.raises(CannotMeasure, match="10, 25, 50, 100"):
        mean_over_splits(splits)


def test_every_doubt_is_stated() -> None:
    for edition in RULES.values():
        assert edition.established == (edition.doubt is None), edition.name
    assert not RULES["dcase2023"].established
