"""The seven key figures of MARVEL D3.1 as claims, judged on the figures of its own tables."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchbed.compare.claims import OF_RECORDS, judge, read_claims
from benchbed.compare.key_claims import code_lines, guarded_gain
from benchbed.results.record import Value

ROWS = ("kpi-o2-e2-1", "kpi-o2-e3-1", "kpi-o2-e3-2", "kpi-o2-e3-3", "ikpi-3.2", "ikpi-3.3", "kpi-o2-e2-3")


@pytest.fixture(scope="module")
def claims(repository):
    return {one.id: one for one in read_claims(repository / "suites/claims")}


def figure(value, direction="higher", reach=0.0):
    return Value(
        value=value, low=value - reach, high=value + reach, n=9, direction=direction, unit="fraction", rule="r"
    )


def record(name, profile=None, trained_with=(), adapter="x.py", **metrics):
    cell = SimpleNamespace(key="frames/test/clean", metrics=metrics, groups={})
    model = SimpleNamespace(name=name, trained_with=list(trained_with), adapter=adapter)
    return SimpleNamespace(model=model, cells=[cell], scores={}, profile=profile or {})


def judged(claim, *records):
    """The verdict of a claim on records of one board."""
    evidence = OF_RECORDS[claim.test.kind](claim.test, records)
    if evidence is None:
        return "not run", ""
    low, high, models, told = evidence
    assert models >= claim.test.models
    sides = {"low_above": lambda b: low is not None and low > b, "high_below": lambda b: high is not None and high < b}
    for verdict, rule in (("contradicted", claim.test.contradicted), ("supported", claim.test.supported)):
        if all(sides[side](bound) for side, bound in rule.items()):
            return verdict, told
    return "undecided", told


def sed(name, micro, error, macro):
    return record(name, micro_f1=figure(micro), error_rate=figure(error, "lower"), macro_f1=figure(macro))


def test_every_row_is_a_claim_that_waits_for_runs(claims):
    for row in ROWS:
        claim = claims[f"004-{row}"]
        assert claim.source.startswith("004") and claim.needs
        assert [one.verdict for one in judge([claim], [])] == ["not run"]


@pytest.mark.parametrize(
    ("name", "figures", "verdict"),
    [
        ("CRNN-desed", (0.529, 1.34, 0.396), "contradicted"),
        ("CNN6", (0.593, 0.99, 0.465), "contradicted"),
        ("CNN10 at .85", (0.627, 0.60, 0.446), "contradicted"),
        ("one that pays nothing", (0.560, 0.50, 0.300), "supported"),
        ("one that gains little", (0.560, 0.50, 0.260), "contradicted"),
    ],
)
def test_macro_f1_with_its_guards(claims, name, figures, verdict):
    """Table 6: baseline micro F1 .555, error rate .51, macro F1 .253; the error rate breaks each headline."""
    said, told = judged(claims["004-kpi-o2-e3-1"], sed("proposed", *figures), sed("baseline", 0.555, 0.51, 0.253))
    assert said == verdict, (name, told)
    assert ("error_rate loses" in told) == (figures[1] > 0.56)


def test_counting_with_sight_gains_less_than_a_fifth(claims):
    """Tables 8 and 21: MAE 15.04 ± .71 by sight, 14.58 ± .64 by both: 3.06 %."""
    both = record("av_sl_vit", mae=figure(14.58, "lower", 0.64), rmse=figure(14.58, "lower", 0.64))
    alone = record("visual_sl_vit", mae=figure(15.04, "lower", 0.71), rmse=figure(15.04, "lower", 0.71))
    said, told = judged(claims["004-kpi-o2-e2-1"], both, alone)
    assert said == "contradicted" and "+3.1 %" in told
    low, high, _ = guarded_gain({"mae": ((14.58, 0.64, "lower"), (15.04, 0.71, "lower"))}, {})
    assert low < 0 < high and (low + high) / 2 == pytest.approx(0.0306, abs=1e-4)


def test_pruned_memae_gains_an_eightieth(claims):
    """Table 12: 97.8 to 99."""
    said, told = judged(
        claims["004-kpi-o2-e3-2"], record("pruned", auc=figure(0.99)), record("memae", auc=figure(0.978))
    )
    assert said == "contradicted" and "+1.2 %" in told


@pytest.mark.parametrize(("speedup", "verdict"), [(2.5, "supported"), (1.48, "supported"), (1.31, "contradicted")])
def test_a_speed_up_is_no_time_reduction(claims, speedup, verdict):
    """2.5 is 60 %, 1.48 is 32.4 %, 1.31 (AV2) 23.7 % of the 30 % that are asked for."""
    timed = [
        record(name, {"latency": {"batch_1": {"median": {"value": ms}}}})
        for name, ms in (("fast", 100 / speedup), ("slow", 100.0))
    ]
    assert judged(claims["004-kpi-o2-e3-3"], *timed)[0] == verdict


def test_recipes_are_counted_once(claims):
    """The source names eleven; cards name theirs."""
    claim = claims["004-ikpi-3.3"]
    models = [record("a", trained_with=("mixup",)), record("b", trained_with=("mixup", "distillation"))]
    assert judged(claim, *models)[0] == "contradicted"
    said, told = judged(claim, *models, record("c", trained_with=("curriculum",)))
    assert said == "supported" and told == "3 approaches: curriculum, distillation, mixup"


def test_code_is_counted_in_shipped_adapters_alone(claims):
    new, old = record("new", adapter="adapters/mcnn.py"), record("old", adapter="adapters/seldnet.py")
    assert code_lines(new) < code_lines(old) and code_lines(record("x", adapter="/somewhere/mine.py")) is None
    share = 1 - code_lines(new) / code_lines(old)
    assert judged(claims["004-ikpi-3.2"], new, old)[0] == ("supported" if share > 0.2 else "contradicted")
    assert judged(claims["004-ikpi-3.2"], new, record("old", adapter="mine.py"))[0] == "not run"


def test_what_is_not_defined_is_never_run(claims):
    assert judged(claims["004-kpi-o2-e2-3"], record("a"), record("b"))[0] == "not run"
