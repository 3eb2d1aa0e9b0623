"""Audio that models of one command hand on: the same bits, within its bound, and gone with the command."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from benchbed.keptaudio import KeptSound
from benchbed.perturb.contract import Applied
from benchbed.run.computing import passed, shared
from benchbed.run.computing.passed import PassedAudio, opened_room

facts = st.dictionaries(st.text(), st.none() | st.booleans() | st.text() | st.integers(-(2**40), 2**40))
waveforms = arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.floats(width=32))


@given(st.lists(st.tuples(waveforms, facts), max_size=5))
def test_what_is_put_is_got_bit_for_bit(sounds):
    with opened_room(10**6) as folder:
        PassedAudio(folder).put("name", [KeptSound(*sound) for sound in sounds])
        there = PassedAudio(folder).get("name")
        assert [one.waveform.tobytes() for one in there] == [waveform.tobytes() for waveform, _ in sounds]
        assert [(one.waveform.shape, one.facts) for one in there] == [(w.shape, told) for w, told in sounds]
        for one in there:
            one.waveform[:] = 1  # what a model does to its input is its own affair
        again = PassedAudio(folder).get("name")
        assert [one.waveform.tobytes() for one in again] == [waveform.tobytes() for waveform, _ in sounds]


PUTS = """
import sys, numpy as np
from pathlib import Path
from benchbed.keptaudio import KeptSound
from benchbed.run.computing.passed import PassedAudio
room = PassedAudio(Path(sys.argv[1]))
for number in range(200):
    room.put(f"{sys.argv[2]}-{number}", [KeptSound(np.ones((1, 250), np.float32), {})])
"""


def test_several_processes_stay_within_the_bound(tmp_path):
    with opened_room(100_500) as folder:
        each = [subprocess.Popen([sys.executable, "-c", PUTS, str(folder), str(number)]) for number in range(3)]
        assert [process.wait(60) for process in each] == [0, 0, 0]
        there = [path for path in folder.iterdir() if path.suffix not in (".count", ".lock")]
        assert len(there) == 100 and PassedAudio(folder).left == 500
        assert all(PassedAudio(folder).get(path.name) is not None for path in there)


def test_a_room_that_was_cleared_is_as_large_as_before_and_empty():
    with opened_room(4000) as folder:
        room = PassedAudio(folder)
        assert room.get("a") is None
        room.put("a", [KeptSound(np.ones((1, 1000), np.float32), {})])
        room.put("b", [KeptSound(np.ones((1, 1), np.float32), {})])
        assert room.left == 0 and room.get("a") is not None and room.get("b") is None
        room.clear()
        assert room.left == 4000 and room.get("a") is None
    assert not folder.exists()


def test_a_room_that_somebody_took_away_takes_and_has_nothing():
    sound = KeptSound(np.ones((1, 4), np.float32), {})
    with opened_room(10**6) as folder:
        room = PassedAudio(folder)
        shutil.rmtree(folder)
        room.clear()
        late = PassedAudio(folder)
        assert late.left == 0 and late.get("a") is None
        late.put("a", [sound])
        assert late.get("a") is None
        room.put("a", [sound])  # its lock makes the folder again, or nothing is kept
        assert all(one.waveform.tobytes() == sound.waveform.tobytes() for one in room.get("a") or ())
    assert not folder.exists()


def test_a_room_that_can_not_be_locked_takes_nothing(monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device")

    with opened_room(10**6) as folder:
        room = PassedAudio(folder)
        monkeypatch.setattr(passed.FileLock, "acquire", full)
        room.put("a", [KeptSound(np.ones((1, 4), np.float32), {})])
        assert room.get("a") is None


@pytest.mark.parametrize(("times", "handed"), [(1.4, passed.FIRST), (1.6, 50)])
def test_what_is_made_as_fast_as_it_is_handed_on_is_not_handed_on_for_long(monkeypatch, times, handed):
    clock, sound = [0.0], KeptSound(np.ones((1, 4), np.float32), {})
    monkeypatch.setattr(passed.time, "thread_time", lambda: clock[0])

    def sounds():
        clock[0] += 1.0
        return [sound]

    with opened_room(10**6) as folder:
        room = PassedAudio(folder)
        for number in range(50):
            room.offer("kind", f"n{number}", times, sounds)
            room.offer("other", f"o{number}", 9.0, sounds)
        names = [path.name[0] for path in folder.iterdir() if path.suffix not in (".count", ".lock")]
    assert (names.count("n"), names.count("o")) == (handed, 50)


def test_what_is_cut_short_is_not_there():
    with opened_room(10**6) as folder:
        room = PassedAudio(folder)
        room.put("a", [KeptSound(np.ones((1, 1000), np.float32), {})])
        for left in (1000, 20, 8, 3, 0):
            os.truncate(folder / "a", left)
            assert room.get("a") is None


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder that is taken for the system's memory, and one for temporary files."""
    memory, other = tmp_path / "memory", tmp_path / "other"
    memory.mkdir()
    other.mkdir()
    monkeypatch.setattr(passed, "_IN_MEMORY", memory)
    monkeypatch.setattr(passed.tempfile, "gettempdir", lambda: str(other))
    return memory, other


