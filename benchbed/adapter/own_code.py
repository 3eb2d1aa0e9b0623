"""The code of an adapter: every file of the user's own that it imports, wherever it lies, and the packages it needs."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchbed.adapter.watch import asked_for, place_of
from benchbed.code import ours, read_source
from benchbed.provenance import installed, package_versions

if TYPE_CHECKING:
    pass


@dataclass
class OwnCode:
    """The user's Python files behind a model.

    Attributes
    ----------
    files : dict of Path to str
        File → digest.
    packages : set of str
        First parts of the names of installed packages that they import.
    ours : set of str
        Modules of benchbed that they import.
    """

    files: dict[Path, str]
    packages: set[str]
    ours: set[str]


def own_code(starts: Iterable[Path], modules: Iterable[str] = ()) -> OwnCode:
    """Everything of the user's that given files import, directly or through each other; read, not run.

    Parameters
    ----------
    starts : iterable of Path
        Python files.
    modules : iterable of str
        Further modules that were seen to be imported.
    """
    made = OwnCode({}, set(), set())
    waiting = [Path(os.path.realpath(path)) for path in starts]
    for module in modules:
        waiting += _resolved(module, (), made)
    while waiting:
        path = waiting.pop()
        if path in made.files or not path.is_file():
            continue
        source = read_source(path)
        made.files[path] = source.digest
        made.ours |= set(ours(source))
        for name in asked_for(path):
            waiting += _resolved(name, (), made)
        for one in source.imports:
            if one.level:
                waiting += _relative(path, one.level, one.module, one.names)
            else:
                waiting += _resolved(one.module, one.names, made)
    return made


def _relative(path: Path, level: int, module: str, names: tuple[str, ...]) -> list[Path]:
    folder = path.parents[min(level, len(path.parents)) - 1]
    base = folder.joinpath(*module.split(".")) if module else folder
    found = [base.with_suffix(".py")] if module else []
    # Packages on the way are run, too.
    steps = [folder.joinpath(*module.split(".")[:end], "__init__.py") for end in range(1, module.count(".") + 2)]
    return [*found, *(steps if module else [base / "__init__.py"]), *_below(base, names)]


def _below(base: Path, names: tuple[str, ...]) -> list[Path]:
    return [path for name in names for path in (base / f"{name}.py", base / name / "__init__.py")]


def _resolved(module: str, names: tuple[str, ...], own: OwnCode) -> list[Path]:
    """Files of the user's that an absolute import runs; of an installed package its name is noted."""
    top, *rest = module.split(".")
    if not top or top in sys.stdlib_module_names or top == "benchbed":
        return []
    spec = _spec(top)
    origins = [] if spec is None else [spec.origin, *(spec.submodule_search_locations or ())]
    if spec is None or not any(
        (origin and place_of(origin) == "own") or _without_papers(top, origin) for origin in origins
    ):
        if spec is not None:
            own.packages.add(top)
        return []
    files = [Path(spec.origin)] if spec.origin and spec.origin.endswith(".py") else []
    if spec.origin and spec.has_location and not files:
        files = [Path(spec.origin)]  # an extension that was built in place
    for location in spec.submodule_search_locations or ():
        folder = Path(location)
        for part in rest:
            files += [folder / f"{part}.py", folder / part / "__init__.py"]
            folder = folder / part
        files += _below(folder, names)
    return files


def _without_papers(top: str, origin: str | None) -> bool:
    """Whether a module lies among the installed packages, and none of them brings it."""
    return bool(origin) and place_of(str(origin)) == "package" and not package_versions([top])


def _spec(top: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return getattr(sys.modules.get(top), "__spec__", None)


def required(tops: Iterable[str]) -> dict[str, str]:
    """Versions of installed packages by name, with all that they require."""
    found: dict[str, str] = {}
    waiting = [name for top in tops for name in package_versions([top])]
    while waiting:
        name = waiting.pop()
        version, requirements = _installed(name)
        if name in found or version is None:
            continue
        found[name] = version
        waiting += requirements
    return found


@functools.lru_cache(maxsize=4096)
def _installed(name: str) -> tuple[str | None, tuple[str, ...]]:
    """Version of a package, None if it is not installed, and the names of what it requires."""
    try:
        papers = installed(name)
    except importlib.metadata.PackageNotFoundError:
        return None, ()
    lines = [line for line in papers.requires if "extra ==" not in line]
    return papers.version, tuple(re.split(r"[\s;<>=!~(\[]", line, maxsplit=1)[0] for line in lines)
