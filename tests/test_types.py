"""What goes in and out of the rooms whose figures are the product, and of those that make them, has a type."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

#: Rooms without an `Any`, by the word here and by mypy's own flag in CI.
ROOMS = ("metrics", "stats", "outputs", "run")


def modules(repository: Path, room: str) -> list[Path]:
    return sorted((repository / "benchbed" / room).rglob("*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_of_these_rooms_says_any(repository: Path, room: str) -> None:
    said = []
    for path in modules(repository, room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
            if named == "Any":
                said.append(f"{path.relative_to(repository)}:{getattr(node, 'lineno', 1)}")
    assert len(modules(repository, room)) > 5 and not said


@pytest.mark.parametrize("room", ROOMS)
def test_every_function_of_them_says_what_it_takes_and_gives(repository: Path, room: str) -> None:
    bare = []
    for path in modules(repository, room):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            lacking = [arg.arg for arg in every if arg.annotation is None and arg.arg not in ("self", "cls")]
            if lacking or (node.returns is None and node.name != "__init__"):
                bare.append(f"{path.name}:{node.lineno} {node.name} {lacking}")
    assert not bare


def test_mypy_is_told_so(repository: Path) -> None:
    told = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    strict = [part["module"] for part in told["overrides"] if part.get("disallow_any_explicit")]
    assert strict == [[f"benchbed.{room}.*" for room in ROOMS]]
    assert all((repository / plugin).is_file() for plugin in told["plugins"])
