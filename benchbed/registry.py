"""Names of everything that can be added by adding a file.

A registry is a package folder: the name of each module in it is the registered name. Listing names reads the folder
and imports nothing, so `benchbed list` stays fast and a broken plug-in cannot break the others. A third party adds to
a registry with an entry point of the group `benchbed.<kind>`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import os
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchbed.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Registry:
    """The modules of one package, by name.

    Parameters
    ----------
    kind : str
        What is registered, in the singular; used in messages and in the entry-point group.
    package : str
        Dotted name of the package whose modules are the entries.
    beside : tuple of str
        Modules of the package that its entries share, which are no entries.

    Examples
    --------
    >>> "folder" in Registry("layout", "benchbed.data.layouts").names()
    True
    """

    kind: str
    package: str
    beside: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Registered names, sorted; nothing is imported."""
        # `find_spec` on the package imports its parents only, which are light by law.
        spec = importlib.util.find_spec(self.package)
        folders = tuple(spec.submodule_search_locations or []) if spec else ()
        own = _modules(folders, tuple(_changed(folder) for folder in folders)) - set(self.beside)
        return sorted(own | set(self._entry_points()))

    def folder(self) -> Path:
        """The folder that holds the entries that ship with benchbed."""
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(f"the {self.kind} registry has no package {self.package}")
        return Path(next(iter(spec.submodule_search_locations)))

    def get(self, name: str, *, where: str | None = None) -> ModuleType:
        """Import and return the module registered under `name`.

        Raises
        ------
        ConfigError
            No such name; the message suggests the nearest one.
        """
        if name not in self.names():
            hint = did_you_mean(name, self.names()) or f"known: {', '.join(self.names())}"
            raise ConfigError(f"unknown {self.kind} '{name}'", where=where, hint=hint)
        points = self._entry_points()
        if name in points:
            module = points[name].load()
            return module
        return importlib.import_module(f"{self.package}.{name}")

    def _entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        return _entry_points().get(f"benchbed.{self.kind}", {})


@functools.lru_cache(maxsize=64)
def _modules(folders: tuple[str, ...], changed: tuple[int, ...]) -> frozenset[str]:
    # A run asks for names hundreds of times; a folder that is as it was has the same modules.
    return frozenset(m.name for m in pkgutil.iter_modules(list(folders)) if not m.name.startswith("_"))


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


@functools.cache
def _entry_points() -> dict[str, dict[str, importlib.metadata.EntryPoint]]:
    # Looking through every installed package takes milliseconds, and what is installed does not change meanwhile.
    found = importlib.metadata.entry_points()
    ours = [group for group in found.groups if group.startswith("benchbed.")]
    return {group: {point.name: point for point in found.select(group=group)} for group in ours}
