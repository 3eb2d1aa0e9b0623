"""Options of an adapter: text from `--set key=value` becomes the typed keyword arguments of its constructor.

The constructor's annotations are the only declaration of an option. A wrong name or value is answered with the
options there are, because a misspelt option that is ignored would measure another model than the one asked for.
"""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError

from benchbed.errors import AdapterError, ConfigError, did_you_mean
from benchbed.nesting import json_of

_NONE_WORDS = ("none", "null")


@dataclass(frozen=True)
class Option:
    """One option of an adapter.

    Attributes
    ----------
    name : str
        Key in `--set key=value`.
    kind : Any
        Its annotation, or the type of its default where there is no annotation.
    default : Any
        Value if not given; `inspect.Parameter.empty` marks an option that must be given.
    """

    name: str
    kind: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    def __str__(self) -> str:
        ending = "  (required)" if self.required else f" = {self.default!r}"
        return f"{self.name}: {_type_name(self.kind)}{ending}"


def describe_options(target: Callable[..., Any]) -> list[Option]:
    """Options of an adapter class or of a function that makes adapters, in their order.

    Examples
    --------
    >>> class Net:
    ...     def __init__(self, arch: str = "tiny", depth: int = 4): ...
    >>> [str(option) for option in describe_options(Net)]
    ["arch: str = 'tiny'", 'depth: int = 4']
    """
    return _declared(target)[0]


def choices(target: Callable[..., Any], name: str) -> tuple[Any, ...]:
    """The values that an option with a list of them takes; none if there is no such option.

    Examples
    --------
    >>> class Net:
    ...     def __init__(self, output: typing.Literal["frames", "tags"] = "frames"): ...
    >>> choices(Net, "output"), choices(Net, "arch")
    (('frames', 'tags'), ())
    """
    for option in describe_options(target):
        if option.name == name and typing.get_origin(option.kind) is typing.Literal:
            return typing.get_args(option.kind)
    return ()


