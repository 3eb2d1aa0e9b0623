"""Working memory that is used again: fresh memory costs a page fault per 4 KiB, often more than the work done in it."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

#: Largest array that is kept, in bytes; a larger one is made each time.
KEPT_BYTES = 32 * 2**20

_held = threading.local()

# glibc returns the end of its heap to the system whenever more is free than twice the largest block it has mapped and
# got back; one such block, never written to, and clips are made without a page fault per 4 KiB.
np.empty(KEPT_BYTES // 2, np.uint8)


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array with any content, whose memory the next call with this name in this thread takes over.

    Parameters
    ----------
    name : str
        What it is for.
    shape : tuple of int
    dtype : dtype

    Examples
    --------
    >>> scratch("doc", (2, 3), np.float32).shape
    (2, 3)
    >>> bool(np.shares_memory(scratch("doc", (2, 3), np.float32), scratch("doc", (2,), np.complex64)))
    True
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > KEPT_BYTES:
        return np.empty(shape, dtype)
    block = _held.__dict__.get(name)
    if block is None or block.nbytes < size:
        block = _held.__dict__[name] = np.empty(size, np.uint8)
    return block[:size].view(dtype).reshape(shape)