@pytest.mark.parametrize(("free", "where", "bound"), [(2**30, 1, 2**28), (2**30 - 8, 1, 2**28 - 2), (2**40, 0, 2**31)])
def test_the_room_is_in_memory_where_enough_is_free(places, monkeypatch, free, where, bound):
    usage = namedtuple("usage", ["total", "used", "free"])
    # A quarter of what is free decides; of the first folder, that it is 256 MiB at least.
    there = {str(places[0]): usage(0, 0, free if where == 0 else 2**29), str(places[1]): usage(0, 0, free)}
    monkeypatch.setattr(passed.shutil, "disk_usage", lambda place: there[str(place)])
    with opened_room() as folder:
        assert folder.parent == places[where] and PassedAudio(folder).left == bound
        assert folder.stat().st_mode & 0o077 == 0


KILLED = """
import os, sys, tempfile
from pathlib import Path
from benchbed.run.computing import passed
passed._IN_MEMORY = Path(sys.argv[1])
with passed.opened_room() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_rooms_of_commands_that_were_killed_are_swept_and_of_others_not(places):
    made = [
        subprocess.Popen(
            [sys.executable, "-c", KILLED, str(places[0])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    rooms = [process.stdout.readline().strip() for process in made]
    made[0].kill()
    made[0].wait()
    with opened_room():
        assert all(os.path.isdir(room) for room in rooms)  # it may have been made a moment ago
    for room in rooms:
        os.utime(room, (time.time() - 100, time.time() - 100))
    with opened_room():
        assert [os.path.isdir(room) for room in rooms] == [False, True]
    made[1].communicate("")
    assert not os.path.isdir(rooms[1])


@pytest.mark.parametrize(
    ("told", "handed"),
    [
        ({"gain": 0.5}, True),
        ({"at": float("nan")}, True),
        ({"each": [{"at": float("nan")}, 2]}, True),
        ({"what": {1, 2}}, False),
        ({"at": float("nan"), "what": {1, 2}}, False),
        ({"at": float("nan"), "both": (1, 2)}, False),
    ],
)
def test_what_would_not_come_back_as_it_was_is_made_by_every_model(told, handed):
    made = []

    def make():
        made.append(1)
        return [Applied(np.ones((1, 8), np.float32), float("inf"), None, "a note", told)]

    with opened_room(10**6) as folder:
        rooms = PassedAudio(folder), PassedAudio(folder)
        first, second = (shared._handed_on(room, "kind", "name", make)[0] for room in rooms)
    assert len(made) == (1 if handed else 2)
    assert repr(first) == repr(second) and first.waveform.tobytes() == second.waveform.tobytes()


def test_a_waveform_of_other_numbers_is_not_handed_on():
    with opened_room(10**6) as folder:
        for _ in range(2):
            answer = shared._handed_on(PassedAudio(folder), "kind", "n", lambda: [Applied(np.ones((1, 8)), None)])
            assert answer[0].waveform.dtype == np.float64
