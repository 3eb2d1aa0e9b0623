"""Trade-offs between models: fronts by hand and by brute force, and what is never compared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import ConfigError
from benchbed.results.pareto import on_front, pareto_front, per_joule, trade_offs
from benchbed.results.record import (
    Cell,
    Condition,
    Counts,
    Provenance,
    RecordedDataset,
    RecordedModel,
    RecordedSuite,
    Result,
    Value,
)


def result(name: str, accuracy: float | None, profile: dict[str, Any], *, processor: str = "p", **changes) -> Result:
    value = Value(value=accuracy, n=10, direction="higher", unit="fraction", rule="r", reason="x")
    return Result(
        suite=RecordedSuite(
            name="s", title="s", version="1", hash=changes.get("suite", "h"), protocol="1", definition={}
        ),
        model=RecordedModel(name=name, family="cnn", adapter="a", adapter_hash="h", output="scene", sample_rate=8000),
        dataset=RecordedDataset(
            name="d",
            layout="folder",
            synthetic=changes.get("synthetic", False),
            index_hash="i",
            labels=["a"],
            clips=10,
            groups=2,
            seconds=10.0,
        ),
        provenance=Provenance(
            created="",
            command="",
            code="",
            versions={},
            machine={"processor": processor},
            seed=0,
            device="cpu",
            batch_size=1,
            threads=1,
            workers=1,
            reuse="missing",
            units=1,
            evaluations=10,
            cpu_seconds=1.0,
        ),
        primary="accuracy",
        profile=profile,
        scores=changes.get("scores", {}),
        cells=[
            Cell(
                key="scene/test/clean",
                task="scene",
                split="test",
                condition=Condition(kind="clean", name="clean"),
                counts=Counts(clips=10, scored=10),
                metrics={"accuracy": value},
            )
        ],
    )


def macs(value: float) -> dict[str, Any]:
    return {"macs": {"value": value, "unit": "MACs", "method": "m"}}


def joules(value: float, method: str, **more) -> dict[str, Any]:
    part = {"method": method, "source": more.pop("source", "rapl"), "device": "cpu"}
    return {"energy": part | {"joules_per_inference": {"value": value, "unit": "J", "method": method}} | more}


def test_front_by_hand():
    runs = [result("a", 0.9, macs(100)), result("b", 0.8, macs(50)), result("c", 0.7, macs(60))]
    (front,) = trade_offs(runs)
    assert (front.score, front.cost, front.cost_unit) == ("accuracy", "macs", "MACs")
    assert [(p.model, p.front, p.dominated_by) for p in front.points] == [
        ("b", True, ()),
        ("c", False, ("b",)),
        ("a", True, ()),
    ]


def test_equal_points_do_not_dominate_each_other():
    assert pareto_front([(0.9, 10), (0.9, 10)]) == [(), ()]
    assert pareto_front([(0.9, 10), (0.9, 9)]) == [(1,), ()]
    assert pareto_front([(1.2, 10), (1.5, 10)], higher=False) == [(), (0,)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_every_dominated_point_is_dominated_by_one_on_the_front(points):
    found = pareto_front(points)
    front = {place for place, by in enumerate(found) if not by}
    assert front
    assert all(front & set(by) for by in found if by)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.booleans())
def test_the_front_without_names_is_the_same(points, higher):
    assert on_front(points, higher=higher) == [not by for by in pareto_front(points, higher=higher)]


def test_trade_offs_without_names_have_the_same_points():
    runs = [result("a", 0.9, macs(100)), result("b", 0.8, macs(50)), result("c", 0.7, macs(60))]
    ((whole,), (short,)) = trade_offs(runs), trade_offs(runs, named=False)
    assert [(p.model, p.score, p.cost, p.front) for p in short.points] == [
        (p.model, p.score, p.cost, p.front) for p in whole.points
    ]
    assert not any(p.dominated_by for p in short.points)


def test_measured_and_estimated_energy_never_share_a_front():
    runs = [
        result("a", 0.9, joules(2.0, "measured")),
        result("b", 0.8, joules(1.0, "measured")),
        result("c", 0.7, joules(0.1, "estimated", source="cpu-time*tdp")),
        result("d", 0.6, joules(0.2, "estimated", source="cpu-time*tdp")),
        result("e", 0.5, joules(0.3, "measured"), processor="another"),
    ]
    fronts = trade_offs(runs)
    assert [{point.model for point in front.points} for front in fronts] == [{"c", "d"}, {"a", "b"}]
    assert "estimated" in fronts[0].method and "measured" in fronts[1].method
    assert fronts[1].left_out["e"].startswith("not on")


def test_ratios_are_compared_against_one_reference():
    def ratio(value: float, reference: str) -> dict[str, Any]:
        return joules(
            1.0,
            "measured",
            ratio_to_reference={"value": value, "unit": "ratio", "method": "m"},
            reference={"model": reference},
        )

    runs = [result("a", 0.9, ratio(2, "x")), result("b", 0.8, ratio(1, "x")), result("c", 0.7, ratio(1, "y"))]
    front = next(front for front in trade_offs(runs) if front.cost == "energy_ratio")
    assert {point.model for point in front.points} == {"a", "b"} and "against x" in front.method


def test_what_has_no_figure_is_left_out_and_named():
    runs = [result("a", 0.9, macs(10)), result("b", 0.8, macs(5)), result("c", 0.7, {}), result("d", None, macs(1))]
    (front,) = trade_offs(runs)
    assert front.left_out == {"c": "no such figure", "d": "no score"}
    assert trade_offs(runs[:1]) == [] and trade_offs([]) == []


def test_other_scores_and_equal_names():
    robust = Value(value=0.5, n=10, direction="higher", unit="fraction", rule="r")
    runs = [result("a", 0.9, macs(10), scores={"robust": robust}), result("a", 0.8, macs(5), scores={"robust": robust})]
    (front,) = trade_offs(runs, "robust")
    assert [(p.model, p.front) for p in front.points] == [("a (2)", True), ("a (1)", False)]
    with pytest.raises(ConfigError, match="no run has the score 'robst'") as caught:
        trade_offs(runs, "robst")
    assert "robust" in caught.value.hint


@pytest.mark.parametrize("change", [{"suite": "other"}, {"synthetic": True}])
def test_runs_of_another_kind_are_refused(change):
    with pytest.raises(ConfigError, match="one suite on the same data"):
        trade_offs([result("a", 0.9, macs(1)), result("b", 0.9, macs(1), **change)])


def test_score_per_joule():
    assert per_joule(result("a", 0.8, joules(0.4, "measured"))) == (2.0, "measured by rapl on cpu")
    assert per_joule(result("a", 0.8, macs(4))) is None
    robust = Value(value=0.5, n=10, direction="higher", unit="fraction", rule="r")
    loss = Value(value=0.5, n=10, direction="lower", unit="nats", rule="r")
    run = result("a", 0.8, joules(0.25, "estimated"), scores={"robust": robust, "loss": loss})
    assert per_joule(run, "robust")[0] == 2.0
    assert per_joule(run, "loss") is None
