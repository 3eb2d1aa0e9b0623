"""Threads that make perturbed clips before the model gets to them: they change nothing but when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from benchbed.perturb.corruptions import mp3, opus, white_noise
from benchbed.predictions.store import read_header, read_units
from benchbed.run.computing import perturbed
from benchbed.run.computing.ahead import made_ahead, spare_cores
from benchbed.run.executing.local import execute
from benchbed.run.job.job import Unit
from benchbed.suite.plan import CellPlan

CONDITIONS = [{"corruption": "mp3", "parameters": [64, 32]}, {"corruption": "opus"}, {"corruption": "white_noise"}]


def unit_of(number: int, name: str, severities: int) -> Unit:
    cells = tuple(
        CellPlan(f"scene/test/{name}@{severity}", "scene", "test", "corruption", name, severity, number)
        for severity in range(1, severities + 1)
    )
    return Unit(f"unit-{name}", "", "test", 0, 0, 12, cells)


UNITS = [unit_of(0, "mp3", 2), unit_of(1, "opus", 5), unit_of(2, "white_noise", 5)]


@pytest.fixture
def job(toy_job):
    return toy_job(conditions=CONDITIONS)


@pytest.fixture
def threads(job, monkeypatch) -> dict[str, list[str]]:
    """Names of the threads in which each corruption was applied; that of clip 7 by MP3 raises."""
    seen: dict[str, list[str]] = {}
    broken = soundfile.read(job.root / "07.wav", dtype="float32")[0]
    for module in (mp3, opus, white_noise):
        kind = type(module.CORRUPTION)

        def noted(self, state, parameter, kind=kind, at=kind.at):
            seen.setdefault(kind.__name__, []).append(threading.current_thread().name)
            if kind.__name__ == "Mp3" and np.array_equal(state.waveform[0], broken):
                raise ZeroDivisionError("planted")
            return at(self, state, parameter)

        monkeypatch.setattr(kind, "at", noted)
    return seen


def computed(job, folder):
    """Answers, failures, and the files that each unit read."""
    list(execute(job, UNITS, folder, {}, 1))
    paths = [folder / f"{unit.id}.parquet" for unit in UNITS]
    headers = [read_header(path) for path in paths]
    answers = [read_units([path]) for path in paths]
    return answers, [(header["failures"], header["info"]["read"]) for header in headers]


HERE = threading.current_thread().name


def test_answers_failures_and_what_was_read_are_those_of_one_thread(job, tmp_path, threads, monkeypatch):
    monkeypatch.setattr(perturbed, "spare_cores", lambda busy: 2)
    alone = computed(replace(job, readers=0), tmp_path / "alone")
    assert {name for names in threads.values() for name in names} == {HERE}
    threads.clear()
    ahead = computed(replace(job, readers=2), tmp_path / "ahead")
    for one, other in zip(alone[0], ahead[0], strict=True):
        assert one.scores.tobytes() == other.scores.tobytes() and one.table.equals(other.table)
    assert alone[1] == ahead[1]
    assert {failure["clip_id"] for failure in ahead[1][0][0]} == {"toy/07.wav"} and not ahead[1][1][0]
    # The first clip is made by who asks for it, and what is not slow always is.
    assert len(threads["Opus"]) == 60 and threads["Opus"].count(HERE) == 5
    assert set(threads["WhiteNoise"]) == {HERE}


@pytest.mark.parametrize("cores, room", [(0, perturbed.MOST_AHEAD_BYTES), (2, 1)])
def test_without_a_spare_core_or_room_nothing_is_made_ahead(cores, room, job, tmp_path, threads, monkeypatch):
    monkeypatch.setattr(perturbed, "spare_cores", lambda busy: cores)
    monkeypatch.setattr(perturbed, "MOST_AHEAD_BYTES", room)
    computed(replace(job, readers=2), tmp_path / "made")
    assert {name for names in threads.values() for name in names} == {HERE}


def test_no_more_is_taken_than_may_be_made_ahead():
    taken: list[int] = []

    def things() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    for number, made in enumerate(made_ahead(things(), str, 2, 3)):
        # The one that is asked for, and, once one has been asked for, three more.
        assert taken[-1] == (0 if number == 0 else min(number + 3, 9))
        assert made() == str(number)
    taken.clear()
    for number, made in enumerate(made_ahead(things(), str, 0, 3)):
        assert (taken[-1], made()) == (number, str(number))


def test_what_is_raised_is_raised_for_its_own_thing_and_the_others_go_on():
    told = []
    for made in made_ahead([1, 0, 2], lambda number: 2 / number, 2, 2):
        try:
            told.append(made())
        except ZeroDivisionError:
            told.append("none")
    assert told == [2.0, "none", 1.0]


def test_who_stops_early_leaves_nothing_to_be_made():
    begun: list[int] = []
    go_on = threading.Event()

    def make(number: int) -> int:
        begun.append(number)
        assert number == 0 or go_on.wait(30)
        return number

    calls = made_ahead(range(8), make, 1, 6)
    next(calls)()
    next(calls)
    calls.close()
    go_on.set()
    assert made_ahead([9], make, 1, 1).__next__()() == 9
    assert set(begun) <= {0, 1, 9}


def test_cores_that_the_process_may_not_use_are_not_spare(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {3, 5, 6}, raising=False)
    assert [spare_cores(busy) for busy in (1, 3, 9)] == [2, 0, 0]
