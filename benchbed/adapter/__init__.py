"""Models behind one predict API: the contract, loading, the torch base class and the checks."""

from benchbed.adapter.contract import Adapter, Card
from benchbed.types import Batch

__all__ = ["Adapter", "Batch", "Card", "TorchAdapter"]


def __getattr__(name: str):
    # torch takes seconds to import; only those who use the torch base class pay for it.
    if name == "TorchAdapter":
        from benchbed.adapter.torch_adapter import TorchAdapter

        return TorchAdapter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
