"""Batches that do not fit into the memory of a device: smaller ones, remembered for the model, and noted.

Which inputs share a call is part of how a figure is rounded, so that smaller batches change answers as another backend
does, within the tolerance that is stated for those; a run says that it used them.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

#: Attribute of an adapter: the most inputs that a call may take, once one did not fit.
_MOST = "_benchbed_most_inputs"

#: What drivers and libraries say of it, where they have no type of their own for it.
_WORDS = (
    *("out of memory", "cudnn_status_alloc_failed", "cublas_status_alloc_failed"),
    *("failed to allocate memory", "resource exhausted", "can't allocate memory", "defaultcpuallocator"),
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, of the device or of the machine.

    Examples
    --------
    >>> [out_of_memory(error) for error in (MemoryError(), RuntimeError("CUDA error: out of memory"), KeyError())]
    [True, True, False]
    """
    if isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "OOM", "XlaRuntimeError"):
        return True
    with contextlib.suppress(Exception):  # an error of a model's own may fail to be told
        return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)
    return False


def most_inputs(adapter: object) -> int | None:
    """Inputs that a call of a model may take; None where every batch has fitted.

    Examples
    --------
    >>> class Large: ...
    >>> model = Large()
    >>> make_room(model, 16), make_room(model, 8), most_inputs(model), most_inputs(Large())
    (8, 4, 4, None)
    """
    with contextlib.suppress(AttributeError):
        most: Any = object.__getattribute__(adapter, _MOST)
        return int(most)
    return None


def noted(adapter: object) -> dict[str, int]:
    """The same for the notes of a unit; empty where every batch has fitted."""
    most = most_inputs(adapter)
    return {} if most is None else {"most_inputs": most}


def make_room(adapter: object, inputs: int) -> int:
    """Note that so many inputs do not fit, give free memory back to the device, and say how many to try."""
    most = max(1, inputs // 2)
    with contextlib.suppress(AttributeError, TypeError):
        object.__setattr__(adapter, _MOST, most)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    return most
