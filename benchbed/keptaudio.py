"""Audio that took long to make, kept on disk for the next model, worker or run that wants the same.

A file is named by everything that its samples follow from, so that what is read is what would be made. The folder is
bounded, is shared by all processes of a machine, and may be deleted at any time; a file that is damaged is made again.
`BENCHBED_AUDIO_GB` bounds it, and 0 turns it off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchbed.cache import cache_folder
from benchbed.errors import ConfigError

#: Version of the file layout.
FORMAT = 1
#: Most bytes on disk, unless the variable says otherwise; never more than this share of what is free.
MOST_BYTES, SHARE = 8 * 2**30, 0.25
#: Bytes written by one process after which it looks at the whole folder, and the share of the bound that is left then.
SWEEP_EVERY, LEFT = 256 * 2**20, 0.8
#: Larger sets of waveforms are made each time, so that memory and the folder stay even.
MOST_EACH = 64 * 2**20

_VARIABLE = "BENCHBED_AUDIO_GB"
_MAGIC = b"benchbed audio\n"


@dataclass(frozen=True)
class KeptSound:
    """One waveform and what is to be said of it.

    Attributes
    ----------
    waveform : np.ndarray [shape=(channel, sample), float32]
    facts : dict
        Plain JSON.
    """

    waveform: np.ndarray
    facts: dict[str, object]


def name_of(*parts: object) -> str:
    """The name of what follows from some parts, 32 characters.

    Examples
    --------
    >>> name_of("decoded", 1, None) == name_of("decoded", 1, None), len(name_of("a"))
    (True, 32)
    """
    text = json.dumps(parts, sort_keys=True, default=repr, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class KeptAudio:
    """A bounded folder of waveforms.

    Parameters
    ----------
    folder : Path
    limit : int
        Most bytes in it; 0 keeps nothing.

    Examples
    --------
    >>> kept = KeptAudio(Path(tempfile.mkdtemp()), 10**6)
    >>> kept.put("ab12", [KeptSound(np.ones((1, 4), np.float32), {"achieved": 3.0})])
    >>> [(sound.waveform.tolist(), sound.facts) for sound in kept.get("ab12")], kept.get("cd34")
    ([([[1.0, 1.0, 1.0, 1.0]], {'achieved': 3.0})], None)
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._unswept = SWEEP_EVERY  # the first write looks at what others left
        self._works = limit > 0

    def once(self, name: str, make: Callable[[], Sequence[KeptSound]]) -> Sequence[KeptSound]:
        """The sounds under a name, made where they are not there; what `make` raises is raised and not kept."""
        if not self._works:
            return make()
        kept = self.get(name)
        if kept is None:
            kept = list(make())
            self.put(name, kept)
        return kept

    def get(self, name: str) -> list[KeptSound] | None:
        """The sounds under a name; None where there are none, or none that are as they were written."""
        path = self._path(name)
        try:
            data = path.read_bytes()
        except OSError:
            return None
        sounds = _read(data)
        with contextlib.suppress(OSError):
            if sounds is None:
                path.unlink()
            else:
                os.utime(path)  # what was wanted last goes last
        return sounds

    def put(self, name: str, sounds: Sequence[KeptSound]) -> None:
        """Keep sounds, whole or not at all; a disk that is full or cannot be written costs time, not truth."""
        size = sum(sound.waveform.nbytes for sound in sounds)
        if not self._works or size > min(MOST_EACH, self.limit):
            return
        path = self._path(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as file:
                    for piece in _written(sounds):
                        file.write(piece)
                os.replace(scratch, path)
            except OSError:
                with contextlib.suppress(OSError):
                    os.unlink(scratch)
                raise
            self._unswept += size
            if self._unswept >= min(SWEEP_EVERY, self.limit // 8):
                self._unswept = 0
                self.sweep()
        except OSError:
            self._works = False

    def sweep(self) -> None:
        """Delete what was not wanted for longest, until the folder is within its bounds."""
        files: list[tuple[float, int, str]] = []
        for shelf in os.scandir(self.folder):
            if shelf.is_dir():
                for entry in os.scandir(shelf.path):
                    with contextlib.suppress(OSError):  # another process deleted it
                        state = entry.stat()
                        files.append((state.st_mtime, state.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        room = min(self.limit, int((total + shutil.disk_usage(self.folder).free) * SHARE))
        if total <= room:
            return
        for _, size, path in sorted(files):
            if total <= room * LEFT:
                break
            with contextlib.suppress(OSError):
                os.unlink(path)
            total -= size

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:]


def _written(sounds: Sequence[KeptSound]) -> list[bytes | memoryview]:
    arrays = [np.ascontiguousarray(sound.waveform, dtype="<f4") for sound in sounds]
    check = 0
    for array in arrays:
        check = zlib.crc32(array.data, check)
    about = [{"shape": array.shape, "facts": sound.facts} for array, sound in zip(arrays, sounds)]
    head = json.dumps({"format": FORMAT, "sounds": about}).encode()
    check = zlib.crc32(head, check)
    return [_MAGIC, len(head).to_bytes(4, "little"), check.to_bytes(4, "little"), head, *(a.data for a in arrays)]


def _read(data: bytes) -> list[KeptSound] | None:
    start = len(_MAGIC) + 8
    if not data.startswith(_MAGIC) or len(data) < start:
        return None
    length = int.from_bytes(data[len(_MAGIC) : len(_MAGIC) + 4], "little")
    head, body = data[start : start + length], memoryview(data)[start + length :]
    if zlib.crc32(head, zlib.crc32(body)) != int.from_bytes(data[len(_MAGIC) + 4 : start], "little"):
        return None
    content = json.loads(head)
    if content["format"] != FORMAT:
        return None
    sounds, place = [], 0
    for one in content["sounds"]:
        samples = int(np.prod(one["shape"]))
        # A copy of its own can be written to, and the file's bytes need not stay as long as one of its sounds.
        array = np.frombuffer(body, "<f4", samples, place).reshape(one["shape"]).copy()
        sounds.append(KeptSound(array, one["facts"]))
        place += array.nbytes
    return sounds


def kept_audio() -> KeptAudio:
    """The folder of this user, below the cache folder.

    Raises
    ------
    ConfigError
        `BENCHBED_AUDIO_GB` is no number.
    """
    return _kept(str(cache_folder()), os.environ.get(_VARIABLE, ""))


@lru_cache(maxsize=8)
def _kept(folder: str, said: str) -> KeptAudio:
    try:
        limit = int(float(said) * 2**30) if said else MOST_BYTES
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise ConfigError(f"{_VARIABLE}={said}: no size", hint="gigabytes, e.g. 20, or 0 to keep no audio")
    return KeptAudio(Path(folder) / "audio", limit)
