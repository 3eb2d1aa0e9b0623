"""Options that a suite hands to code, asked of the code that takes them: an unknown name or a value of another type is
found before anything is read or computed."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

from benchbed.errors import ConfigError, did_you_mean

#: Name of an option → `file:line:column`.
OptionPlace = Callable[[str], str | None]

#: A function whose keyword arguments are options.
Taking = Callable[..., object]


def check_options(
    owner: str, function: Taking, options: Mapping[str, Any], where: OptionPlace = lambda name: None
) -> None:
    """Refuse options that a function does not take.

    Parameters
    ----------
    owner : str
        What the options are of, for messages, e.g. `the layout esc50`.
    function : callable
        Its keyword-only parameters are the options.
    options : mapping
        As a suite gives them.
    where : callable, optional
        Name of an option → its place in the suite.

    Raises
    ------
    ConfigError
        An unknown option, or a value of another type than the function says.

    Examples
    --------
    >>> def read(root, *, subset: typing.Literal["esc50", "esc10"] = "esc50"): ...
    >>> check_options("the layout esc50", read, {"subset": "esc10"})
    >>> check_options("the layout esc50", read, {"subest": "esc10"})
    Traceback (most recent call last):
    benchbed.errors.ConfigError: the layout esc50 has no option 'subest'
      try: did you mean 'subset'?
    >>> check_options("the layout esc50", read, {"subset": "esc11"})
    Traceback (most recent call last):
    benchbed.errors.ConfigError: the layout esc50 says subset='esc11', which is not one of esc50, esc10
      try: did you mean 'esc10'?
    """
    from pydantic import TypeAdapter, ValidationError

    known = _kinds(function)
    for name, value in options.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"its options: {', '.join(known) or 'none'}"
            raise ConfigError(f"{owner} has no option '{name}'", where=where(name), hint=hint)
        try:
            # As in the rest of a suite, no value turns silently into another type.
            TypeAdapter(known[name]).validate_python(value, strict=True)
        except ValidationError as error:
            words = [str(word) for word in _words(known[name])]
            first = error.errors()[0]["msg"]
            why = f"is not one of {', '.join(words)}" if words else f"does not fit: {first[:1].lower()}{first[1:]}"
            raise ConfigError(
                f"{owner} says {name}={value!r}, which {why}", where=where(name), hint=did_you_mean(str(value), words)
            ) from error


@functools.cache
def _kinds(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(function)
    except NameError:  # a type that only checkers see; the function itself then says what is wrong
        hints = {}
    options = (p for p in inspect.signature(function).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY)
    return {option.name: hints.get(option.name, Any) for option in options}


def _words(kind: Any) -> tuple[Any, ...]:
    if typing.get_origin(kind) is typing.Literal:
        return typing.get_args(kind)
    return tuple(word for part in typing.get_args(kind) for word in _words(part))
