"""The torch modules that an adapter holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from benchbed.adapter.contract import Adapter

if TYPE_CHECKING:
    import torch.nn


def modules_of(adapter: Adapter, torch: ModuleType | None) -> Iterator[tuple[str, torch.nn.Module]]:
    """Modules by the name of the attribute that holds them, each once; none where torch is None, not loaded."""
    if torch is None:
        return
    known: set[int] = set()
    for name, value in vars(adapter).items():
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else (value,)
        for module in inner:
            if isinstance(module, torch.nn.Module) and id(module) not in known:
                known.add(id(module))
                yield name, module
