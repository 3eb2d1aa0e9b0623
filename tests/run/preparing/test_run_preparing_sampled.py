"""What a plan says of attacks: measured on a few of the clips that are attacked, with what that leaves uncertain."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchbed.predictions.store import UnitPredictions
from benchbed.run.attacking.checks import FEWEST, PROBES
from benchbed.run.job.job import Unit
from benchbed.run.preparing import sampled
from benchbed.run.preparing.sampled import BATCH, sample_attacks, spread
from benchbed.suite.plan import CellPlan

#: Seconds of a clip that falls at once, of one that stands, and of the experiments on one clip.
FALLS, STANDS, CHECKED = 0.1, 0.9, 3.0


@dataclass
class World:
    """Clips of even rows are right; of those every other one stands."""

    seconds: float = 0.0
    asked: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def cost(self, row: int) -> float:
        return STANDS if row % 4 == 0 else FALLS

    def compute(self, engine: object, unit: Unit) -> UnitPredictions:
        self.asked.append((unit.number, unit.rows))
        assert all(row % 2 == 0 for row in unit.rows), "a clip that nobody attacks"
        probes = min(PROBES, len(unit.rows)) if unit.number == 0 else 0
        self.seconds += sum(map(self.cost, unit.rows)) + CHECKED * probes
        columns = {"clip_id": [f"c{row}" for row in unit.rows] * 2}
        columns["passes"] = [100 * self.cost(row) for row in unit.rows] * 2
        facts = [{"check": "probes", "n": probes}] if unit.number == 0 else []
        return UnitPredictions("u", ("a", "b"), columns, np.zeros((2, 2)), info={"attack": {"facts": facts}})


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(sampled, "compute", made.compute)
    monkeypatch.setattr(sampled, "attacked_rows_of", lambda engine, unit: [row for row in unit.rows if row % 2 == 0])
    now = SimpleNamespace(perf_counter=lambda: made.seconds, process_time=lambda: made.seconds)
    monkeypatch.setattr(sampled, "time", now)
    return made


def units(clips: int, kind: str = "attack") -> list[Unit]:
    cell = CellPlan("scene/test/fast@l2:20dB", "scene", "test", kind, "fast", None, 1)
    whole = Unit("u", "", "test", 0, 0, clips, (cell,), tuple(range(clips)), 0)
    return [replace(whole, rows=whole.rows[at : at + 32], number=at // 32) for at in range(0, clips, 32)]


@pytest.mark.parametrize("clips", [64, 200, 1000])
def test_a_condition_is_priced_by_clips_that_are_attacked(world: World, clips: int):
    rate = sample_attacks(None, units(clips))["test", 1]
    true = clips / 2 * (FALLS + STANDS) / 2 + CHECKED * PROBES
    assert rate.seconds(clips) == pytest.approx(true, rel=0.2)
    assert abs(rate.seconds(clips) - true) < rate.reach * rate.seconds(clips)
    assert rate.seconds(10 * clips) == pytest.approx(rate.once + 10 * (rate.seconds(clips) - rate.once))
    batches = [rows for number, rows in world.asked if number and len(rows) > FEWEST]
    assert len(batches) == max(1, clips // 100) and {len(rows) for rows in batches} == {BATCH}
    assert sum(map(len, batches)) < clips / 3


def test_experiments_are_made_once_for_each_attack_and_cost_what_its_passes_cost(world: World):
    own = units(64)
    (cell,) = own[0].cells
    same, other = replace(cell, condition=2), replace(cell, condition=3, name="apgd")
    rates = sample_attacks(None, own + [replace(unit, cells=(made,)) for made in (same, other) for unit in own])
    assert len([number for number, _ in world.asked if number == 0]) == 2
    assert [rate.once for rate in rates.values()] == pytest.approx([CHECKED * PROBES] * 3)


def test_of_few_clips_all_are_attacked_and_nothing_is_uncertain(world: World):
    rate = sample_attacks(None, units(16))["test", 1]
    # The experiments of a condition of 16 clips run on two of them.
    assert rate.seconds(16) == pytest.approx(4 * STANDS + 4 * FALLS + CHECKED * FEWEST) and rate.reach == 0


def test_a_model_that_is_never_right_is_not_attacked(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sampled, "attacked_rows_of", lambda engine, unit: [])
    rate = sample_attacks(None, units(64))["test", 1]
    assert rate.seconds(64) == 0 and rate.reach == 0 and not world.asked


def test_a_model_that_is_seldom_right_is_attacked_on_what_there_is(world: World, monkeypatch: pytest.MonkeyPatch):
    right = {0, 4, 400}
    monkeypatch.setattr(sampled, "attacked_rows_of", lambda engine, unit: [row for row in unit.rows if row in right])
    rate = sample_attacks(None, units(1000))["test", 1]
    assert all(rows for _, rows in world.asked) and rate.attacked.evaluations == 3
    assert rate.seconds(1000) == pytest.approx(3 * STANDS + 3 * CHECKED) and rate.reach == 0


def test_what_is_no_attack_is_passed_over(world: World):
    assert sample_attacks(None, units(64, kind="corruption")) == {} and not world.asked


def test_more_clips_leave_less_uncertain():
    few, many = ([0.1, 0.9] * count for count in (4, 16))
    assert 0 < spread(many, 1000) < 0.6 * spread(few, 1000)
    assert spread([1.0], 10) == 0 and spread([], 0) == 0
