"""Opening a file for a look at its bytes: regular files only, in windows, so that a walk costs few calls."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from benchbed.containers.facts import READ_AGAIN, unreadable
from benchbed.errors import AudioError

#: Bytes read at once.
WINDOW = 1 << 18


class OpenFile:
    """The bytes of an open file.

    Attributes
    ----------
    path : str
    size : int
        In bytes.
    """

    def __init__(self, path: str, file: BinaryIO, size: int) -> None:
        self.path, self.size = path, size
        self._file, self._start, self._window = file, 0, b""

    def at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer at the end of the file."""
        place = offset - self._start
        if place < 0 or place + count > len(self._window):
            self._file.seek(max(0, offset))
            self._start, self._window = offset, self._file.read(max(count, min(WINDOW, 64 + 4 * count)))
            place = 0
        return self._window[place : place + count]

    def ahead(self, offset: int, count: int) -> bytes:
        """As `at`, for a walk from the start of the file to its end: reads a large window once."""
        place = offset - self._start
        if place < 0 or place + count > len(self._window):
            self._file.seek(offset)
            self._start, self._window, place = offset, self._file.read(max(count, WINDOW)), 0
        return self._window[place : place + count]


@contextmanager
def opened(path: str | os.PathLike[str], *, empty: bool = False) -> Iterator[OpenFile]:
    """A source of the file's bytes.

    Parameters
    ----------
    path : path
    empty : bool
        A file without a byte is no error.

    Raises
    ------
    AudioError
        Missing, not permitted, empty, or no regular file: reading from a pipe or a device may never end.
    """
    try:
        # Opening a pipe waits for a writer, so what it is must be known before.
        regular(path, os.stat(path))
        with open(path, "rb", buffering=0) as file:
            state = os.fstat(file.fileno())
            regular(path, state)
            if state.st_size == 0 and not empty:
                raise AudioError("audio file is empty (0 bytes)", where=str(path), hint=READ_AGAIN)
            yield OpenFile(str(path), file, state.st_size)  # type: ignore[arg-type]
    except OSError as error:
        raise unreadable(path, error) from error


def regular(path: str | os.PathLike[str], state: os.stat_result) -> None:
    """Refuse what is no regular file.

    Raises
    ------
    AudioError
        A folder, pipe, socket or device.
    """
    if stat.S_ISREG(state.st_mode):
        return
    kinds = {
        stat.S_IFDIR: "a directory",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    what = kinds.get(stat.S_IFMT(state.st_mode), "something else")
    raise AudioError(
        f"the path is {what}, not an audio file", where=str(path), hint="store the audio in a file and list that"
    )
