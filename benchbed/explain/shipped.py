"""What comes as files with benchbed: suites, adapters, rules of gates and campaigns."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from benchbed.explain.registered import first_line
from benchbed.suite.load import shipped_folder


def suites() -> dict[str, Path]:
    """Name → file of every shipped suite."""
    return {path.stem: path for path in sorted(shipped_folder("suites").glob("*.yaml"))}


def adapters() -> dict[str, Path]:
    """Name → file of every shipped adapter."""
    return {path.stem: path for path in sorted(shipped_folder("adapters").glob("*.py")) if path.stem != "__init__"}


def gates() -> dict[str, Path]:
    """Name → file of every shipped set of gate rules."""
    return {path.stem: path for path in sorted((shipped_folder("suites") / "gates").glob("*.yaml"))}


def campaigns() -> dict[str, Path]:
    """Name → file of every shipped campaign."""
    return {path.stem: path for path in sorted((shipped_folder("suites") / "campaigns").glob("*.yaml"))}


#: Kind → its files.
FILES: dict[str, Callable[[], dict[str, Path]]] = {
    "suites": suites,
    "adapters": adapters,
    "gates": gates,
    "campaigns": campaigns,
}


def file_line(path: Path) -> str:
    """One line about a file: the title of a suite, the comment above rules, the first sentence of an adapter.

    Examples
    --------
    >>> file_line(suites()["esc10"])
    'ESC-10'
    """
    if path.suffix == ".py":
        return first_line(path)
    text = path.read_text(encoding="utf-8")
    title = re.search(r"^title: *(.+)$", text, re.MULTILINE)
    if title:
        return title[1].strip("\"'")
    comments = [
        line.lstrip("# ") for line in text.splitlines() if line.startswith("# ") and "yaml-language" not in line
    ]
    return " ".join(comments).partition(". ")[0].rstrip(".:")


def file_text(path: Path) -> str:
    """All that a file says of itself: an adapter's docstring, or the YAML."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text.strip()
    import ast

    return (ast.get_docstring(ast.parse(text)) or "").strip()
