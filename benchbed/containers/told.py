"""Rare containers of libsndfile, judged by what it notes about them while it opens them."""

from __future__ import annotations

import re

#: It read a size from the header and found another one in the file.
_SHORT = re.compile(r"\(should be (\d+)\)|should be \d+$|truncated", re.MULTILINE)
#: Samples per channel that the header promises.
_PROMISED = re.compile(r"^\s*(?:Frames|Samples|Cols|.*\bCols)\s*:\s*(\d+)\s*$", re.MULTILINE)


def shortfall(log: str, frames: int) -> str | None:
    """Why a file is not whole, by libsndfile's log and the samples that it offers; None if nothing says so.

    Examples
    --------
    >>> shortfall("  Frames      : 48000\\n  Sample rate : 8000", 45596)
    'the header promises 48000 samples and 45596 are there'
    >>> shortfall("  Frames      : 48000\\n", 48000) is None
    True
    """
    if _SHORT.search(log):
        return "its header promises more than the file holds"
    promised = [int(count) for count in _PROMISED.findall(log)]
    if promised and max(promised) > frames:
        return f"the header promises {max(promised)} samples and {frames} are there"
    return None


def refused(log: str) -> str | None:
    """Why libsndfile reads something else than the samples of a file, or None."""
    if "multi-segment" in log:
        return "it has several blocks of samples, of which a decoder reads the heads as sound"
    return None
