"""What was drawn of single runs, kept in the cache folder in one file for the runs of a board.

Of a thousand runs on a board one is new, and what ranks the others was drawn before. Everything kept of a run stands
under a name that says what it depends on; the file repeats its own and has a digest over all of it, so that one that
was moved, cut short, flipped or half written is as good as none. It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from benchbed.whole import write_whole

#: Files of one folder, some ten megabytes each for a thousand runs.
FILES = 20
#: Runs of earlier boards that a file keeps, at least, and for each run of this one.
EARLIER, EACH = 100, 1
_DIGEST, _LENGTH = 16, struct.Struct("<Q")


@dataclass
class DrawnRun:
    """What is kept of one run.

    Attributes
    ----------
    about : dict
        Whatever JSON can say.
    drawn : dict of str to (float, np.ndarray [shape=(draw,), float64])
        Figures with their replicates.
    """

    about: dict[str, Any]
    drawn: dict[str, tuple[float, np.ndarray]] = field(default_factory=dict)


class Shelf:
    """Entries of the runs of one board.

    Parameters
    ----------
    place : Path
        The file; it need not be there.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "a.drawn"
    >>> shelf = Shelf(place)
    >>> shelf["run"] = DrawnRun({"seed": 0}, {"accuracy": (0.5, np.array([0.4, 0.6]))})
    >>> shelf.keep()
    >>> Shelf(place).get("run").drawn["accuracy"][1].tolist()
    [0.4, 0.6]
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self._known: dict[str, DrawnRun] = {}
        self._used: dict[str, DrawnRun] = {}
        self._kept: frozenset[tuple[str, str]] = frozenset()
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError, struct.error):
            self._known = _unpacked(place.read_bytes(), place.stem)
            self._kept = _figures(self._known)

    def get(self, name: str) -> DrawnRun | None:
        """What was kept under a name; more may be put into it."""
        if (found := self._known.get(name)) is not None:
            self._used[name] = found
        return found

    def __setitem__(self, name: str, entry: DrawnRun) -> None:
        self._known[name] = self._used[name] = entry

    def keep(self) -> None:
        """Write what was used, and some of what was there, if anything is new; one that cannot be written only costs
        time."""
        if _figures(self._used) <= self._kept and self._used.keys() <= {name for name, _ in self._kept}:
            return
        earlier = [name for name in self._known if name not in self._used]
        earlier = earlier[: max(EARLIER, EACH * len(self._used))]
        with contextlib.suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            entries = {**self._used, **{name: self._known[name] for name in earlier}}
            write_whole(self.place, _packed(entries, self.place.stem))
            held = sorted(self.place.parent.glob("*.drawn"), key=lambda path: path.stat().st_mtime)
            for path in held[:-FILES]:
                path.unlink(missing_ok=True)


def _figures(entries: Mapping[str, DrawnRun]) -> frozenset[tuple[str, str]]:
    """Names of entries, alone and with each of their figures."""
    return frozenset((name, figure) for name, entry in entries.items() for figure in ("", *entry.drawn))


def _packed(entries: Mapping[str, DrawnRun], of: str) -> bytes:
    told: dict[str, Any] = {}
    numbers: list[np.ndarray] = []
    start = 0
    for name, entry in entries.items():
        places = {}
        for figure, (value, drawn) in entry.drawn.items():
            places[figure] = [value, start, len(drawn)]
            numbers.append(np.ascontiguousarray(drawn, "<f8"))
            start += len(drawn)
        told[name] = [entry.about, places]
    text = json.dumps([of, told], separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join([_LENGTH.pack(len(text)), text, *(one.tobytes() for one in numbers)])
    return blake2b(body, digest_size=_DIGEST).digest() + body


def _unpacked(data: bytes, of: str) -> dict[str, DrawnRun]:
    """The entries of a file; none of one that is not as it was written, or not of this name."""
    body = memoryview(data)[_DIGEST:]
    if blake2b(body, digest_size=_DIGEST).digest() != data[:_DIGEST]:
        return {}
    (length,) = _LENGTH.unpack_from(body)
    first = _LENGTH.size + length
    numbers = np.frombuffer(body, "<f8", offset=first).astype(np.float64, copy=False)
    name, told = json.loads(bytes(body[_LENGTH.size : first]))
    if name != of:
        return {}
    return {
        name: DrawnRun(
            about, {figure: (value, numbers[at : at + count]) for figure, (value, at, count) in places.items()}
        )
        for name, (about, places) in told.items()
    }
