"""The diary of a run folder, and the lock that keeps a second run out of it.

Every event is one JSON line appended to `log.jsonl`, so that a run that was killed can be read up to its last moment.
A line ends with a checksum of what stands before it; one that is not as it was written is passed over, and counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from benchbed.errors import ConfigError
from benchbed.nesting import json_of
from benchbed.whole import storage_error

#: The beginning of a line, its end, and the length of that.
_HEAD = '{"time": "'
_CHECK, _TAIL = re.compile(r', "check": "[^"]*"\}$'), len(', "check": "01234567"}')


class Journal:
    """Appends events to `<folder>/log.jsonl`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Journal(folder).write("started", suite="toy")
    >>> json_of((folder / "log.jsonl").read_text())["event"]
    'started'
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "log.jsonl"
        self.began = time.monotonic()

    def write(self, event: str, **facts: object) -> None:
        """Append one event with the time and its facts."""
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
        try:
            with open(self.path, "ab+") as file:
                # A run that was killed may have left half a line, which must not take this one along.
                if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                    file.write(b"\n")
                file.write(_sealed(line).encode() + b"\n")
        except OSError as error:
            raise storage_error(error, self.path.parent) from error


def _sealed(line: Mapping[str, object]) -> str:
    """A line with the checksum of its text as its last field."""
    text = json.dumps(line, default=str)
    return text[:-1] + _tail(text)


def _tail(text: str) -> str:
    """How a line ends that says this."""
    return f', "check": "{zlib.crc32(text.encode()):08x}"}}'


def _event(line: str) -> dict[str, object] | None:
    """What a line says; None where it is not as it was written. Lines of earlier versions have no checksum."""
    text = line.strip()
    said, tail = text[:-_TAIL] + "}", text[-_TAIL:]
    if (fits := _tail(said)) != tail:
        near = sum(one != other for one, other in zip(fits, tail)) <= 2  # the field itself may be what was hit
        if near or _CHECK.search(text):
            return None
    try:
        event = json_of(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def damaged_lines(folder: Path) -> int:
    """Lines of the diary of a folder that are not as they were written, but for half a one that a killed run left.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Journal(folder).write("started", identity="a1")
    >>> damaged_lines(folder)
    0
    >>> _ = (folder / "log.jsonl").write_text((folder / "log.jsonl").read_text().replace("a1", "b1"))
    >>> damaged_lines(folder), last_started(folder)
    (1, None)
    """
    count, torn, ended = 0, False, True
    try:
        with open(folder / "log.jsonl", encoding="utf-8", errors="replace") as file:
            for line in file:
                event = _event(line)
                # After half a line of a run that was killed, the next one says that it started.
                count += torn and (event is None or event.get("event") != "started")
                begins = line.startswith(_HEAD[: len(line.rstrip())])
                torn = event is None and begins and not _CHECK.search(line.rstrip())
                count += event is None and not torn and bool(line.strip())
                ended = line.endswith("\n")
    except OSError:
        return 0
    return count + (torn and ended)


def last_started(folder: Path) -> dict[str, object] | None:
    """What the last run in a folder said of itself when it started; None where none did.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> Journal(folder).write("started", identity="a1")
    >>> last_started(folder)["identity"], last_started(folder / "other")
    ('a1', None)
    """
    return last_event(folder, "started")


def last_event(folder: Path, event: str) -> dict[str, object] | None:
    """The last event of one name in the diary of a folder; None where there is none."""
    found, wanted = None, f'"event": {json.dumps(event)}'
    try:
        with open(folder / "log.jsonl", encoding="utf-8", errors="replace") as file:
            for line in file:
                # A line for every unit makes such a file long; most are not even parsed.
                if wanted in line:
                    found = _event(line) or found
    except OSError:
        return None
    return found


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder for this process; the lock vanishes with the process, however it ends.

    Raises
    ------
    ConfigError
        Another run is writing into the folder.
    CannotMeasure
        The folder cannot be made.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise ConfigError(
            "another run is writing into this folder",
            where=str(folder),
            hint="wait for it, or choose another folder with --out",
        ) from error
    except OSError as error:
        raise storage_error(error, folder) from error
    try:
        yield
    finally:
        lock.release()
