"""YAML with a memory: plain values, and for each of them the file, line and column it was written at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchbed.errors import ConfigError
from benchbed.nesting import Overgrown, refuse_overgrown

#: Characters of a line that is shown in a message.
LONGEST = 400
#: Path of a value inside a document, e.g. `("data", "splits", 0)`.
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Mark:
    """Where a value was written.

    Attributes
    ----------
    file : str
        File as the user named it, or the flag that gave the value.
    line, column : int
        Counted from 1; 0 where the value came from a flag.
    text : str
        The line itself.
    """

    file: str
    line: int = 0
    column: int = 0
    text: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.file
        place = f"{self.file}:{self.line}:{self.column}"
        if not self.text or len(self.text) > LONGEST:
            return place
        return f"{place}\n      {self.text.rstrip()}\n      {' ' * (self.column - 1)}^"


def read_yaml(path: Path, name: str | None = None) -> tuple[dict[str, Any], dict[Place, Mark]]:
    """Read a YAML mapping safely.

    Parameters
    ----------
    path : Path
        The file.
    name : str, optional
        How to call it in messages.

    Returns
    -------
    data : dict
        Plain dicts, lists and scalars; YAML 1.2, so `yes`, `no`, `on` and `012` are no traps.
    marks : dict
        Place of every key and item.

    Raises
    ------
    ConfigError
        Not there, not readable, not YAML, a duplicate key, a tag that would build an object, or no mapping.
    """
    name = name or str(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 text (byte {error.start})", where=name, hint="save the file as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"cannot read the file: {error.strerror}", where=name) from error
    return parse_yaml(text, name)


def parse_yaml(text: str, name: str) -> tuple[dict[str, Any], dict[Place, Mark]]:
    """A YAML mapping from its text, read as safely; see `read_yaml`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    lines = text.splitlines()

    def mark(position: tuple[int, int] | None) -> Mark:
        if position is None:
            return Mark(name)
        row, column = position
        return Mark(name, row + 1, column + 1, lines[row] if row < len(lines) else "")

    try:
        refuse_overgrown(text)
        tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        at = error.problem_mark
        where = str(mark((at.line, at.column))) if at is not None else name
        if isinstance(error, DuplicateKeyError):
            problem = str(error.problem).split("with value")[0].strip()
            raise ConfigError(
                f"{problem}: the key is written twice", where=where, hint="keep one of the two"
            ) from error
        raise ConfigError(f"not valid YAML: {error.problem}", where=where) from error
    except YAMLError as error:
        raise ConfigError(f"not valid YAML: {error}", where=name) from error
    except Overgrown as error:
        where = str(mark(None if error.line is None else (error.line - 1, 0)))
        raise ConfigError(str(error), where=where, hint="write the values out") from error
    if not isinstance(tree, dict):
        raise ConfigError("the file holds no mapping of keys to values", where=name)

    marks: dict[Place, Mark] = {(): Mark(name, 1, 1, lines[0] if lines else "")}
    return _plain(tree, (), marks, mark), marks


def _plain(node: Any, place: Place, marks: dict[Place, Mark], mark: Any) -> Any:
    tag = getattr(node, "tag", None)
    custom = getattr(tag, "value", None)
    if custom and not str(custom).startswith("tag:yaml.org,2002:"):
        raise ConfigError(f"the tag {custom} is not allowed", where=str(marks.get(place, "")), hint="remove the tag")
    lc: Any = getattr(node, "lc", None)
    if isinstance(node, dict):
        plain: dict[str, Any] = {}
        for key, value in node.items():
            inner = (*place, key)
            marks[inner] = mark(lc.key(key) if key in (lc.data or {}) else None)
            if not isinstance(key, str):
                raise ConfigError(f"the key {key!r} is not text", where=str(marks[inner]), hint=f"quote it: '{key}'")
            plain[key] = _plain(value, inner, marks, mark)
        return plain
    if isinstance(node, list):
        for index in range(len(node)):
            marks[(*place, index)] = mark(lc.item(index))
        return [_plain(value, (*place, index), marks, mark) for index, value in enumerate(node)]
    # ruamel's scalar subclasses remember their formatting; the suite needs the plain values.
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    if node is None:
        return None
    if node.__class__.__name__ == "ScalarBoolean":
        return bool(node)
    where = str(marks.get(place, ""))
    raise ConfigError(f"a {type(node).__name__} cannot stand here", where=where, hint="quote the value")
