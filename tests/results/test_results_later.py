"""A mapping whose values are made later is, to whoever asks it, the dictionary of those values."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from operator import eq, ne
from typing import Any

import pytest

from benchbed.results.later import Later

WHOLE = {"a": "0", "b": "10", "c": "20"}


@pytest.fixture
def later() -> Later[str]:
    return Later({"a": 0, "b": 1, "c": 2}, lambda number: str(10 * number))


USES: dict[str, Callable[[Any], Any]] = {
    "item": lambda held: [held["b"], held["b"], held["a"]],
    "get": lambda held: [held.get("c"), held.get("d"), held.get("d", 5)],
    "items": lambda held: [*held.items()],
    "values": lambda held: [*held.values()],
    "keys": lambda held: [*held, *held.keys(), *reversed(held), len(held), "a" in held, "d" in held],
    "dict": lambda held: dict(held),
    "spread": lambda held: {"x": "y", **held},
    "arguments": lambda held: (lambda **named: named)(**held),
    "update": lambda held: [(made := {"a": "z"}).update(held), made],
    "copied": lambda held: [held.copy(), copy.copy(held), copy.deepcopy(held), pickle.loads(pickle.dumps(held))],
    "joined": lambda held: [held | {"d": "4"}, {"d": "4"} | held, held | {}],
    "json": lambda held: json.dumps(held),
    "words": lambda held: [repr(held), str(held), f"{held}"],
    "taken": lambda held: [held.pop("a"), held.pop("x", 1), held.popitem(), len(held)],
    "put": lambda held: [held.setdefault("a", "n"), held.setdefault("d", "n"), dict(held)],
    "set": lambda held: [held.__setitem__("a", "5"), held["a"], dict(held)],
    "deleted": lambda held: [held.__delitem__("a"), dict(held)],
    "truth": lambda held: [
        bool(held),
        held == WHOLE,
        eq(WHOLE, held),
        held != WHOLE,
        held == {},
        ne({}, held),
        held == 3,
    ],
    "sorted": lambda held: sorted(held.items(), key=lambda one: one[1], reverse=True),
}


@pytest.mark.parametrize("use", USES)
def test_it_is_used_like_the_dictionary(later: Later[str], use: str):
    assert USES[use](later) == USES[use](dict(WHOLE))


def test_two_of_them_are_equal_by_their_values(later: Later[str]):
    assert later == Later({"a": 1, "b": 2, "c": 3}, lambda number: str(10 * number - 10))
    assert later != Later({"a": 1, "b": 2, "c": 3}, str)


def test_a_value_is_made_once_and_only_when_it_is_asked_for():
    made: list[int] = []
    later = Later({"a": 0, "b": 1}, lambda number: made.append(number) or f"{number}")
    assert len(later) == 2 and "a" in later and [*later] == ["a", "b"] and not made
    assert later["b"] is later["b"] is later.get("b") and made == [1]
    assert [*later.items()] == [("a", "0"), ("b", "1")] and made == [1, 0]


def test_what_is_missing_is_missing(later: Later[str]):
    for ask in (lambda: later["d"], lambda: later.pop("d")):
        with pytest.raises(KeyError):
            ask()


def test_a_glance_makes_no_value():
    made: list[int] = []
    later = Later({"a": 1, "bc": 22}, lambda number: made.append(number) or "x" * number, lambda number: number)
    assert later["a"] == "x" and later.glances(len) == {"a": 1, "bc": 22} and made == [1]
    assert Later({"a": 3}, lambda number: "x" * number).glances(len) == {"a": 3}
