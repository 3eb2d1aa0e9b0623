"""The diary of a run folder, and the lock that keeps a second run out of it.

Every event is one JSON line appended to `log.jsonl`, so that a run that was killed can be read up to its last moment.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchbed.errors import ConfigError
from benchbed.nesting import json_of
from benchbed.whole import storage_error


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
                file.write(json.dumps(line, default=str).encode() + b"\n")
        except OSError as error:
            raise storage_error(error, self.path.parent) from error


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
                    with contextlib.suppress(ValueError):  # the last line of a run that was killed
                        found = json_of(line)
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
