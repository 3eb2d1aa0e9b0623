"""Answers about pairs of sides, kept in the cache folder in one file for the runs of a board.

Of a hundred models that are compared with each other one is new, and what 4,851 of 4,950 pairs show was found before.
Kept is only what is found of a pair alone: ranks, verdicts and corrections over many tests are made of all answers each
time. An answer stands under the digests of the records of both sides (which hold those of their sums), their names and
the question; the file under the procedure and our own code. One that was moved, or whose digest does not fit, is as
good as none (`benchbed.compare.kept`). It may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

from benchbed.compare.answer import Contrast
from benchbed.compare.figure import Figure
from benchbed.compare.kept import keep, kept
from benchbed.compare.matched import Robustness
from benchbed.compare.sides import Mixed, Side, Spread
from benchbed.compare.uncorrected import PairAnswer, TableAnswer
from benchbed.metrics.contract import MetricInfo

#: Files of one folder, some megabytes each for a hundred models.
FILES = 20
#: Answers of earlier boards that a file keeps, at least, and for each answer of this one.
EARLIER, EACH = 500, 1
#: Meanings of metrics that a file holds; one with more of them is begun anew.
MEANINGS = 1000

Answer = TypeVar("Answer")

_CLASSES = {made.__name__: made for made in (Contrast, Figure, Mixed, PairAnswer, Robustness, Spread, TableAnswer)}
_FIELDS = {name: tuple(field.name for field in fields(made)) for name, made in _CLASSES.items()}
_MEANING = tuple(field.name for field in fields(MetricInfo))


class AnsweredPairs:
    """What was found of pairs of sides.

    Parameters
    ----------
    place : Path, optional
        The file, whose name says what all answers depend on; it need not be there. Without one every question is asked.
    """

    def __init__(self, place: Path | None = None) -> None:
        self.place = place
        self._known: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        self._meanings: list[MetricInfo] = []
        self._numbers: dict[str, int] = {}
        self._sides: dict[int, tuple[Side, str | None]] = {}
        self._new = False
        held = kept(place)
        if not held or len(held["meanings"]) > MEANINGS:
            return
        self._known = held["answers"]
        for each in held["meanings"]:
            self._number(MetricInfo(*self._heard(each)))

    def ask(self, question: str, a: Side, b: Side, make: Callable[[], Answer]) -> Answer:
        """What was found of two sides before, or is found now.

        Parameters
        ----------
        question : str
            What is asked, with everything that the answer depends on beside the sides and what names the file.
        a, b : Side
            The two sides, in this order.
        make : callable
            Finds it.
        """
        sides = self._side(a), self._side(b)
        if self.place is None or None in sides:
            return make()
        name = _digest(question, *map(str, sides))
        if (held := self._known.get(name)) is not None:
            self._used[name] = held
            found: Answer = self._heard(held)
            return found
        made = make()
        # What JSON would give back as something else is asked each time.
        with contextlib.suppress(LookupError):
            self._used[name] = self._told(made)
            self._new = True
        return made

    def keep(self) -> None:
        """Write what was asked, and some of what was there, if anything is new; a file that cannot be written only
        costs time."""
        if self.place is None or not self._new:
            return
        earlier = [name for name in self._known if name not in self._used]
        earlier = earlier[: max(EARLIER, EACH * len(self._used))]
        answers = {**self._used, **{name: self._known[name] for name in earlier}}
        meanings = [[self._told(getattr(each, name)) for name in _MEANING] for each in self._meanings]
        keep(self.place, {"meanings": meanings, "answers": answers}, FILES)

    def _side(self, side: Side) -> str | None:
        """What tells a side from others; None where a record has no digest."""
        known = self._sides.get(id(side))
        if known is None or known[0] is not side:
            digests = [run.result.digest for run in side.runs]
            # The side is held, so that no other one takes its place in memory.
            known = side, _digest(side.name, side.kind, *map(str, digests)) if all(digests) else None
            self._sides[id(side)] = known
        return known[1]

    def _told(self, value: Any) -> Any:
        """An answer as JSON says it."""
        if value is None or isinstance(value, (str, bool, int)):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(float(value))}
        if isinstance(value, tuple):
            return [self._told(each) for each in value]
        if isinstance(value, dict):
            return {"dict": [[name, self._told(each)] for name, each in value.items()]}
        if isinstance(value, MetricInfo):
            return {"info": self._number(value)}
        name = type(value).__name__
        return {name: [self._told(getattr(value, field)) for field in _FIELDS[name]]}

    def _heard(self, value: Any) -> Any:
        """The answer that JSON says."""
        if isinstance(value, list):
            return tuple(self._heard(each) for each in value)
        if not isinstance(value, dict):
            return value
        [(name, held)] = value.items()
        if name == "info":
            return self._meanings[held]
        if name == "float":
            return float(held)
        if name == "dict":
            return {key: self._heard(each) for key, each in held}
        return _CLASSES[name](*[self._heard(each) for each in held])

    def _number(self, info: MetricInfo) -> int:
        """Number of a meaning, which many answers share."""
        number = self._numbers.setdefault(repr(info), len(self._meanings))
        if number == len(self._meanings):
            self._meanings.append(info)
        return number


def _digest(*of: str) -> str:
    made = blake2b(digest_size=16)
    for each in of:
        data = each.encode("utf-8", "surrogatepass")
        made.update(len(data).to_bytes(8, "little"))
        made.update(data)
    return made.hexdigest()
