"""Which of our own source files can have a part in a computation: the closure of its imports, read and never listed.

A key of predictions that names the modules they depend on by hand forgets some as the code grows. Here the answer comes
from the code itself: from a module to everything that it imports, at its head or inside a function, and on from there.
Files are parsed and not run, so that asking costs no import of torch.

Three things follow from how Python imports. `import a.b.c` runs the heads of `a` and of `a.b`, and nothing that stands
in their functions, so of a package that is only passed through the head alone counts. What stands under `if
TYPE_CHECKING` is never run. And a registry imports by name: a text that is the dotted name of one of our packages
stands for every module in it, unless the caller knows which one is chosen.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from benchbed.cache import cache_folder, recall, remember
from benchbed.ourfiles import of_our_files

_PACKAGE = Path(__file__).resolve().parent
_NAME = _PACKAGE.name

#: A text that is a dotted name of ours and nothing else, as a registry is given it.
_TEXT = re.compile(rb"""["'](benchbed(?:\.\w+)+)["']""")
#: A line of an example in a docstring, which is not run.
_EXAMPLE = re.compile(rb"^\s*(?:>>>|\.\.\.).*$", re.MULTILINE)

_THIS = Path(__file__).read_bytes()


@dataclass(frozen=True)
class Import:
    """One import statement.

    Attributes
    ----------
    level : int
        Dots before the module, as in `from ..net import Net`.
    module : str
        Dotted name after the dots; may be empty.
    names : tuple of str
        What is taken from the module; empty for `import module`.
    inside : bool
        It stands in a function, and is run when that is called.
    """

    level: int
    module: str
    names: tuple[str, ...]
    inside: bool


@dataclass(frozen=True)
class SourceFile:
    """A Python file as far as a closure cares.

    Attributes
    ----------
    digest : str
        blake2b of its bytes.
    imports : tuple of Import
        Its import statements.
    texts : tuple of str
        Texts in it that are dotted names of ours.
    """

    digest: str
    imports: tuple[Import, ...]
    texts: tuple[str, ...]


def read_source(path: Path) -> SourceFile:
    """Imports and digest of a Python file; a file that is not valid Python has a digest and no imports."""
    state = path.stat()
    # The change time moves with every write, also where a tool sets the time of the last change back.
    return _read_source(path, state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@lru_cache(maxsize=4096)
def _read_source(path: Path, size: int, changed: int, moved: int) -> SourceFile:
    content = path.read_bytes()
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    # Parsing is the cost of a closure, and what a text imports depends on the text alone.
    known = _Parsed.table().get(digest)
    if known is None:
        known = _Parsed.table()[digest] = _parse(content)
        _Parsed.fresh = True
    imports = tuple(Import(level, module, tuple(names), inside) for level, module, names, inside in known["imports"])
    return SourceFile(digest, imports, tuple(known["texts"]))


class _Parsed:
    """What was parsed before, by digest; kept on disk under the digest of the parser itself."""

    known: ClassVar[dict[str, Any] | None] = None
    fresh: ClassVar[bool] = False

    @classmethod
    def table(cls) -> dict[str, Any]:
        if cls.known is None:
            cls.known = recall(cls.place())
        return cls.known

    @classmethod
    def keep(cls) -> None:
        if cls.fresh:
            cls.fresh = False
            with contextlib.suppress(OSError):  # a folder that cannot be written costs time, not truth
                remember(cls.place(), cls.table())

    @staticmethod
    def place() -> Path:
        return cache_folder() / f"imports-{hashlib.blake2b(_THIS, digest_size=6).hexdigest()}.json"


def _parse(content: bytes) -> dict[str, Any]:
    try:
        imports = list(_imports(ast.parse(content).body, inside=False))
    except (SyntaxError, ValueError):
        imports = []
    texts = {text.decode() for text in _TEXT.findall(_EXAMPLE.sub(b"", content))}
    return {"imports": [[i.level, i.module, list(i.names), i.inside] for i in imports], "texts": sorted(texts)}


def _imports(body: Sequence[ast.stmt], *, inside: bool) -> Iterator[Import]:
    """Import statements of a block and of all blocks in it; expressions are not looked at, which makes it fast."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(0, alias.name, (), inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.level, node.module or "", tuple(alias.name for alias in node.names), inside)
        elif isinstance(node, ast.If) and _is_for_types(node.test):
            yield from _imports(node.orelse, inside=inside)
        else:
            below = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for name in ("body", "orelse", "finalbody"):
                yield from _imports(getattr(node, name, ()), inside=below)
            for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                yield from _imports(part.body, inside=below)


def _is_for_types(test: ast.expr) -> bool:
    return (test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")) == "TYPE_CHECKING"


@dataclass
class Closure:
    """Everything that given modules import, directly or through others.

    Attributes
    ----------
    modules : dict of str to str
        Module of ours → digest of its source.
    foreign : set of str
        First parts of the names of all other modules that are imported: the standard library and installed packages.
    """

    modules: dict[str, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    @property
    def digest(self) -> str:
        """One digest for all modules and their names."""
        text = json.dumps(sorted(self.modules.items()))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def closure(*roots: str, without: Collection[str] = (), chosen: Mapping[str, Collection[str]] | None = None) -> Closure:
    """The modules of benchbed that running `roots` can import.

    Parameters
    ----------
    roots : str
        Dotted names of modules of ours.
    without : collection of str
        Modules and packages that are known not to be run, such as attacks where nothing is attacked; nothing is
        followed through them.
    chosen : mapping, optional
        Package of a registry → names of the entries that are used, in the place of all.

    Examples
    --------
    >>> made = closure("benchbed.rng")
    >>> sorted(made.modules), "hashlib" in made.foreign
    (['benchbed', 'benchbed.rng'], True)
    """
    signature = tuple(sorted((package, tuple(sorted(names))) for package, names in (chosen or {}).items()))
    return _closure(roots, tuple(sorted(without)), signature)


#: What each module of a state leads to, and what else it imports.
_LED_TO: dict[tuple[str, Path, str, bool], tuple[list[str], Closure]] = {}


@lru_cache(maxsize=256)
def _closure(
    roots: tuple[str, ...], without: tuple[str, ...], chosen: tuple[tuple[str, tuple[str, ...]], ...]
) -> Closure:
    def made() -> list[object]:
        found = _followed(roots, without, chosen)
        return [found.modules, sorted(found.foreign)]

    modules, foreign = of_our_files(f"closure {json.dumps([roots, without, chosen])}", made)
    return Closure(dict(modules), set(foreign))


def _followed(
    roots: tuple[str, ...], without: tuple[str, ...], chosen: tuple[tuple[str, tuple[str, ...]], ...]
) -> Closure:
    reached, whole, waiting, used = Closure(), set[str](), list(roots), dict(chosen)
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in whole or _within(name, without):
            continue
        whole.add(name)
        source = read_source(path)
        reached.modules[name] = source.digest
        waiting += _led_to(name, path, source, reached, inner=True)
        for package in source.texts:
            if _is_package(package):
                entries = used.get(package)
                waiting += [f"{package}.{entry}" for entry in (entries if entries is not None else _entries(package))]
            else:
                waiting.append(package)
        # Packages on the way are run at their heads, whose imports count in full.
        parts = name.split(".")
        for parent in (".".join(parts[:end]) for end in range(1, len(parts))):
            above = _file(parent)
            if above is not None and parent not in reached.modules:
                source = read_source(above)
                reached.modules[parent] = source.digest
                waiting += _led_to(parent, above, source, reached, inner=False)
    _Parsed.keep()
    return reached


def ours(source: SourceFile) -> list[str]:
    """Modules of ours that a file outside of benchbed imports."""
    return _targets("outside", Path("outside.py"), source, Closure(), inner=True, relative=False)


def _led_to(name: str, path: Path, source: SourceFile, reached: Closure, *, inner: bool) -> list[str]:
    """`_targets`, which closures of one process share."""
    key = name, path, source.digest, inner
    if key not in _LED_TO:
        noted = Closure()
        _LED_TO[key] = _targets(name, path, source, noted, inner=inner), noted
    targets, noted = _LED_TO[key]
    reached.foreign |= noted.foreign
    for module, digest in noted.modules.items():
        reached.modules.setdefault(module, digest)
    return targets


def _targets(
    name: str, path: Path, source: SourceFile, made: Closure, *, inner: bool, relative: bool = True
) -> list[str]:
    """Modules of ours that a module imports; others are noted by the first part of their name."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found: list[str] = []
    for one in source.imports:
        if (one.inside and not inner) or (one.level and not relative):
            continue
        base = [*package[: len(package) - one.level + 1], *filter(None, [one.module])] if one.level else [one.module]
        module = ".".join(base)
        if module.split(".")[0] != _NAME:
            made.foreign.add(module.split(".")[0])
            continue
        if module == _NAME and relative:
            # Our own code takes from the top what its head holds, and none of what stands there for users by name.
            found += [each for each in (f"{module}.{part}" for part in one.names) if _file(each) is not None]
            made.modules.setdefault(_NAME, read_source(_PACKAGE / "__init__.py").digest)
            continue
        below = [f"{module}.{part}" for part in one.names]
        taken = [each for each in below if _file(each) is not None]
        # A package that only leads to its modules is passed through; one of whose own names is used is run as well.
        found += taken if taken and len(taken) == len(below) else [*taken, module]
    return found


def _within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


@lru_cache(maxsize=4096)
def _file(name: str) -> Path | None:
    first, *rest = name.split(".")
    if first != _NAME:
        return None
    # Hundreds of names are looked up in every run, and a path that is not there need not be made.
    base = os.sep.join((os.fspath(_PACKAGE), *rest))
    for path in (f"{base}{os.sep}__init__.py", f"{base}.py"):
        if (rest or path.endswith("__init__.py")) and os.path.isfile(path):
            return Path(path)
    return None


def _is_package(name: str) -> bool:
    path = _file(name) if name.startswith(f"{_NAME}.") else None
    return path is not None and path.name == "__init__.py"


def _entries(package: str) -> list[str]:
    path = _file(package)
    assert path is not None
    return sorted(child.stem for child in path.parent.glob("*.py") if child.stem != "__init__") + sorted(
        child.parent.name for child in path.parent.glob("*/__init__.py")
    )
