"""Models behind one predict API: the contract, loading, the torch base class and the checks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchbed.adapter.contract import Adapter, Card
    from benchbed.adapter.torch_adapter import TorchAdapter
    from benchbed.types import Batch

#: Public name → the module that has it. torch takes seconds to import, and numpy is more than who supervises needs.
_PLACES = {
    "Adapter": "benchbed.adapter.contract",
    "Batch": "benchbed.types",
    "Card": "benchbed.adapter.contract",
    "TorchAdapter": "benchbed.adapter.torch_adapter",
}

__all__ = ["Adapter", "Batch", "Card", "TorchAdapter"]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PLACES[name]), name)
