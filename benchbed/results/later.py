"""A mapping whose values are made when they are asked for.

A thousand runs on a board have half a million figures of devices and classes, of which a tenth is shown.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from typing import Any, TypeVar

Held = TypeVar("Held")
Seen = TypeVar("Seen")


class Later(dict[str, Held]):
    """A dictionary that holds the number of each value until it is asked for.

    It is like any other to Python code, whatever is done with it. Code in C that looks into dictionaries without asking
    them (pydantic, where it writes JSON) would find numbers: give it `dict(later)`.

    Parameters
    ----------
    numbers : mapping of str to int
        Number of the value of each key.
    make : callable
        Makes the value of a number.
    glance : callable, optional
        Says of a number what `glances` says of a value that was made.

    Examples
    --------
    >>> squares = Later({"two": 2, "three": 3}, lambda number: f"{number * number}")
    >>> squares["three"], list(squares), squares
    ('9', ['two', 'three'], {'two': '4', 'three': '9'})
    """

    __slots__ = ("_glance", "_make")

    def __init__(
        self, numbers: Mapping[str, int], make: Callable[[int], Held], glance: Callable[[int], Any] | None = None
    ) -> None:
        super().__init__(numbers)  # type: ignore[arg-type]
        self._make, self._glance = make, glance

    def __getitem__(self, key: str) -> Held:
        held: Any = super().__getitem__(key)
        if type(held) is int:
            held = self._make(held)
            super().__setitem__(key, held)
        made: Held = held
        return made

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or another one."""
        held = super().get(key, self)
        # Nothing else can stand for a missing key, since a value may be anything.
        return default if held is self else self[key]

    def glances(self, of: Callable[[Held], Seen]) -> dict[str, Seen]:
        """What `of` says of each value; no value is made for it where a glance at its number says the same."""
        held: Any = dict.items(self)
        if self._glance is None:
            return {key: of(value) for key, value in self.items()}
        return {key: self._glance(value) if type(value) is int else of(value) for key, value in held}

    def whole(self) -> dict[str, Held]:
        """All values, in a dictionary of their own."""
        return {key: self[key] for key in self}

    # A dictionary that is iterated over in a way of its own is asked for its values wherever it is copied.
    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def values(self) -> ValuesView[Held]:  # type: ignore[override]
        """All values."""
        return self.whole().values()

    def items(self) -> ItemsView[str, Held]:  # type: ignore[override]
        """All keys with their values."""
        return self.whole().items()

    def copy(self) -> dict[str, Held]:
        """All values, in a dictionary of their own."""
        return self.whole()

    def pop(self, key: str, *default: Any) -> Any:
        """Take out the value of a key."""
        if key in self:
            self[key]
        return super().pop(key, *default)

    def popitem(self) -> tuple[str, Held]:
        """Take out the last key with its value."""
        key = next(reversed(self))
        return key, self.pop(key)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, put there if there is none."""
        return self[key] if key in self else super().setdefault(key, default)

    def __eq__(self, other: object) -> bool:
        return self.whole() == (other.whole() if isinstance(other, Later) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Any) -> Any:
        return self.whole() | dict(other)

    def __ror__(self, other: Any) -> Any:
        return dict(other) | self.whole()

    def __repr__(self) -> str:
        return repr(self.whole())

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (self.whole(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Held]:
        from copy import deepcopy

        return deepcopy(self.whole(), memo)
