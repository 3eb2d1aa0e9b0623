"""Audio that one model of a command was given, handed on to the other models of the command.

Models that have processes of their own take turns (`benchbed.run.executing.turns`): one computes a few units and hands
on what perturbations made of their clips, the others hear the same and make nothing, and the room is cleared. So the
audio of a command is perturbed in one pass, whatever the number of its models and the size of the data.

The room is a folder in memory where the system has one, else among temporary files. A file is named by what its samples
follow from, as audio that is kept on disk is, but it lives for seconds, and has no checksum. What found no room, or is
made as fast as it is handed on, is made again, bit for bit.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from benchbed.keptaudio import KeptSound

#: Most bytes of the room, and which share of what is free it may have.
MOST_BYTES, SHARE = 2 * 2**30, 0.25
#: A folder in memory with less than this is passed over for the disk.
LEAST_BYTES = 256 * 2**20
#: Folders of the system that are memory.
_IN_MEMORY = Path("/dev/shm")
_PREFIX = "benchbed-pass-"
#: Files of a room: how many bytes are left, as two numbers of so many bytes, and what its command keeps locked.
_LEFT, _OWNER, _BYTES = "left.count", "owner.lock", 8
#: Times as long to make as to hand on, from which on something is worth handing on, in percent; and how often each kind
#: of thing is handed on before that is judged.
WORTH_PERCENT, FIRST = 150, 8
#: Age in seconds below which a room that nobody has locked may be one that is being made.
_SECONDS_NEW = 60.0


class PassedAudio:
    """A room of waveforms between the processes of one command.

    Parameters
    ----------
    folder : Path
        Of the room, which `opened_room` makes.

    Examples
    --------
    >>> with opened_room(10**6) as room:
    ...     passed = PassedAudio(room)
    ...     passed.put("ab12", [KeptSound(np.ones((1, 4), np.float32), {"achieved": 3.0})])
    ...     [(sound.waveform.tolist(), sound.facts) for sound in passed.get("ab12")], passed.get("cd34"), passed.left
    ([([[1.0, 1.0, 1.0, 1.0]], {'achieved': 3.0})], None, 999984)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._counter = _Counter(folder / _LEFT)
        self._spent: dict[str, tuple[int, float, float]] = {}

    @property
    def left(self) -> int:
        """Bytes that there is still room for."""
        return self._counter.value

    def offer(self, kind: str, name: str, seconds: float, sounds: Callable[[], Sequence[KeptSound]]) -> None:
        """Hand on sounds of a kind that take longer to make than to hand on, as far as a few of them have shown.

        Parameters
        ----------
        kind : str
            What costs alike.
        name : str
        seconds : float
            CPU seconds that they took to make.
        sounds : callable
            Gives them.
        """
        count, made, handed = self._spent.get(kind, (0, 0.0, 0.0))
        if count >= FIRST and 100 * made < self._counter.worth * handed:
            return
        began = time.thread_time()
        self.put(name, sounds())
        self._spent[kind] = count + 1, made + seconds, handed + time.thread_time() - began

    def get(self, name: str) -> list[KeptSound] | None:
        """The sounds under a name, which may be written to; None where there are none."""
        try:
            with open(self.folder / name, "rb", buffering=0) as file:
                # Nothing is buffered, so that samples are copied once: a line would be read byte by byte.
                head = json.loads(file.read(int.from_bytes(file.read(_BYTES), "little")))
                samples = np.empty(sum(int(np.prod(one["shape"])) for one in head), np.float32)
                if file.readinto(samples.data.cast("B")) != samples.nbytes:
                    return None
        except (OSError, ValueError):  # it is not there, or was cut short
            return None
        sounds, place = [], 0
        for one in head:
            after = place + int(np.prod(one["shape"]))
            sounds.append(KeptSound(samples[place:after].reshape(one["shape"]), one["facts"]))
            place = after
        return sounds

    def put(self, name: str, sounds: Sequence[KeptSound]) -> None:
        """Hand on sounds, whole or not at all; where there is no room for them the others make them again."""
        arrays = [np.ascontiguousarray(sound.waveform, np.float32) for sound in sounds]
        size = sum(array.nbytes for array in arrays)
        if not self._counter.take(size):
            return
        about = [{"shape": array.shape, "facts": sound.facts} for array, sound in zip(arrays, sounds)]
        scratch = self.folder / f"{name}.{os.getpid()}.part"
        try:
            with open(scratch, "wb") as file:
                head = json.dumps(about).encode()
                file.write(len(head).to_bytes(_BYTES, "little") + head)
                for array in arrays:
                    file.write(array.data)
            os.replace(scratch, self.folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                scratch.unlink()

    def clear(self) -> None:
        """Forget everything; nobody may be putting or getting meanwhile."""
        with contextlib.suppress(FileNotFoundError):  # whoever tidies the folder above it got there first
            for entry in os.scandir(self.folder):
                if not entry.name.endswith((".count", ".lock")):
                    os.unlink(entry.path)
        self._counter.fill()


class _Counter:
    """Numbers in a file that processes share: how many bytes are left, how many there were, and what is worth them.

    Where the file is gone, as when a system takes away what a user who logged out has in memory, nothing is left.
    """

    def __init__(self, path: Path) -> None:
        try:
            with open(path, "r+b") as file:
                self._numbers = mmap.mmap(file.fileno(), 3 * _BYTES)
        except FileNotFoundError:
            self._numbers = mmap.mmap(-1, 3 * _BYTES)
        self._lock = FileLock(path.with_suffix(".lock"))

    @property
    def value(self) -> int:
        return int.from_bytes(self._numbers[:_BYTES], "little")

    @property
    def worth(self) -> int:
        """`WORTH_PERCENT` of the command."""
        return int.from_bytes(self._numbers[2 * _BYTES :], "little")

    def take(self, amount: int) -> bool:
        """Take some away, if there is that much, and the room still takes a lock."""
        if amount > self.value:
            return False
        try:
            with self._lock:
                left = self.value
                if amount <= left:
                    self._numbers[:_BYTES] = (left - amount).to_bytes(_BYTES, "little")
        except OSError:
            return False
        return amount <= left

    def fill(self) -> None:
        """Have as much left as there was."""
        self._numbers[:_BYTES] = self._numbers[_BYTES : 2 * _BYTES]


@contextlib.contextmanager
def opened_room(most: int | None = None) -> Iterator[Path]:
    """A folder for `PassedAudio`, there as long as the block is.

    Parameters
    ----------
    most : int, optional
        Bytes of audio that it may hold; by default `MOST_BYTES`, or `SHARE` of what is free where that is less.

    Yields
    ------
    Path
        The folder; only this user can read it.

    Raises
    ------
    OSError
        There is no place for it.
    """
    _sweep()
    memory = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK) and _room_of(_IN_MEMORY) >= LEAST_BYTES
    place = _IN_MEMORY if memory else Path(tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    try:
        with FileLock(folder / _OWNER):
            bound = _room_of(place) if most is None else most
            numbers = (bound, bound, WORTH_PERCENT)
            (folder / _LEFT).write_bytes(b"".join(each.to_bytes(_BYTES, "little") for each in numbers))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _room_of(place: Path) -> int:
    return int(min(MOST_BYTES, shutil.disk_usage(place).free * SHARE))


def _sweep() -> None:
    """Take away rooms of commands that were killed."""
    for place in (_IN_MEMORY, Path(tempfile.gettempdir())):
        for folder in place.glob(f"{_PREFIX}*"):
            # One that has just been made is not locked yet; another user's stays.
            with contextlib.suppress(OSError, Timeout):
                if time.time() - folder.stat().st_mtime > _SECONDS_NEW:
                    with FileLock(folder / _OWNER, timeout=0):
                        shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=2)
def passed_in(folder: Path) -> PassedAudio:
    """The room in a folder, opened once in this process."""
    return PassedAudio(folder)
