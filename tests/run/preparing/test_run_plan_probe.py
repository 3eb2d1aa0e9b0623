"""What a probe measures: every condition, on few clips first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from benchbed.predictions.store import UnitPredictions
from benchbed.run.job.job import Unit
from benchbed.run.preparing import probing
from benchbed.run.preparing.probing import CLIPS, Rate, probe
from benchbed.suite.plan import CellPlan


@dataclass
class Clocks:
    """Time that passes when units are computed."""

    cpu: float = 0.0


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Condition and clips of each computed unit; a clip takes ten times as many seconds as the condition's number."""
    seen: list[tuple[int, int]] = []
    clocks = Clocks()

    def compute(engine: object, unit: Unit) -> UnitPredictions:
        clips = unit.stop - unit.start
        seen.append((unit.condition, clips))
        clocks.cpu += 0.01 * unit.condition * clips
        columns = {"clip_id": [str(clip) for clip in range(clips)], "cell": ["c"] * clips}
        return UnitPredictions(unit.id, ("a", "b"), columns, np.zeros((clips, 2)))

    monkeypatch.setattr(probing, "compute", compute)
    now = SimpleNamespace(perf_counter=lambda: clocks.cpu, process_time=lambda: clocks.cpu)
    monkeypatch.setattr(probing, "time", now)
    return seen


def unit(condition: int, clips: int) -> Unit:
    cell = CellPlan(f"scene/test/{condition}", "scene", "test", "corruption", "gain", 1, condition)
    return Unit(f"u{condition}", "", "test", 0, 0, clips, (cell,))


def test_every_condition_is_tried_before_any_is_tried_on_more(asked: list[tuple[int, int]]):
    made = probe(None, [unit(number, 64) for number in (1, 2, 5)], 1.0)
    assert asked[:4] == [(1, 1), (1, CLIPS[0]), (2, CLIPS[0]), (5, CLIPS[0])]
    assert {number: rate.each() for number, rate in made.conditions.items()} == pytest.approx(
        {1: 0.01, 2: 0.02, 5: 0.05}
    )
    # 0.32 s in the first round; the second one ends with the condition that goes beyond the second.
    assert asked[4:] == [(1, CLIPS[1]), (2, CLIPS[1]), (5, CLIPS[1])]
    assert [len(answers) for _, answers in made.answers] == [CLIPS[1]] * 3
    assert made.whole.evaluations == 3 * (CLIPS[0] + CLIPS[1]) and made.written.evaluations == 3


def test_a_condition_that_takes_minutes_ends_the_first_round(asked: list[tuple[int, int]]):
    made = probe(None, [unit(1, 64), replace(unit(1000, 64), id="slow"), unit(2, 64)], 1.0)
    assert sorted(made.conditions) == [1, 1000]


def test_few_clips_are_computed_once(asked: list[tuple[int, int]]):
    probe(None, [unit(1, 3)], 1.0)
    assert asked == [(1, 1), (1, 3)]
    assert probe(None, [], 1.0).answers == [] and Rate().each() == 0.0
