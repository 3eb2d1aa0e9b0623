"""Placing units on workers and machines: every unit once, evenly, whatever the number."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import ConfigError
from benchbed.run.executing.placing import RunPart, tasks_of
from benchbed.run.job.job import Unit
from benchbed.suite.conditions import CleanCondition
from benchbed.suite.plan import CellPlan

JOB = SimpleNamespace(conditions=[CleanCondition()])


def units_of(shards: int, conditions: int, clips: int = 64) -> list[Unit]:
    """Units of some shards of one split, the last shard half as large."""
    cells = (CellPlan("scene/test/clean", "scene", "test", "clean", "clean", None, 0),)
    units = [
        Unit(f"{shard}-{number}", "", "test", shard, shard * clips, (shard + 1) * clips, cells)
        for shard in range(shards)
        for number in range(conditions)
    ]
    return [replace(one, stop=one.start + clips // 2) if one.shard == shards - 1 else one for one in units]


def test_one_shard_of_many_conditions_keeps_every_worker_busy():
    """A table of fewer clips than a shard has been one task: a second worker had nothing to do."""
    tasks = tasks_of(JOB, units_of(1, 51), 2)
    assert len(tasks) >= 24 and max(map(len, tasks)) <= 3
    assert all(len({unit.shard for unit in task}) == 1 for task in tasks)


def test_many_shards_are_handed_out_whole_so_that_clips_are_decoded_once():
    tasks = tasks_of(JOB, units_of(300, 5), 2)
    assert len(tasks) == 300 and {len(task) for task in tasks} == {5}


@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 9))
def test_parts_of_a_run_are_every_unit_once_and_even(shards, conditions, count):
    units = units_of(shards, conditions)
    parts = [RunPart(number, count).of_units(JOB, units) for number in range(1, count + 1)]
    assert sorted(unit.id for part in parts for unit in part) == sorted(unit.id for unit in units)
    loads = [sum(unit.evaluations for unit in part) for part in parts]
    heaviest = max(sum(unit.evaluations for unit in task) for task in tasks_of(JOB, units, count))
    assert max(loads) - min(loads) <= heaviest
    # The same wherever it is asked.
    assert parts == [RunPart(number, count).of_units(JOB, list(units)) for number in range(1, count + 1)]


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "-1/4", "1/0", "a/b", "1/2/3", "1.5/2"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(ConfigError, match="--shard"):
        RunPart.parse(text)
