"""What goes in and out of the rooms whose figures are the product has a type: no `Any` in them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOMS = ("metrics", "stats", "outputs")


def modules(repository: Path) -> list[Path]:
    return sorted(path for room in ROOMS for path in (repository / "benchbed" / room).rglob("*.py"))


def test_no_module_of_these_rooms_says_any(repository: Path) -> None:
    """mypy's own flag would also report every numpy array, whose type holds an `Any` of numpy's."""
    found = []
    for path in modules(repository):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
            if named == "Any":
                found.append(f"{path.relative_to(repository)}:{getattr(node, 'lineno', 1)}")
    assert len(modules(repository)) > 50 and not found


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_of_them_says_what_it_takes_and_gives(repository: Path, room: str) -> None:
    bare = []
    for path in sorted((repository / "benchbed" / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            lacking = [arg.arg for arg in every if arg.annotation is None and arg.arg not in ("self", "cls")]
            if lacking or (node.returns is None and node.name != "__init__"):
                bare.append(f"{path.name}:{node.lineno} {node.name} {lacking}")
    assert not bare
