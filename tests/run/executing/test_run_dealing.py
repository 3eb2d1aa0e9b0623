"""Dealing units to workers that come and go, on a clock of the test's own."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchbed.errors import CannotMeasure
from benchbed.run.executing import dealing
from benchbed.run.executing.dealing import Dealer
from benchbed.run.job.job import Unit
from benchbed.suite.plan import CellPlan


def units_of(shards: int, conditions: int, clips: int = 64) -> list[tuple[Unit, float]]:
    """Units and their weights, shard by shard; a condition's number is its name."""
    units = []
    for shard in range(shards):
        for number in range(conditions):
            cells = (CellPlan(f"scene/test/{number}", "scene", "test", "corruption", str(number), 1, number),)
            unit = Unit(f"{shard}-{number}", "", "test", shard, shard * clips, (shard + 1) * clips, cells)
            units.append((unit, float(unit.evaluations)))
    return units


def play(dealer: Dealer, workers: int, seconds, dies=lambda unit, worker: False) -> tuple[float, Counter[str]]:
    """Workers that take and finish until all is done: when, and how often each unit was computed."""
    clock, events, computed, names = 0.0, [], Counter[str](), [f"w{i}" for i in range(workers)]
    idle, busy = list(names), {}
    for _ in range(100_000):
        if not dealer.left:
            return clock, computed
        for worker in list(idle):
            if task := dealer.deal(worker, clock):
                idle.remove(worker)
                busy[worker] = list(task)
                heapq.heappush(events, (clock + seconds(task[0], worker), worker))
        if not events:
            clock += 1.0
            continue
        if events[0][0] > clock + 1.0:  # time goes by in steps, so that what is overdue is seen
            clock += 1.0
            continue
        clock, worker = heapq.heappop(events)
        unit = busy[worker].pop(0)
        if dies(unit, worker):
            dealer.lost(worker)
            busy.pop(worker)
            idle.append(f"{worker}'")
            continue
        computed[unit.id] += 1
        dealer.finished(worker, unit, seconds(unit, worker))
        if busy[worker]:
            heapq.heappush(events, (clock + seconds(busy[worker][0], worker), worker))
        else:
            idle.append(worker)
    raise AssertionError("it never ends")


@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 6), st.integers(0, 2**31))
def test_every_unit_is_computed_whatever_dies_and_when(shards, conditions, workers, seed):
    import random

    fate, died = random.Random(seed), Counter[str]()

    def dies(unit: Unit, worker: str) -> bool:
        dead = fate.random() < 0.3 and died[unit.id] < dealing.MOST_LOST - 1
        died[unit.id] += dead
        return dead

    units = units_of(shards, conditions)
    _, computed = play(Dealer(units, workers), workers, lambda unit, worker: 1.0, dies)
    assert set(computed) == {unit.id for unit, _ in units}


def test_the_first_unit_of_a_condition_is_a_probe_and_sizes_what_follows():
    dealer = Dealer(units_of(400, 4), 2)
    first = dealer.deal("a", 0.0)
    assert len(first) == 1
    dealer.finished("a", first[0], 2.0)
    # Another condition is not known yet: again one unit. The same one fills twenty seconds, of one shard.
    second = dealer.deal("a", 2.0)
    assert len(second) == 1 and second[0].shard == first[0].shard and second[0].cells != first[0].cells
    for unit in [second[0], *dealer.deal("b", 2.0)]:
        dealer.finished("a", unit, 2.0)
    for _ in range(4):
        for unit in dealer.deal("a", 4.0):
            dealer.finished("a", unit, 2.0)
    task = dealer.deal("a", 20.0)
    assert len(task) > 1 and len({unit.shard for unit in task}) == 1


def test_tasks_shrink_towards_the_end_so_that_workers_finish_together():
    wall, computed = play(Dealer(units_of(30, 10), 3), 3, lambda unit, worker: 1.0)
    assert wall <= 300 / 3 * 1.05 and max(computed.values()) == 1


def test_a_straggler_is_overtaken_by_a_copy():
    slow = lambda unit, worker: 500.0 if worker == "w0" else 1.0  # noqa: E731
    wall, computed = play(Dealer(units_of(3, 10), 3), 3, slow)
    assert wall < 60 and max(computed.values()) <= 2


def test_what_takes_workers_with_it_is_an_error_that_names_it_and_its_neighbours_are_not_blamed():
    dealer = Dealer(units_of(1, 1), 1)
    with pytest.raises(CannotMeasure, match="3 workers died over the same 64 predictions") as raised:
        play(dealer, 1, lambda unit, worker: 1.0, lambda unit, worker: True)
    assert "scene/test/0" in str(raised.value) and "--worker-memory" in str(raised.value)
    # A node that goes takes its workers along, and nobody is to blame.
    dealer = Dealer(units_of(1, 1), 1)
    for number in range(10):
        assert dealer.deal(f"w{number}", 0.0)
        assert len(dealer.lost(f"w{number}", blamed=False)) == 1


def test_a_copy_that_comes_second_is_no_second_answer():
    (unit, weight), *_ = units_of(1, 1)
    dealer = Dealer([(unit, weight), (replace(unit, id="other"), weight)], 2)
    first = dealer.deal("a", 0.0)
    rest = dealer.deal("b", 0.0)
    assert dealer.finished("b", rest[0], 1.0)
    assert not dealer.deal("b", 5.0)  # nothing is overdue yet
    copy = dealer.deal("b", 1000.0)
    assert copy == first
    assert dealer.finished("b", copy[0], 1.0) and not dealer.finished("a", first[0], 1000.0)
    assert dealer.left == 0
