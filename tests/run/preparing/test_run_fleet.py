"""What a campaign takes on several machines: the simulation against sums by hand, and the plan that says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_kinds import toy

import benchbed as bb
from benchbed.errors import CannotMeasure, ConfigError
from benchbed.run.executing.dealing import OVERDUE
from benchbed.run.preparing import fleet, starting, units
from benchbed.run.preparing.fleet import (
    AGAIN,
    SLOW_TIMES,
    PricedUnits,
    Simulated,
    by_condition,
    shards,
    simulate,
    units_of,
)
from benchbed.run.preparing.starting import command_seconds
from benchbed.run.scoring import cells
from benchbed.suite.plan import CellPlan


def cell(condition: int, severity: int | None = None) -> CellPlan:
    return CellPlan(f"scene/test/{condition}@{severity}", "scene", "test", "corruption", "c", severity, condition)


def test_units_take_what_their_condition_takes_and_shards_come_one_after_another():
    made, seconds = units_of([PricedUnits((cell(0),), (4, 2), 0.5), PricedUnits((cell(1, 1), cell(1, 2)), (4, 2), 2.0)])
    assert [(unit.shard, unit.condition, weight) for unit, weight in made] == [
        (0, 0, 4.0),
        (0, 1, 8.0),
        (1, 0, 2.0),
        (1, 1, 4.0),
    ]
    assert sorted(seconds.values()) == [1.0, 2.0, 4.0, 8.0]
    assert list(by_condition([cell(0), cell(1, 1), cell(1, 2)])) == [(cell(0),), (cell(1, 1), cell(1, 2))]
    assert shards(130, 64) == (64, 64, 2)


def test_workers_share_what_there_is_and_start_first():
    made, seconds = units_of([PricedUnits((cell(0),), (10,) * 12, 1.0)])
    for workers in (1, 2, 3, 4, 6, 12):
        assert simulate(made, seconds, workers, start=5.0).wall == pytest.approx(5.0 + 120.0 / workers)
    assert simulate(made, seconds, 50, start=5.0).wall == pytest.approx(15.0), "no unit is cut in two"


def test_a_slow_worker_is_waited_for_no_longer_than_until_a_copy_is_there(monkeypatch):
    made, seconds = units_of([PricedUnits((cell(0),), (100, 100), 1.0)])
    late = simulate(made, seconds, 2, slow=2)
    assert late == Simulated(SLOW_TIMES * 100.0, 0), "not yet overdue"
    monkeypatch.setattr(fleet, "SLOW_TIMES", 10.0)
    # Overdue at three times what was expected, and then as long again as the other needs, not 1000 s.
    late = simulate(made, seconds, 2, slow=2)
    assert late.twice == 1 and OVERDUE * 100.0 + 100.0 <= late.wall <= OVERDUE * 100.0 + 100.0 + 2 * AGAIN


def test_ten_machines_and_ten_thousand_units_are_dealt_evenly():
    kinds = [PricedUnits((cell(number),), shards(230_000, 512), 0.001 * (1 + number % 5)) for number in range(27)]
    made, seconds = units_of(kinds)
    assert len(made) == 27 * 450
    total = sum(seconds.values())
    even, uneven = simulate(made, seconds, 80), simulate(made, seconds, 80, slow=20)
    assert total / 80 <= even.wall < 1.03 * total / 80
    # 76 workers and four of a third of the pace are worth 77 and a third.
    assert total / (76 + 4 / 3) <= uneven.wall < 1.10 * total / (76 + 4 / 3)


@pytest.mark.parametrize("kind", ["scenes", "events", "attacks"])
def test_a_plan_says_what_machines_would_take(tmp_path: Path, kind: str):
    toy(tmp_path / "toy", kind)
    place = tmp_path / "toy"
    asked = {"model": place / "net.py", "data": {"toy": place / "data"}, "isolate": False}
    assert "fleet" not in bb.plan(place / "toy.yaml", **asked)
    plan = bb.plan(place / "toy.yaml", **asked, nodes=1, workers=2, clips=2400, models=3)
    made = plan["fleet"]
    assert (made["nodes"], made["workers"]) == (1, 2)
    shards_, attacked = (2400 + 63) // 64, 1
    assert made["units"] == {"scenes": 2 * shards_, "events": 2 * shards_, "attacks": shards_ + attacked}[kind]
    # As much work as the plan of one worker says, shared by two, begun later, for each of three models.
    rough = 3 if kind == "attacks" else 1.001
    work = plan["parts"]["predictions"] + plan["parts"]["attacks"]
    assert work / rough <= made["unit_seconds"] <= rough * work
    assert made["dealt_seconds"] >= made["start_seconds"] + made["unit_seconds"] / 2
    parts = made["before_seconds"] + made["dealt_seconds"] + made["scoring_seconds"]
    assert made["time_seconds"] == pytest.approx(3 * parts)
    assert 0 < made["efficiency"] <= 1 and "there are 2" in made["stragglers"]["assumed"]


def test_a_whole_cell_is_scored_though_the_probe_heard_few_clips(tmp_path: Path, monkeypatch):
    """Drawing recordings takes as long for few clips as for many: seconds of few would say too much of many."""
    toy(tmp_path / "toy", "scenes")
    place, seen, was = tmp_path / "toy", [], cells.score_one

    def noted(plan, grounds, split, family, primary, predictions, *lost):
        seen.append((plan.kind, len(predictions.table), predictions.table["clip_id"].nunique()))
        return was(plan, grounds, split, family, primary, predictions, *lost)

    monkeypatch.setattr(cells, "score_one", noted)
    monkeypatch.setattr(units, "SHARD_CLIPS", (4, 4))
    asked = {"model": place / "net.py", "data": {"toy": place / "data"}, "isolate": False}
    made = bb.plan(place / "toy.yaml", **asked, nodes=1)["fleet"]
    assert sorted(seen) == [("clean", 24, 24)] * 2 + [("corruption", 24, 24)] * 2
    assert made["units"] == 12 and made["scoring_seconds"] > 0


def test_machines_are_refused_that_nothing_can_be_said_of(tmp_path: Path):
    toy(tmp_path / "toy", "scenes")
    place = tmp_path / "toy"
    asked = {"data": {"toy": place / "data"}, "isolate": False}
    with pytest.raises(ConfigError, match="name a model"):
        bb.plan(place / "toy.yaml", **asked, workers=2)
    with pytest.raises(ConfigError, match="0 machines"):
        bb.plan(place / "toy.yaml", model=place / "net.py", **asked, nodes=0)


def test_a_worker_that_cannot_start_elsewhere_is_said_in_one_line():
    with pytest.raises(CannotMeasure, match="ValueError: no model"):
        starting._child("raise ValueError('no model')", "")


def test_imports_are_part_of_what_comes_before():
    assert 0.3 < command_seconds() < 60
