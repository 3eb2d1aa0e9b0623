"""YAML and JSON as plain text in lists and mappings, each with its line; a key that is written twice is an error."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchbed.errors import DataError
from benchbed.nesting import Overgrown, json_of, refuse_overgrown
from benchbed.tables.cells import read_text


@dataclass(frozen=True)
class Node:
    """A text, a list or a mapping.

    Attributes
    ----------
    value : str, list of Node, or dict of str to Node
        Scalars stay as they were written: `on`, `no` and `012` are texts.
    where : str
        `file:line` in YAML, the file in JSON.
    """

    value: str | list[Node] | dict[str, Node]
    where: str

    @property
    def text(self) -> str | None:
        """The text of a scalar; None for lists and mappings."""
        return self.value if isinstance(self.value, str) else None

    def __str__(self) -> str:
        """What it holds, in few words, for messages."""
        if isinstance(self.value, str):
            return self.value
        inner = [str(part) for part in self.value][:3]
        return ", ".join(inner) + (", …" if len(self.value) > 3 else "")


def read_tree(path: Path) -> Node:
    """Read a YAML or JSON file.

    Raises
    ------
    DataError
        Not there, not of that format, or with a key that is written twice; with the line in YAML.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "labels.yaml"
    >>> _ = file.write_text("names:\\n  - on\\n  - off\\n")
    >>> tree = read_tree(file)
    >>> [node.text for node in tree.value["names"].value], tree.value["names"].where.rpartition(":")[2]
    (['on', 'off'], '2')
    """
    text = read_text(path)
    return _json(text, path) if path.suffix.lower() == ".json" else _yaml(text, path)


def _json(text: str, path: Path) -> Node:
    def pairs(given: Iterable[tuple[str, object]]) -> dict[str, object]:
        members: dict[str, object] = {}
        for key, value in given:
            if key in members:
                raise DataError(f"the key '{key}' is written twice", where=str(path), hint="keep one of the two")
            members[key] = value
        return members

    def node(value: object) -> Node:
        if isinstance(value, dict):
            return Node({key: node(inner) for key, inner in value.items()}, str(path))
        if isinstance(value, list):
            return Node([node(inner) for inner in value], str(path))
        return Node(value if isinstance(value, str) else json.dumps(value), str(path))

    try:
        return node(json_of(text, pairs))
    except json.JSONDecodeError as error:
        raise DataError(f"not valid JSON: {error.msg}", where=f"{path}:{error.lineno}:{error.colno}") from error
    except (Overgrown, RecursionError) as error:
        raise DataError("lists and mappings are nested too deep", where=str(path)) from error


def _yaml(text: str, path: Path) -> Node:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

    def node(given: object) -> Node:
        where = f"{path}:{given.start_mark.line + 1}"  # type: ignore[attr-defined]
        if isinstance(given, ScalarNode):
            return Node(str(given.value), where)
        if isinstance(given, SequenceNode):
            return Node([node(inner) for inner in given.value], where)
        nodes: dict[str, Node] = {}
        for key, value in given.value if isinstance(given, MappingNode) else ():
            name = node(key)
            if name.text is None:
                raise DataError("a key is no text", where=name.where)
            if name.text in nodes:
                raise DataError(f"the key '{name}' is written twice", where=name.where, hint="keep one of the two")
            nodes[name.text] = node(value)
        return Node(nodes, where)

    try:
        refuse_overgrown(text)
        tree = YAML(typ="base", pure=True).compose(text)
    except MarkedYAMLError as error:
        at = error.problem_mark
        place = f"{path}:{at.line + 1}:{at.column + 1}" if at is not None else str(path)
        raise DataError(f"not valid YAML: {error.problem}", where=place) from error
    except YAMLError as error:
        raise DataError(f"not valid YAML: {' '.join(str(error).split())}", where=str(path)) from error
    except Overgrown as error:
        raise DataError(str(error), where=f"{path}:{error.line}") from error
    return Node({}, str(path)) if tree is None else node(tree)
