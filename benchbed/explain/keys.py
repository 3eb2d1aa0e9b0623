"""Keys of suites and of gate rules, with what their models say of each."""

from __future__ import annotations

import ast
import functools
import inspect
import operator
import textwrap
import types
import typing
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes
    ----------
    path : str
        Dotted, from the top of the file.
    about : str
        What the model says of it.
    facts : str
        Type and default.
    """

    path: str
    about: str
    facts: str

    @property
    def line(self) -> str:
        """In one line."""
        return self.about.partition("\n")[0] or self.facts

    @property
    def text(self) -> str:
        """With path, type and default."""
        return "\n".join(part for part in (self.path, self.about, self.facts) if part)


def keys_of_suites() -> dict[str, Key]:
    """Path → key, of all that a suite may say.

    Examples
    --------
    >>> print(keys_of_suites()["data.layout"].text)
    data.layout
    Registered dataset layout, e.g. `tau2022`, `esc50`, `folder`.
    str, needed
    """
    from benchbed.suite.model import Suite

    return _keys(Suite)


def keys_of_rules() -> dict[str, Key]:
    """Path → key, of all that a file of gate rules may say.

    Examples
    --------
    >>> keys_of_rules()["rules.margin.relative"].line
    'As a share of the value it is compared with; `5 %` is 0.05.'
    """
    from benchbed.gate.rules import Rules

    return _keys(Rules)


@cache
def _keys(top: type[BaseModel]) -> dict[str, Key]:
    found: dict[str, Key] = {}

    def walk(model: type[BaseModel], before: str, above: tuple[type[BaseModel], ...]) -> None:
        notes = _notes(model)
        for name, field in model.model_fields.items():
            path = f"{before}{field.alias or name}"
            inner = [part for part in _models(field.annotation) if part not in above]
            about = field.description or notes.get(name) or (inspect.getdoc(inner[0]) if len(inner) == 1 else "") or ""
            if path not in found:
                found[path] = Key(path, about, _facts(field))
            for part in inner:
                walk(part, f"{path}.", (*above, part))

    walk(top, "", (top,))
    return found


def _facts(field: FieldInfo) -> str:
    kind = _bare(field.annotation)
    named = kind.__name__ if isinstance(kind, type) else str(kind)
    for prefix in ("typing.", "benchbed.suite.model.", "benchbed.suite.conditions.", "benchbed.gate.rules."):
        named = named.replace(prefix, "")
    if field.is_required():
        return f"{named}, needed"
    default = field.get_default(call_default_factory=False) if field.default_factory is None else None
    shown = "" if field.default_factory is not None or isinstance(default, BaseModel) else f", by default {default!r}"
    return f"{named}{shown}"


def _bare(kind: object) -> object:
    """A type without what only checks it."""
    if typing.get_origin(kind) is typing.Annotated:
        return _bare(typing.get_args(kind)[0])
    inner = tuple(_bare(part) for part in typing.get_args(kind))
    if isinstance(kind, types.UnionType):
        return functools.reduce(operator.or_, inner)
    origin = typing.get_origin(kind)
    return types.GenericAlias(origin, inner) if isinstance(kind, types.GenericAlias) and origin is not None else kind


def _models(annotation: object) -> list[type[BaseModel]]:
    """Models that an annotation names, through lists, mappings and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models(part)]


def _notes(model: type[BaseModel]) -> dict[str, str]:
    """Field → the text below it in the source of its class, or of a class that it comes from."""
    notes: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if kind is BaseModel or not issubclass(kind, BaseModel):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
        assert isinstance(body, ast.ClassDef)
        for field, after in zip(body.body, body.body[1:]):
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                notes[field.target.id] = inspect.cleandoc(str(after.value.value))
    return notes
