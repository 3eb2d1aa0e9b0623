"""The torch modules that an adapter holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def modules_of(adapter: Any, torch: Any) -> Iterator[tuple[str, Any]]:
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
