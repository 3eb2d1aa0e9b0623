"""Random streams that depend on what is drawn for, never on when or where.

Each stream is a Philox generator keyed by a blake2b hash of (protocol version, transform, parameters, example id,
draw). Order, subset, batching, worker count and machine therefore change no draw, and the global random state of
`random`, numpy and torch is neither read nor moved. Third-party code that insists on global state runs inside
`preserved_global_state`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence

#: Part of every key. A change of any stream's meaning raises it, so that old and new numbers are never mixed.
PROTOCOL = "benchbed-1"
#: One for all keys: `json.dumps` makes a new one at every call.
_WRITER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def key(*parts: Any) -> int:
    """128-bit integer key for the given parts (strings, numbers, lists, dicts), stable across processes.

    Examples
    --------
    >>> key("noise", {"snr": 10}, "esc10/a.wav", 0) == key("noise", {"snr": 10}, "esc10/a.wav", 0)
    True
    >>> key("noise", 1) == key("noise", 2)
    False
    """
    text = _WRITER.encode([PROTOCOL, *parts])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")


def stream(*parts: Any) -> np.random.Generator:
    """A numpy generator for the given parts.

    Examples
    --------
    >>> a, b = stream("wind", "clip-1"), stream("wind", "clip-1")
    >>> bool((a.standard_normal(4) == b.standard_normal(4)).all())
    True
    """
    made = np.random.Philox(_Key(key(*parts)))  # type: ignore[arg-type]  # numpy takes any source of state
    return np.random.Generator(made)


class _Key(ISeedSequence):
    """A key in the place of a seed: with `key`, Philox first gathers entropy that nobody wants."""

    def __init__(self, value: int) -> None:
        self.value = value

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        """The key's two words of 64 bits, the lower one first."""
        if n_words != 2 or np.dtype(dtype) != np.uint64:
            raise TypeError(f"a key of Philox is two words of 64 bits, not {n_words} of {np.dtype(dtype)}")
        return np.array([self.value & 0xFFFF_FFFF_FFFF_FFFF, self.value >> 64], np.uint64)


@contextlib.contextmanager
def preserved_global_state(seed: int | None = None) -> Iterator[None]:
    """Run a block that uses global random state, seeded if asked, and put every global state back after it.

    Covers `random`, `numpy.random` and, if torch is already imported, torch's CPU generator.

    Parameters
    ----------
    seed : int, optional
        Seeds the three generators inside the block, for third-party code that takes no generator.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch = sys.modules.get("torch")
    torch_state = torch.get_rng_state() if torch is not None else None
    try:
        if seed is not None:
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002
            if torch is not None:
                torch.default_generator.manual_seed(seed % 2**63)
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        if torch is not None and torch_state is not None:
            torch.set_rng_state(torch_state)
