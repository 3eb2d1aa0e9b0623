"""Turns of models: units lie in the suite's order, a leader stops at half of the room, others where they are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchbed.keptaudio import KeptSound
from benchbed.run.computing.passed import PassedAudio, opened_room
from benchbed.run.executing.turns import Turn, Turns, Waiting, place_of
from benchbed.run.job.job import Unit
from benchbed.run.preparing import units
from benchbed.suite.model import Suite
from benchbed.suite.plan import CellPlan, plan_cells


def unit(split: str, shard: int, condition: int, kind: str = "corruption", number: int = 0) -> Unit:
    cell = CellPlan(f"scene/{split}/c{condition}", "scene", split, kind, f"c{condition}", 1, condition)
    return Unit(f"{split}-{shard}-{condition}-{number}", "", split, shard, 0, 1, (cell,), number=number)


def test_places_have_the_order_in_which_a_run_is_cut(toy_job, toy_table, monkeypatch):
    monkeypatch.setattr(units, "SHARD_CLIPS", (2, 2))
    conditions = ["clean", {"corruption": "hum"}, {"attack": "pgd", "budgets": [40]}, {"corruption": "gain"}]
    job = toy_job(conditions=conditions)
    tables = {"test": toy_table, "b": toy_table}
    job = replace(job, clips=tables, pools=tables, opened=True)
    data = {"layout": "folder", "splits": list(tables)}
    suite = Suite(name="s", version="1", task="scene", data=data, conditions=conditions)
    cut = units.cut(job, plan_cells(suite), {"test": 3.0, "b": 3.0}, {}, {"test": {}, "b": {}})
    places = [place_of(job, one) for one in cut]
    assert len(cut) > 12 and places == sorted(places) and len(set(places)) == len(places)


@pytest.fixture
def room():
    with opened_room(400) as folder:
        yield folder


def put(folder, name: str, samples: int) -> None:
    PassedAudio(folder).put(name, [KeptSound(np.ones((1, samples), np.float32), {})])


def test_who_leads_goes_on_until_half_of_the_room_is_taken(toy_job, room):
    asked: list[Waiting] = []
    turns = Turns(toy_job(passed=room), lambda waiting: asked.append(waiting) or Turn(None))
    assert not turns.may([unit("test", 0, 0)])
    turns.wait([unit("test", 0, 0)])
    assert asked == [Waiting((0, False, 0, 0))]
    put(room, "a", 50)
    assert turns.may([unit("test", 0, 1)]), "half is left"
    put(room, "b", 1)
    assert not turns.may([unit("test", 0, 2)])


def test_who_follows_stops_where_the_first_one_stands(toy_job, room):
    answers = [Turn((0, False, 1, 2)), Turn((0, False, 0, 9)), Turn((0, True, 5, 0))]
    asked: list[Waiting] = []
    turns = Turns(toy_job(passed=room), lambda waiting: asked.append(waiting) or answers.pop(0))
    turns.wait([unit("test", 0, 3)])
    put(room, "a", 100)  # what room there is does not matter to it
    assert turns.may([unit("test", 1, 1)]) and turns.may([unit("test", 0, 7)])
    assert not turns.may([unit("test", 1, 2)]) and not turns.may([unit("test", 0, 0, "attack")])
    turns.wait([unit("test", 1, 2)])  # the second answer is not enough, and it asks once more
    assert [one.place_waited_for for one in asked] == [(0, False, 0, 3), (0, False, 1, 2), (0, False, 1, 2)]
    assert turns.may([unit("test", 0, 4, "attack", 99)]) and not turns.may([unit("test", 0, 5, "attack")])
