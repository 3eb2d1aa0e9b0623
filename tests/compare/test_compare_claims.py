"""Claims about models by name: the difference of two figures decides, by the intervals that records state."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbed.compare.claims import OF_RECORDS, ClaimTest, judge, read_claims
from benchbed.results.record import Value


def value(number: float | None, reach: float | None = 0.03) -> Value:
    ends = {} if number is None or reach is None else {"low": number - reach, "high": number + reach}
    return Value(value=number, n=100, direction="higher", unit="fraction", rule="accuracy", title="Accuracy", **ends)


def record(name: str, number: float | None, reach: float | None = 0.03, group: float = 0.5) -> SimpleNamespace:
    """What a test of models reads of a record."""
    cell = SimpleNamespace(
        key="scene/test/clean",
        metrics={"accuracy": value(number, reach)},
        groups={"devices=unseen": {"accuracy": value(group)}},
    )
    return SimpleNamespace(model=SimpleNamespace(name=name), cells=[cell], scores={"robustness:mean": value(0.4)})


def asked(one: str, other: str, figure: str = "clean/accuracy") -> ClaimTest:
    return ClaimTest(
        kind="models",
        one=one,
        other=other,
        figure=figure,
        supported={"low_above": 0.0},
        contradicted={"high_below": 0.0},
    )


def test_independent_intervals_add_in_squares():
    low, high, models, told = OF_RECORDS["models"](
        asked("big*", "small*"), [record("big", 0.8, 0.03), record("small", 0.7, 0.04)]
    )
    # By hand: 0.1 ± √(0.03² + 0.04²) = 0.1 ± 0.05.
    assert (low, high, models) == (pytest.approx(0.05), pytest.approx(0.15), 2)
    assert "big* − small* = +0.100 ± 0.050" in told


def test_several_models_of_a_side_are_their_mean():
    runs = [record("a1", 0.8), record("a2", 0.6), record("b1", 0.5)]
    low, high, models, _ = OF_RECORDS["models"](asked("a*", "b*"), runs)
    reach = (2 * (0.03 / 2) ** 2 + 0.03**2) ** 0.5
    assert (low, high, models) == (pytest.approx(0.2 - reach), pytest.approx(0.2 + reach), 3)


def test_groups_scores_and_patterns_of_metrics_are_found():
    runs = [record("a", 0.8, group=0.6), record("b", 0.8, group=0.4)]
    assert OF_RECORDS["models"](asked("a", "b", "clean/devices=unseen/accuracy"), runs)[0] > 0.1
    assert OF_RECORDS["models"](asked("a", "b", "robustness:mean"), runs)[:2] == (
        pytest.approx(-(2**0.5) * 0.03),
        pytest.approx(2**0.5 * 0.03),
    )
    assert OF_RECORDS["models"](asked("a", "b", "clean/acc*"), runs) is not None
    assert OF_RECORDS["models"](asked("a", "b", "noise/accuracy"), runs) is None


def test_without_a_side_it_is_not_run_and_without_an_interval_undecided():
    assert OF_RECORDS["models"](asked("a", "c"), [record("a", 0.8), record("b", 0.7)]) is None
    assert OF_RECORDS["models"](asked("a", "b"), [record("a", None), record("b", 0.7)]) is None
    low, high, _, told = OF_RECORDS["models"](asked("a", "b"), [record("a", 0.8, None), record("b", 0.7)])
    assert (low, high) == (None, None) and "without an interval" in told


def test_every_shipped_claim_names_a_figure_or_kind_that_can_be(repository):
    claims = read_claims(repository / "suites" / "claims")
    assert len({claim.id for claim in claims}) == len(claims) > 80
    for claim in claims:
        assert claim.text.endswith(".") and claim.needs and claim.where
        assert (claim.test.kind in ("models", "costs", "gain")) == bool(claim.test.figure)
        assert bool(claim.test.other) or claim.test.kind in ("costs", "width", "recipes", "undefined")
        alone = claim.test.kind in ("within", "width") or not claim.test.other
        assert claim.test.models == 1 if alone else claim.test.models >= 2
        assert set(claim.test.supported.values()) and claim.test.supported != claim.test.contradicted
    assert {claim.source[:3] for claim in claims} == {"000", "001", "002", "003", "004"}
    assert {one.verdict for one in judge(claims, [])} == {"not run"}


def test_two_figures_of_one_model_are_held_against_each_other():
    asked_within = ClaimTest(
        kind="within",
        one="clean/devices=unseen/accuracy",
        other="clean/accuracy",
        model="a*",
        supported={"high_below": 0.0},
        contradicted={"low_above": 0.0},
    )
    runs = [record("a1", 0.8, 0.03, group=0.5), record("a2", 0.7, 0.04, group=0.6), record("b", 0.1)]
    low, high, models, told = OF_RECORDS["within"](asked_within, runs)
    # By hand: (−0.3 − 0.1) / 2 ± √(0.03² + 0.03² + 0.04² + 0.03²) / 2.
    reach = (0.03**2 * 3 + 0.04**2) ** 0.5 / 2
    assert (low, high, models) == (pytest.approx(-0.2 - reach), pytest.approx(-0.2 + reach), 2)
    assert "over 2 models" in told
    assert OF_RECORDS["within"](asked_within, [record("b", 0.1)]) is None
    assert OF_RECORDS["within"](asked_within, [record("a", 0.5, None)])[:2] == (None, None)


def test_the_width_of_an_interval_and_the_ratio_of_costs():
    wide = ClaimTest(
        kind="width", one="clean/accuracy", supported={"low_above": 0.05}, contradicted={"high_below": 0.0}
    )
    assert OF_RECORDS["width"](wide, [record("a", 0.8, 0.03), record("b", 0.8, 0.04)])[:3] == (
        pytest.approx(0.06),
        pytest.approx(0.08),
        2,
    )
    assert OF_RECORDS["width"](wide, [record("a", 0.8, None)]) is None
    runs = [record("big", 0.8), record("small", 0.7), record("tiny", 0.7)]
    for run, macs in zip(runs, (30.0, 10.0, 5.0)):
        run.profile = {"macs": {"value": macs}, "latency": {"batch_1": {"median": {"value": macs / 10}}}}
    ratio = ClaimTest(
        kind="costs", one="big", other="*n*", figure="macs", supported={"low_above": 2}, contradicted={"high_below": 1}
    )
    assert OF_RECORDS["costs"](ratio, runs[:1]) is None
    ratio = ratio.model_copy(update={"other": "[st]*"})
    assert OF_RECORDS["costs"](ratio, runs)[:3] == (pytest.approx(3.0), pytest.approx(6.0), 3)
    alone = ratio.model_copy(update={"other": "", "figure": "latency.batch_1.median"})
    assert OF_RECORDS["costs"](alone, runs)[:2] == (pytest.approx(3.0), pytest.approx(3.0))
    runs[0].profile = {"macs": {"value": None, "reason": "unseen"}}
    assert OF_RECORDS["costs"](alone, runs) is None


def test_what_is_disputed_in_a_source_is_marked(repository):
    claims = {claim.id: claim for claim in read_claims(repository / "suites" / "claims")}
    disputed = claims["000-device-augmentation-helps-unseen-devices"].disputed
    assert "cannot both hold" in disputed