def resolve_options(
    target: Callable[..., Any], given: Mapping[str, Any], *, where: str | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Typed keyword arguments for `target`, and the same with defaults in a form that JSON can hold.

    Parameters
    ----------
    target : class or function
        Whose parameters are the options.
    given : mapping
        Option name to text (from the command line) or to a value (from a suite or from Python). Text is read as the
        annotated type says: `none` where None is allowed, lists as `1,2,3` or JSON.
    where : str, optional
        Place named in errors, usually the adapter file.

    Returns
    -------
    arguments, recorded : dict, dict
        The arguments that were given, typed; and every option with its value, for the record. Recorded options may be
        given again and yield the same arguments, which is how worker processes rebuild an adapter.

    Raises
    ------
    ConfigError
        Unknown option, value of the wrong type, or required option missing.

    Examples
    --------
    >>> def adapter(depth: int = 4, widths: tuple[int, ...] = (8,), head: str | None = None): ...
    >>> resolve_options(adapter, {"depth": "6", "widths": "8,16"})[0]
    {'depth': 6, 'widths': (8, 16)}
    >>> resolve_options(adapter, {"widths": "8,16"})[1]
    {'depth': 4, 'widths': [8, 16], 'head': None}
    """
    options, takes_any = _declared(target)
    by_name = {option.name: option for option in options}
    arguments: dict[str, Any] = {}
    for name, value in given.items():
        if name in by_name:
            arguments[name] = parse_value(value, by_name[name].kind, name=name, where=where)
        elif takes_any:
            arguments[name] = value
        else:
            raise ConfigError(f"unknown adapter option '{name}'", where=where, hint=_hint(name, options))
    missing = [option.name for option in options if option.required and option.name not in arguments]
    if missing:
        listing = ", ".join(f"--set {name}=…" for name in missing)
        raise ConfigError(f"the adapter needs: {', '.join(missing)}", where=where, hint=f"{listing}\n{_table(options)}")
    recorded = {option.name: _jsonable(arguments.get(option.name, option.default)) for option in options}
    recorded.update({name: _jsonable(value) for name, value in arguments.items() if name not in recorded})
    return arguments, recorded


def parse_value(value: Any, kind: Any, *, name: str = "value", where: str | None = None) -> Any:
    """One option value as the type `kind`.

    Raises
    ------
    ConfigError
        The value does not fit; the message names the type.

    Examples
    --------
    >>> parse_value("1e-3", float), parse_value("no", bool), parse_value("none", int | None)
    (0.001, False, None)
    >>> parse_value("a, b", list[str])
    ['a', 'b']
    """
    if kind is Any or kind is inspect.Parameter.empty:
        return value
    try:
        checker: TypeAdapter[Any] = _checker(kind)
    except PydanticUserError as error:
        raise AdapterError(
            f"option '{name}' has an annotation that text cannot be turned into: {_type_name(kind)}", where=where
        ) from error
    first: ValidationError | None = None
    for candidate in _readings(value):
        try:
            checked = checker.validate_python(candidate)
            # A shell does not expand the tilde in `--set checkpoint=~/net.pt`.
            return checked.expanduser() if isinstance(checked, Path) else checked
        except ValidationError as error:
            first = first or error if candidate is not None else first
    reason = first.errors()[0]["msg"] if first else "not valid"
    raise ConfigError(f"option {name}={value!r} is not {_article(_type_name(kind))}: {reason}", where=where)


def _readings(value: Any) -> list[Any]:
    """Ways to read a value, the likeliest first; a value that is not text has one."""
    if not isinstance(value, str):
        return [value]
    readings: list[Any] = [None] if value.strip().lower() in _NONE_WORDS else []
    readings.append(value)
    with contextlib.suppress(ValueError):  # most values are not JSON; the remaining readings decide
        readings.append(json_of(value))
    readings.append([part.strip() for part in value.split(",")] if value.strip() else [])
    return readings


def _checker(kind: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(kind, config=ConfigDict(arbitrary_types_allowed=True))
    except PydanticUserError:
        # Models and dataclasses carry a configuration of their own and refuse a second one.
        return TypeAdapter(kind)


def _declared(target: Callable[..., Any]) -> tuple[list[Option], bool]:
    """Parameters of `target` as options, and whether it takes any others through `**options`."""
    function = target.__init__ if isinstance(target, type) else target  # type: ignore[misc]
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError) as error:
        # `object.__init__` and other builtins have no annotations; a name that cannot be resolved is the author's slip.
        if isinstance(error, NameError):
            raise AdapterError(
                f"an annotation of {getattr(target, '__name__', target)} names something unknown: {error}",
                hint="import it in the adapter file outside `if TYPE_CHECKING`",
            ) from error
        hints = {}
    options, takes_any = [], False
    for parameter in inspect.signature(target).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            takes_any = True
        elif parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY):
            kind = hints.get(parameter.name, inspect.Parameter.empty)
            if kind is inspect.Parameter.empty and parameter.default not in (inspect.Parameter.empty, None):
                kind = type(parameter.default)
            options.append(Option(parameter.name, kind, parameter.default))
    return options, takes_any


def _hint(name: str, options: list[Option]) -> str:
    if not options:
        return "this adapter takes no options"
    return "\n".join(filter(None, [did_you_mean(name, [option.name for option in options]), _table(options)]))


def _table(options: list[Option]) -> str:
    return "options are:\n" + "\n".join(f"    {option}" for option in options)


def _type_name(kind: Any) -> str:
    if kind is Any or kind is inspect.Parameter.empty:
        return "any"
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return " or ".join(_type_name(part) for part in typing.get_args(kind))
    if typing.get_origin(kind) is typing.Literal:
        return "one of " + ", ".join(repr(choice) for choice in typing.get_args(kind))
    if kind is type(None):
        return "none"
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    return str(kind).replace("typing.", "")


def _article(noun: str) -> str:
    if noun.startswith("one of "):
        return noun
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"


def _jsonable(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return None
    return TypeAdapter(Any).dump_python(value, mode="json", fallback=str)
