"""What may stand on a card: a word that nobody knows, or a number that cannot be, is refused where it is written."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

from benchbed.errors import AdapterError, did_you_mean
from benchbed.kinds import OUTPUTS

#: Field → the words that are known.
WORDS: dict[str, tuple[str, ...]] = {
    "array": ("", "foa", "mic", "stereo"),
    "scores": ("logits", "probabilities", "log_probabilities"),
    "pad": ("zeros", "repeat"),
    "crop": ("start", "center"),
    "window_join": ("mean", "max"),
}
_TEXT = ("name", "family", "front_end", "licence", "citation", "description")
_LISTS = ("labels", "side_information", "trained_on", "trained_with")
_WHOLE = ("sample_rate", "channels", "weight_bits")
_SECONDS = ("clip_seconds", "frame_seconds", "min_seconds", "window_hop")


def settle(card: object) -> None:
    """Refuse unknown words and values of another type; lists become tuples, and numpy's numbers plain ones.

    Raises
    ------
    AdapterError
        With the nearest known word.

    Examples
    --------
    >>> from benchbed.card import Card
    >>> print(_refusal(Card, crop="centre"))
    the card says crop='centre', which is not one of start, center
      try: did you mean 'center'?
    >>> Card("net", "cnn", "scene", ["bus", "tram"], 16000).labels
    ('bus', 'tram')
    """
    for name, known in {"output": tuple(OUTPUTS.names()), **WORDS}.items():
        given = getattr(card, name)
        if given not in known if isinstance(given, str) else True:
            hint = did_you_mean(str(given), known) or f"{name} is one of {', '.join(known)}"
            raise AdapterError(f"the card says {name}={given!r}, which is not one of {', '.join(known)}", hint=hint)
    for name in _TEXT:
        _text(name, getattr(card, name))
    for name in _LISTS:
        _put(card, name, _names(name, getattr(card, name)))
    for name in _WHOLE:
        _put(card, name, _number(name, getattr(card, name), whole=True))
    for name in _SECONDS:
        given = getattr(card, name)
        if given is not None or name == "min_seconds":
            _put(card, name, _number(name, given))
    for name in ("untrained",):
        if not isinstance(given := getattr(card, name), bool):
            raise AdapterError(f"the card says {name}={given!r}, which is not True or False")
    given = getattr(card, "label_map")  # noqa: B009  (the card is above this room, and says what it is itself)
    if not isinstance(given, Mapping):
        raise AdapterError(
            f"the card's label_map is {type(given).__name__}, not a mapping of dataset labels to labels of the model",
            hint="label_map={'dog_bark': ('Dog', 'Bark')}",
        )
    mapped = {key: _names(f"label_map[{key!r}]", value) for key, value in given.items()}
    if empty := [key for key, value in mapped.items() if not value]:
        raise AdapterError(
            f"label_map[{empty[0]!r}] names no label, and the largest of no scores is none",
            hint="leave the label out, or name what means it",
        )
    _put(card, "label_map", mapped)


def unknown_word(message: str, fields: tuple[str, ...]) -> str | None:
    """A hint where a card was given a word that it does not have, from Python's own message.

    Examples
    --------
    >>> unknown_word("Card.__init__() got an unexpected keyword argument 'sampel_rate'", ("name", "sample_rate"))
    "did you mean 'sample_rate'?"
    """
    start, _, rest = message.partition("Card.__init__() got an unexpected keyword argument '")
    if start or not rest:
        return None
    return did_you_mean(rest.partition("'")[0], fields) or f"a card has: {', '.join(fields)}"


def _put(card: object, name: str, value: object) -> None:
    object.__setattr__(card, name, value)


def _text(name: str, given: object) -> str:
    if not isinstance(given, str):
        raise AdapterError(f"the card's {name} is {type(given).__name__}, not text", hint=f"write {name}='…'")
    if name == "name" and not given.strip():
        raise AdapterError("the card's name is empty", hint="name='…' stands in tables and names the run's folder")
    return _written(name, given)


def _written(name: str, given: str) -> str:
    try:
        given.encode()
    except UnicodeEncodeError as error:
        raise AdapterError(
            f"the card's {name} is {given!r}, which no file can hold: half of a pair of characters stands alone",
            hint="text that was read with the right encoding has no such halves",
        ) from error
    return given


def _names(name: str, given: object) -> tuple[str, ...]:
    what = f"the card's {name}"
    if isinstance(given, str):
        raise AdapterError(f"{what} is one text, not a list of names", hint=f"write ({given!r},)")
    try:
        found: tuple[object, ...] = tuple(given)  # type: ignore[arg-type]
    except TypeError as error:
        raise AdapterError(f"{what} is {type(given).__name__}, not a list of names", hint="('one', 'two')") from error
    strange = [each for each in found if not isinstance(each, str)]
    if strange:
        raise AdapterError(
            f"{what} holds {strange[0]!r} ({type(strange[0]).__name__}), and names are text",
            hint="tuple(str(each) for each in …), where numbers are meant as names",
        )
    return tuple(_written(name, str(each)) for each in found)


def _number(name: str, given: Any, whole: bool = False) -> int | float:
    kind = "a whole number" if whole else "a number of seconds"
    right = isinstance(given, numbers.Real) and not isinstance(given, bool) and math.isfinite(given)
    if not right or (whole and float(given) != int(given)):
        raise AdapterError(f"the card says {name}={given!r}, which is not {kind}", hint=f"{name} is {kind}")
    return int(given) if whole else float(given)


def _refusal(kind: Callable[..., object], **words: Any) -> AdapterError | None:
    try:
        kind("net", "cnn", "scene", ("a", "b"), 16000, **words)
    except AdapterError as error:
        return error
    return None
