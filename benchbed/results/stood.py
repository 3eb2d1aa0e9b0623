"""Which clips several attacks together left right: a clip stands only where no attack broke it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import reduce

from benchbed.results.record import Stood


def stood_of(robust: Mapping[str, bool]) -> Stood:
    """Clip → whether it stood, as a record keeps it.

    Examples
    --------
    >>> stood_of({"b": True, "a": False, "c": True}).bits  # a, b, c: 011 and five bits to fill
    '60'
    """
    names = sorted(robust)
    bits = "".join("1" if robust[name] else "0" for name in names)
    filled = bits.ljust(-(-len(bits) // 8) * 8, "0")
    digest = hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()
    return Stood(clips=digest, bits=f"{int(filled or '0', 2):0{len(filled) // 4}x}" if filled else "", n=len(names))


def count(stood: Stood) -> int:
    """How many clips stood."""
    return int(stood.bits or "0", 16).bit_count()


def together(parts: Sequence[Stood]) -> Stood:
    """What all of them left, of the same clips.

    Examples
    --------
    >>> one, other = stood_of({"a": True, "b": True}), stood_of({"a": True, "b": False})
    >>> count(together([one, other]))
    1
    """
    bits = reduce(lambda left, each: left & int(each.bits or "0", 16), parts[1:], int(parts[0].bits or "0", 16))
    return parts[0].model_copy(update={"bits": f"{bits:0{len(parts[0].bits)}x}" if parts[0].bits else ""})
