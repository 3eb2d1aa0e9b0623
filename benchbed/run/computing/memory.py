"""Allocator settings for long inference runs.

glibc returns every large temporary to the system and faults it in again at the next operation; with the thresholds
raised, page faults fall by an order of magnitude (1.17 M to 72 k in the prototype that led to this) at the same peak.
"""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_large_blocks() -> bool:
    """Tell glibc to keep large blocks; does nothing elsewhere or with `BENCHBED_MALLOPT=0`.

    Returns
    -------
    bool
        Whether the settings were accepted.
    """
    if not sys.platform.startswith("linux") or os.environ.get("BENCHBED_MALLOPT") == "0":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # musl and others have no mallopt
    settings = ((_MMAP_THRESHOLD, 2**30), (_TRIM_THRESHOLD, 2**31 - 1), (_TOP_PAD, 64 * 2**20))
    accepted = [bool(mallopt(name, value)) for name, value in settings]
    return all(accepted)
